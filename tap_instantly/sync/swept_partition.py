"""Partition of leads: swept between full passes, or swept before each to compare the two."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.settings import CHECK, OFF, ON
from tap_instantly.sync import state
from tap_instantly.sync.ids import TIME_ORDERED_SINCE
from tap_instantly.sync.outcome import Outcome
from tap_instantly.sync.scan_partition import ScannedPartition
from tap_instantly.sync.sweep import ACTIONS, Sweep

if TYPE_CHECKING:
    from tap_instantly.client.page import Page
    from tap_instantly.streams.records import Record

SWEEP = "sweep"
"""State key of the sweep's mark. The bookmark beside it is that of the last full pass."""

STATE_VERSION = 1

LEAST = len(ACTIONS) + 2
"""Minimum requests of a sweep: one for each question, and one for the totals of campaigns."""

MOST_UNKNOWN = 1000
"""Maximum requests of a sweep if no full pass has been counted yet."""

STATUSES = {-1: "bounced", -2: "unsubscribed", -3: "skipped"}
"""Statuses of a lead (spec) that no action in :data:`ACTIONS` covers."""


@dataclass
class Comparison:
    """Changed leads in a full pass, compared with those that the preceding sweep found.

    Attributes:
        since: Start of the compared period: the mark that the sweep started from, or else the bookmark.
        until: End of the period; later changes may have followed the sweep.
        found: Ids that the sweep found.
        changed: Ids of the leads that changed in the period.
        kinds: Number of them by the kind of change in their records.
        kinds_found: Number that the sweep found, by kind.
    """

    since: str
    until: str
    found: set[str]
    changed: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    kinds_found: Counter[str] = field(default_factory=Counter)

    def add(self, lead: Record) -> None:
        """Count a lead of the full pass."""
        if not self.since < timestamps.sortable(lead.get("timestamp_updated")) <= self.until:
            return
        lead_id = str(lead.get("id"))
        if lead_id in self.changed:
            return  # the list is read again, sequentially
        self.changed.add(lead_id)
        kind = self._change_of(lead)
        self.kinds[kind] += 1
        self.kinds_found[kind] += lead_id in self.found

    def _change_of(self, lead: Record) -> str:
        """Return the kind of a lead's change, as far as its record shows it."""
        if timestamps.sortable(lead.get("timestamp_created")) > self.since:
            return "created"
        for action, name in ACTIONS.items():
            if timestamps.sortable(lead.get(name)) > self.since:
                return action
        return STATUSES.get(lead.get("status") or 0, "edited, moved or verified")

    def text(self, why_abandoned: str | None) -> str:
        """Return the result for the log and the summary. An abandoned sweep has found nothing."""
        if why_abandoned is not None:
            why = why_abandoned.rstrip(".")
            return f"the sweep found 0 of {len(self.changed)} changed leads, because it was abandoned: {why}"
        kinds = "; ".join(f"{kind} {self.kinds_found[kind]} of {number}" for kind, number in sorted(self.kinds.items()))
        total = f"the sweep found {self.kinds_found.total()} of {len(self.changed)} changed leads"
        return f"{total}: {kinds}" if kinds else total

    @property
    def unanswered(self) -> int:
        """Number of leads with an action; 0 if the sweep found any of them."""
        return 0 if any(self.kinds_found[kind] for kind in ACTIONS) else sum(self.kinds[kind] for kind in ACTIONS)


