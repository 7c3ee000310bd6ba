"""Client of the Instantly API v2: one client per workspace, independent of streams."""

from __future__ import annotations

from tap_instantly.client.client import InstantlyClient
from tap_instantly.client.errors import ErrorKind, InstantlyAPIError, InstantlyError
from tap_instantly.client.pagination import StartingAfterPaginator
from tap_instantly.client.transport import DEFAULT_API_URL
from tap_instantly.client.workspace import Workspace

__all__ = [
    "DEFAULT_API_URL",
    "ErrorKind",
    "InstantlyAPIError",
    "InstantlyClient",
    "InstantlyError",
    "StartingAfterPaginator",
    "Workspace",
]
