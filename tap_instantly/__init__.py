"""Singer tap and Python client for the Instantly.ai API v2."""

from __future__ import annotations

from importlib import metadata

from tap_instantly.client import ErrorKind, InstantlyAPIError, InstantlyClient, InstantlyError

__version__ = metadata.version("tap-instantly")

__all__ = ["ErrorKind", "InstantlyAPIError", "InstantlyClient", "InstantlyError"]
