"""Streams of leads, lead lists, labels, block list and enrichment."""

from __future__ import annotations

from tap_instantly.streams.base import InstantlyStream
from tap_instantly.streams.parents import ENRICHED_RESOURCE, LEAD_LIST
from tap_instantly.streams.readers import CursorList, OffsetArray, OneObject
from tap_instantly.streams.slicers import AsAsked, Parents
from tap_instantly.sync.swept_partition import SweptPartition


class Leads(InstantlyStream):
    """Leads of every campaign and list.

    The list can hold millions, and has no date filter (spec). A run reads it whole, from several positions
    concurrently, or asks for leads that may have changed (``leads_sweep``), and emits only changed ones. Deleted leads
    disappear without a trace.
    """

    name = "leads"
    scope = "leads"
    path = "/leads/list"
    http_method = "POST"
    records = CursorList()
    slicer = AsAsked()
    partition_class = SweptPartition  # a sweep, or a scan; the paginator serves if that fails
    primary_keys = ("id",)
    replication_key = "timestamp_updated"


class LeadLists(InstantlyStream):
    """Lists of leads outside of campaigns.

    They have no timestamp of the last change, so every run emits all of them.
    """

    name = "lead_lists"
    scope = "lead_lists"
    path = "/lead-lists"
    records = CursorList()
    primary_keys = ("id",)


class LeadListVerificationStats(InstantlyStream):
    """Lead counts of each list by verification outcome."""

    name = "lead_list_verification_stats"
    path = "/lead-lists/{list_id}/verification-stats"
    slicer = Parents(LEAD_LIST)
    records = OneObject()
    primary_keys = ("list_id",)


class LeadLabels(InstantlyStream):
    """Labels for the interest status of leads, including custom labels."""

    name = "lead_labels"
    scope = "lead-labels"
    path = "/lead-labels"
    records = CursorList()
    primary_keys = ("id",)


class BlockListEntries(InstantlyStream):
    """Addresses and domains on the block list."""

    name = "block_list_entries"
    scope = "block_list_entries"
    path = "/block-lists-entries"
    records = CursorList()
    primary_keys = ("id",)
    why_deselected = "unbounded: block lists grow with every unsubscribe"


class SupersearchEnrichments(InstantlyStream):
    """Enrichment of each lead list and campaign that has one."""

    name = "supersearch_enrichments"
    path = "/supersearch-enrichment/{resource_id}"
    slicer = Parents(ENRICHED_RESOURCE)
    records = OneObject()
    primary_keys = ("resource_id",)
    why_deselected = "one request per lead list and campaign"


class SupersearchEnrichmentHistory(InstantlyStream):
    """Past enrichments of each lead list and campaign.

    The official document does not describe an entry: the tap emits it as one column.
    """

    name = "supersearch_enrichment_history"
    scope = "supersearch_enrichments"
    path = "/supersearch-enrichment/history/{resource_id}"
    slicer = Parents(ENRICHED_RESOURCE)
    records = OffsetArray()
    primary_keys = ("resource_id", "position")
    why_deselected = "one request per lead list and campaign, rarely needed"
