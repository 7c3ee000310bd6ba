"""Sending accounts."""

from __future__ import annotations

from typing import ClassVar

from tap_instantly.streams.base import ListStream


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
