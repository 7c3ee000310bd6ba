"""Leads, the lists that hold them, and what is said about them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from singer_sdk.pagination import OffsetPaginator
from typing_extensions import override

from tap_instantly.api.decode import decoded
from tap_instantly.streams.parents import ENRICHED_RESOURCE, LEAD_LIST
from tap_instantly.streams.patterns import ArrayStream, ListStream, ObjectStream, PerParent
from tap_instantly.streams.scanned import ScannedListStream
from tap_instantly.streams.turns import workspace_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import requests

    from tap_instantly.streams.base import Slice
    from tap_instantly.streams.records import Record


class Leads(ScannedListStream):
    """Leads of every campaign and list.

    The list has no date filter (spec), so it is read whole and only changed leads are emitted. It can hold millions, so
    it is read from several places at once. Deleted leads vanish without a trace.
    Source: official document, ``listLeads``.
    """

    name = "leads"
    scope = "leads"
    path = "/leads/list"
    http_method = "POST"
    primary_keys = ("id",)
    replication_key = "timestamp_updated"


class LeadLists(ListStream):
    """Lists that hold leads outside of campaigns.

    They do not say when they changed, so all are emitted each time.
    Source: official document, ``listLeadList``.
    """

    name = "lead_lists"
    scope = "lead_lists"
    path = "/lead-lists"
    primary_keys = ("id",)


class LeadListVerificationStats(PerParent, ObjectStream):
    """Leads of each list by the outcome of their verification.

    Source: official document, ``getVerificationStats``.
    """

    name = "lead_list_verification_stats"
    path = "/lead-lists/{list_id}/verification-stats"
    parent = LEAD_LIST
    primary_keys = ("list_id",)


class LeadLabels(ListStream):
    """Labels for the interest status of leads, the workspace's own among them.

    Source: official document, ``listLeadLabel``.
    """

    name = "lead_labels"
    scope = "lead-labels"
    path = "/lead-labels"
    primary_keys = ("id",)


class BlockListEntries(ListStream):
    """Addresses and domains that are never written to.

    Source: official document, ``listBlockListEntry``.
    """

    name = "block_list_entries"
    scope = "block_list_entries"
    path = "/block-lists-entries"
    primary_keys = ("id",)
    why_off = "unbounded: block lists grow with every unsubscribe"


class SupersearchEnrichments(PerParent, ObjectStream):
    """Enrichment of each lead list and campaign; those without one are passed over.

    Source: official document, ``getEnrichmentForResource``.
    """

    name = "supersearch_enrichments"
    path = "/supersearch-enrichment/{resource_id}"
    parent = ENRICHED_RESOURCE
    primary_keys = ("resource_id",)
    why_off = "one request per lead list and campaign"


class SupersearchEnrichmentHistory(PerParent, ArrayStream):
    """Past enrichments of each lead list and campaign.

    The official document does not say what an entry holds: it comes whole, as one column.
    Source: official document, ``getEnrichmentHistory``.
    """

    name = "supersearch_enrichment_history"
    scope = "supersearch_enrichments"
    path = "/supersearch-enrichment/history/{resource_id}"
    parent = ENRICHED_RESOURCE
    primary_keys = ("resource_id", "position")
    why_off = "one request per lead list and campaign, of interest to few"

    @override
    def get_new_paginator(self) -> OffsetPaginator:
        return _OffsetPaginator(start_value=0, page_size=0)

    @override
    def page_arguments(self, context: Slice, cursor: Any) -> dict[str, Any]:
        return {"offset": cursor, "limit": self.workspaces[workspace_id(context)].client.page_size_of(self.path)}

    @override
    def pages(self, context: Slice) -> Iterator[list[Record]]:
        position, before = count(), ""
        for page in super().pages(context):
            as_it_came = repr(page)
            if page and as_it_came == before:
                # A server without offsets would go on for ever.
                self._missing[workspace_id(context)] = "the same page twice"
                self.logger.error("The history of %s repeats a page and was ended there.", context["resource_id"])
                return
            before = as_it_came
            yield [
                {"resource_id": context["resource_id"], "position": next(position), "entry": e["entry"]} for e in page
            ]

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        return [{"entry": entry} for entry in super().parse_response(response)]


class _OffsetPaginator(OffsetPaginator):
    """By what came, since the document has no maximum: a server may give fewer than were asked for."""

    @override
    def has_more(self, response: requests.Response) -> bool:
        return bool(decoded(response))

    @override
    def get_next(self, response: requests.Response) -> int:
        return self.current_value + len(decoded(response))
