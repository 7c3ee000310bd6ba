"""Report a key that opens another workspace than the state's."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.support import TapRun, opening, run_tap, secret

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHER = "workspace-002"
THIRD = "workspace-003"
STREAMS = ("campaigns",)


@pytest.fixture(scope="module")
def agency() -> Iterator[sandbox.Server]:
    config = SandboxConfig(workspaces=3, campaigns=1, accounts=1, leads=5, days=3, until=UNTIL, seed=11)
    with sandbox.serve(config) as server:
        yield server


@pytest.fixture(autouse=True)
def _as_seeded(agency: sandbox.Server) -> None:
    agency.control.reset()


@pytest.fixture(scope="module")
def ids(agency: sandbox.Server) -> dict[str, str]:
    return {name: next(agency.control.within(name).truth("workspace"))["id"] for name in ("main", OTHER, THIRD)}


def named(agency: sandbox.Server, state: dict[str, Any] | None = None, **keys: str) -> TapRun:
    """Run the tap for workspaces with these names in the settings."""
    return run_tap(opening(agency, keys), streams=STREAMS, state=state)


def alone(agency: sandbox.Server, key: str, state: dict[str, Any] | None = None) -> TapRun:
    """Run the tap for a key's only workspace."""
    return run_tap({"api_key": key, "api_url": f"{agency.url}/api/v2"}, streams=STREAMS, state=state)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    caplog.clear()
    return [line for line in found if "earlier key" in line]


def test_name_whose_key_opens_another_workspace_gives_one_warning(
    agency: sandbox.Server, ids: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    first = named(agency, Harbor=agency.api_key, Pine=secret(OTHER))
    assert first.state["workspaces"] == {"Harbor": ids["main"], "Pine": ids[OTHER]}
    assert warnings(caplog) == []
    changed = named(agency, first.state, Harbor=agency.api_key, Pine=secret(THIRD))
    (line,) = warnings(caplog)
    assert line == (
        f"The key of workspace Pine opened workspace {ids[OTHER]} in the last run and now opens {ids[THIRD]}, whose "
        f"rows get that name. If this is a mistake, restore the earlier key and delete the rows of {ids[THIRD]} with "
        "that name."
    )
    named(agency, changed.state, Harbor=agency.api_key, Pine=secret(THIRD))
    assert warnings(caplog) == []


def test_swapped_keys_are_both_warned_of(agency: sandbox.Server, caplog: pytest.LogCaptureFixture) -> None:
    first = named(agency, Harbor=agency.api_key, Pine=secret(OTHER))
    named(agency, first.state, Harbor=secret(OTHER), Pine=agency.api_key)
    assert [line.partition(" opened")[0] for line in warnings(caplog)] == [
        "The key of workspace Harbor",
        "The key of workspace Pine",
    ]


def test_added_removed_renamed_or_unreachable_workspaces_give_no_warning(
    agency: sandbox.Server, caplog: pytest.LogCaptureFixture
) -> None:
    first = named(agency, Harbor=agency.api_key, Pine=secret(OTHER))
    fewer = named(agency, first.state, Harbour=agency.api_key)
    more = named(agency, fewer.state, Harbour=agency.api_key, Third=secret(THIRD), Fourth="opens-nothing")
    alone(agency, secret(OTHER), more.state)
    assert warnings(caplog) == []


@pytest.mark.parametrize("by_name", [False, True], ids=["api_key", "one of workspaces"])
def test_key_unrelated_to_the_state_gives_one_warning(
    agency: sandbox.Server, ids: dict[str, str], caplog: pytest.LogCaptureFixture, *, by_name: bool
) -> None:
    first = alone(agency, agency.api_key)  # no names, as in states of an earlier version
    assert "workspaces" not in first.state
    changed = named(agency, first.state, a=secret(OTHER)) if by_name else alone(agency, secret(OTHER), first.state)
    (line,) = warnings(caplog)
    assert line.startswith(f"No key opens a workspace of the state ({ids['main']}), so ")
    alone(agency, secret(OTHER), changed.state)
    assert warnings(caplog) == []


def test_unopened_workspace_may_be_the_one_of_the_state(
    agency: sandbox.Server, caplog: pytest.LogCaptureFixture
) -> None:
    first = alone(agency, agency.api_key)
    named(agency, first.state, a="opens-nothing", b=secret(OTHER))
    assert warnings(caplog) == []


def test_workspaces_named_by_addresses_are_distinguished(
    agency: sandbox.Server, ids: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    anna, bo = "anna@harbor.example", "bo@harbor.example"
    first = named(agency, **{anna: agency.api_key, bo: secret(OTHER)})
    assert first.state["workspaces"] == {anna: ids["main"], bo: ids[OTHER]}
    second = named(agency, first.state, **{anna: agency.api_key, bo: "opens-nothing"})
    assert warnings(caplog) == []
    named(agency, second.state, **{anna: agency.api_key, bo: secret(THIRD)})
    (line,) = warnings(caplog)
    assert f"opened workspace {ids[OTHER]} in the last run and now opens {ids[THIRD]}" in line
