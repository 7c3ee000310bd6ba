"""The request log: the last requests in full, and exact counts of all requests."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

KEPT = 10_000


@dataclass
class Entry:
    """A request; its body is parsed on demand."""

    seq: int
    method: str
    path: str
    query: str
    body: bytes
    user_agent: str
    key: str | None = None
    workspace: str | None = None
    status: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the request as JSON. A repeated query parameter is a list."""
        query: dict[str, Any] = {}
        for name, value in parse_qsl(self.query, keep_blank_values=True):
            known = query.get(name)
            query[name] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
        try:
            body = json.loads(self.body) if self.body else None
        except ValueError:
            body = self.body.decode(errors="replace")
        shown = {name: getattr(self, name) for name in ("seq", "method", "path")}
        answer = {name: getattr(self, name) for name in ("status", "key", "workspace", "user_agent")}
        return {**shown, "query": query, "body": body, **answer}


class RequestLog:
    """The log since the last clear."""

    def __init__(self) -> None:
        self._seq = 0
        self._in_flight = 0
        self.clear()

    def clear(self) -> None:
        """Forget all requests; sequence numbers continue."""
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._counts: Counter[tuple[str | None, str, str]] = Counter()
        self._refused: Counter[str | None] = Counter()
        self._most_in_flight = self._in_flight

    def open(
        self,
        method: str,
        path: str,
        query: str,
        user_agent: str,
        *,
        key: str | None = None,
        workspace: str | None = None,
    ) -> Entry:
        """Record a request on arrival."""
        self._seq += 1
        entry = Entry(self._seq, method, path, query, b"", user_agent, key, workspace)
        self._entries.append(entry)
        self._counts[workspace, method, path] += 1
        self._in_flight += 1
        self._most_in_flight = max(self._most_in_flight, self._in_flight)
        return entry

    def close(self, entry: Entry) -> None:
        """Record that a request was answered or aborted."""
        self._in_flight -= 1
        self._refused[entry.workspace] += entry.status == HTTPStatus.TOO_MANY_REQUESTS

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield the kept requests, oldest first."""
        for entry in tuple(self._entries):
            yield entry.as_json()

    def counts(self, workspace: str | None = None) -> dict[str, Any]:
        """Count all requests since the last clear, of all workspaces or of one."""
        paths: Counter[str] = Counter()
        operations: Counter[str] = Counter()
        for (place, method, path), count in self._counts.items():
            if workspace in {None, place}:
                paths[path] += count
                operations[f"{method} {path}"] += count
        return {
            "total": sum(paths.values()),
            "too_many": sum(count for place, count in self._refused.items() if workspace in {None, place}),
            "most_in_flight": self._most_in_flight,
            "paths": dict(paths),
            "operations": dict(operations),
        }