class SweptPartition(ScannedPartition):
    """Leads in a workspace: a run reads those that may have changed, or all.

    A full pass advances the bookmark. A sweep leaves it unchanged, so that the next full pass writes everything that
    changed since the last one began. Sweeps resume from their own mark (``sweep``).

    A run that resumes an interrupted full pass does not sweep, and reads what it would read without sweeps. Changes
    behind the earlier run's position wait for the next run in both cases: its sweep asks from the start of the pass.
    """

    __slots__ = ("_comparison", "_mark", "_since_of_pass", "_start_of_run", "_sweep")

    _sweep: Sweep | None
    _comparison: Comparison | None
    _mark: dict[str, Any] | None
    _start_of_run: Any

    @override
    def open(self) -> None:
        super().open()
        self._sweep = self._comparison = None
        self._mark = None
        self._start_of_run = now = self.signpost  # before anything is read
        initial, mode = self.initial_state, self.stream.config["leads_sweep"]
        bookmark = initial.get(state.VALUE)
        if mode == OFF or not self.start or not bookmark or state.SCAN in initial or not isinstance(now, datetime):
            return
        self._mark = mark = self._mark_of(bookmark, now)
        if mark is None and mode != CHECK:
            return  # the cost of a full pass is unknown
        between = timedelta(hours=self.stream.config["leads_full_pass_hours"])
        is_followed = mark is None or mode == CHECK or now - timestamps.parse(mark["full_pass"]) >= between
        since = timestamps.parse(bookmark if mark is None else mark["full_pass" if is_followed else "since"])
        if since < TIME_ORDERED_SINCE:
            return
        most, covered = (MOST_UNKNOWN, {}) if mark is None else (mark["requests"], mark.get("covered"))
        if not is_followed and most <= LEAST:
            return  # a full pass costs no more
        latest = max(now, self.workspace.connected_at or now)
        self._sweep = Sweep(
            self,
            since - self.stream.lookback,
            latest,
            self._scan,
            is_followed=is_followed,
            most=most,
            counted_since=since if mark is None else timestamps.parse(mark["full_pass"]),
            covered=covered if isinstance(covered, dict) and not is_followed else {},
        )
        self.source = self._sweep
        self._since_of_pass = self.since
        self._comparison = Comparison(timestamps.text(since), timestamps.text(latest), self._sweep.found)
        if not is_followed:
            self.since = timestamps.floor_text(self.earliest_since(since))

    def _mark_of(self, bookmark: str, now: datetime) -> dict[str, Any] | None:
        """Return the mark to resume from; None without a valid one, or with another bookmark than the mark's."""
        mark = self.initial_state.get(SWEEP)
        if not isinstance(mark, dict) or mark.get("version") != STATE_VERSION:
            return None
        times: list[Any] = [mark.get(name) for name in ("bookmark", "since", "full_pass")]
        requests = mark.get("requests")
        if not all(map(timestamps.is_valid, times)) or type(requests) is not int or requests < 1:
            return None
        # Times are compared as times: the SDK writes some of them in another form than the next run reads.
        of, since, full_pass = (timestamps.parse(time) for time in times)
        return mark if of == timestamps.parse(bookmark) and max(since, full_pass) <= now else None

    @property
    def _only_sweep(self) -> Sweep | None:
        """The sweep that replaced a full pass; None if a full pass was made."""
        return None if self._sweep is None or self._sweep.needs_full_pass else self._sweep

    @property
    @override
    def _is_whole(self) -> bool:
        return super()._is_whole and self._only_sweep is None

    @override
    def page_arrives(self, page: Page) -> None:
        super().page_arrives(page)
        if self._sweep is not None and self._sweep.needs_full_pass:
            self.since = self._since_of_pass
        if self._comparison is not None:
            for lead in page:
                self._comparison.add(lead)

    @override
    def finish(self) -> None:
        super().finish()
        if self._only_sweep is not None:
            state.keep_start(self.state)
        elif self._sweep is not None and self._comparison is not None:
            self._compare(self._comparison, self._sweep.why_abandoned)
        elif self._scan.premise_failed and self.stream.config["leads_sweep"] == ON:
            self.stream.logger.warning(
                "No sweep of leads in workspace %s until a full pass can read its list in ranges: new leads cannot be "
                "requested by id.",
                self.workspace.label,
            )

    def _compare(self, comparison: Comparison, why_abandoned: str | None) -> None:
        self.finding = comparison.text(why_abandoned)
        if why_abandoned is None and (number := comparison.unanswered):
            self.stream.logger.warning(
                "The sweep of leads in workspace %s found 0 of %d leads that were contacted, opened, clicked, replied "
                "or got another interest status. If that stays so, set leads_sweep to off.",
                self.workspace.label,
                number,
            )

    @override
    def state_finalized(self) -> None:
        """Set the mark for the next sweep: the state has the bookmark now."""
        super().state_finalized()
        if self.outcome is not Outcome.COMPLETE or self.stream.config["leads_sweep"] == OFF:
            return
        part, now = self.state, self._start_of_run
        if (sweep := self._only_sweep) is not None:
            part[SWEEP] = {**(self._mark or {}), "since": timestamps.text(now), "covered": sweep.covered}
        elif (bookmark := part.get(state.VALUE)) and isinstance(now, datetime):
            began = {"since": timestamps.text(now), "full_pass": timestamps.text(now)}
            # Without the premise, new leads cannot be requested: the mark is not valid.
            requests = self.requests_of_pass if self._scan.is_proven else None
            part[SWEEP] = {"version": STATE_VERSION, "bookmark": bookmark, **began, "requests": requests}
