"""The request log: the last requests in full, and exact counts of all requests."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

KEPT = 10_000
HEAD, TAIL = ("seq", "method", "path"), ("status", "key", "workspace", "user_agent")


@dataclass
class Entry:
    """A request; its query and body are parsed on demand."""

    method: str
    path: str
    query: str
    user_agent: str
    key: str | None = None
    workspace: str | None = None
    body: bytes = b""
    status: int | None = None
    seq: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the request as JSON. A repeated query parameter is a list."""
        try:
            body = json.loads(self.body) if self.body else None
        except ValueError:
            body = self.body.decode(errors="replace")
        query = parse_qs(self.query, keep_blank_values=True)
        shown = {"query": {name: values if values[1:] else values[0] for name, values in query.items()}, "body": body}
        head, tail = ({name: getattr(self, name) for name in names} for names in (HEAD, TAIL))
        return {**head, **shown, **tail}

    def argument(self, name: str) -> object:
        """Return a member of the body, or else a parameter of the query."""
        request = self.as_json()
        body = request["body"] if isinstance(request["body"], dict) else {}
        return body.get(name) or request["query"].get(name)

    @property
    def cursor(self) -> str | None:
        """The cursor of the request."""
        found = self.argument("starting_after")
        return str(found) if found else None

    @property
    def limit(self) -> int:
        """The page size of the request; 0 if it has none."""
        found = str(self.argument("limit"))
        return int(found) if found.isdecimal() else 0


class RequestLog:
    """The log since the last clear."""

    def __init__(self) -> None:
        self._seq = self._in_flight = 0
        self.clear()

    def clear(self) -> None:
        """Forget all requests; sequence numbers continue."""
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._counts: Counter[tuple[str | None, str, str]] = Counter()
        self._refused: Counter[str | None] = Counter()
        self._most_in_flight = self._in_flight

    def open(self, entry: Entry) -> None:
        """Record a request on arrival."""
        self._seq += 1
        entry.seq = self._seq
        self._entries.append(entry)
        self._counts[entry.workspace, entry.method, entry.path] += 1
        self._in_flight += 1
        self._most_in_flight = max(self._most_in_flight, self._in_flight)

    def close(self, entry: Entry) -> None:
        """Record that a request was answered or aborted."""
        self._in_flight -= 1
        self._refused[entry.workspace] += entry.status == HTTPStatus.TOO_MANY_REQUESTS

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield the kept requests, oldest first."""
        return (entry.as_json() for entry in tuple(self._entries))

    def counts(self, workspace: str | None = None) -> dict[str, Any]:
        """Count all requests since the last clear, of all workspaces or of one."""
        paths, operations = Counter[str](), Counter[str]()
        for (place, method, path), count in self._counts.items():
            if workspace in {None, place}:
                paths[path] += count
                operations[f"{method} {path}"] += count
        refused = sum(count for place, count in self._refused.items() if workspace in {None, place})
        sums = {"total": sum(paths.values()), "too_many": refused, "most_in_flight": self._most_in_flight}
        return {**sums, "paths": dict(paths), "operations": dict(operations)}
