"""Events, threads and months of marts, compared with the records of the sandbox."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
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
SENT, RECEIVED, BY_HAND, SCHEDULED = 1, 2, 3, 4


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
    chosen = ("+instantly__lead_events", "+instantly__threads", "+instantly__client_month")
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


def test_emails_match_the_api_and_have_their_steps(talks: Talks) -> None:
    emails = {row["id"]: row for row in talks.truth["emails"] if row["ue_type"] != SCHEDULED and "lead_id" in row}
    events = {row["email_id"]: row for row in talks.events(is_in_emails=True)}
    assert events.keys() == emails.keys()
    for key, row in emails.items():
        event = events[key]
        assert event["occurred_at"] == moment(row["timestamp_email"])
        assert (event["lead_id"], event["thread_id"], event["sender_email"]) == (
            row["lead_id"],
            row["thread_id"],
            row["eaccount"],
        )
        assert event["is_by_hand"] == (None if row["ue_type"] == RECEIVED else row["ue_type"] == BY_HAND)
        assert event["is_automatic"] == (bool(row["is_auto_reply"]) if row["ue_type"] == RECEIVED else None)
        if row["ue_type"] == SENT:
            assert event["step_number"] == int(row["step"].split("_")[1]) + 1


def test_bounces_and_unsubscriptions_without_webhook_have_no_time(talks: Talks) -> None:
    for event, status in (("bounced", -1), ("unsubscribed", -2)):
        events = talks.events(event_type=event)
        assert {row["lead_id"] for row in events} == {
            row["id"] for row in talks.truth["leads"] if row["status"] == status
        }
        assert {row["occurred_at"] for row in events} <= {None}


def test_webhooks_supply_opens_and_statuses_that_leads_no_longer_have(talks: Talks) -> None:
    opens = [row["occurred_at"] for row in talks.events(event_type="opened", lead_id=talks.opened["id"])]
    assert sorted(opens)[-2:] == [moment("2026-10-30T08:00:00Z"), moment("2026-10-30T09:00:00Z")]
    (meeting,) = talks.events(event_type="meeting", lead_id=talks.met["id"])
    assert (meeting["interest_status"], meeting["occurred_at"]) == ("Meeting Booked", moment("2026-09-30T23:59:00Z"))
    (won,) = [
        row for row in talks.events(event_type="interest", lead_id=talks.met["id"]) if row["interest_status_code"] == 4
    ]
    assert won["occurred_at"] == moment("2026-10-15T08:00:00Z")


def test_interest_matches_the_leads(talks: Talks) -> None:
    marked = {row["id"]: row["lt_interest_status"] for row in talks.truth["leads"] if "lt_interest_status" in row}
    assert len(marked) > 3
    events = [row for row in talks.events(is_in_leads=True) if row["event_type"] in {"interest", "meeting"}]
    assert {row["lead_id"]: row["interest_status_code"] for row in events} == marked
    assert {row["interest_status_code"] for row in events if row["event_type"] == "meeting"} <= {2, 3}


def test_a_meeting_counts_in_the_month_in_which_it_is_first_known(talks: Talks) -> None:
    marked = [
        row
        for row in talks.truth["leads"]
        if row.get("lt_interest_status") in {2, 3, 4} and row["id"] != talks.met["id"]
    ]
    expected = Counter(moment(row["timestamp_last_interest_change"]).date().replace(day=1) for row in marked)
    expected[datetime(2026, 9, 1).date()] += 1  # noqa: DTZ001 - a day
    rows = talks.rows("from analytics.instantly__client_month")
    assert {row["month"]: row["meeting_booked_count"] for row in rows if row["meeting_booked_count"]} == expected
    assert not any(row["are_meetings_whole"] for row in rows)


def test_threads_show_replier_response_time_and_waiting_replies(talks: Talks) -> None:
    emails: dict[str, list[Row]] = defaultdict(list)
    for row in talks.truth["emails"]:
        if row["ue_type"] != SCHEDULED:
            emails[row.get("thread_id", row["id"])].append({**row, "at": moment(row["timestamp_email"])})
    expected = {key: rows for key, rows in emails.items() if any(row["ue_type"] == RECEIVED for row in rows)}
    threads = {row["thread_id"]: row for row in talks.rows("from analytics.instantly__threads")}
    assert threads.keys() == expected.keys()
    loaded, waits = datetime.fromisoformat(LOADED_AT), set()
    for key, rows in expected.items():
        replies = sorted(
            (row for row in rows if row["ue_type"] == RECEIVED and not row["is_auto_reply"]), key=lambda row: row["at"]
        )
        by_hand = [row["at"] for row in rows if row["ue_type"] == BY_HAND]
        thread = threads[key]
        assert thread["reply_count"] == len(replies)
        assert thread["automatic_reply_count"] == sum(
            row["ue_type"] == RECEIVED and row["is_auto_reply"] for row in rows
        )
        if replies:
            first = replies[0]
            before = max(row["at"] for row in rows if row["ue_type"] != RECEIVED and row["at"] <= first["at"])
            answer = min((at for at in by_hand if at >= first["at"]), default=None)
            assert (thread["first_replied_at"], thread["first_replied_by"]) == (
                first["at"],
                first["from_address_email"],
            )
            assert thread["hours_to_reply"] == pytest.approx((first["at"] - before) / timedelta(hours=1))
            assert thread["first_answered_at"] == answer
            unanswered = [row["at"] for row in replies if not by_hand or row["at"] > max(by_hand)]
            assert thread["waiting_since"] == (unanswered[0] if unanswered else None)
            if unanswered:
                waits.add(key)
                assert thread["hours_waiting"] == pytest.approx((loaded - unanswered[0]) / timedelta(hours=1))
    assert {key for key, row in threads.items() if row["is_waiting"]} == waits
    assert 0 < len(waits) < len(threads)
    hours: dict[Any, list[float]] = defaultdict(list)
    for row in threads.values():
        if row["hours_to_answer"] is not None:
            hours[row["first_replied_at"].date().replace(day=1)].append(row["hours_to_answer"])
    months = {row["month"]: row for row in talks.rows("from analytics.instantly__client_month")}
    assert hours
    for month, values in hours.items():
        assert months[month]["answered_thread_count"] == len(values)
        assert months[month]["median_hours_to_answer"] == pytest.approx(median(values))
