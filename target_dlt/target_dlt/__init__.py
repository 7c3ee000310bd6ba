"""Singer target for the destinations of dlt."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("target-dlt")
