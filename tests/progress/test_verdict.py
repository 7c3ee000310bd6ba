"""Last lines of `--test`."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import ApiKey, SandboxConfig
from tap_instantly.streams import STREAMS
from tap_instantly.sync.completeness import IncompleteError
from tap_instantly.tap import TapInstantly
from tests.conftest import UNTIL
from tests.support import FAST, CollectingWriter, run_tap, secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Server

ALL = len(STREAMS)
PARENTS = {stream.slicer.parent for stream in STREAMS if stream.slicer.parent}


@pytest.fixture
def verdict(guarded: Server, caplog: pytest.LogCaptureFixture) -> Any:
    """Return the last lines of a test with these settings, which fails or not."""
    caplog.set_level(logging.INFO)
    guarded.control.reset()
    config = {"api_key": guarded.api_key, "api_url": f"{guarded.url}/api/v2", "max_retries": 0, **FAST}

    def run(fails: str | None = None, **settings: Any) -> list[str]:
        tap = TapInstantly(config={**config, **settings}, message_writer=CollectingWriter())
        with pytest.raises(IncompleteError, match=fails) if fails else nullcontext():
            tap.run_connection_test()
        lines = caplog.messages
        start = max(number for number, line in enumerate(lines) if " streams can be read" in line)
        return lines[start:]

    return run


def test_unreadable_streams_are_named_with_the_missing_scopes_and_fail_if_strict(verdict: Any) -> None:
    first, second = verdict("leads", api_key=secret("campaigns-only"), strict=True)
    readable = int(first.split()[0])
    assert 0 < readable < ALL
    assert second.startswith("Cannot be read (unauthorized): ")
    named, _, advice = second.removeprefix("Cannot be read (unauthorized): ").partition(". Give the API key ")
    assert len(named.split(", ")) == ALL - readable
    assert {"leads", "accounts", "account_analytics_daily"} <= set(named.split(", "))
    assert {"leads:read", "accounts:read"} <= set(advice.split(", "))
    assert advice.endswith("or all:read, which covers all.")


def test_each_reason_has_a_line_and_only_an_error_fails_the_test(guarded: Server, verdict: Any) -> None:
    guarded.control.fault("/api/v2/lead-labels", "status", status=404, body={"message": "Resource not found"})
    guarded.control.fault("/api/v2/webhooks", "status", status=402, body={"message": "not in your plan"}, count=2)
    guarded.control.fault("/api/v2/api-keys", "status", status=500, count=None)
    first, *others = verdict(r"Sync incomplete: api_keys \(")
    assert first == f"{ALL - 3} of {ALL} streams can be read."
    assert sorted(others) == [
        "Cannot be read (no active plan): webhooks.",
        "Cannot be read (not found): lead_labels.",
        "Cannot be read (server error): api_keys.",
    ]


def test_unreadable_workspaces_are_named(verdict: Any) -> None:
    entries = [{"name": "Narrow", "api_key": secret("nothing")}, {"name": "Broad", "api_key": secret("workspace-002")}]
    first, *others = verdict(api_key=None, workspaces=entries)
    assert first.endswith("streams can be read in every workspace.")
    assert others[0].startswith("Cannot be read in Narrow (unauthorized): ")
    assert not any("Broad" in line for line in others)


# Scopes of each stream


SCOPES = {stream.name: stream.scopes for stream in TapInstantly(config={}, validate_config=False).discover_streams()}

EACH = sorted({scope for scopes in SCOPES.values() for scope in scopes})


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """Two workspaces, and keys with a few scopes or without one of them."""
    keys = [ApiKey("everything"), ApiKey("nothing", scopes=("none:read",))]
    keys.append(ApiKey("campaigns-only", scopes=("campaigns:read",)))
    keys += [ApiKey(f"not-{scope}", scopes=tuple(other for other in EACH if other != scope)) for scope in EACH]
    size = SandboxConfig(2, 3, 4, leads=20, emails=30, days=20, until=UNTIL, seed=8, keys=tuple(keys))
    with sandbox.serve(size) as server:
        yield server


OF_PARENTS = sorted({f"{name}:read" for parent in PARENTS for name in parent.scopes})


@pytest.mark.parametrize(
    "scope", [OF_PARENTS[0], *(pytest.param(name, marks=pytest.mark.long) for name in OF_PARENTS[1:])]
)
def test_each_stream_needs_exactly_its_documented_scopes(guarded: Server, scope: str) -> None:
    guarded.control.reset()
    settings = {"api_url": f"{guarded.url}/api/v2", "max_retries": 0, "api_key": secret(f"not-{scope}")}
    run = run_tap(settings)
    skipped = {name for name, stream in run.tap.streams.items() if stream.counts.remarks("skipped")}
    assert skipped == {name for name, scopes in SCOPES.items() if scope in scopes}
