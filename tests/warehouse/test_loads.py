"""Postgres after full and incremental loads equals the API, row for row."""

from __future__ import annotations

import copy
import itertools
import signal
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.support import api_keys, catalog_of, opening
from tests.warehouse.pipeline import Pipeline, Stop
from tests.warehouse.truth import due, found, named
from tools.demo.tables import TABLES
from tools.demo.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox import Control, Server
    from tests.warehouse.postgres import Postgres

WORKSPACES = ("main", "workspace-002")
FAST = {"use_copy": True, "batch_size_rows": 100_000}
"""Settings that docs/postgres.md recommends, besides ``validate_records: false``, which all these tests use."""

LATE = "2026-10-29T12:00:00.000Z"
"""Before the last day read, and within the look-back."""

NEW_FIELD, NEW_VALUE = "reply_sentiment", {"label": "positive", "scores": [0.93, None]}
EXPIRING = ("account_analytics_daily", "campaign_analytics_daily")
"""Tables that keep the days of deleted parents."""

_numbers = itertools.count()


@pytest.fixture(scope="module")
def agency() -> Iterator[Server]:
    size = SandboxConfig(2, 4, 5, leads=100, emails=5, days=20, until=UNTIL, seed=12)
    with sandbox.serve(size) as server:
        yield server


@pytest.fixture(autouse=True)
def _as_seeded(agency: Server) -> None:
    agency.control.reset()


@pytest.fixture
def controls(agency: Server) -> list[Control]:
    return [agency.control.within(name) for name in WORKSPACES]


@pytest.fixture
def truths(controls: list[Control]) -> list[Truth]:
    return [Truth(control, name) for control, name in zip(controls, WORKSPACES, strict=True)]


@pytest.fixture(scope="module")
def config(agency: Server) -> dict[str, Any]:
    keys = api_keys(agency, *WORKSPACES)
    return opening(agency, keys, emit_activate_version_messages=True, page_size=5, max_retries=0)


@pytest.fixture(scope="module")
def catalog(config: dict[str, Any]) -> dict[str, Any]:
    return catalog_of(config, *(table.name for table in TABLES))


class Loaded(NamedTuple):
    """A database after its first load, and the resulting state."""

    database: str
    state: dict[str, Any]


@pytest.fixture(scope="module")
def loaded(
    postgres: Postgres,
    agency: Server,
    config: dict[str, Any],
    catalog: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Loaded]:
    """A database after one full load."""
    agency.control.reset()
    with postgres.database("loaded_once") as database:
        run = Pipeline(postgres, database, tmp_path_factory.mktemp("loaded")).load(config, catalog, **FAST)
        assert run.exit_code == 0
        assert run.state is not None
        yield Loaded(database, run.state)


@pytest.fixture
def pipeline(postgres: Postgres, loaded: Loaded, tmp_path: Path) -> Iterator[Pipeline]:
    with postgres.database(f"loads_{next(_numbers)}", like=loaded.database) as database:
        yield Pipeline(postgres, database, tmp_path)


def contacted(control: Control) -> list[dict[str, Any]]:
    """Return leads that received e-mails: others can neither open nor reply."""
    return [row for row in control.truth("leads") if "campaign" in row and row.get("last_step_id")]


def active(control: Control, resource: str) -> dict[str, Any]:
    return next(row for row in control.truth(resource) if row.get("status") == 1)


def opens_replies_and_new_leads(control: Control) -> None:
    one, two, three, late = contacted(control)[:4]
    at = "2026-11-01T10:00:00.123Z"
    control.open(one["id"], at=at)
    control.click(two["id"], at=at)
    control.reply(three["id"], at=at)
    control.reply(late["id"], at=LATE)
    control.open(late["id"], at=at)
    control.add_leads(3, campaign=late["campaign"], at=at)
    control.add_leads(1, list_id=next(control.truth("lead_lists"))["id"], at=at)


def new_and_renamed_campaigns_accounts_and_lists(control: Control) -> None:
    at = "2026-11-02T10:00:00.000Z"
    control.update_campaign(active(control, "campaigns")["id"], name='Autumn, "second": 50% näher\n\tdran \\', at=at)
    new = control.add_campaign("A new one", at=at)["id"]
    control.add_leads(2, campaign=new, at=at)
    control.update_campaign(new, name="", at=at)
    control.pause_account(active(control, "accounts")["email"], at=at)
    control.add_account("someone@new.example", at=at)
    control.add_lead_list(at=at)


