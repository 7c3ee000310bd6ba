"""What happened in the workspace: audit log, background jobs, webhooks and their deliveries."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.streams.patterns import DailyStream, ListStream, ObjectStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_instantly.streams.base import Slice
    from tap_instantly.streams.records import Record


class AuditLogs(ListStream):
    """Who did what; the only trace of deletions (activity types 2, 3 and 7: leads, campaigns, accounts; spec).

    Source: official document, ``listAuditLog``.
    """

    name = "audit_logs"
    scope = "audit_logs"
    path = "/audit-logs"
    primary_keys = ("id",)
    replication_key = "timestamp"
    expires = True
    why_off = "unbounded, and it holds IP addresses"

    @override
    def arguments_for(self, context: Slice) -> dict[str, Any]:
        # Whether the server takes the bound as inclusive is not documented: it is set one millisecond early.
        earliest = self.read_from(context)
        return {"start_date": timestamps.text(earliest - timedelta(milliseconds=1))} if earliest else {}


class BackgroundJobs(ListStream):
    """Imports, moves and other jobs, with their progress; read from the latest change back to the bookmark.

    Where they do not come in that order, all of them are read.
    Source: official document, ``listBackgroundJob``.
    """

    name = "background_jobs"
    scope = "background-jobs"
    path = "/background-jobs"
    primary_keys = ("id",)
    replication_key = "updated_at"
    expires = True
    arguments: ClassVar[dict[str, Any]] = {"sort_column": "updated_at", "sort_order": "desc"}
    why_off = "unbounded, of interest to few"

    @override
    def pages(self, context: Slice) -> Iterator[list[Record]]:
        latest: str | None = None
        in_order = True
        for page in super().pages(context):
            times = [_moment(record.get("updated_at")) for record in page]
            if in_order and not _descend(times if latest is None else [latest, *times]):
                in_order = False
                self.logger.warning("Background jobs come in another order than asked for: all of them are read.")
            ends = in_order and bool(page) and not self.is_new(page[-1], context)
            latest = next((time for time in reversed(times) if time), latest)
            yield page
            if ends:
                return


class Webhooks(ListStream):
    """Webhooks of the workspace. Their headers hold secrets and are left out.

    Source: official document, ``listWebhook``.
    """

    name = "webhooks"
    scope = "webhooks"
    path = "/webhooks"
    primary_keys = ("id",)
    left_out = ("headers",)
    why_off = "configuration, not reporting"


class WebhookEventTypes(ObjectStream):
    """Events that webhooks can subscribe to.

    Source: official document, ``listWebhookEventTypes``.
    """

    name = "webhook_event_types"
    path = "/webhooks/event-types"
    primary_keys = ("workspace_id", "id")
    records_at = "event_types"
    why_off = "reference data of interest to few"


class WebhookEvents(ListStream):
    """Deliveries of webhooks with their payload and outcome.

    At least the last day before the bookmark is read again, since a delivery that is tried again changes its record.
    Source: official document, ``listWebhookEvent``.
    """

    name = "webhook_events"
    scope = "webhook_events"
    path = "/webhook-events"
    primary_keys = ("id",)
    replication_key = "timestamp_created"
    least_lookback = timedelta(days=1)
    expires = True
    why_off = "unbounded, with whole payloads"

    @override
    def arguments_for(self, context: Slice) -> dict[str, Any]:
        earliest = self.read_from(context)
        return {"from": earliest.date().isoformat()} if earliest else {}


class WebhookEventsDaily(DailyStream, ObjectStream):
    """Deliveries of webhooks by day.

    Source: official document, ``getWebhookEventsSummaryByDate``.
    """

    name = "webhook_events_daily"
    path = "/webhook-events/summary-by-date"
    primary_keys = ("workspace_id", "date")
    replication_key = "date"
    records_at = "items"
    window_arguments = ("from", "to")
    why_off = "of interest to few"


def _moment(value: Any) -> str:  # noqa: ANN401 (any JSON)
    """A timestamp in the one form that compares as moments do; empty where it is none."""
    try:
        return timestamps.canonical(value)
    except (ValueError, TypeError):
        return ""


def _descend(times: list[str]) -> bool:
    stated = [time for time in times if time]
    return all(later >= earlier for later, earlier in pairwise(stated))
