"""Mutations of pages for `make fuzz`."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

DEEP = 300
_HOSTILE = (
    *("null", "true", "{}", "[]", '""', "0", "-1", "5.0", "1.5", "1e400", "-1e400", "1e-400", "NaN", "Infinity"),
    *("9223372036854775808", "1" + "0" * 30, "1" * 400, "1" * 5000, "0.1234567890123456789012345"),
    *(r'"\u0000"', r'"a\ud800b"', r'"\udc00"', r'"\ud83d\ude00"', '"9999-99-99T99:99:99.000Z"', '"0001-01-01"'),
    *('{"":{"":1}}', r'{"\u0000":1,"\ud800":"\u0000"}', '{"a":1,"a":2}', '[{"b":[NaN]}]', '"\x00"', '"\xff"', '"a\nb"'),
    *("[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "[" * 2000 + "]" * 2000, "[" * 8 + "]" * 8),
)
HOSTILE = [text.encode("latin-1") for text in _HOSTILE]
_VALUE = re.compile(rb'(?<=[:\[,])\s*("(?:[^"\\]|\\.)*"|-?[0-9.eE+-]+|true|false|null)(?=\s*[,}\]])')
_CURSOR = re.compile(rb'"next_starting_after":\s*("(?:[^"\\]|\\.)*"|null)')
_ESCAPES = (rb"\u0000", rb"\ud800", rb"\uDFFF", rb"\x", rb"\"", b"\x00", b"\xff", b"\xed\xa0\x80", "\u2028".encode())

Mutation = Callable[[bytes, random.Random], bytes]


def mutated(page: bytes, rng: random.Random) -> bytes:
    """Return the page with one to four errors in it."""
    for _ in range(rng.randint(1, 4)):
        page = rng.choice(MUTATIONS)(page, rng) or b" "
    return page


def _cut(page: bytes, rng: random.Random) -> bytes:
    return page[: rng.randrange(len(page))] if rng.random() < 1 / 4 else page


def _flip(page: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(page))
    return page[:at] + bytes([page[at] ^ 1 << rng.randrange(8)]) + page[at + 1 :]


def _escape(page: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(page))
    return page[:at] + rng.choice(_ESCAPES) + page[at:]


def _at_one(pattern: re.Pattern[bytes], texts: Sequence[bytes]) -> Mutation:
    """Replace what the first group of a pattern matches at one of its places."""

    def mutate(page: bytes, rng: random.Random) -> bytes:
        places = list(pattern.finditer(page))
        if not places:
            return page
        found = rng.choice(places)
        return page[: found.start(1)] + rng.choice(texts) + page[found.end(1) :]

    return mutate


_replace = _at_one(_VALUE, HOSTILE)
_replace_cursor = _at_one(_CURSOR, HOSTILE)
_rename = _at_one(re.compile(rb'"([a-z_]+)":'), (b"", *_ESCAPES, b"id", b"unknown_fields"))
_insert = _at_one(re.compile(rb"(?<=\[)()\{"), [text + b"," for text in HOSTILE])

MUTATIONS = (_cut, _flip, _escape, _replace, _replace, _replace, _replace_cursor, _rename, _insert)
