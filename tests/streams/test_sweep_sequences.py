"""Any sequence of changes, doubts, sweeps, full passes and kills ends with the API's leads."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import sandbox
from sandbox import SandboxConfig
from sandbox.clock import stamp
from tap_instantly import timestamps
from tap_instantly.streams.base import InstantlyStream
from tap_instantly.tap import TapInstantly
from tests.support import run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator

ACTED = ("contact", "open", "click", "reply", "label")
HIDDEN = ("edit_lead", "move_lead", "bounce")
COMPARED = ("timestamp_updated", "first_name", "campaign", "list_id", "status", "lt_interest_status")
DAY = 86_400_000
PAGE = 5
EXAMPLES = 60 if settings.get_current_profile_name() == "drawn" else 5

AS_DOCUMENTED = {"lead_queries": "any", "query_days_from_midnight": False, "query_lag_seconds": 0.0}
DOUBTS = (
    {},
    {"lead_queries": "all"},
    {"lead_queries": "ignored"},
    {"lead_queries": "unsupported"},
    {"query_days_from_midnight": True},
    {"query_lag_seconds": 1800.0},
    {"query_lag_seconds": 1e9},  # queries never find anything
)


@dataclass(frozen=True)
class Run:
    """A run of the tap; only the first share of its messages arrives."""

    mode: str = "on"
    share: float = 1.0
    in_full: bool = False


@dataclass(frozen=True)
class Change:
    """A change of a lead."""

    kind: str
    number: int


@dataclass(frozen=True)
class Doubt:
    """Another behaviour of the server."""

    behaviour: int


class DayLater:
    """The last full pass becomes a day older."""

    def __repr__(self) -> str:
        return "DayLater()"


changes = st.builds(Change, st.sampled_from([*ACTED, *HIDDEN, "create", "delete"]), st.integers(0, 11))
runs = st.builds(
    Run,
    st.sampled_from(["on", "on", "on", "check", "off"]),
    st.just(1.0) | st.floats(0, 1),
    st.sampled_from([False, False, False, True]),
)
doubts = st.builds(Doubt, st.integers(0, len(DOUBTS) - 1))
steps_of_all = st.lists(changes | changes | runs | runs | doubts | st.builds(DayLater), min_size=6, max_size=16)


@pytest.fixture(scope="module")
def small() -> Iterator[sandbox.Server]:
    with (
        sandbox.serve(SandboxConfig(campaigns=3, accounts=2, leads=150, until="2026-10-31")) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        # A killed run leaves ranges of a short list: it is split, and the state is written after each page.
        patch.setattr("tap_instantly.sync.range_splitting.OVERHEAD", 1.0)
        patch.setattr("tap_instantly.sync.scan_partition.UNWRITTEN_RECORDS", 1)
        patch.setattr(InstantlyStream, "STATE_MSG_FREQUENCY", PAGE)
        yield server


class Warehouse:
    """Leads as a loader keeps them, with their state, and with the changes that they may lack.

    Attributes:
        journal: Changes so far: the lead, and whether no sweep sees it.
        passed: Number of changes before the last complete full pass began.
        swept: Number of changes before the last sweep or full pass began.
        purged: Number of changes before the last full pass began that told about deletions.
        interrupted: Number of changes before the pass began that can be resumed, and whether it is a full refresh.
    """

    def __init__(self, api: sandbox.Server) -> None:
        self.api = api
        self.rows: dict[str, tuple[int | None, tuple[Any, ...]]] = {}
        self.state: dict[str, Any] | None = None
        self.behaviour: dict[str, Any] = {}
        self.journal: list[tuple[str, bool]] = []
        self.deleted: dict[str, int] = {}
        self.passed = self.swept = self.purged = 0
        self.is_begun = False  # true after the first complete pass
        self.interrupted: tuple[int, bool] | None = None
        self._moment = int(time.time() * 1000)

    @property
    def part(self) -> dict[str, Any]:
        found = (self.state or {}).get("bookmarks", {}).get("leads", {}).get("partitions") or [{}]
        part: dict[str, Any] = found[0]
        return part

    @property
    def last_full_pass(self) -> Any:
        return self.part.get("sweep", {}).get("full_pass")

    def run(self, run: Run) -> bool:
        """Load a run's messages, or the first share of them; return true after a complete full pass."""
        began, before, scan = len(self.journal), self.last_full_pass, self.part.get("scan")
        resumes = self._resumes(run)
        if resumes:
            event("resumed")
        messages = self._messages(run)
        arrived = messages[: round(run.share * len(messages))]
        for message in arrived:
            self._load(message)
        if resumes and self.interrupted is not None:
            began = self.interrupted[0]
        if any(message["type"] == "STATE" for message in messages[len(arrived) :]):
            if self.part.get("scan") != scan:
                self.interrupted = (began, run.in_full) if "scan" in self.part else None
            return False
        self.interrupted = None
        self.is_begun = True
        is_whole = resumes or run.in_full or run.mode != "on" or self.last_full_pass != before
        if is_whole:
            self.passed = began
        elif self.behaviour.get("query_lag_seconds"):
            late = [(lead, True) for lead, _ in self.journal[self.swept : began]]
            self.journal[self.swept : began] = late
        self.swept = began
        if any(message["type"] == "ACTIVATE_VERSION" for message in arrived):
            self.purged = began
        return is_whole

    def _resumes(self, run: Run) -> bool:
        """Return true if a run resumes the interrupted pass: of its own kind, or the first of all."""
        if self.interrupted is None:
            return False
        was_in_full = self.interrupted[1]
        return was_in_full == run.in_full or (was_in_full and "replication_key_value" not in self.part)

    def _messages(self, run: Run) -> list[dict[str, Any]]:
        config = {
            "api_key": self.api.api_key,
            "api_url": f"{self.api.url}/api/v2",
            "leads_sweep": run.mode,
            "page_size": PAGE,
            "concurrency": 3,
            "lookback_hours": 0,
            "max_requests_per_second": 10_000,
            "emit_activate_version_messages": True,
        }
        self._moment += 1000  # versions are seconds
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TapInstantly, "initialized_at", self._moment)
            return run_tap(config, streams=("leads",), state=self.state, full_table=run.in_full).messages

    def _load(self, message: dict[str, Any]) -> None:
        if message["type"] == "RECORD":
            record = message["record"]
            self.rows[record["id"]] = (message.get("version"), tuple(record.get(name) for name in COMPARED))
        elif message["type"] == "STATE":
            self.state = message["value"]
        elif message["type"] == "ACTIVATE_VERSION":
            self.rows = {id_: row for id_, row in self.rows.items() if row[0] == message["version"]}

    def let_a_day_pass(self) -> None:
        if (moment := self.last_full_pass) is not None:
            self.part["sweep"]["full_pass"] = stamp(int(timestamps.parse(moment).timestamp() * 1000) - DAY)

    def doubt(self, behaviour: dict[str, Any]) -> None:
        self.behaviour = behaviour
        self.api.control.config(**{**AS_DOCUMENTED, **behaviour})

    def change(self, change: Change) -> None:
        leads = [row["id"] for row in self.api.control.truth("leads") if "campaign" in row]
        lead = str(leads[change.number % len(leads)])
        if change.kind == "create":
            lead = str(self.api.control.add_leads(1)[0]["id"])
        elif change.kind == "delete":
            self.api.control.delete_leads(lead)
            self.deleted[lead] = len(self.journal)
        else:
            place = next(iter(self.api.control.truth("lead_lists")))["id"]
            details = {
                "label": {"interest": change.number},
                "edit_lead": {"first_name": f"N{change.number}"},
                "move_lead": {"list_id": place},
            }
            self.api.control.mutate(change.kind, lead_id=lead, **details.get(change.kind, {}))
        self.journal.append((lead, change.kind in HIDDEN))

    def check(self) -> None:
        """Check that nothing is older than it may be, and that no lead remains that a full refresh found deleted."""
        lacking = {lead: place for place, (lead, _) in enumerate(self.journal)}
        may_lack = {
            lead
            for lead, place in lacking.items()
            if place >= self.passed and (place >= self.swept or self.journal[place][1])
        }
        assert not self.is_begun or self.differing() <= may_lack
        assert {lead for lead, place in self.deleted.items() if place < self.purged} & self.rows.keys() == set()

    def differing(self) -> set[str]:
        truth = {row["id"]: tuple(row.get(name) for name in COMPARED) for row in self.api.control.truth("leads")}
        return {id_ for id_, row in truth.items() if id_ not in self.rows or self.rows[id_][1] != row}


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps=steps_of_all)
def test_only_changes_hidden_from_sweeps_are_stale_until_a_full_pass(
    small: sandbox.Server, steps: list[Change | Run | Doubt | DayLater]
) -> None:
    small.control.reset()
    warehouse = Warehouse(small)
    warehouse.doubt({})
    for step in steps:
        if isinstance(step, Run):
            warehouse.run(step)
            warehouse.check()
        elif isinstance(step, Change):
            warehouse.change(step)
        elif isinstance(step, Doubt):
            warehouse.doubt(DOUBTS[step.behaviour])
        else:
            warehouse.let_a_day_pass()
    warehouse.run(Run())  # the rest of an interrupted pass
    warehouse.check()
    warehouse.let_a_day_pass()
    assert warehouse.run(Run())
    assert warehouse.differing() == set()
    assert warehouse.run(Run(in_full=True))
    assert warehouse.rows.keys() == {row["id"] for row in small.control.truth("leads")}
