"""Errors of the target. Each message is one line that names the setting or input to change."""

from __future__ import annotations


class TargetError(Exception):
    """Base class of all errors that end a load."""


class InputError(TargetError):
    """A line of the input is not a Singer message, or contradicts an earlier one."""


class DestinationError(TargetError):
    """The destination refused its settings, a connection or a load."""


class RejectedError(TargetError):
    """A record cannot be loaded, and ``rejects`` is ``fail``."""


def one_line(error: BaseException) -> str:
    """Return the message of an error without line breaks, at most 500 characters; its class if the message is empty."""
    return " ".join(str(error).split())[:500] or type(error).__name__
