"""Streams of workspace activity: audit log, background jobs, webhooks and their deliveries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from tap_instantly import timestamps
from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.readers import CursorList, LatestFirst, OneObject
from tap_instantly.streams.windows import Windows


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


class AuditLogs(InstantlyStream):
    """Audit log: the only trace of deletions (activity types 2, 3 and 7: leads, campaigns, accounts; spec)."""

    name = "audit_logs"
    scope = "audit_logs"
    path = "/audit-logs"
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp"
    since = ("start_date", timestamps.just_before)
    expires = True
    why_deselected = "unbounded, and it holds IP addresses"


class BackgroundJobs(InstantlyStream):
    """Imports, moves and other jobs, with their progress; read from the latest change back to the bookmark.

    If the API returns them in another order, the tap reads all of them.
    """

    name = "background_jobs"
    scope = "background-jobs"
    path = "/background-jobs"
    records = LatestFirst()
    primary_keys = ("id",)
    replication_key = "updated_at"
    expires = True
    arguments: ClassVar[dict[str, Any]] = {"sort_column": "updated_at", "sort_order": "desc"}
    why_deselected = "unbounded and rarely needed"


class Webhooks(InstantlyStream):
    """Webhooks of the workspace, without their headers, which contain secrets."""

    name = "webhooks"
    scope = "webhooks"
    path = "/webhooks"
    records = CursorList()
    primary_keys = ("id",)
    excluded = ("headers",)
    why_deselected = "configuration, not reporting"


class WebhookEventTypes(InstantlyStream):
    """Events that webhooks can subscribe to."""

    name = "webhook_event_types"
    path = "/webhooks/event-types"
    records = OneObject("event_types")
    primary_keys = ("workspace_id", "id")
    why_deselected = "rarely needed reference data"


class WebhookEvents(InstantlyStream):
    """Webhook deliveries with their payload and outcome.

    A run re-reads at least one day before the bookmark, since a retried delivery changes its record.
    """

    name = "webhook_events"
    scope = "webhook_events"
    path = "/webhook-events"
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_created"
    since = ("from", _day)
    least_lookback = timedelta(days=1)
    expires = True
    why_deselected = "unbounded, with whole payloads"


class WebhookEventsDaily(InstantlyStream):
    """Webhook deliveries by day."""

    name = "webhook_events_daily"
    path = "/webhook-events/summary-by-date"
    slicer = Windows(("from", "to"))
    records = OneObject("items")
    primary_keys = ("workspace_id", "date")
    replication_key = "date"
    expires = True
    why_deselected = "rarely needed"
