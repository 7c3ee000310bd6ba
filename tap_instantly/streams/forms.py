"""Whether a record has the form of its schema, told quickly; and what to do with one that has not."""

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
from tap_instantly.api.decode import Odd
from tap_instantly.api.secrecy import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Kind = Mapping[str, Any]
    Note = Callable[[str, Any, str], None]

NO_SUCH_TYPE = "its value is of another type than the schema's"
TOO_LARGE = "its value is beyond what a column can hold"
NOT_TO_CARRY = "it holds what neither JSON nor a database can carry"

LEAST, MOST = -(2**63), 2**63 - 1
"""What a column of integers holds in every warehouse."""

DEEPEST = 100
"""Objects and arrays within one another that a column may have; loaders give up at some hundreds."""

_QUICKLY = 6
"""Those that are told quickly to be none too many."""


class TooDeepError(Exception):
    """A value is nested too deeply to be carried on."""


class Form:
    """Tells whether values fit their schemas and can be carried by JSON and databases alike.

    msgspec compares a record with a type made of the schema, in less time than it takes to look at its timestamps one
    by one (measured).

    Args:
        properties: Schema of each property.
        closed: Whether objects may have no properties but those of their schema, and timestamps have to be of their
            one form. It is the quicker way to tell.
    """

    def __init__(self, properties: Mapping[str, Kind], *, closed: bool) -> None:
        self._properties = properties
        self._closed = closed
        self._timestamps = [name for name, kind in properties.items() if closed and kind.get("format") == "date-time"]
        self._types: tuple[Any, ...] = ()

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Whether all values are of the types of the schema, and none is an :class:`Odd`; if closed, all are known."""
        if not self._types:
            self._types = tuple(self._made(list(record)))
        try:
            for type_ in self._types:
                msgspec.convert(record, type_)
        except (msgspec.ValidationError, RecursionError):
            return False
        return timestamps.are_canonical("".join(filter(None, map(record.get, self._timestamps))))

    def _made(self, order: list[str]) -> Iterable[Any]:
        # Properties are looked for where the last one was found: in the order of the records that is at once.
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

    names = {f"f{number}": name for number, name in enumerate(properties)}
    return msgspec.defstruct(
        "Described",
        [(f, field(properties[name]), msgspec.UNSET) for f, name in names.items()],
        rename=names,
        forbid_unknown_fields=closed,
        gc=False,
    )


def _type(kind: Kind, described: bool, closed: bool) -> Any:  # noqa: ANN401, FBT001 (a type)
    if "type" not in kind:
        return _ANY
    if described and "properties" in kind:
        return _struct(kind["properties"], described=True, closed=closed) | None
    if described and isinstance(kind.get("items"), dict):
        return list[_type(kind["items"], described, closed)] | None  # type: ignore[misc]
    return reduce(or_, (_TYPES[name] for name in _names(kind)))


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
    """The value as its column can have it: null in the place of what is of another type, U+FFFD for what is no text.

    Args:
        value: What was sent.
        kind: Its schema.
        place: Its name; parts of it are named as in ``steps[0].delay``.
        note: Called for each change with the place, with what was there, in a form that can be carried, and the reason.
        depth: Within how many objects and arrays it is.

    Raises:
        TooDeepError: It is nested too deeply.
    """
    if depth > DEEPEST:
        raise TooDeepError
    names = _names(kind)
    if isinstance(value, Odd):
        note(place, value.source, NOT_TO_CARRY)
        return value.text if "string" in names else None
    if isinstance(value, dict) and "object" in names:
        return _mended_object(value, kind.get("properties", {}), place, note, depth)
    if isinstance(value, list) and "array" in names:
        item = kind["items"] if isinstance(kind.get("items"), dict) else {}
        return [mended(part, item, f"{place}[{number}]", note, depth + 1) for number, part in enumerate(value)]
    reason = _why_not(value, names)
    if reason is not None:
        note(place, str(value) if reason is TOO_LARGE else carried(value, depth), reason)
        return None
    if isinstance(value, (float, Decimal)) and "number" not in names:
        return int(value)  # 5.0 and 5 are one number
    return value


def carried(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 (any JSON)
    """The value in a form that JSON and databases can carry, with texts in the place of what they cannot.

    Raises:
        TooDeepError: It is nested too deeply.
    """
    if depth > DEEPEST:
        raise TooDeepError
    if isinstance(value, Odd):
        return value.source
    if isinstance(value, dict):
        return {str(name): carried(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list):
        return [carried(part, depth + 1) for part in value]
    return value


def mask_unknown(value: Any, kind: Kind, place: str) -> Iterator[str]:  # noqa: ANN401 (any JSON)
    """Mask, in place, what is called like a secret within fields that the schema of an object does not know.

    Returns:
        The place of each such field.

    Raises:
        TooDeepError: It is nested too deeply.
    """
    properties, item = kind.get("properties"), kind.get("items")
    if isinstance(value, dict) and properties:
        for name, part in value.items():
            where = f"{place}.{name}"
            if name in properties:
                yield from mask_unknown(part, properties[name], where)
            elif (masked := without_secrets(given := carried(part), str(name))) != given:
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
            note(f"{place}.{known}", name.source, NOT_TO_CARRY)
        whole[known] = mended(part, properties.get(known, {}), f"{place}.{known}", note, depth + 1)
    return whole


def _why_not(value: object, names: tuple[str, ...]) -> str | None:
    """Why a value cannot be in a column of these types; None if it can, as null always can."""
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