def shorter_sequences_more_mails_and_automatic_replies(control: Control) -> None:
    at = "2026-11-04T23:59:59.999Z"
    campaign = next(row for row in control.truth("campaigns") if row.get("sequences"))
    sequence = campaign["sequences"][0]
    assert len(sequence["steps"]) > 1
    shorter = [{**sequence, "steps": sequence["steps"][:-1]}]
    control.update_campaign(campaign["id"], sequences=shorter, at=at)
    control.send(campaign["id"], 7, at=at)
    lead = contacted(control)[5]
    control.reply(lead["id"], automatic=True, at=at)
    control.open(lead["id"], at=at)


ROUNDS: tuple[Callable[[Control], None], ...] = (
    opens_replies_and_new_leads,
    new_and_renamed_campaigns_accounts_and_lists,
    shorter_sequences_more_mails_and_automatic_replies,
)


def assert_identical(pipeline: Pipeline, truths: list[Truth], **leads: Any) -> None:
    for table in TABLES:
        assert found(pipeline, table) == due(truths, table, **(leads if table.name == "leads" else {})), table.name


@pytest.mark.long
def test_postgres_matches_the_api_after_every_kind_of_change(
    pipeline: Pipeline,
    controls: list[Control],
    truths: list[Truth],
    config: dict[str, Any],
    catalog: dict[str, Any],
    loaded: Loaded,
) -> None:
    assert [table.name for table in TABLES if not due(truths, table)] == []
    assert_identical(pipeline, truths)
    state: dict[str, Any] | None = loaded.state

    def load(catalog: dict[str, Any]) -> dict[str, Any] | None:
        run = pipeline.load(config, catalog, state, hard_delete=True, **FAST)
        assert run.exit_code == 0
        return run.state

    for change in ROUNDS:
        for control in controls:
            change(control)
        state = load(catalog)
        assert_identical(pipeline, truths)

    carriers = set()
    for control in controls:
        newest = max(row["timestamp_updated"] for row in control.truth("leads"))
        control.add_field("leads", NEW_FIELD, NEW_VALUE)
        control.open(contacted(control)[0]["id"], at="2026-11-05T08:00:00.000Z")
        carriers |= {(row["id"],) for row in control.truth("leads") if row["timestamp_updated"] >= newest}
    state = load(catalog)
    assert_identical(pipeline, truths, added_fields=[NEW_FIELD], carriers=carriers)

    one, other = controls
    one.delete_campaign(active(one, "campaigns")["id"])
    other.delete_leads(*sorted(row["id"] for row in other.truth("leads"))[::20])
    other.delete_account(active(other, "accounts")["email"])
    in_full = copy.deepcopy(catalog)
    for entry in in_full["streams"]:
        entry["replication_method"] = "FULL_TABLE"
    state = load(in_full)
    every_lead = {(row["id"],) for control in controls for row in control.truth("leads")}
    for table in TABLES:
        rows, there = found(pipeline, table), due(truths, table, [NEW_FIELD], every_lead)
        kept = {key: rows.get(key) for key in there} if table.name in EXPIRING else rows
        assert kept == there, table.name


@pytest.mark.parametrize(
    ("who", "how"),
    [
        ("tap", signal.SIGKILL),
        pytest.param("tap", signal.SIGTERM, marks=pytest.mark.long),
        pytest.param("loader", signal.SIGKILL, marks=pytest.mark.long),
    ],
    ids=lambda value: str(getattr(value, "name", value)),
)
def test_run_after_a_kill_loses_nothing_and_doubles_nothing(
    pipeline: Pipeline,
    agency: Server,
    truths: list[Truth],
    config: dict[str, Any],
    loaded: Loaded,
    who: str,
    how: signal.Signals,
) -> None:
    leads, lists = named("leads"), named("lead_lists")
    before = found(pipeline, leads)
    for control in (agency.control.within(name) for name in WORKSPACES):
        opens_replies_and_new_leads(control)
        control.add_leads(40, list_id=next(control.truth("lead_lists"))["id"], at="2026-11-01T11:00:00.000Z")
    wanted = due(truths, leads)
    assert before != wanted

    def partly_loaded() -> bool:
        return found(pipeline, leads) != before

    agency.control.config(latency_ms=25)
    catalog, slow = catalog_of(config, "leads", "lead_lists"), {**config, "concurrency": 2}
    stop = Stop(how, 30, once=partly_loaded if who == "loader" else None)
    run = pipeline.load(slow, catalog, loaded.state, stop=stop, batch_size_rows=10)
    assert (run.exit_code, run.loader_exit_code) != (0, 0)
    assert before != found(pipeline, leads) != wanted
    agency.control.config(latency_ms=0)
    assert pipeline.load(config, catalog, run.state or loaded.state).exit_code == 0
    assert found(pipeline, leads) == wanted
    assert found(pipeline, lists) == due(truths, lists)
