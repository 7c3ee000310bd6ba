"""Check records against their schema quickly, and repair nonconforming ones."""

from __future__ import annotations

import math
import sys
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from tap_instantly import timestamps
from tap_instantly.client.decode import Odd
from tap_instantly.client.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Kind = Mapping[str, Any]
    Note = Callable[[str, Any, str], None]

NO_SUCH_TYPE = "its type is not the schema's"
TOO_LARGE = "it exceeds the range of its column"
NOT_STORABLE = "it contains text or numbers that JSON or databases cannot store"

LEAST, MOST = -(2**63), 2**63 - 1
"""Range of integers that every warehouse can store."""

DEEPEST = 100
"""Greatest depth of objects and arrays in a column; loaders fail at some hundreds."""

_QUICKLY = 6
"""Greatest depth that the fast check accepts."""


class TooDeepError(Exception):
    """A value is too deeply nested to be loaded."""


class Form:
    """Check that values match their schemas and can be stored in JSON and databases.

    msgspec validates a record against a type generated from the schema. That takes less time than a check of its
    timestamps one by one (measured).

    Args:
        properties: Schema of each property.
        closed: True to reject unknown properties of objects, and timestamps not in canonical form. It is the faster
            check.
    """

    def __init__(self, properties: Mapping[str, Kind], *, closed: bool) -> None:
        self._properties = properties
        self._closed = closed
        self._timestamps = [name for name, kind in properties.items() if closed and kind.get("format") == "date-time"]
        self._types: tuple[Any, ...] = ()

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Return true if all values have the types of the schema and none is :class:`Odd`; if closed, all known too."""
        if not self._types:
            self._types = tuple(self._made(list(record)))
        try:
            for type_ in self._types:
                msgspec.convert(record, type_)
        except (msgspec.ValidationError, RecursionError):
            return False
        return timestamps.are_canonical("".join(filter(None, map(record.get, self._timestamps))))

    def _made(self, order: list[str]) -> Iterable[Any]:
        # msgspec looks for each property after the last one found, so the order of the records is the fastest.
        place = {name: number for number, name in enumerate(order)}
        names = sorted(self._properties, key=lambda name: place.get(name, len(place)))
        ordered = {name: self._properties[name] for name in names}
        if self._closed:
            yield _struct(ordered, described=True, closed=True, moments=True)
        else:
            yield _struct(ordered, described=False, closed=True)
            yield _struct(ordered, described=True, closed=False)


def _struct(properties: Mapping[str, Kind], *, described: bool, closed: bool, moments: bool = False) -> Any:  # noqa: ANN401 (a type made here)
    def field(kind: Kind) -> Any:  # noqa: ANN401 (a type)
        type_ = _MOMENTS.get(kind.get("format")) if moments else None
        return (type_ or _type(kind, described, closed)) | msgspec.UnsetType

    if closed and not properties:
        return _Empty
    names = {f"f{number}": name for number, name in enumerate(properties)}
    return msgspec.defstruct(
        "Described",
        [(f, field(properties[name]), msgspec.UNSET) for f, name in names.items()],
        rename=names,
        forbid_unknown_fields=closed,
        gc=False,
    )


class _Empty(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An object without properties, which is common among unknown fields."""


def _type(kind: Kind, described: bool, closed: bool) -> Any:  # noqa: ANN401, FBT001 (a type)
    if "type" not in kind:
        return _ANY
    types = dict(_TYPES)
    if described and "properties" in kind:
        types["object"] = _struct(kind["properties"], described=True, closed=closed)
    if described and isinstance(kind.get("items"), dict):
        types["array"] = list[_type(kind["items"], described, closed)]  # type: ignore[misc]
    return reduce(or_, (types[name] for name in _names(kind)))


def _names(kind: Kind) -> tuple[str, ...]:
    names = kind.get("type", _ALL)
    return (names,) if isinstance(names, str) else tuple(names)


def _anything(levels: int) -> Any:  # noqa: ANN401 (a type)
    any_: Any = str | int | float | bool | None
    for _ in range(levels):
        any_ = str | int | float | bool | list[any_] | dict[str, any_] | None
    return any_


