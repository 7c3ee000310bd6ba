"""Retry policy of API calls."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import backoff

from tap_instantly.client.errors import NEVER_PROCESSED, ErrorKind, InstantlyAPIError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from backoff.types import Details

_Call = TypeVar("_Call", bound="Callable[..., Any]")

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0

logger = logging.getLogger("tap-instantly.api")


@dataclass(frozen=True)
class Retry:
    """Exponential back-off with full jitter, capped at a minute.

    Attributes:
        max_retries: Retries after the first try.
    """

    max_retries: int = 8

    def __call__(self, call: _Call, *, repeatable: bool = True) -> _Call:
        """Wrap ``call`` so that a retryable :class:`InstantlyAPIError` repeats it.

        A call that is not ``repeatable`` (a write) is repeated only if the server cannot have processed it.
        """

        def give_up(error: Exception) -> bool:
            return not (
                isinstance(error, InstantlyAPIError)
                and error.retryable
                and (repeatable or error.kind in NEVER_PROCESSED)
            )

        decorated: _Call = backoff.on_exception(
            _waits,
            InstantlyAPIError,
            jitter=None,
            max_tries=self.max_retries + 1,
            giveup=give_up,
            on_backoff=_announce,
            on_giveup=_count_tries,
            logger=None,
        )(call)
        return decorated


def _waits() -> Generator[float, InstantlyAPIError, None]:
    """Yield the seconds to wait after each error: random up to a doubling limit, and at least the server's time.

    After a 429, the wait is at least half the limit. So eight retries take over a minute, the longer period of the rate
    limits.
    """
    limits = backoff.expo(factor=FIRST_WAIT, max_value=LONGEST_WAIT)
    next(limits)  # this library's generators start with an empty step
    wait = 0.0
    while True:
        error = yield wait
        limit = float(next(limits))
        floor = limit / 2 if error.kind is ErrorKind.RATE_LIMITED else 0.0
        wait = max(floor, backoff.full_jitter(limit), error.retry_after or 0.0)


def _announce(details: Details) -> None:
    logger.warning("%s Trying again in %.1f s (try %d).", details["exception"], details["wait"], details["tries"] + 1)


def _count_tries(details: Details) -> None:
    cast("InstantlyAPIError", details["exception"]).tries = details["tries"]
