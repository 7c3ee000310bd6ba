"""A pipeline with its state, and the changes of the API that it has to follow."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tests.support import api_keys, catalog_of, opening
from tests.warehouse.truth import due, named
from tools.demo.tables import TABLES
from tools.demo.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Control, Server
    from tests.warehouse.pipeline import IntoTables, Load
    from tests.warehouse.truth import Rows

WORKSPACES = ("main", "workspace-002")
LEADS = named("leads")
LATE = "2026-10-29T12:00:00.000Z"
"""Before the last day read, and within the look-back."""

NEW_FIELD, NEW_VALUE = "reply_sentiment", {"label": "positive", "scores": [0.93, None]}
EXPIRING = ("account_analytics_daily", "campaign_analytics_daily")
"""Tables that keep the days of deleted parents."""


class Life:
    """A pipeline with its state, and the API's past and present records."""

    def __init__(self, pipeline: IntoTables, agency: Server) -> None:
        self.control = agency.control
        self.control.reset()
        self.pipeline = pipeline
        self.controls = [self.control.within(name) for name in WORKSPACES]
        self.truths = [Truth(control, name) for control, name in zip(self.controls, WORKSPACES, strict=True)]
        keys = api_keys(agency, *WORKSPACES)
        self.config = opening(agency, keys, emit_activate_version_messages=True, page_size=5, max_retries=0)
        self.catalog = catalog_of(self.config, *(table.name for table in TABLES))
        self.state: dict[str, Any] | None = None
        self.added: list[str] = []
        self.carriers: set[tuple[Any, ...]] = set()

    def run(self, catalog: dict[str, Any] | None = None, **options: Any) -> Load:
        run = self.pipeline.load(self.config, catalog or self.catalog, self.state, **options)
        self.state = run.state or self.state
        return run

    def due(self, name: str) -> Rows:
        table = named(name)
        return due(self.truths, table, *((self.added, self.carriers) if table == LEADS else ()))

    def assert_identical(self) -> None:
        for table in TABLES:
            there, rows = self.due(table.name), self.pipeline.found(table)
            expiring = table.name in EXPIRING
            assert there, table.name
            assert {key: row for key, row in rows.items() if key in there or not expiring} == there, table.name

    def in_full(self, *streams: str) -> dict[str, Any]:
        catalog = copy.deepcopy(self.catalog)
        catalog["streams"] = [entry for entry in catalog["streams"] if not streams or entry["stream"] in streams]
        for entry in catalog["streams"]:
            entry["replication_method"] = "FULL_TABLE"
        return catalog


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


def add_a_field(control: Control, name: str, value: object) -> set[tuple[Any, ...]]:
    """Add a field to the leads and change one of them; return the keys that the next run reads."""
    newest = max(row["timestamp_updated"] for row in control.truth("leads"))
    control.add_field("leads", name, value)
    control.open(contacted(control)[0]["id"], at="2026-11-05T08:00:00.000Z")
    return {(row["id"],) for row in control.truth("leads") if row["timestamp_updated"] >= newest}


def delete_some(one: Control, other: Control) -> None:
    one.delete_campaign(active(one, "campaigns")["id"])
    other.delete_leads(*sorted(row["id"] for row in other.truth("leads"))[::20])
    other.delete_account(active(other, "accounts")["email"])
