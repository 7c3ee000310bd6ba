"""Pages that no server should send, through everything between the answer and standard output: `make fuzz`.

Pages of the sandbox are cut off, get flipped bits and odd values; what becomes of each is counted, and anything but a
whole line of JSON that matches the schema, or a count of what was left out, ends the run with the page that did it.
"""

from __future__ import annotations

import json
import logging
import random
import re
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import requests
from jsonschema import Draft202012Validator

import sandbox
from sandbox import SandboxConfig
from tap_instantly import InstantlyClient
from tap_instantly.api.decode import UNREADABLE, decoded
from tap_instantly.api.errors import InstantlyAPIError, classify
from tap_instantly.api.pagination import no_records
from tap_instantly.singer.writer import BufferedWriter
from tap_instantly.streams.patterns import ArrayStream, ListStream
from tap_instantly.tap import TapInstantly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_instantly.streams import InstantlyStream

CONTEXT = {"workspace_id": "home"}

DEEP = 300
HOSTILE = (
    *("null", "true", "{}", "[]", '""', "0", "-1", "5.0", "1.5", "1e400", "-1e400", "1e-400", "NaN", "Infinity"),
    *("9223372036854775808", "1" + "0" * 30, "1" * 400, "1" * 5000, "0.1234567890123456789012345"),
    *(r'"\u0000"', r'"a\ud800b"', r'"\udc00"', r'"\ud83d\ude00"', '"9999-99-99T99:99:99.000Z"', '"0001-01-01"'),
    *('{"":{"":1}}', r'{"\u0000":1,"\ud800":"\u0000"}', '{"a":1,"a":2}', '[{"b":[NaN]}]', '"\x00"', '"\xff"', '"a\nb"'),
    *("[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "[" * 2000 + "]" * 2000, "[" * 8 + "]" * 8),
)
_VALUE = re.compile(rb'(?<=[:\[,])\s*("(?:[^"\\]|\\.)*"|-?[0-9.eE+-]+|true|false|null)(?=\s*[,}\]])')
_ESCAPES = (rb"\u0000", rb"\ud800", rb"\uDFFF", rb"\x", rb"\"", b"\x00", b"\xff", b"\xed\xa0\x80", "\u2028".encode())


def offline_streams() -> dict[str, InstantlyStream]:
    """Every stream, all of it selected, of a tap that is never connected."""
    config = {"api_key": "none", "api_url": "http://127.0.0.1:9/api/v2"}
    catalog: dict[str, Any] = TapInstantly(config=dict(config)).catalog_dict
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = True
    streams: dict[str, Any] = dict(TapInstantly(config=config, catalog=catalog).streams)
    for stream in streams.values():
        stream.before_reading(CONTEXT)
    return streams


def answer(body: bytes) -> requests.Response:
    """A successful answer with that body."""
    response = requests.Response()
    response.status_code = 200
    response._content = body  # noqa: SLF001 (there is no other way to make one)
    response.request = requests.Request("GET", "http://127.0.0.1/page").prepare()
    return response


class Checker:
    """Sends pages through one stream, and holds what comes out against its schema."""

    def __init__(self, stream: InstantlyStream) -> None:
        self._stream = stream
        self._validator = Draft202012Validator(stream.schema)
        self._writer = BufferedWriter()

    def lines(self, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The records as they are written; AssertionError if one is not as it has to be."""
        for row in rows:
            before = sum(self._left_out.values())
            record = self._stream.post_process(row, CONTEXT)
            if record is None:
                expect(sum(self._left_out.values()) == before + 1, "a record was left out and not counted")
                continue
            for message in self._stream._generate_record_messages(record):  # noqa: SLF001 (what the SDK calls)
                line = self._writer.serialize_message(message)
                expect(line.endswith(b"\n") and line.count(b"\n") == 1, "not one line")
                written = json.loads(line, parse_constant=_refuse)["record"]
                expect(not any(re.search("[\0\ud800-\udfff]", text) for text in _texts(written)), "no good text")
                breaches = [f"{e.json_path}: {e.message[:200]}" for e in self._validator.iter_errors(written)]
                expect(not breaches, "; ".join(breaches))
                yield written

    def page(self, body: bytes) -> Counter[str]:
        """What became of a page."""
        response = answer(body)
        counts = Counter(pages=1)
        if kind := classify(200, decoded(response)):
            return counts + Counter({"unreadable" if decoded(response) is UNREADABLE else kind.value: 1})
        try:
            rows = list(self._stream.parse_response(response))
        except InstantlyAPIError:
            return counts + Counter(of_another_shape=1)
        read = len(rows)
        records = sum(1 for _ in self.lines(rows))
        return counts + Counter(read=1, records=records, left_out=read - records, no_records=no_records(response))

    @property
    def properties(self) -> dict[str, Any]:
        """The schema of each column."""
        return dict(self._stream.schema["properties"])

    @property
    def _left_out(self) -> dict[str, int]:
        counts = self._stream.shaper.oddities
        return {name: counts[name] for name in ("without_key", "too_deep")}


def expect(held: bool, otherwise: str) -> None:  # noqa: FBT001 (like assert)
    """An assertion that no option of Python turns off."""
    if not held:
        raise AssertionError(otherwise)


def _texts(value: object) -> Iterator[str]:
    """All texts and names in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _texts(part)


def _refuse(literal: str) -> NoReturn:
    raise AssertionError(literal)


def real_pages(streams: dict[str, InstantlyStream]) -> dict[str, bytes]:
    """A page of three records of each stream that is asked for by itself."""
    config = SandboxConfig(campaigns=3, accounts=4, leads=12, days=20, until="2026-10-31", seed=4)
    pages: dict[str, bytes] = {}
    with sandbox.serve(config) as server, InstantlyClient(server.api_key, api_url=f"{server.url}/api/v2") as client:
        for name, stream in streams.items():
            method, path = stream.http_method, urlsplit(stream.path).path
            if isinstance(stream, (ListStream, ArrayStream)) and "{" not in path and stream.parent is None:
                page = {"limit": 3}
                where: dict[str, Any] = {"json": page} if method == "POST" else {"params": page}
                try:
                    pages[name] = client.request(method, path, repeatable=True, **where).content
                except InstantlyAPIError:
                    continue  # it wants more arguments
    return pages


def mutated(page: bytes, rng: random.Random) -> bytes:
    """The page with one to four things wrong with it."""
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
    values = list(_VALUE.finditer(page))
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


MUTATIONS = (_cut, _flip, _escape, _replace, _replace, _replace, _rename, _insert)


def fuzz(pages: int, seed: int) -> Counter[str]:
    """What became of that many pages.

    Raises:
        AssertionError: Something came out that should not have; its text is the page.
    """
    streams, rng, counts = offline_streams(), random.Random(seed), Counter[str]()  # noqa: S311 (to be repeatable)
    seeds = real_pages(streams)
    checkers = {name: Checker(streams[name]) for name in seeds}
    for _ in range(pages):
        name = rng.choice(list(seeds))
        page = mutated(seeds[name], rng)
        try:
            counts += checkers[name].page(page)
        except Exception as error:
            raise AssertionError(name, page[:20000]) from error
    for checked in checkers:
        counts["values_moved"] += streams[checked].shaper.moved
    return counts


def main(pages: int = 100_000, seed: int = 1) -> None:
    """Print the figures."""
    logging.disable(logging.CRITICAL)
    started = time.monotonic()
    counts = fuzz(pages, seed)
    print(f"{pages} pages (seed {seed}) in {time.monotonic() - started:.0f} s")
    for name, count in sorted(counts.items()):
        print(f"{count:>10} {name}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
