"""What a run is doing, and at its end what it has done: on a terminal, or in lines of the log."""

from __future__ import annotations

from tap_instantly.progress.report import Report

__all__ = ["Report"]
