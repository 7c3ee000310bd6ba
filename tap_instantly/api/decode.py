"""Decoding an answer, once."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import requests

UNREADABLE: Any = object()
"""Stands for a body that is not JSON: empty, cut short, HTML, ..."""

LONGEST_INTEGER = 4300
"""Digits; Python reads no longer ones."""

NUL = b"\\u0000"
ESCAPES = 200
"""Escapes to look at one by one."""

DEEPEST = 200
"""Levels of objects and arrays to read of an answer that has too many; more than a record may have."""

# A text that does not end goes to the end of the body, or each of its quotes would be tried as the beginning of one.
_BRACKETS = re.compile(rb'[][{}]|"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)

_ODD = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Odd:
    """A value that neither a line of JSON nor a database can carry; no reader takes it for a value of another type.

    Such are numbers beyond the range of a double (and ``NaN``), and texts with NUL characters, which Postgres refuses
    in text and jsonb, or with halves of surrogate pairs or bytes that are no UTF-8, which no UTF-8 has.

    Attributes:
        source: As it was sent, in ASCII: a number's literal, or the text with JSON's escapes.
        text: What remains of a text, with U+FFFD in the place of what cannot be carried; None for a number.
    """

    source: str
    text: str | None = None

    def __str__(self) -> str:
        """What can be shown of it."""
        return self.source


def decode(body: bytes) -> Any:  # noqa: ANN401 (any JSON)
    """The JSON value of ``body``, or :data:`UNREADABLE`.

    Numbers keep all their digits: integers of any length, and as ``Decimal`` what a double would round. What cannot be
    carried on is an :class:`Odd`. Of a key that comes twice in one object the last counts, as everywhere. Where
    all is too deep to be read, what is more than :data:`DEEPEST` levels deep is null. How deep that is depends on the
    Python: up to 3.13 it is its limit of recursion, from 3.14 on what the stack of the thread holds. Records are left
    out long before (``streams/forms.py``).
    """
    try:
        return _decoded(body)
    except RecursionError:
        return _decoded(_cut(body))  # one record that is nested too deeply must not cost the page


def _decoded(body: bytes) -> Any:  # noqa: ANN401 (any JSON)
    try:
        value = _decode_strictly(body)
        return _marked(value) if _has_nul(body) else value
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        # One odd value must not cost the page: the standard library reads what msgspec does not.
        text = body.decode("utf-8-sig", "surrogateescape")
        return _marked(json.loads(text, strict=False, parse_float=_real, parse_int=_whole, parse_constant=Odd))
    except ValueError:
        return UNREADABLE


def _cut(body: bytes) -> bytes:
    """JSON with null in the place of what is nested more than :data:`DEEPEST` levels deep."""
    kept, depth, at = [], 0, 0
    for token in _BRACKETS.finditer(body):
        bracket = token.group()
        if bracket in {b"[", b"{"}:
            depth += 1
            if depth == DEEPEST + 1:
                kept += [body[at : token.start()], b"null"]
        elif bracket in {b"]", b"}"}:
            depth -= 1
            if depth == DEEPEST:
                at = token.end()
    return b"".join([*kept, body[at:] if depth <= DEEPEST else b""])


def decoded(response: requests.Response) -> Any:  # noqa: ANN401 (any JSON)
    """The JSON value of an answer's body, kept on the answer.

    Several readers want it (classification, records, cursor), and a page of leads has 180 kB.
    """
    attributes = response.__dict__
    if "_decoded" not in attributes:
        attributes["_decoded"] = decode(response.content)
    return attributes["_decoded"]


def _has_nul(body: bytes) -> bool:
    """Whether a NUL may be among the escapes of a body.

    Most pages have few escapes, and to look for the next backslash is quicker by far than to look for a longer text.
    """
    at = -2
    for _ in range(ESCAPES):
        if (at := body.find(b"\\", at + 2)) < 0 or body.startswith(NUL, at):
            return at >= 0
    return NUL in body[at:]


def _real(literal: str) -> float | Decimal | Odd:
    """A number with a point or an exponent."""
    value = float(literal)
    if repr(value) == literal:
        return value
    try:
        exact = Decimal(literal)
    except InvalidOperation:  # its exponent has 18 digits
        return Odd(literal)
    if not math.isfinite(value) or (value == 0) != (exact == 0):
        return Odd(literal)
    return value if Decimal(repr(value)) == exact else exact


def _real_strictly(literal: str) -> float | Decimal:
    value = _real(literal)
    if isinstance(value, Odd):
        raise ValueError(literal)  # noqa: TRY004 (for msgspec to give up)
    return value


def _whole(literal: str) -> int | Odd:
    return int(literal) if len(literal) <= LONGEST_INTEGER else Odd(literal)


_decode_strictly = msgspec.json.Decoder(float_hook=_real_strictly).decode


def _marked(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    """The value with its odd texts as :class:`Odd`."""
    if isinstance(value, str):
        return Odd(json.dumps(value)[1:-1], _ODD.sub("\ufffd", value)) if _ODD.search(value) else value
    if isinstance(value, dict):
        return {_marked(name): _marked(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_marked(part) for part in value]
    return value
