"""Checks that a key opens its workspace: at the beginning of a run, and again where something is refused."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tap_instantly.api.decode import decoded
from tap_instantly.api.errors import REFUSALS, SKIPPED_KINDS, ErrorKind, InstantlyAPIError
from tap_instantly.api.pagination import array, items, objects
from tap_instantly.api.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from tap_instantly.api.client import InstantlyClient

    Way = Callable[[InstantlyClient, Retry], dict[str, Any]]

_T = TypeVar("_T")

logger = logging.getLogger("tap-instantly.api")

FIRST_TRIES = 2
"""Tries after the first to reach a server that has not answered yet, or to find out whether a key still works."""


def few_tries(client: InstantlyClient) -> Retry:
    """As the client tries again, but not for long."""
    return Retry(min(client.retry.max_retries, FIRST_TRIES))


def details(client: InstantlyClient, retry: Retry) -> dict[str, Any]:
    """The workspace as it describes itself; needs ``workspaces:read``."""
    response = client.request("GET", "/workspaces/current", expect=_expect_workspace, retry=retry)
    return cast("dict[str, Any]", decoded(response))


def _expect_workspace(response: requests.Response) -> None:
    found = decoded(response)
    is_one = isinstance(found, dict) and found.get("id") and isinstance(found["id"], str)
    objects(response, [found] if is_one else None, "no workspace")


def _first(path: str, method: str = "GET") -> Way:
    def first(client: InstantlyClient, retry: Retry) -> dict[str, Any]:
        page = {"limit": 1}
        where: dict[str, Any] = {"json": page} if method == "POST" else {"params": page}
        records = items(client.request(method, path, repeatable=True, expect=items, retry=retry, **where))
        return records[0] if records else {}

    return first


def _analytics(client: InstantlyClient, retry: Retry) -> dict[str, Any]:
    params = {"exclude_total_leads_count": "true"}
    client.request("GET", "/campaigns/analytics", params=params, expect=array, retry=retry)
    return {}


# Entities carry the id of their workspace as `organization`. The analytics need no scope (spec), so they answer for
# a key that may read nothing else.
PROBES: tuple[Way, ...] = (
    _first("/campaigns"),
    _first("/accounts"),
    _first("/lead-lists"),
    _first("/leads/list", "POST"),
    _analytics,
)
"""Requests that open something for any key that opens anything; each returns a record, or an empty one."""


class Access:
    """Tells a refusal of one thing from the end of the key or of the plan. Safe to share between threads.

    Args:
        client: Of a workspace whose key has opened something in this run.
    """

    def __init__(self, client: InstantlyClient) -> None:
        self._client = client
        self._ways: list[Way] = [details, *PROBES]
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._is_lost = False

    def told_apart(self, ask: Callable[[], _T]) -> _T:
        """Return what ``ask`` does, which is called once more where it is refused and the key works all the same.

        To find out takes one request while the key works: what answered last time is asked first.

        Raises:
            InstantlyAPIError: What ``ask`` raised, a refusal only the second time; ``ACCESS_LOST`` where the key opens
                nothing any more; or, where the server does not let it be told, why not.
        """
        try:
            return ask()
        except InstantlyAPIError as error:
            if error.kind not in REFUSALS:
                raise
            if self._lost_since(time.monotonic()):
                raise error.as_kind(ErrorKind.ACCESS_LOST) from None
            refused = error
        try:
            answer = ask()
        except InstantlyAPIError as error:
            if error.kind in REFUSALS and self._is_lost:  # as another thread has found meanwhile
                raise error.as_kind(ErrorKind.ACCESS_LOST) from None
            raise
        logger.warning("Refused once, and given when asked again: %s", refused)
        return answer

    def _lost_since(self, refused_at: float) -> bool:
        with self._lock:
            # Threads that were refused while one of them asked need not ask again; a key that is lost stays so.
            if not self._is_lost and self._asked_at < refused_at:
                asked_at = time.monotonic()
                self._is_lost = not self._opens()
                self._asked_at = asked_at  # only now: where it could not be told, others have to ask too
            return self._is_lost

    def _opens(self) -> bool:
        """Ask for one thing after another until one is given; False if every one is refused.

        Raises:
            InstantlyAPIError: Nothing answered, but something failed for another reason than a refusal.
        """
        doubt: InstantlyAPIError | None = None
        for way in self._ways:
            try:
                way(self._client, few_tries(self._client))
            except InstantlyAPIError as error:
                doubt = doubt if error.kind in SKIPPED_KINDS else error
                continue
            self._ways = [way, *(other for other in self._ways if other is not way)]
            return True
        if doubt is not None:
            raise doubt
        return False
