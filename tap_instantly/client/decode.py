"""JSON decoder for responses."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

UNREADABLE: Any = object()
"""Marks a body that is not JSON: empty, truncated, HTML, ..."""

LONGEST_INTEGER = 4300
"""Python's limit on the digits of an integer."""

NUL = b"\\u0000"
ESCAPES = 200
"""Escapes to check one by one."""

DEEPEST = 200
"""Nesting levels kept from a response that is nested too deeply; more than a record may have."""

# An unterminated text extends to the end of the body. Otherwise each of its quotes would be tried as a start.
_BRACKETS = re.compile(rb'[][{}]|"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)

_ODD = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Odd:
    """A value that a JSON line or a database cannot hold; no code treats it as a value of another type.

    Examples are numbers beyond the range of a double (and ``NaN``), and texts with NUL characters, which Postgres
    rejects in text and jsonb. Others are texts with unpaired surrogates or invalid UTF-8.

    Attributes:
        source: Original form in ASCII: the number's literal, or the text with JSON escapes.
        text: The text with U+FFFD for each invalid character; None for a number.
    """

    source: str
    text: str | None = None

    def __str__(self) -> str:
        """Return the printable form."""
        return self.source


def decode(body: bytes) -> Any:  # noqa: ANN401 (any JSON)
    """Decode JSON, or return :data:`UNREADABLE`.

    Numbers keep all their digits: integers have any length, and a number that a double would round is a ``Decimal``.
    Values that JSON lines or databases cannot hold become :class:`Odd`. If an object repeats a key, its last value
    counts.

    If the body is nested too deeply to decode, everything below :data:`DEEPEST` levels becomes null. That limit depends
    on Python: the recursion limit up to 3.13, the thread's stack from 3.14 on. Records are rejected at a much lower
    depth (``streams/conformance.py``).
    """
    try:
        return _decoded(body)
    except RecursionError:
        return _decoded(_cut(body))  # one record with deep nesting must not cost the whole page


def _decoded(body: bytes) -> Any:  # noqa: ANN401 (any JSON)
    try:
        value = _decode_strictly(body)
        return _marked(value) if _has_nul(body) else value
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        # One odd value must not cost the page: the standard library reads values that msgspec rejects.
        text = body.decode("utf-8-sig", "surrogateescape")
        return _marked(json.loads(text, strict=False, parse_float=_real, parse_int=_whole, parse_constant=Odd))
    except ValueError:
        return UNREADABLE


def _cut(body: bytes) -> bytes:
    """Replace everything nested more than :data:`DEEPEST` levels deep with null."""
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


def _has_nul(body: bytes) -> bool:
    """Return True if the body may contain an escaped NUL.

    Most pages have few escapes, and searching for the next backslash is much faster than for a longer text.
    """
    at = -2
    for _ in range(ESCAPES):
        if (at := body.find(b"\\", at + 2)) < 0 or body.startswith(NUL, at):
            return at >= 0
    return NUL in body[at:]


def _real(literal: str) -> float | Decimal | Odd:
    """Parse a number with a point or an exponent."""
    value = float(literal)
    if repr(value) == literal:
        return value
    try:
        exact = Decimal(literal)
    except InvalidOperation:  # the exponent has 18 digits
        return Odd(literal)
    if not math.isfinite(value) or (value == 0) != (exact == 0):
        return Odd(literal)
    return value if Decimal(repr(value)) == exact else exact


def _real_strictly(literal: str) -> float | Decimal:
    value = _real(literal)
    if isinstance(value, Odd):
        raise ValueError(literal)  # noqa: TRY004 (makes msgspec reject the body)
    return value


def _whole(literal: str) -> int | Odd:
    return int(literal) if len(literal) <= LONGEST_INTEGER else Odd(literal)


_decode_strictly = msgspec.json.Decoder(float_hook=_real_strictly).decode


def _marked(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    """Replace odd texts with :class:`Odd`."""
    if isinstance(value, str):
        return Odd(json.dumps(value)[1:-1], _ODD.sub("\ufffd", value)) if _ODD.search(value) else value
    if isinstance(value, dict):
        return {_marked(name): _marked(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_marked(part) for part in value]
    return value
