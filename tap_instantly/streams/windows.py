"""Slice daily figures by windows of days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.streams.parents import CAMPAIGN_WITH_FIGURES, usable
from tap_instantly.streams.slicers import Parents, Product, Slicer
from tap_instantly.sync.sources import GroupedSlices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_instantly.client.page import Page
    from tap_instantly.streams.slicers import Read, Slice
    from tap_instantly.sync.partition import Partition
    from tap_instantly.sync.sources import Source

WINDOW_DAYS = 30
"""Longest window of daily figures. The API's limit is 31 days, with or without the last day (unknown)."""

EARLIEST_DAY = date(2020, 1, 1)
"""First day to request if the key cannot read the creation date of the workspace."""


class Windows(Slicer):
    """Slices of windows of days, from the bookmark less the look-back until today.

    The look-back covers late opens, replies and opportunities, which change past days. The official document does not
    say if a window includes its last day, and a one-day call has returned two days (reported). So windows share their
    edges, and each keeps only its own days: no day is lost or duplicated. Days without activity have no row.

    Args:
        arguments: Names of the arguments for the first day and for the day after the last.
    """

    def __init__(self, arguments: tuple[str, str] = ("start_date", "end_date")) -> None:
        self._arguments = arguments

    @override
    def slices(self, partition: Partition) -> Sequence[Slice]:
        found = windows(_first_day(partition), datetime.now(timezone.utc).date() + timedelta(days=1))
        slices = [{"start_date": start.isoformat(), "end_date": end.isoformat()} for start, end in found]
        partition.expect(len(slices))
        return slices

    @override
    def arguments(self, slice_: Slice) -> dict[str, Any]:
        start, end = self._arguments
        return {start: slice_["start_date"], end: slice_["end_date"]}

    @override
    def pages(self, partition: Partition, slice_: Slice, read: Read) -> Iterator[Page]:
        start, end, day = slice_["start_date"], slice_["end_date"], partition.stream.replication_key or "date"
        for page in read(slice_):
            # No window owns a row with an invalid day: keep it here. The shaper logs it.
            records = [
                record
                for record in page
                if not isinstance(on := record.get(day), str) or start <= on < end or not timestamps.is_valid(on)
            ]
            yield replace(page, records=records)


class WindowsOfActiveCampaigns(Product):
    """Slices of each window for the campaigns active in it, which the tap lists several windows ahead."""

    def __init__(self, argument: str) -> None:
        self._windows = Windows()
        super().__init__(self._windows, Parents(CAMPAIGN_WITH_FIGURES, argument))

    @override
    def source(self, partition: Partition, read: Read) -> Source[Page]:
        windows = list(self._windows.slices(partition))
        partition.total = None  # the number of active campaigns per window is unknown

        def active_in(numbered: tuple[int, Slice]) -> Iterator[Slice]:
            number, window = numbered
            partition.start_clock()
            # With a window, the totals contain only the campaigns active in it (recorded).
            rows = partition.confirmed(
                lambda client: client.campaign_analytics(exclude_total_leads_count=True, **window)
            )
            ids = list(usable((row.get("campaign_id") for row in rows), partition.client))
            partition.note_unusable_parents(len(rows) - len(ids))
            return of_window(number, [{**window, "campaign_id": id_} for id_ in ids])

        def of_window(number: int, slices: list[Slice]) -> Iterator[Slice]:
            partition.at_window(number, len(windows))
            yield from slices

        return GroupedSlices(enumerate(windows), active_in, read)


def _first_day(partition: Partition) -> date:
    config = partition.stream.config
    start: object = config.get("start_date") or partition.workspace.timestamp_created
    earliest = timestamps.parse(str(start)).date() if timestamps.is_valid(start) else EARLIEST_DAY
    if not partition.start:
        return earliest
    lookback = timedelta(days=config["analytics_lookback_days"])
    return max(earliest, timestamps.parse(partition.start).date() - lookback)


def windows(start: date, end: date) -> Iterator[tuple[date, date]]:
    """Yield windows of at most :data:`WINDOW_DAYS` days that cover ``start`` up to but not including ``end``."""
    while start < end:
        edge = min(start + timedelta(days=WINDOW_DAYS), end)
        yield start, edge
        start = edge
