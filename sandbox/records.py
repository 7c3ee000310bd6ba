"""Records: dictionaries, many of them written as data in JSON files.

A shape is a JSON object with marks for the members that differ between records. In strings:

- `$row.id` is a given value or a part of one, and text around it makes a text of it. `$uuid4` and `$hex64` are drawn,
  and so is `$uuid7`, of the instant `at`.
- `@created+3d` is the time of a given instant, three days later; also with `s`, `m` and `h`. `#created` is its day.
- `~30..49` is one of a range by the record's number, and `~40..70/10` has steps of ten; `!1..254` is drawn.
- `~world.users` is one of a given list by number; so are `words`, and `data`, the other members of the file.
- `%7+6` is true for every seventh record, from number six on.

A list that begins with `~` is one of its other values by number. A member `name%3+1` is left out except in every third
record, from number one on. A member `name?done` is left out unless a given value is true, `name?!done` if it is, and
`name?status=done,failed` unless it is one of these. The member `...` stands for the members of another shape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from sandbox.clock import DAY_MS, HOUR_MS, MINUTE_MS, stamp, uuid4, uuid7
from sandbox.words import WORDS

Row = dict[str, Any]
Values = Mapping[str, Any]
Part = Callable[[Values], Any]

_UNITS = {"s": 1000, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_PATH = r"\w+(?:\.\w+)*"
_VALUE = re.compile(rf"\$(?:\{{({_PATH})\}}|({_PATH}))")
_MEMBER = re.compile(r"(\w+)(%\d+(?:\+\d+)?)?(?:\?(!?)(\w+)(?:=([\w,]+))?)?")


def compact(row: Mapping[str, Any]) -> Row:
    """Omit members that are None, as the API does."""
    return {name: value for name, value in row.items() if value is not None}


def without(row: Row, *names: str) -> Row:
    """Omit some members."""
    return {name: value for name, value in row.items() if name not in names}


def at_every(number: int, turn: int, value: Any, offset: int = 0) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value for every n-th record and None for the others."""
    return value if number % turn == offset else None


class Data(dict[str, Any]):
    """The JSON file beside a module: its constants and its shapes."""

    def __init__(self, module: str) -> None:
        super().__init__(json.loads(Path(module).with_suffix(".json").read_text(encoding="utf-8")))
        self._parts: dict[str, Part] = {}

    def make(self, shape: str, number: int = 0, rng: Random | None = None, /, **values: Any) -> Row:
        """Make a record of a shape."""
        if shape not in self._parts:
            self._parts[shape] = _compiled(self._whole(shape))
        always = {"number": number, "next": number + 1, "rng": rng, "words": WORDS, "data": self}
        row: Row = self._parts[shape](always | values)
        return row

    def _whole(self, shape: str) -> Row:
        row: Row = {}
        for name, value in self[shape].items():
            row |= self._whole(value) if name == "..." else {name: value}
        return row


def _compiled(value: Any) -> Part:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        parts = [_compiled(one) for one in value]
        if value[:1] == ["~"]:
            return lambda values: parts[1 + values["number"] % (len(parts) - 1)](values)
        return lambda values: [part(values) for part in parts]
    return lambda _values: value


def _object(shape: Row) -> Part:
    members: list[tuple[str, Part | None, Part]] = []
    for mark, value in shape.items():
        if (found := _MEMBER.fullmatch(mark)) is None:
            message = f"not a member of a shape: {mark}"
            raise ValueError(message)
        members.append((found[1], _condition(*found.groups()[1:]), _compiled(value)))
    return lambda values: {name: part(values) for name, applies, part in members if applies is None or applies(values)}


def _condition(turn: str | None, negated: str | None, flag: str | None, among: str | None) -> Part | None:
    in_turn = _text(turn) if turn else lambda _values: True
    if flag is None:
        return in_turn if turn else None
    wanted = frozenset((among or "").split(","))
    is_so: Part = (lambda values: values[flag] in wanted) if among else lambda values: bool(values[flag])
    return lambda values: is_so(values) != bool(negated) and in_turn(values)


def _text(text: str) -> Part:
    for mark, make in _MARKS:
        if found := mark.fullmatch(text):
            return make(*found.groups())
    if not (pieces := _VALUE.findall(text)):
        return lambda _values: text
    pattern, parts = _VALUE.sub("{}", text), [_value(*piece) for piece in pieces]
    return lambda values: pattern.format(*(part(values) for part in parts))


def _range(mark: str, low: str, high: str, by: str | None) -> Part:
    choices = range(int(low), int(high) + 1, int(by or 1))
    if mark == "!":
        return lambda values: values["rng"].randrange(choices.start, choices.stop)
    return lambda values: choices[values["number"] % len(choices)]


def _one_of(path: str) -> Part:
    choices = _value(path)
    return lambda values: (found := choices(values))[values["number"] % len(found)]


def _turn(every: str, offset: str | None) -> Part:
    turn, place = int(every), int(offset or 0)
    return lambda values: values["number"] % turn == place


def _time(mark: str, path: str, shift: str | None, unit: str | None) -> Part:
    instant, ms, length = _value(path), int(shift or 0) * _UNITS[unit or "s"], 10 if mark == "#" else None
    return lambda values: None if (at := instant(values)) is None else stamp(at + ms)[:length]


def _value(braced: str | None, bare: str = "") -> Part:
    """Look a value up by its path, or draw it."""
    path = braced or bare
    if path == "uuid4":
        return lambda values: uuid4(values["rng"])
    if path == "uuid7":
        return lambda values: uuid7(values["rng"], values["at"])
    if path.startswith("hex"):
        bits = int(path.removeprefix("hex"))
        return lambda values: f"{values['rng'].getrandbits(bits):0{bits // 4}x}"
    first, *rest = path.split(".")

    def find(values: Values) -> Any:  # noqa: ANN401 - any value
        found = values[first]
        for name in rest:
            if isinstance(found, Mapping):
                found = found.get(name)
            elif isinstance(found, Sequence):
                found = found[int(name)]
            elif found is not None:
                found = getattr(found, name)
        return found

    return find


_MARKS: tuple[tuple[re.Pattern[str], Callable[..., Part]], ...] = (
    (re.compile(r"([~!])(\d+)\.\.(\d+)(?:/(\d+))?"), _range),
    (re.compile(r"%(\d+)(?:\+(\d+))?"), _turn),
    (re.compile(rf"~({_PATH})"), _one_of),
    (re.compile(rf"([@#])({_PATH})(?:([+-]\d+)([smhd]))?"), _time),
    (_VALUE, _value),
)
