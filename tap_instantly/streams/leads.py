"""Leads and the lists that hold them."""

from __future__ import annotations

from tap_instantly.streams.base import ListStream


class Leads(ListStream):
    """Leads of every campaign and list.

    The list has no date filter (spec), so it is read whole and only changed leads are emitted. Deleted leads vanish
    without a trace.
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
