"""Errors that the user can fix."""

from __future__ import annotations


class ReportError(Exception):
    """The report cannot be written; the message names the reason and the fix."""


class NoFiguresError(ReportError):
    """The marts are there, but hold no figures yet."""
