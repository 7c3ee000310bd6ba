"""Report the progress and the summary of a run, on a terminal or in the log."""

from __future__ import annotations

from tap_instantly.progress.report import Report

__all__ = ["Report"]
