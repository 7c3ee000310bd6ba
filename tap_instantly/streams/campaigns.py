"""Campaigns."""

from __future__ import annotations

from tap_instantly.streams.base import ListStream


class Campaigns(ListStream):
    """Campaigns with their schedule, sequences and sending options.

    Names change (bounce protection prefixes them, reported): join on ``id``. A draft's schedule can be empty.
    Source: official document, ``listCampaign``.
    """

    name = "campaigns"
    scope = "campaigns"
    path = "/campaigns"
    primary_keys = ("id",)
    replication_key = "timestamp_updated"
