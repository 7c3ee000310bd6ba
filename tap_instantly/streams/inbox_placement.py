"""Streams of inbox placement: tests, placements of their e-mails, and reports."""

from __future__ import annotations

from datetime import timedelta

from tap_instantly import timestamps
from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.parents import INBOX_PLACEMENT_TEST
from tap_instantly.streams.readers import Array, CursorList
from tap_instantly.streams.slicers import Parents

SUBSCRIPTION = "Inbox Placement needs a separate subscription; without it the API refuses every request (reported)"

BY_TEST = Parents(INBOX_PLACEMENT_TEST, "test_id")


class InboxPlacementTests(InstantlyStream):
    """Inbox placement tests."""

    name = "inbox_placement_tests"
    scope = "inbox_placement_tests"
    path = "/inbox-placement-tests"
    records = CursorList()
    primary_keys = ("id",)
    why_deselected = SUBSCRIPTION


class InboxPlacementAnalytics(InstantlyStream):
    """Placement of each e-mail of a test.

    Results arrive up to hours late (reported): every run re-reads at least one day.
    """

    name = "inbox_placement_analytics"
    scope = "inbox_placement_analytics"
    path = "/inbox-placement-analytics"
    slicer = BY_TEST
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_created"
    least_lookback = timedelta(days=1)
    since = ("date_from", timestamps.text)
    why_deselected = SUBSCRIPTION


class InboxPlacementReports(InstantlyStream):
    """Blacklist and SpamAssassin reports on the sending domains of a test.

    Results arrive up to hours late (reported): every run re-reads at least one day.
    """

    name = "inbox_placement_reports"
    scope = "inbox_placement_reports"
    path = "/inbox-placement-reports"
    slicer = BY_TEST
    records = CursorList()
    primary_keys = ("id",)
    replication_key = "timestamp_created"
    least_lookback = timedelta(days=1)
    since = ("date_from", timestamps.text)
    why_deselected = SUBSCRIPTION


class InboxPlacementStats(InstantlyStream):
    """Totals of each inbox placement test."""

    name = "inbox_placement_stats"
    scope = "inbox_placement_analytics"
    path = "/inbox-placement-analytics/stats-by-test-id"
    http_method = "POST"
    slicer = Parents(INBOX_PLACEMENT_TEST, "test_ids", as_list=True)
    records = Array()
    primary_keys = ("test_id",)
    why_deselected = SUBSCRIPTION


class InboxPlacementStatsDaily(InstantlyStream):
    """Analytics of each inbox placement test by day."""

    name = "inbox_placement_stats_daily"
    scope = "inbox_placement_analytics"
    path = "/inbox-placement-analytics/stats-by-date"
    http_method = "POST"
    slicer = BY_TEST
    records = Array()
    primary_keys = ("test_id", "timestamp_created_date")
    expires = True
    why_deselected = SUBSCRIPTION


class InboxPlacementInsights(InstantlyStream):
    """Deliverability of each test by provider of sender and recipient."""

    name = "inbox_placement_insights"
    scope = "inbox_placement_analytics"
    path = "/inbox-placement-analytics/deliverability-insights"
    http_method = "POST"
    slicer = BY_TEST
    records = Array()
    primary_keys = ("test_id", "sender_esp", "recipient_esp")
    why_deselected = SUBSCRIPTION


class InboxPlacementEspOptions(InstantlyStream):
    """Providers and regions available to tests."""

    name = "inbox_placement_esp_options"
    path = "/inbox-placement-tests/email-service-provider-options"
    records = Array()
    primary_keys = ("workspace_id", "region", "sub_region", "type", "esp")
    why_deselected = SUBSCRIPTION
