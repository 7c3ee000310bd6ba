"""Singer tap and Python client for the Instantly.ai API v2."""

from __future__ import annotations

from tap_instantly.api import ErrorKind, InstantlyAPIError, InstantlyClient, InstantlyError

__all__ = ["ErrorKind", "InstantlyAPIError", "InstantlyClient", "InstantlyError"]
