"""Streams of sending accounts: settings, analytics and warm-up."""

from __future__ import annotations

from typing import ClassVar

from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.parents import ACCOUNT
from tap_instantly.streams.readers import Array, ByEmail, CursorList, OneObject
from tap_instantly.streams.slicers import AccountBatches, Parents
from tap_instantly.streams.windows import Windows


class Accounts(InstantlyStream):
    """Sending accounts (mailboxes) with their limits, warm-up state and tags.

    The key is the e-mail address, which is unique only within a workspace. In this list, ``warmup`` contains only its
    limit (reported).
    """

    name = "accounts"
    scope = "accounts"
    path = "/accounts"
    records = CursorList()
    primary_keys = ("workspace_id", "email")
    replication_key = "timestamp_updated"
    arguments: ClassVar = {"include_tags": "true"}


class AccountDetails(InstantlyStream):
    """Sending accounts with their complete warm-up configuration, one request each."""

    name = "account_details"
    scope = "accounts"
    path = "/accounts/{email}"
    slicer = Parents(ACCOUNT)
    records = OneObject()
    primary_keys = ("workspace_id", "email")
    why_deselected = "one request per account, for the warm-up settings that the list omits"


class AccountCampaignMappings(InstantlyStream):
    """Campaigns that use each sending account."""

    name = "account_campaign_mappings"
    scope = "account_campaign_mappings"
    path = "/account-campaign-mappings/{email}"
    slicer = Parents(ACCOUNT)
    records = CursorList()
    primary_keys = ("workspace_id", "email", "campaign_id")
    why_deselected = "one request per account"


class AccountAnalyticsDaily(InstantlyStream):
    """Campaign mail and bounces of each sending account by UTC day, without warm-up mail.

    A request covers at most 200 addresses.
    Unattributed figures come as a row with an empty ``email_account`` (recorded); the tap emits it as ``unknown``.
    """

    name = "account_analytics_daily"
    path = "/accounts/analytics/daily"
    slicer = Windows() * AccountBatches(200, unattributed="email_account")
    records = Array()
    primary_keys = ("workspace_id", "email_account", "date")
    replication_key = "date"
    expires = True


class AccountWarmup(InstantlyStream):
    """Warm-up totals of each sending account over the last seven days."""

    name = "account_warmup"
    scope = "accounts"
    path = "/accounts/warmup-analytics"
    http_method = "POST"
    slicer = AccountBatches(100)
    records = ByEmail("aggregate_data")
    primary_keys = ("workspace_id", "email")


class AccountWarmupDaily(InstantlyStream):
    """Warm-up of each sending account by day, for the last seven days.

    The API returns seven days only: sync at least weekly to keep a history. The API omits counters that are zero.
    """

    name = "account_warmup_daily"
    scope = "accounts"
    path = "/accounts/warmup-analytics"
    http_method = "POST"
    slicer = AccountBatches(100)
    records = ByEmail("email_date_data", daily=True)
    primary_keys = ("workspace_id", "email", "date")
    expires = True
