"""E-mails of the unified inbox."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_instantly import timestamps
from tap_instantly.streams.patterns import ListStream

if TYPE_CHECKING:
    from tap_instantly.streams.base import Slice


class Emails(ListStream):
    """E-mails sent by campaigns, by hand, and received, oldest first from the bookmark on.

    The one list that the API filters by time (spec); it allows 20 requests a minute (spec). The state is written at
    every page, so that a run that is cut off goes on where it was. What changes later (``i_status``, ``is_unread``) is
    seen only within ``emails_lookback_days``.
    Source: official document, ``listEmail``.
    """

    name = "emails"
    scope = "emails"
    path = "/emails"
    primary_keys = ("id",)
    replication_key = "timestamp_created"
    is_sorted = True
    why_off = "slow and unbounded: the API gives 20 pages a minute, 2,000 e-mails"

    STATE_MSG_FREQUENCY = 100

    @property
    @override
    def check_sorted(self) -> bool:
        # What is read again starts behind the bookmark, which the SDK would take for disorder.
        return not self.lookback

    @property
    @override
    def lookback(self) -> timedelta:
        return timedelta(days=self.config["emails_lookback_days"])

    @override
    def arguments_for(self, context: Slice) -> dict[str, Any]:
        asked: dict[str, Any] = {"sort_order": "asc"}
        if self.config["emails_preview_only"]:
            asked["preview_only"] = "true"
        if bookmark := self.bookmark(context):
            # Whether the server takes the bound as inclusive is not documented: it is set one millisecond early.
            since = bookmark - self.lookback - timedelta(milliseconds=1)
            asked["min_timestamp_created"] = timestamps.text(since)
        return asked