_ANY: Any = _anything(_QUICKLY)
_TYPES: dict[str, Any] = {
    "string": str,
    "integer": Annotated[int, msgspec.Meta(ge=LEAST, le=MOST)],
    "number": float,
    "boolean": bool,
    "object": dict[str, _ANY],
    "array": list[_ANY],
    "null": None,
}
_ALL = tuple(_TYPES)
_MOMENTS: dict[Any, Any] = {"date": date | None, "date-time": Annotated[datetime, msgspec.Meta(tz=True)] | None}


def mended(value: Any, kind: Kind, place: str, note: Note, depth: int = 0) -> Any:  # noqa: ANN401 (any JSON)
    """Repair a value for its column: null for a value of another type, U+FFFD for invalid text.

    Args:
        value: Value from the API.
        kind: Schema of the value.
        place: Name of the value; nested values are named as in ``steps[0].delay``.
        note: Called for each change with the place, the original value in storable form, and the reason.
        depth: Number of enclosing objects and arrays.

    Raises:
        TooDeepError: The value is too deeply nested.
    """
    if depth > DEEPEST:
        raise TooDeepError
    names = _names(kind)
    if isinstance(value, Odd):
        note(place, value.source, NOT_STORABLE)
        return value.text if "string" in names else None
    if isinstance(value, dict) and "object" in names:
        return _mended_object(value, kind.get("properties", {}), place, note, depth)
    if isinstance(value, list) and "array" in names:
        item = kind["items"] if isinstance(kind.get("items"), dict) else {}
        return [mended(part, item, f"{place}[{number}]", note, depth + 1) for number, part in enumerate(value)]
    reason = _why_not(value, names)
    if reason is not None:
        note(place, str(value) if reason is TOO_LARGE else storable(value, depth), reason)
        return None
    if isinstance(value, (float, Decimal)) and "number" not in names:
        return int(value)  # JSON does not distinguish 5.0 from 5
    return value


def storable(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 (any JSON)
    """Return the value in a form that JSON and databases can store, with the rest replaced by text.

    Raises:
        TooDeepError: The value is too deeply nested.
    """
    if depth > DEEPEST:
        raise TooDeepError
    if isinstance(value, Odd):
        return value.source
    if isinstance(value, dict):
        return {str(name): storable(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list):
        return [storable(part, depth + 1) for part in value]
    return value


def mask_unknown(value: Any, kind: Kind, place: str) -> Iterator[str]:  # noqa: ANN401 (any JSON)
    """Mask possible secrets in the unknown fields of objects, in place, by their names.

    Returns:
        The place of each masked field.

    Raises:
        TooDeepError: The value is too deeply nested.
    """
    properties, item = kind.get("properties"), kind.get("items")
    if isinstance(value, dict) and properties:
        for name, part in value.items():
            where = f"{place}.{name}"
            if name in properties:
                yield from mask_unknown(part, properties[name], where)
            elif (masked := without_secrets(given := storable(part), str(name))) != given:
                value[name] = masked
                yield where
    elif isinstance(value, list) and isinstance(item, dict):
        for part in value:
            yield from mask_unknown(part, item, place)


def _mended_object(value: dict[Any, Any], properties: Mapping[str, Kind], place: str, note: Note, depth: int) -> Any:  # noqa: ANN401
    whole: dict[str, Any] = {}
    for name, part in value.items():
        known = name
        if isinstance(name, Odd):
            known = name.text or ""
            while known in value or known in whole:
                known += "\ufffd"
            note(f"{place}.{known}", name.source, NOT_STORABLE)
        whole[known] = mended(part, properties.get(known, {}), f"{place}.{known}", note, depth + 1)
    return whole


def _why_not(value: object, names: tuple[str, ...]) -> str | None:
    """Return the reason why a column of these types cannot store a value, or None. Null always fits."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return _why_not_number(value, names)
    return None if value is None or _NAMES[type(value)] in names else NO_SUCH_TYPE


def _why_not_number(value: Any, names: tuple[str, ...]) -> str | None:  # noqa: ANN401 (a number)
    if names == _ALL:
        return None
    if "number" in names:
        return TOO_LARGE if abs(value) > sys.float_info.max else None
    if "integer" not in names or value != math.floor(value):
        return NO_SUCH_TYPE
    return None if LEAST <= value <= MOST else TOO_LARGE


_NAMES = {bool: "boolean", str: "string", dict: "object", list: "array"}
