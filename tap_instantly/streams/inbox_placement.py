"""Inbox placement: tests, where their mail landed, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.streams.parents import INBOX_PLACEMENT_TEST
from tap_instantly.streams.patterns import ArrayStream, ListStream, PerParent

if TYPE_CHECKING:
    from tap_instantly.streams.base import Slice

SUBSCRIPTION = "Inbox Placement is a subscription of its own; without it every request is refused (reported)"


class InboxPlacementTests(ListStream):
    """Inbox placement tests.

    Source: official document, ``listInboxPlacementTest``.
    """

    name = "inbox_placement_tests"
    scope = "inbox_placement_tests"
    path = "/inbox-placement-tests"
    primary_keys = ("id",)
    why_off = SUBSCRIPTION


class PlacementResults(PerParent, ListStream):
    """Results of the tests, which arrive up to hours late (reported): at least a day is read again."""

    parent = INBOX_PLACEMENT_TEST
    parent_argument = "test_id"
    primary_keys = ("id",)
    replication_key = "timestamp_created"
    least_lookback = timedelta(days=1)
    why_off = SUBSCRIPTION

    @override
    def arguments_for(self, context: Slice) -> dict[str, Any]:
        earliest = self.read_from(context)
        since = {"date_from": timestamps.text(earliest)} if earliest else {}
        return {**super().arguments_for(context), **since}


class InboxPlacementAnalytics(PlacementResults):
    """Where each e-mail of a test landed.

    Source: official document, ``listInboxPlacementAnalytics``.
    """

    name = "inbox_placement_analytics"
    scope = "inbox_placement_analytics"
    path = "/inbox-placement-analytics"


class InboxPlacementReports(PlacementResults):
    """Blacklist and SpamAssassin reports of the sending domains of a test.

    Source: official document, ``listInboxPlacementBlacklistAndSpamAssassinReport``.
    """

    name = "inbox_placement_reports"
    scope = "inbox_placement_reports"
    path = "/inbox-placement-reports"


class PlacementFigures(PerParent, ArrayStream):
    """Figures of a test that the API works out itself."""

    scope = "inbox_placement_analytics"
    http_method = "POST"
    parent = INBOX_PLACEMENT_TEST
    parent_argument: ClassVar = "test_id"
    why_off = SUBSCRIPTION


class InboxPlacementStats(PlacementFigures):
    """Totals of a test.

    Source: official document, ``getInboxPlacementAnalyticsStatsByTestId``.
    """

    name = "inbox_placement_stats"
    path = "/inbox-placement-analytics/stats-by-test-id"
    primary_keys = ("test_id",)

    @override
    def arguments_for(self, context: Slice) -> dict[str, Any]:
        return {"test_ids": [context["test_id"]]}


class InboxPlacementStatsDaily(PlacementFigures):
    """Figures of a test by day.

    Source: official document, ``getInboxPlacementAnalyticsStatsByDate``.
    """

    name = "inbox_placement_stats_daily"
    path = "/inbox-placement-analytics/stats-by-date"
    primary_keys = ("test_id", "timestamp_created_date")
    expires = True


class InboxPlacementInsights(PlacementFigures):
    """Deliverability of a test by provider of sender and recipient.

    Source: official document, ``getInboxPlacementAnalyticsDeliverabilityInsights``.
    """

    name = "inbox_placement_insights"
    path = "/inbox-placement-analytics/deliverability-insights"
    primary_keys = ("test_id", "sender_esp", "recipient_esp")


class InboxPlacementEspOptions(ArrayStream):
    """Providers and regions that tests can send to.

    Source: official document, ``getInboxPlacementTestESPOptions``.
    """

    name = "inbox_placement_esp_options"
    path = "/inbox-placement-tests/email-service-provider-options"
    primary_keys = ("workspace_id", "region", "sub_region", "type", "esp")
    why_off = SUBSCRIPTION
