"""Learn the unknown fields of a stream's records, to keep the fast schema check."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tap_instantly.client.redaction import masked_types
from tap_instantly.streams import flattening
from tap_instantly.streams.conformance import Form

if TYPE_CHECKING:
    from collections.abc import Mapping

    Kind = Mapping[str, Any]

MOST = 100
"""Most fields to learn per stream: an object with ids as names would add them without end."""

LEVELS = 5
"""Greatest depth of learnt objects and arrays."""

FROM = 20
"""Nonconforming records before the schema is widened: for fewer, checking each in detail is faster."""

_ORDINARY = re.compile(r"[ !#-\[\]-~]{1,100}")
"""Names of learnt fields: ASCII, and supported by msgspec."""

_NEW: Kind = {"type": "null"}
"""Schema of a value not seen yet, such as the items of an array that was always empty."""

_JSON: Mapping[str, type] = {"string": str, "object": dict, "array": list, "integer": int, "number": float}


class Widening:
    """A schema with the unknown fields of earlier records added, except fields to mask.

    The API adds fields about twice a week. A record that matches the widened schema needs no detailed check, so unknown
    fields cost hardly any time.

    Args:
        known: Schema of each known property.
        flattened: Number of levels that the SDK will flatten.
    """

    def __init__(self, known: Mapping[str, Kind], flattened: int) -> None:
        self._known = known
        self._flattened = flattened
        self._properties = known
        self._left = MOST
        self._misfits = 0
        self._unknown: tuple[str, ...] = ()
        self._holding: tuple[str, ...] = ()
        self.fits = Form(known, closed=True).fits
        """Return true if a record matches the widened schema: nothing in it has to be masked, repaired or reported."""

    def learn(self, record: Mapping[Any, Any]) -> None:
        """Add the new fields of a record to the schema, after the first :data:`FROM` nonconforming records."""
        self._misfits += 1
        if self._misfits < FROM:
            return
        before, self._properties = self._properties, self._with(self._properties, record, 0)
        if self._properties is before:
            return
        self._unknown = tuple(name for name in self._properties if name not in self._known)
        if self._flattened:
            self._holding = tuple(name for name, kind in self._known.items() if self._properties[name] is not kind)
        self.fits = Form(self._properties, closed=True).fits

    def set_aside(self, record: dict[str, Any], aside: dict[str, Any]) -> None:
        """Move the unknown fields of a matching record to ``aside``."""
        for name in self._unknown:
            if name in record:
                aside[name] = record.pop(name)
        for name in self._holding:
            for place, _, value in flattening.taken_out(record.get(name), self._known[name], name, self._flattened):
                put(aside, place, value)

    def _with(self, properties: Mapping[str, Kind], value: Mapping[Any, Any], depth: int) -> Mapping[str, Kind]:
        wider = {}
        for name, part in value.items():
            if isinstance(name, str) and _ORDINARY.fullmatch(name):
                kind = properties.get(name, _NEW)
                if (found := self._widened(kind, name, part, depth)) is not kind:
                    wider[name] = found
        return {**properties, **wider} if wider else properties

    def _widened(self, kind: Kind, name: str, value: object, depth: int) -> Kind:
        if kind is _NEW:
            if not self._left or depth > LEVELS:
                return kind
            self._left -= 1
            kind = _unmasked(name)
        if isinstance(value, dict) and "properties" in kind:
            properties = self._with(kind["properties"], value, depth + 1)
            return kind if properties is kind["properties"] else {**kind, "properties": properties}
        if isinstance(value, list) and isinstance(items := kind.get("items"), dict):
            for item in value:
                items = self._widened(items, "", item, depth + 1)
            return kind if items is kind["items"] else {**kind, "items": items}
        return kind


def put(aside: dict[str, Any], place: str, value: Any) -> None:  # noqa: ANN401 (any JSON)
    """Add a value to ``aside``, under another name if its place is already used."""
    while place in aside:  # a field of the API may have that name
        place += "'"
    aside[place] = value


def _unmasked(name: str) -> Kind:
    """Return the first schema of an unknown field: all types that are not masked under its name."""
    masked = masked_types(name)
    types = [name for name, type_ in _JSON.items() if type_ not in masked]
    within = {"properties": {}, "items": _NEW} if "object" in types else {}
    return {"type": [*types, "boolean", "null"], **within}
