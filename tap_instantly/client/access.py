"""Checks that a key still opens its workspace: at the start of a run, and after a refusal."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from tap_instantly.client.errors import REFUSALS, SKIPPED_KINDS, ErrorKind, InstantlyAPIError
from tap_instantly.client.page import array, items
from tap_instantly.client.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_instantly.client.client import InstantlyClient
    from tap_instantly.client.page import Answer

    Probe = Callable[[InstantlyClient, Retry], dict[str, Any]]

_T = TypeVar("_T")

logger = logging.getLogger("tap-instantly.api")

FIRST_TRIES = 2
"""Retries to reach a server that has not answered yet, or to check that a key still works."""


def few_tries(client: InstantlyClient) -> Retry:
    """Return the client's retry policy with few retries."""
    return Retry(min(client.retry.max_retries, FIRST_TRIES))


def details(client: InstantlyClient, retry: Retry) -> dict[str, Any]:
    """Request the workspace's details; needs the scope ``workspaces:read``."""
    return client.ask(client.prepare("GET", "/workspaces/current"), _workspace, retry=retry)


def _workspace(answer: Answer) -> dict[str, Any]:
    found = answer.data
    is_one = isinstance(found, dict) and found.get("id") and isinstance(found["id"], str)
    return answer.page([found] if is_one else None, "no workspace").records[0]


def _first(path: str, method: str = "GET") -> Probe:
    def first(client: InstantlyClient, retry: Retry) -> dict[str, Any]:
        request = client.prepare_call(method, path, {"limit": 1})
        records = client.ask(request, items, repeatable=True, retry=retry).records
        return records[0] if records else {}

    return first


def _analytics(client: InstantlyClient, retry: Retry) -> dict[str, Any]:
    request = client.prepare("GET", "/campaigns/analytics", params={"exclude_total_leads_count": "true"})
    client.ask(request, array, retry=retry)
    return {}


# Records carry their workspace's id as `organization`. Analytics need no scope (spec), so they answer for a key that
# cannot read anything else.
PROBES: tuple[Probe, ...] = (
    _first("/campaigns"),
    _first("/accounts"),
    _first("/lead-lists"),
    _first("/leads/list", "POST"),
    _analytics,
)
"""Probes: at least one of them succeeds with every working key. Each returns a record, or an empty dict."""


class Access:
    """Distinguishes a single refusal from a key or plan that no longer opens anything.

    Thread-safe. It is for keys that have already opened something.
    """

    def __init__(self) -> None:
        self._probes: list[Probe] = [details, *PROBES]
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._is_lost = False

    def confirm_refusal(self, ask: Callable[[], _T], client: InstantlyClient) -> _T:
        """Return the result of ``ask``, retried once if it is refused although the key still works.

        While the key works, the check costs one request of ``client``: the probe that answered last goes first.

        Raises:
            InstantlyAPIError: The error of ``ask``; a refusal only after the second try. ``ACCESS_LOST`` if the key no
                longer opens anything. The probe's error if the check itself fails.
        """
        try:
            return ask()
        except InstantlyAPIError as error:
            if error.kind not in REFUSALS:
                raise
            if self._lost_since(time.monotonic(), client):
                raise error.as_kind(ErrorKind.ACCESS_LOST) from None
            refused = error
        try:
            answer = ask()
        except InstantlyAPIError as error:
            if error.kind in REFUSALS and self._is_lost:  # another thread has found out in the meantime
                raise error.as_kind(ErrorKind.ACCESS_LOST) from None
            raise
        logger.warning("Request refused once and accepted on the second try: %s", refused)
        return answer

    def _lost_since(self, refused_at: float, client: InstantlyClient) -> bool:
        with self._lock:
            # Threads refused before the latest check reuse its result. A lost key stays lost.
            if not self._is_lost and self._asked_at < refused_at:
                asked_at = time.monotonic()
                self._is_lost = not self._opens(client)
                self._asked_at = asked_at  # set last: after a failed check, other threads must check too
            return self._is_lost

    def _opens(self, client: InstantlyClient) -> bool:
        """Try the probes in turn until one succeeds; return False if all are refused.

        Raises:
            InstantlyAPIError: No probe succeeded, and one failed for another reason than a refusal.
        """
        doubt: InstantlyAPIError | None = None
        for probe in self._probes:
            try:
                probe(client, few_tries(client))
            except InstantlyAPIError as error:
                doubt = doubt if error.kind in SKIPPED_KINDS else error
                continue
            self._probes = [probe, *(other for other in self._probes if other is not probe)]
            return True
        if doubt is not None:
            raise doubt
        return False
