"""Failures of the image, each with the exit code of its kind."""

from __future__ import annotations

FAILED, UNUSABLE, STOPPED = 1, 2, 143
"""Exit codes: a step failed; nothing began because of a setting, also the tap's; somebody stopped it."""

INCOMPLETE, REFUSED = 3, 4
"""Exit codes of the tap after a partial load: the rest failed; the key or the plan refuses it."""

PARTIAL = (INCOMPLETE, REFUSED)

NOTHING_OPEN = 5
"""Exit code of the tap if no workspace can be opened."""

LASTING = (UNUSABLE, NOTHING_OPEN)
"""Exit codes of the tap that a retry does not change."""


class ImageError(Exception):
    """A failure that ends the program; the message is one line and says what to do.

    Args:
        message: The event and the remedy.
        code: The exit code.
    """

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code
