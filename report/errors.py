"""What can go wrong and is the user's to put right."""

from __future__ import annotations


class ReportError(Exception):
    """There can be no report; the message says why and what to do."""
