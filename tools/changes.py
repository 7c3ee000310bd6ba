"""Compares two descriptions of an operation, fact by fact."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tools.openapi import ITSELF, Operation, Place

_LIMITS = re.compile(r"(exclusive)?(minimum|maximum)|(min|max)(Length|Items|Properties)|multipleOf", re.IGNORECASE)
_KINDS = {"enum": "value", "meanings": "meaning", "scopes": "scope", "statuses": "status", "headers": "header"}
_KINDS |= {"rates": "rate limit"}


def places_differ(before: Operation, after: Operation, elsewhere: Operation) -> Iterator[tuple[str, str, str]]:
    """Yield the kind, place and text of each difference. A new or removed place hides the places below it.

    Facts known from elsewhere count neither as new nor as removed.
    """
    if before == after:
        return
    after = aligned(before, after)
    for place in before.keys() | after.keys():
        parent = re.sub(r"(^|[/|])[^/|]*$", "", place)
        kind = kind_of(place)
        if place not in after:
            if parent not in before or parent in after:
                yield f"{kind} gone", place, ""
        elif place in before:
            for change, what in _said_differently(before[place], after[place], elsewhere.get(place, {})):
                yield change, "" if place == ITSELF else place, what
        elif place in elsewhere:
            said = {name: after[place].get(name) for name in elsewhere[place]}
            for change, what in _said_differently(elsewhere[place], said, {}):
                yield change, place, what
        elif parent not in after or parent in before:
            yield f"{kind} added", place, f"({after[place].get('type', 'any type')})"


def kind_of(place: str) -> str:
    """Return the kind of a place: a parameter, or a field of the body or of the answer."""
    return {"body": "body field", "answer": "answer field"}.get(re.split(r"[/|:]", place)[0], "parameter")


def _said_differently(before: Place, after: Place, elsewhere: Place) -> Iterator[tuple[str, str]]:
    """Yield the kind and text of each change between two facts."""
    for name in before.keys() | after.keys():
        old, new, other = before.get(name), after.get(name), elsewhere.get(name)
        if same(old, new) or (name in elsewhere and same(new, other)):
            continue
        kind = "limit" if _LIMITS.fullmatch(name) else _KINDS.get(name, name)
        label = f"{name} " if kind == "limit" else ""
        if isinstance(old, list) and isinstance(new, list):
            known = old + (other if isinstance(other, list) else [])
            yield from ((f"{kind} gone", _text(value)) for value in without(old, new))
            yield from ((f"{kind} added", _text(value)) for value in without(new, known))
        elif isinstance(old, dict) and isinstance(new, dict):
            known_too = other if isinstance(other, dict) else {}
            for value in old.keys() | new.keys():
                if new.get(value) not in (old.get(value), known_too.get(value)):
                    was = old.get(value, known_too.get(value))
                    yield f"{kind} changed", f"{value}: {_text(was)} -> {_text(new.get(value))}"
        elif old is None or new is None:
            yield f"{kind} {'added' if old is None else 'gone'}", f"{label}{_text(new if old is None else old)}"
        else:
            yield f"{kind} changed", f"{label}{_text(old)} -> {_text(new)}"


def same(one: object, other: object) -> bool:
    """Return whether two facts are equal."""
    return _exact(one) == _exact(other)


def without(values: list[Any], others: list[Any]) -> list[Any]:
    """Return the values that are not among the others."""
    texts = {_exact(value) for value in others}
    return [value for value in values if _exact(value) not in texts]


def _exact(value: object) -> str:
    return json.dumps(value, sort_keys=True)  # Python considers 1 and True equal


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def aligned(before: Operation, after: Operation) -> Operation:
    """Renumber the alternatives of ``after`` like the most similar ones of ``before``; new ones come last."""
    parents = sorted({place[: at.start()] for place in before for at in re.finditer(r"\|", place)}, key=len)
    for parent in parents:
        old, new = (_alternatives(operation, parent) for operation in (before, after))
        numbers = _pairs(old, new)
        after = {place: said for place, said in after.items() if not place.startswith(f"{parent}|")}
        after |= {f"{parent}|{numbers[n]}{rest}": said for n, places in new.items() for rest, said in places.items()}
    return after


def _alternatives(operation: Operation, parent: str) -> dict[int, Operation]:
    found: dict[int, Operation] = {}
    for place, said in operation.items():
        if at := re.match(r"\|(\d+)", place.removeprefix(parent)) if place.startswith(parent) else None:
            found.setdefault(int(at[1]), {})[place[len(parent) + at.end() :]] = said
    return found


def _pairs(old: dict[int, Operation], new: dict[int, Operation]) -> dict[int, int]:
    """Return the old number for each new one: that of the most similar alternative, or else a free one."""

    def alike(one: Operation, other: Operation) -> float:
        both = [place for place in one if place in other]
        related = len(both) > 1 or (len(one) == len(other) == 1 and same(one[""].get("type"), other[""].get("type")))
        return sum(1 + same(one[place], other[place]) for place in both) / (len(one) + len(other)) if related else 0

    numbers: dict[int, int] = {}
    for likeness, _, there, here in sorted((-alike(old[i], new[j]), i != j, i, j) for i in old for j in new):
        if likeness and here not in numbers and there not in numbers.values():
            numbers[here] = there
    if len(new) == len(old):  # an alternative at the same position that resembles no other has changed
        numbers |= {number: number for number in new.keys() - numbers.keys() if number not in numbers.values()}
    rest = (number for number in range(1, len(old) + len(new) + 1) if number not in old)
    return numbers | {number: next(rest) for number in sorted(new.keys() - numbers.keys())}
