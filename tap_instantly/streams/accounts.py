"""Sending accounts, their figures and their warm-up."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, cast

from typing_extensions import override

from tap_instantly.api import ErrorKind, InstantlyAPIError
from tap_instantly.api.decode import decoded
from tap_instantly.api.pagination import objects
from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.parents import ACCOUNT
from tap_instantly.streams.patterns import UNATTRIBUTED, ArrayStream, DailyStream, ListStream, ObjectStream, PerParent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import requests
    from singer_sdk.helpers.types import Context

    from tap_instantly.streams.base import Slice
    from tap_instantly.streams.records import Record

ACCOUNTS_PER_ANALYTICS_CALL = 200
ACCOUNTS_PER_WARMUP_CALL = 100


class Accounts(ListStream):
    """Sending accounts (mailboxes) with their limits, warm-up state and tags.

    The e-mail address is the only key, and unique within a workspace alone. ``warmup`` is abbreviated to its limit in
    this list (reported).
    Source: official document, ``listAccount``.
    """

    name = "accounts"
    scope = "accounts"
    path = "/accounts"
    primary_keys = ("workspace_id", "email")
    replication_key = "timestamp_updated"
    arguments: ClassVar = {"include_tags": "true"}


class AccountDetails(PerParent, ObjectStream):
    """Sending accounts one by one, with the whole of their warm-up configuration.

    Source: official document, ``getAccount``.
    """

    name = "account_details"
    scope = "accounts"
    path = "/accounts/{email}"
    parent = ACCOUNT
    primary_keys = ("workspace_id", "email")
    why_off = "one request per account, for the part of the warm-up settings that the list leaves out"


class AccountCampaignMappings(PerParent, ListStream):
    """Which campaigns each sending account is used in.

    Source: official document, ``getAccountCampaignMapping``.
    """

    name = "account_campaign_mappings"
    scope = "account_campaign_mappings"
    path = "/account-campaign-mappings/{email}"
    parent = ACCOUNT
    primary_keys = ("workspace_id", "email", "campaign_id")
    why_off = "one request per account"


class BatchedByAccount(InstantlyStream):
    """Mixed into a stream that is asked for with many addresses at once.

    Where the API finds a request too large (413, reported), it is halved, and at last by days where it has any.
    """

    parent = ACCOUNT
    accounts_per_call: ClassVar[int]

    def batches(self, context: Slice) -> Iterator[dict[str, Any]]:
        """The addresses of the workspace, in parts."""
        emails = self.ids_of(ACCOUNT, context)
        for start in range(0, len(emails), self.accounts_per_call):
            yield {"emails": emails[start : start + self.accounts_per_call]}

    @override
    def slices(self, context: Context) -> Iterator[Slice]:
        batches = list(self.batches(context))
        self.expect(context, len(batches))
        for slice_ in super().slices(context):
            for batch in batches:
                yield {**slice_, **batch}

    @override
    def arguments_for(self, context: Slice) -> dict[str, Any]:
        return {**super().arguments_for(context), "emails": context["emails"]}

    @override
    def pages(self, context: Slice) -> Iterator[list[Record]]:
        try:
            yield from super().pages(context)
        except InstantlyAPIError as error:
            if error.kind is not ErrorKind.TOO_LARGE or not (halves := _halved(context)):
                raise
            self.logger.info("Too large a request, asked for again in halves: %s", error)
            for half in halves:
                yield from self.pages(half)


class AccountAnalyticsDaily(BatchedByAccount, DailyStream, ArrayStream):
    """Campaign mail of each sending account on each UTC day, with its bounces; warm-up mail is not in it.

    Asked for in batches of at most 200 addresses.
    What could not be attributed comes as a row with an empty ``email_account`` (recorded); it is kept, as ``unknown``.
    Source: official document, ``getDailyAccountAnalytics``.
    """

    name = "account_analytics_daily"
    path = "/accounts/analytics/daily"
    primary_keys = ("workspace_id", "email_account", "date")
    replication_key = "date"
    accounts_per_call = ACCOUNTS_PER_ANALYTICS_CALL

    @override
    def slices(self, context: Context) -> Iterator[Slice]:
        windows, batches = list(self.windows(context)), list(self.batches(context))
        self.expect(context, len(windows) * len(batches))
        for window in windows:
            for number, batch in enumerate(batches):
                yield {**context, **window, **batch, "first_batch": number == 0}

    @override
    def pages(self, context: Slice) -> Iterator[list[Record]]:
        for page in super().pages(context):
            yield list(self._attributed(page, first_batch=context["first_batch"]))

    def _attributed(self, page: list[Record], *, first_batch: bool) -> Iterator[Record]:
        for row in page:
            if row.get("email_account") != "":
                yield row
            elif first_batch:  # it comes with every batch, whatever the addresses
                yield {**row, "email_account": UNATTRIBUTED}


class AccountWarmup(BatchedByAccount):
    """Warm-up of each sending account, summed over the last seven days.

    Source: official document, ``getWarmupAnalytics``.
    """

    name = "account_warmup"
    scope = "accounts"
    path = "/accounts/warmup-analytics"
    http_method = "POST"
    primary_keys = ("workspace_id", "email")
    accounts_per_call = ACCOUNTS_PER_WARMUP_CALL

    @override
    def parse_response(self, response: requests.Response) -> Iterator[Record]:
        for email, figures in _by_email(response, "aggregate_data").items():
            yield {**figures, "email": email}


class AccountWarmupDaily(BatchedByAccount):
    """Warm-up of each sending account on each of the last seven days.

    The API gives no more than seven days: sync at least weekly to keep a history. Counters that are zero are left out.
    Source: official document, ``getWarmupAnalytics``.
    """

    name = "account_warmup_daily"
    scope = "accounts"
    path = "/accounts/warmup-analytics"
    http_method = "POST"
    primary_keys = ("workspace_id", "email", "date")
    accounts_per_call = ACCOUNTS_PER_WARMUP_CALL
    expires = True

    @override
    def parse_response(self, response: requests.Response) -> Iterator[Record]:
        for email, days in _by_email(response, "email_date_data").items():
            for day, figures in days.items():
                # Figures that are none are a record of their day all the same, with what was there beside it.
                yield {**(figures if isinstance(figures, dict) else {"figures": figures}), "email": email, "date": day}


def _halved(context: Slice) -> list[dict[str, Any]]:
    """The same request in two, by its addresses or, for a single one, by its days; none where it cannot be halved."""
    emails: Sequence[str] = context["emails"]
    if len(emails) > 1:
        middle = len(emails) // 2
        first, second = {**context, "emails": emails[:middle]}, {**context, "emails": emails[middle:]}
        return [first, {**second, "first_batch": False}]
    if "start_date" not in context:
        return []
    start, end = date.fromisoformat(context["start_date"]), date.fromisoformat(context["end_date"])
    if (end - start).days < 2:  # noqa: PLR2004 (a day cannot be halved)
        return []
    edge = (start + (end - start) / 2).isoformat()
    return [{**context, "end_date": edge}, {**context, "start_date": edge}]


def _by_email(response: requests.Response, name: str) -> Mapping[str, Any]:
    answer = decoded(response)
    found = answer.get(name) if isinstance(answer, dict) else None
    objects(response, list(found.values()) if isinstance(found, dict) else None, f"no object with {name}")
    return {email: figures for email, figures in cast("Mapping[str, Any]", found).items() if isinstance(figures, dict)}
