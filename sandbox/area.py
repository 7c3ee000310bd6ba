"""What an area of the API consists of; `sandbox.areas` tells how one is added."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.answers import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableMapping

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Listing, Row
    from sandbox.world import World


@dataclass(frozen=True)
class Operation:
    """One operation of the API.

    Attributes:
        method: HTTP method.
        path: Path below /api/v2; what identifies a record is called `key`.
        handler: What answers.
        scope: `resource:action`, or None where any key will do.
        also: Further scopes that will do, where the usual four are not all.
    """

    method: str
    path: str
    handler: Callable[[Call], Response]
    scope: str | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Area:
    """What one area adds to the sandbox.

    Attributes:
        operations: Its part of the API.
        tables: Its records by key, made from the seeded world: when first asked for, and at the latest just before
            the first change, so that what was looked at when makes no difference.
        truth: Every row of a resource as its list renders it, by the name of the resource.
        changes: The mutations the control plane offers, by name; each takes the world and keyword arguments.
    """

    operations: tuple[Operation, ...] = ()
    tables: Mapping[str, Callable[[World], MutableMapping[str, Row]]] = field(default_factory=dict)
    truth: Mapping[str, Callable[[World], Iterable[Row]]] = field(default_factory=dict)
    changes: Mapping[str, Callable[..., Row]] = field(default_factory=dict)


def listed(listing: Listing, **query: str) -> Callable[[World], Iterable[Row]]:
    """Give the truth of a resource that has a list: its rows as shown there, in its order."""

    def rows(world: World) -> Iterable[Row]:
        return (listing.present(row, query) for row in listing.select(world.rows(listing.resource), {}))

    return rows


def known(rows: Mapping[str, Any], key: str) -> str:
    """Give the key back if there is such a record, for mutations."""
    if key not in rows:
        raise ApiError(404, f"Not there: {key}")
    return key
