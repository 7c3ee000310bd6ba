"""Events, threads and months of marts over the emails and webhook events of the sandbox."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.figures import events, months, threads
from tests.figures.building import figures_in, wrong
from tests.figures.tables import loaded_in
from tests.figures.truth import Truth
from tests.support import run_tap
from tests.transform import duck
from tests.transform.conftest import LOADED_AT
from tests.transform.package import NO_UNIT_TESTS, Dbt, unsuccessful
from tools.demo.tables import TABLES

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long

Row = dict[str, Any]
STREAMS = (*(table.name for table in TABLES), "emails", "webhook_events")
LAST = {
    "sent": "timestamp_last_contact",
    "opened": "timestamp_last_open",
    "clicked": "timestamp_last_click",
    "replied": "timestamp_last_reply",
}
TOLD = {"email_sent": "sent", "email_opened": "opened", "link_clicked": "clicked", "reply_received": "replied"}
RECEIVED, SCHEDULED = 2, 4
MARTS = ("instantly__lead_events", "instantly__threads", "instantly__client_month")


@dataclass(frozen=True)
class Talks:
    """A workspace with its e-mails and webhook events.

    Attributes:
        path: DuckDB file of the marts.
        truth: Records of the sandbox by name.
        met: A lead that webhooks saw at a meeting before it was won.
        opened: A lead that webhooks saw open an e-mail twice.
    """

    path: Path
    truth: dict[str, list[Row]]
    met: Row
    opened: Row

    def rows(self, query: str) -> list[Row]:
        return duck.rows(self.path, query)

    def events(self, **having: Any) -> list[Row]:
        rows = self.rows("from analytics.instantly__lead_events")
        return [row for row in rows if all(row[name] == value for name, value in having.items())]


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> Talks:
    size = SandboxConfig(campaigns=5, accounts=6, leads=400, emails=400, days=60, until=UNTIL, seed=3)
    with sandbox.serve(size) as server:
        control = server.control
        leads = list(control.truth("leads"))
        opened = next(row for row in leads if "timestamp_last_open" in row)
        met = next(row for row in leads if "timestamp_last_open" in row and row != opened)
        for hour in ("08", "09"):
            control.mutate(
                "deliver_webhook", event_type="email_opened", lead_id=opened["id"], at=f"2026-10-30T{hour}:00:00Z"
            )
        control.mutate(
            "deliver_webhook", event_type="lead_meeting_booked", lead_id=met["id"], at="2026-09-30T23:59:00Z"
        )
        control.change_lead("label", met["id"], "2026-10-15T08:00:00Z", interest=4)
        run = run_tap({"api_key": server.api_key, "api_url": f"{server.url}/api/v2"}, streams=STREAMS)
        path = tmp_path_factory.mktemp("talks") / "warehouse.duckdb"
        duck.fill(path, {stream: run.records(stream) for stream in STREAMS}, LOADED_AT)
        truth = {name: list(control.truth(name)) for name in ("leads", "emails", "webhook_events")}
    project = Dbt(path.parent, {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(path)})
    on = ("--vars", '{"instantly__streams_on": ["emails", "webhook_events"]}')
    chosen = [f"+{mart}" for mart in MARTS]
    # Cautious: leaves out tests that read models beyond these.
    how = ("--indirect-selection", "cautious", "--exclude", "test_name:known_codes")
    results = project.run("build", *NO_UNIT_TESTS, *how, "--select", *chosen, *on)
    assert unsuccessful(results) == {}
    return Talks(path, truth, met, opened)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None)


def second(text: str) -> datetime:
    return moment(text).replace(microsecond=0)


def test_event_from_several_sources_is_one_row(talks: Talks) -> None:
    """In the sandbox, all three have the second of an event: what they tell can be matched exactly."""
    expected: dict[tuple[str, str], set[datetime]] = defaultdict(set)
    for row in talks.truth["leads"]:
        for event, name in LAST.items():
            if name in row:
                expected[row["id"], event].add(second(row[name]))
    for row in talks.truth["emails"]:
        if row["ue_type"] != SCHEDULED and "lead_id" in row:
            expected[row["lead_id"], "replied" if row["ue_type"] == RECEIVED else "sent"].add(
                second(row["timestamp_created"])
            )
    by_address = {row["email"]: row["id"] for row in talks.truth["leads"] if "email" in row}
    for row in talks.truth["webhook_events"]:
        type_ = TOLD.get(row["payload"]["event_type"])
        if type_ and row["retry_count"] == 0:
            expected[by_address[row["lead_email"]], type_].add(second(row["payload"]["timestamp"]))
    found = Counter((row["lead_id"], row["event_type"]) for row in talks.events() if row["event_type"] in LAST)
    assert found == {key: len(moments) for key, moments in expected.items()}
    assert all(
        talks.events(event_type=event, is_in_leads=True, is_in_webhooks=True) for event in ("sent", "opened", "replied")
    )
    assert talks.events(event_type="sent", is_in_leads=True, is_in_emails=True, is_in_webhooks=True)


def test_webhooks_supply_opens_and_statuses_that_leads_no_longer_have(talks: Talks) -> None:
    opens = [row["occurred_at"] for row in talks.events(event_type="opened", lead_id=talks.opened["id"])]
    assert sorted(opens)[-2:] == [moment("2026-10-30T08:00:00Z"), moment("2026-10-30T09:00:00Z")]
    (meeting,) = talks.events(event_type="meeting", lead_id=talks.met["id"])
    assert (meeting["interest_status"], meeting["occurred_at"]) == ("Meeting Booked", moment("2026-09-30T23:59:00Z"))
    (won,) = [
        row for row in talks.events(event_type="interest", lead_id=talks.met["id"]) if row["interest_status_code"] == 4
    ]
    assert won["occurred_at"] == moment("2026-10-15T08:00:00Z")


def test_every_event_thread_and_month_equals_the_count_of_the_loaded_rows(talks: Talks) -> None:
    truth = Truth(loaded_in(talks.path, *STREAMS))
    seen = events.Events(truth)
    found = threads.threads(seen)
    expected = events.figures(truth, seen) | threads.figures(truth, found) | months.figures(truth, seen, found)
    assert list(wrong(figures_in(talks.path, MARTS), expected)) == []
    assert {mart for mart, *_ in expected} == set(MARTS)
    assert {value for key, value in expected.items() if key[-1] == "is_waiting"} == {True, False}
