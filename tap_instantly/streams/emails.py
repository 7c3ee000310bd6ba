"""Stream of the e-mails of the unified inbox."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.client import InstantlyAPIError
from tap_instantly.client.errors import SKIPPED_KINDS
from tap_instantly.settings import ALL
from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.readers import CursorList
from tap_instantly.streams.slicers import AsAsked
from tap_instantly.sync import state
from tap_instantly.sync.partition import Partition

INTEREST_STATUSES = (1, 2, 3, 4, 0, -1, -2, -3, -4)
"""Interest statuses of every workspace (spec); custom labels add others."""

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_instantly.client import Workspace
    from tap_instantly.client.page import Page
    from tap_instantly.streams.records import Record
    from tap_instantly.streams.slicers import Slice


class SortedPartition(Partition):
    """A list sorted by time. Its bookmark advances with every page, so that an interrupted run resumes there.

    If the list is not sorted after all, the bookmark returns to its value at the start, and advances only at the end.
    """

    __slots__ = ("_is_disordered", "_latest", "_reread")

    _reread: str | None

    def __init__(self, stream: InstantlyStream, workspace: Workspace) -> None:
        super().__init__(stream, workspace)
        self._latest = ""
        self._is_disordered = False

    @override
    def prepare(self, initial: dict[str, Any]) -> None:
        super().prepare(initial)
        since = _reread_from(self)
        self._reread = timestamps.floor_text(since) if since else None

    @override
    def is_new(self, row: Record) -> bool:
        return super().is_new(row) or self._is_reread(row)

    def _is_reread(self, row: Record) -> bool:
        if self._reread is None or row.get("i_status") is None:
            return False
        return timestamps.sortable(row.get("timestamp_created")) >= self._reread

    @override
    def page_arrives(self, page: Page) -> None:
        """Check the order of the timestamps before records are written.

        Ignore timestamps in the future: they would make later records look out of order.
        """
        key, start_of_run = self.stream.bookmark_key, self.state.get(state.SIGNPOST)
        for row in page if key else ():
            try:
                created = timestamps.canonical(row[key or ""])
            except (KeyError, ValueError, TypeError):
                continue
            if not super().is_new(row) or _ordinal(created) > _ordinal(start_of_run or created):
                continue
            if _ordinal(created) < _ordinal(self._latest) and not self._is_disordered:
                self._wait_for_the_end()
            self._latest = max(created, self._latest, key=_ordinal)

    def _wait_for_the_end(self) -> None:
        self._is_disordered = True
        label = self.workspace.label
        self.stream.logger.warning(
            "The e-mails of workspace %s are not in order; its bookmark moves only after the last page.", label
        )
        own, initial = self.state, self.initial_state
        state.forget(own)
        own.update({name: initial[name] for name in (state.KEY, state.VALUE) if name in initial})
        self.stream.write_state()  # replaces the loader's state, which has the later bookmark

    @override
    def page_written(self, page: Page) -> None:
        # The next run must start before a page that may lack records.
        if not self._is_disordered and not self.missing:
            self._move_bookmark()
            self.stream.write_state()

    @override
    def finish(self) -> None:
        waited = self._is_disordered and not self.missing
        super().finish()
        if waited:
            self._move_bookmark()

    def _move_bookmark(self) -> None:
        """Advance the bookmark to the latest e-mail."""
        key = self.stream.bookmark_key
        if key and _ordinal(self._latest) > _ordinal(self.state.get(state.VALUE) or ""):
            self.stream.state_manager.move(key, self._latest, self.context)


class ByInterest(AsAsked):
    """Slices of older e-mails by interest status, then all e-mails from the bookmark on.

    Older ones are re-read, since an e-mail has no timestamp of its status.
    """

    @override
    def slices(self, partition: Partition) -> Iterator[Slice]:
        until, since = partition.read_from(), _reread_from(partition)
        if until is not None and since is not None:
            start, end = timestamps.just_before(since), timestamps.text(until)
            for status in dict.fromkeys([*INTEREST_STATUSES, *_own_statuses(partition)]):
                yield {"i_status": status, "min_timestamp_created": start, "max_timestamp_created": end}
        yield {}


def _own_statuses(partition: Partition) -> list[int]:
    """Return the interest statuses of custom labels, or an empty list if the key lacks the scope."""
    try:
        labels = partition.confirmed(lambda client: list(client.paginate("/lead-labels")))
    except InstantlyAPIError as error:
        if error.kind not in SKIPPED_KINDS:
            raise
        partition.stream.logger.warning(
            "Cannot list custom labels; e-mails with these labels are not re-read: %s", error
        )
        return []
    return [status for label in labels if isinstance(status := label.get("interest_status"), int)]


def _reread_from(partition: Partition) -> datetime | None:
    """Return the start of the period in which e-mails with an interest status are re-read, or None."""
    days = partition.stream.config["emails_interest_days"]
    return timestamps.parse(partition.start) - timedelta(days=days) if days and partition.start else None


class Emails(InstantlyStream):
    """E-mails sent by campaigns or by hand, and received ones, from the bookmark on, oldest first.

    The API filters this list by time (spec) and allows 20 requests a minute (spec). The bookmark advances and the state
    is written with every page, so an interrupted run resumes there. If the list is not sorted after all, the bookmark
    returns to its value at the start, and advances only at the end. Later changes (``i_status``, ``is_unread``) are
    found within ``emails_lookback_days``, and those of ``i_status`` also within ``emails_interest_days``.
    """

    name = "emails"
    scope = "emails"
    path = "/emails"
    slicer = ByInterest()
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_created"
    since = ("min_timestamp_created", timestamps.just_before)
    partition_class = SortedPartition
    is_sorted = True
    check_sorted = False  # the SDK would abort the run
    why_deselected = "slow and unbounded: the API gives 20 pages a minute, 2,000 e-mails"

    @property
    @override
    def lookback(self) -> timedelta:
        return timedelta(days=self.config["emails_lookback_days"])

    @override
    def arguments_for(self, partition: Partition, slice_: Slice) -> dict[str, Any]:
        wanted: dict[str, Any] = {"sort_order": "asc"}
        if self.config["emails_preview_only"]:
            wanted["preview_only"] = "true"
        if self.config["emails_type"] != ALL:
            wanted["email_type"] = self.config["emails_type"]
        # A slice of re-read e-mails has its own time bounds.
        return {**wanted, **super().arguments_for(partition, {}), **self.slicer.arguments(slice_)}


def _ordinal(timestamp: str) -> str:
    """Return a string that sorts chronologically, with or without microseconds."""
    return timestamp.rstrip("Z")
