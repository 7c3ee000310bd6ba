"""Sweeps: queries for leads that may have changed, by the actions that change them.

The list of leads has no filter by time of change. Its ``queries`` find leads by actions within a number of days (spec).
The documentation does not say how days are counted, how soon a change appears, or how the server treats an unknown
query. So a sweep with contradictory answers is abandoned for a full pass.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from tap_instantly import timestamps
from tap_instantly.client import ErrorKind, InstantlyAPIError, StartingAfterPaginator
from tap_instantly.client.errors import FATAL_KINDS
from tap_instantly.client.pagination import pages_until_last
from tap_instantly.sync.ids import PremiseError, ascending, id_of_time
from tap_instantly.sync.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_instantly.client.page import Page
    from tap_instantly.streams.records import Record
    from tap_instantly.sync.partition import Partition

ACTIONS = {
    "last-contacted": "timestamp_last_contact",
    "reply": "timestamp_last_reply",
    "email-open": "timestamp_last_open",
    "link-click": "timestamp_last_click",
    "lead-status-change": "timestamp_last_interest_change",
}
"""Lead actions that the API can filter by, each with its timestamp field."""

DAY = timedelta(days=1)

SPARE = DAY
"""Safety margin of a query: its days may begin at midnight in an unknown time zone."""

UNSEEN = ("bounced_count", "unsubscribed_count")
"""Campaign totals that change with leads that no action finds."""


@dataclass(frozen=True)
class Question:
    """One list of leads that a sweep reads.

    Attributes:
        name: Name in messages.
        arguments: Arguments of the list.
        fits: Returns True if a lead answers the question.
        behind: Id behind which the list is read; None for the whole list.
        upto: Id up to which the list is read; None for the whole list.
    """

    name: str
    arguments: Mapping[str, Any]
    fits: Callable[[Record], bool]
    behind: str | None = None
    upto: str | None = None


def questions(since: datetime, now: datetime) -> Iterator[Question]:
    """Yield the independent questions: new leads, and leads by each action.

    Args:
        since: Time of the earliest change to find.
        now: Server's time at the start of the run.
    """
    # New ids begin with the time (spec). Older ids are random, and few of them are in this range.
    yield Question("new leads", {}, lambda _: True, id_of_time(since), id_of_time(now + DAY))
    days = ceil((now - since + SPARE) / DAY)
    earliest = timestamps.text(now - days * DAY - SPARE)
    for action, field in ACTIONS.items():
        query = {"actionType": action, "values": {"occurrence-days": days}}
        yield Question(action, {"queries": [query]}, _happened_after(field, earliest))


def _happened_after(field: str, earliest: str) -> Callable[[Record], bool]:
    return lambda lead: timestamps.sortable(lead.get(field)) >= earliest


def _of_campaign(campaign_id: str) -> Question:
    return Question(
        f"campaign {campaign_id}", {"campaign": campaign_id}, lambda lead: lead.get("campaign") == campaign_id
    )


class Sweep(Source["Page"]):
    """A source of leads that may have changed, followed by all leads if necessary.

    Args:
        partition: Leads in a workspace.
        since: Time of the earliest change to find.
        now: Server's time at the start of the run.
        full_pass: Source of all leads.
        is_followed: True if the full pass follows in any case. Then the sweep's own pages are not delivered.
        most: Maximum number of requests: those of a full pass.
        counted_since: Start of the bounces and unsubscribes of campaigns that are counted: the last full pass.
        covered: Those counts by campaign, as of the sweep that last read the campaign's leads.
    """

    ordered = False

    def __init__(
        self,
        partition: Partition,
        since: datetime,
        now: datetime,
        full_pass: Source[Page],
        *,
        is_followed: bool,
        most: int,
        counted_since: datetime,
        covered: Mapping[str, list[int]],
    ) -> None:
        self.found: set[str] = set()
        self.why_abandoned: str | None = None
        """Reason for which the sweep was abandoned for a full pass."""
        self.requests = 0
        self.is_followed = is_followed
        self.covered = dict(covered)
        self._counted_since = counted_since
        self._partition = partition
        self._full_pass = full_pass
        self._now = now
        self._most = most
        self._waiting: deque[Question | None] = deque([*questions(since, now), None])  # None asks for campaigns
        self._under_way = 0
        self._lock = threading.Lock()

    @property
    def needs_full_pass(self) -> bool:
        """True if a full pass must follow the sweep."""
        return self.is_followed or self.why_abandoned is not None

    def has_chain(self, *, starving: bool) -> bool:
        """Return True if another question can be asked. The full pass begins after the last answer."""
        with self._lock:
            if self._waiting or self._under_way:
                return bool(self._waiting)
        return self.needs_full_pass and self._full_pass.has_chain(starving=starving)

    def begin_chain(self) -> Iterator[Page] | None:
        """Return the pages of the next question, or of a chain of the full pass."""
        with self._lock:
            if self._waiting:
                self._under_way += 1
                return self._run(self._waiting.popleft())
            if self._under_way:
                return None
        return self._full_pass.begin_chain() if self.needs_full_pass else None

    def _run(self, question: Question | None) -> Iterator[Page]:
        try:
            if question is None:
                self._add_campaigns()
            elif self.why_abandoned is None:
                yield from self._pages_of(question)
        except InstantlyAPIError as error:
            if error.kind in FATAL_KINDS or error.kind is ErrorKind.ACCESS_LOST:
                raise
            if question is None:
                self._leave_to_full_pass(f"the totals of campaigns cannot be requested: {error}")
            else:
                self._abandon(f"{question.name} cannot be requested: {error}")
        finally:
            with self._lock:
                self._under_way -= 1

    def _pages_of(self, question: Question) -> Iterator[Page]:
        for page in self._read(question):
            with self._lock:
                self.requests += 1
            if self.requests > self._most:
                self._abandon(f"it needs more than the {self._most} requests of a full pass")
            elif odd := next((lead for lead in page if not question.fits(lead)), None):
                self._abandon(f"the response for {question.name} contains lead {odd.get('id')}, which does not match")
            elif page.missing or page.doubt:
                self._abandon(f"the response for {question.name} may lack records: {page.missing or page.doubt}")
            if self.why_abandoned is not None:
                return
            new = self._not_yet_found(page)
            if not self.is_followed:
                yield replace(page, records=new)

    def _read(self, question: Question) -> Iterator[Page]:
        def fetch(cursor: str | None) -> Page:
            return self._partition.fetch(question.arguments, cursor or question.behind)

        last = question.behind
        for page in pages_until_last(fetch, StartingAfterPaginator()):
            if question.behind is None:
                yield page
                continue
            try:
                ids = ascending(page.records, last)
            except PremiseError as reason:
                self._abandon(f"the list of leads is not ordered by id: {reason}")
                return
            kept = sum(id_ <= (question.upto or id_) for id_ in ids)
            yield replace(page, records=page.records[:kept])
            if kept < len(ids):
                return
            last = ids[-1] if ids else last

    def _not_yet_found(self, page: Page) -> list[Record]:
        with self._lock:
            new = [lead for lead in page if lead.get("id") not in self.found]
            self.found.update(str(lead.get("id")) for lead in new)
        return new

    def _add_campaigns(self) -> None:
        """Add the leads of campaigns with new bounces or unsubscribes, if that costs less than a full pass."""
        partition, size = self._partition, self._partition.client.page_size_of(self._partition.stream.path)
        start, end = (moment.date().isoformat() for moment in (self._counted_since - SPARE, self._now + DAY))
        with self._lock:
            self.requests += 1
        rows = partition.confirmed(lambda client: client.campaign_analytics(start_date=start, end_date=end))
        totals: dict[str, list[Any]] = {
            str(row.get("campaign_id")): [row.get(name) or 0 for name in UNSEEN] for row in rows
        }
        active = {name: counts for name, counts in totals.items() if any(counts) and counts != self.covered.get(name)}
        leads = [row.get("leads_count") or 0 for row in rows if str(row.get("campaign_id")) in active]
        requests = sum(1 + ceil(count / size) for count in leads)
        if active and self.requests + requests >= self._most:
            why = f"their {len(active)} campaigns need {requests} requests, more than a full pass"
            self._leave_to_full_pass(why)
            return
        self.covered |= active
        with self._lock:
            self._waiting.extend(map(_of_campaign, active))

    def _leave_to_full_pass(self, why: str) -> None:
        self._partition.stream.logger.warning(
            "Bounced and unsubscribed leads of workspace %s wait for the next full pass: %s.",
            self._partition.workspace.label,
            why.rstrip("."),
        )

    def _abandon(self, why: str) -> None:
        with self._lock:
            if self.why_abandoned is not None:
                return
            self.why_abandoned = why
        partition = self._partition
        partition.stream.logger.warning(
            "Abandoning the sweep of leads in workspace %s for a full pass: %s.",
            partition.workspace.label,
            why.rstrip("."),
        )
