"""Mutations of pages for `make fuzz`."""

from __future__ import annotations

import random
import re

DEEP = 300
HOSTILE = (
    *("null", "true", "{}", "[]", '""', "0", "-1", "5.0", "1.5", "1e400", "-1e400", "1e-400", "NaN", "Infinity"),
    *("9223372036854775808", "1" + "0" * 30, "1" * 400, "1" * 5000, "0.1234567890123456789012345"),
    *(r'"\u0000"', r'"a\ud800b"', r'"\udc00"', r'"\ud83d\ude00"', '"9999-99-99T99:99:99.000Z"', '"0001-01-01"'),
    *('{"":{"":1}}', r'{"\u0000":1,"\ud800":"\u0000"}', '{"a":1,"a":2}', '[{"b":[NaN]}]', '"\x00"', '"\xff"', '"a\nb"'),
    *("[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "[" * 2000 + "]" * 2000, "[" * 8 + "]" * 8),
)
_VALUE = re.compile(rb'(?<=[:\[,])\s*("(?:[^"\\]|\\.)*"|-?[0-9.eE+-]+|true|false|null)(?=\s*[,}\]])')
_CURSOR = re.compile(rb'"next_starting_after":\s*("(?:[^"\\]|\\.)*"|null)')
_ESCAPES = (rb"\u0000", rb"\ud800", rb"\uDFFF", rb"\x", rb"\"", b"\x00", b"\xff", b"\xed\xa0\x80", "\u2028".encode())


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


def _replace(page: bytes, rng: random.Random) -> bytes:
    return _one_replaced(page, list(_VALUE.finditer(page)), rng)


def _replace_cursor(page: bytes, rng: random.Random) -> bytes:
    return _one_replaced(page, list(_CURSOR.finditer(page)), rng)


def _one_replaced(page: bytes, values: list[re.Match[bytes]], rng: random.Random) -> bytes:
    if not values:
        return page
    found = rng.choice(values)
    return page[: found.start(1)] + rng.choice(HOSTILE).encode("latin-1") + page[found.end(1) :]


def _rename(page: bytes, rng: random.Random) -> bytes:
    names = list(re.finditer(rb'"([a-z_]+)":', page))
    if not names:
        return page
    found = rng.choice(names)
    return page[: found.start(1)] + rng.choice([b"", *_ESCAPES, b"id", b"unknown_fields"]) + page[found.end(1) :]


def _insert(page: bytes, rng: random.Random) -> bytes:
    places = list(re.finditer(rb"(?<=\[)\{", page))
    if not places:
        return page
    at = rng.choice(places).start()
    return page[:at] + rng.choice(HOSTILE).encode("latin-1") + b"," + page[at:]


MUTATIONS = (_cut, _flip, _escape, _replace, _replace, _replace, _replace_cursor, _rename, _insert)
