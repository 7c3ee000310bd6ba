"""When and how long to wait before a call is tried again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import backoff

from tap_instantly.api.errors import NEVER_PROCESSED, ErrorKind, InstantlyAPIError

if TYPE_CHECKING:
    from collections.abc import Callable

    from backoff.types import Details

    from tap_instantly.api.limits import Budget

_Call = TypeVar("_Call", bound="Callable[..., Any]")

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
SHORTEST_PAUSE = 1.0
"""Seconds: the limit is counted by the second, so less than one cannot help after a 429."""

logger = logging.getLogger("tap-instantly.api")


@dataclass(frozen=True)
class Retry:
    """Exponential back-off with full jitter, capped at a minute.

    Attributes:
        budget: Paused after a 429, so that the whole workspace waits and not just the thread that hit the limit.
        max_retries: Tries after the first one.
    """

    budget: Budget
    max_retries: int = 8

    def __call__(self, call: _Call, *, repeatable: bool = True) -> _Call:
        """``call``, tried again while its :class:`InstantlyAPIError` is worth it.

        A call that is not ``repeatable`` (a write) is sent again only where the server cannot have acted on it.
        """

        def give_up(error: Exception) -> bool:
            return not (
                isinstance(error, InstantlyAPIError)
                and error.retryable
                and (repeatable or error.kind in NEVER_PROCESSED)
            )

        decorated: _Call = backoff.on_exception(
            backoff.expo,
            InstantlyAPIError,
            factor=FIRST_WAIT,
            max_value=LONGEST_WAIT,
            jitter=backoff.full_jitter,
            max_tries=self.max_retries + 1,
            giveup=give_up,
            on_backoff=self._before_waiting,
            on_giveup=_count_tries,
            logger=None,
        )(call)
        return decorated

    def _before_waiting(self, details: Details) -> None:
        error, wait = cast("InstantlyAPIError", details["exception"]), details["wait"]
        if error.kind is ErrorKind.RATE_LIMITED:
            wait = max(wait, error.retry_after or SHORTEST_PAUSE)
            self.budget.pause(wait)
        logger.warning("%s Trying again in %.1f s (try %d).", error, wait, details["tries"] + 1)


def _count_tries(details: Details) -> None:
    cast("InstantlyAPIError", details["exception"]).tries = details["tries"]
