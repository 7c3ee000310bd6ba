"""The Instantly API v2: one client per workspace; it knows nothing of streams."""

from __future__ import annotations

from tap_instantly.api.client import InstantlyClient
from tap_instantly.api.errors import ErrorKind, InstantlyAPIError, InstantlyError
from tap_instantly.api.pagination import StartingAfterPaginator
from tap_instantly.api.transport import DEFAULT_API_URL
from tap_instantly.api.workspace import Workspace
from tap_instantly.api.workspaces import Workspaces

__all__ = [
    "DEFAULT_API_URL",
    "ErrorKind",
    "InstantlyAPIError",
    "InstantlyClient",
    "InstantlyError",
    "StartingAfterPaginator",
    "Workspace",
    "Workspaces",
]
