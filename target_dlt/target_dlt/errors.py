"""Errors of the target. Their text is one line that names what to change."""

from __future__ import annotations


class TargetError(Exception):
    """Base of all errors that end a load."""


class InputError(TargetError):
    """A line of the input is not a Singer message, or contradicts an earlier one."""


class DestinationError(TargetError):
    """The destination refused its settings, a connection or a load."""


class RejectedError(TargetError):
    """A record could not be loaded, and ``rejects`` is ``fail``."""


def one_line(error: BaseException) -> str:
    """Return the text of an error without line breaks, at most 500 characters; its class where it has no text."""
    return " ".join(str(error).split())[:500] or type(error).__name__
