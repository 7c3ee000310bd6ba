"""What a stream read, what it took, and what went wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_instantly.api.errors import DENIED

if TYPE_CHECKING:
    from tap_instantly.api import InstantlyAPIError


@dataclass
class Tally:
    """Counts over all workspaces of a run."""

    records: int = 0
    requests: int = 0
    seconds: float = 0.0
    unusable: int = 0
    """Items of lists to read by, such as parents without an id; the first stream that needs a list counts them."""
    skipped: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)

    def line(self, **oddities: int) -> str:
        """The counts on one line; oddities only where there are any."""
        return (
            f"records={self.records} requests={self.requests} seconds={self.seconds:.1f}"
            + "".join(f" {name}={count}" for name, count in {"unusable": self.unusable, **oddities}.items() if count)
            + (f" skipped=[{', '.join(self.skipped)}]" if self.skipped else "")
            + (f" incomplete=[{', '.join(self.incomplete)}]" if self.incomplete else "")
            + (f" passed_over=[{', '.join(self.passed_over)}]" if self.passed_over else "")
        )


def why_skipped(error: InstantlyAPIError, path: str, scope: str | None) -> str:
    """What a stream was refused for, and what to do.

    Args:
        error: The refusal.
        path: The stream's own path; it may have been the list of its parents that was refused.
        scope: Resource whose ``:read`` scope the stream needs.
    """
    if error.kind not in DENIED:
        return str(error)
    # The key is good, or the run would not have come this far.
    is_own = re.search(re.sub(r"\{\w+\}", "[^/]+", path) + "$", error.path)
    needed = f"{scope}:read" if scope and is_own else "that endpoint's scope"
    return str(error).removesuffix(error.advice) + f"Give the API key {needed}, or all:read, which covers all."
