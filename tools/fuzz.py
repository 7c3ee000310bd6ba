"""Pages that no server should send, in the middle of whole runs of the tap: `make fuzz`.

A run of each stream over the sandbox is recorded, and played again and again with one of its pages cut off, or with
flipped bits and odd values in it. What becomes of each is counted. Anything but lines that match the schema, counts of
what was left out, a state to go on from and an end that is documented ends the fuzzing with the page that did it.
"""

from __future__ import annotations

import json
import logging
import random
import re
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn, cast

from jsonschema import Draft202012Validator
from singer_sdk.singerlib import Catalog
from typing_extensions import override

import sandbox
from sandbox import Manners, SandboxConfig
from tap_instantly.api import InstantlyAPIError
from tap_instantly.singer.writer import BufferedWriter
from tap_instantly.streams import InstantlyStream, state
from tap_instantly.streams.accounts import BatchedByAccount
from tap_instantly.streams.analytics import StepStream
from tap_instantly.streams.campaigns import PartsOfCampaigns
from tap_instantly.streams.emails import Emails
from tap_instantly.streams.patterns import ArrayStream, DailyStream, ListStream, ObjectStream, PerParent
from tap_instantly.streams.scanned import ScannedListStream
from tap_instantly.tap import IncompleteError, TapInstantly
from tools.mutations import mutated
from tools.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SANDBOX = SandboxConfig(
    campaigns=3,
    accounts=4,
    leads=24,
    lead_lists=3,
    emails=8,
    days=6,
    until="2026-10-31",
    manners=Manners(emails_per_minute=1_000_000, stray_placement_rows=0.2),
)
"""Small, but with records of every stream."""

SETTINGS = {"page_size": 3, "concurrency": 1, "max_retries": 0, "max_requests_per_second": 10_000, "progress": "off"}

KINDS: dict[str, tuple[type[InstantlyStream], ...]] = {
    "sorted list": (Emails,),
    "scanned list": (ScannedListStream,),
    "batches of accounts": (BatchedByAccount,),
    "days in windows": (DailyStream,),
    "steps and variants": (StepStream, PartsOfCampaigns),
    "by parent": (PerParent,),
    "list": (ListStream,),
    "array": (ArrayStream,),
    "object": (ObjectStream,),
}
"""Kinds of streams; each is of the first that it fits."""

ASKED_BY = "what streams are asked for by"
"""Pages of lists of parents, and those that say which campaigns were active in a window."""

EMPTY = b'{"items":[]}'
CONNECTING = "GET /api/v2/workspaces/current "


class Runs:
    """Runs of one stream, all of it selected, and what has to hold of each."""

    def __init__(self, stream: InstantlyStream, config: dict[str, Any], entry: dict[str, Any]) -> None:
        self.stream = stream
        self.tape = Tape()
        self.recorded = 0
        self._path = re.compile(rf"\S+ /api/v2{re.sub('{.*?}', '[^/]+', stream.path)}[? ]")
        self._config = config
        self._catalog = Catalog.from_dict({"streams": [entry]})
        self._validator = Draft202012Validator(entry["schema"])

    def record(self) -> None:
        """Play it over the network, and keep what comes."""
        with self.tape.recording():
            self.recorded = self._run()["records"]

    @property
    def pages(self) -> list[str]:
        """What to mutate: pages that hold something, less the one that each run begins with, if there are others."""
        full = [asked for asked, body in self.tape.items() if len(body) > len(EMPTY)]
        return [asked for asked in full if not asked.startswith(CONNECTING)] or full

    def kind_of(self, page: str) -> str:
        """What kind of page one of :attr:`pages` is."""
        if not self._path.match(page):
            return ASKED_BY
        return next(kind for kind, classes in KINDS.items() if isinstance(self.stream, classes))

    def play(self, page: str, body: bytes) -> Counter[str]:
        """How a run ends that receives ``body`` for a page, and what it makes of it.

        Raises:
            AssertionError: Something came out that should not have; its text is the page.
        """
        sound, self.tape[page] = self.tape[page], body
        try:
            with self.tape.playing():
                return self._run()
        except Exception as error:
            raise AssertionError(self.stream.name, page, body[:20000]) from error
        finally:
            self.tape[page] = sound

    def _run(self) -> Counter[str]:
        tap = _OneStream(type(self.stream), dict(self._config), self._catalog, writer := _Kept())
        end = _end_of(tap)
        stream = cast("InstantlyStream", tap.streams[self.stream.name])
        messages = [read_line(line) for line in writer.lines]
        records = [message["record"] for message in messages if message["type"] == "RECORD"]
        for record in records:
            check(record, self._validator)
        odd = stream.shaper.oddities
        left_out = odd["without_key"] + odd["too_deep"]
        if end != "stopped":
            expect(stream.tally.read == len(records) + left_out, "a record was left out and not counted")
            _check_state(messages[-1], stream)
        no_records = odd["no_records"] + stream.tally.unusable
        figures = {
            "records": len(records),
            "left_out": left_out,
            "no_records": no_records,
            "values_moved": odd["moved"],
        }
        return Counter({end: 1, **figures})


class _OneStream(TapInstantly):
    """The tap with one stream alone, since all of them take ten times as long."""

    def __init__(
        self, stream: type[InstantlyStream], config: dict[str, Any], catalog: Catalog, writer: BufferedWriter
    ) -> None:
        self._only = stream
        super().__init__(config=config, catalog=catalog, message_writer=writer)

    @override
    def discover_streams(self) -> Sequence[InstantlyStream]:
        return [self._only(self, self.workspaces)]


class _Kept(BufferedWriter):
    """Keeps the lines that it would write."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[bytes] = []

    @override
    def write_message(self, message: Any) -> None:
        self.lines.append(self.serialize_message(message))


def _end_of(tap: _OneStream) -> str:
    """How a run ends: in one of the ways that the documents know."""
    try:
        tap.sync_all()
    except IncompleteError:
        return "incomplete"
    except InstantlyAPIError:
        return "stopped"
    skipped = any(cast("InstantlyStream", stream).tally.skipped for stream in tap.streams.values())
    return "skipped" if skipped else "complete"


def _check_state(last: dict[str, Any], stream: InstantlyStream) -> None:
    """Whether the last message is a state that the next run can go on from."""
    expect(last["type"] == "STATE", "no state at the end")
    given, _ = state.read(last["value"], {stream.name: stream.bookmark_key})
    for part in given.get(state.BOOKMARKS, {}).get(stream.name, {}).get(state.PARTITIONS, ()):
        why = state.why_anew(part, stream.bookmark_key, lambda: None)
        expect(why is None, f"a bookmark that is none: {why}")


def read_line(line: bytes) -> dict[str, Any]:
    """The message that a line is; AssertionError if it is none, or none that a loader and a database can take."""
    expect(line.endswith(b"\n") and line.count(b"\n") == 1, "not one line")
    message: dict[str, Any] = json.loads(line, parse_constant=_refuse)
    expect(not any(re.search("[\0\ud800-\udfff]", text) for text in _texts(message)), "no good text")
    return message


def check(record: dict[str, Any], validator: Draft202012Validator) -> None:
    """AssertionError if a record does not match its schema."""
    breaches = [f"{e.json_path}: {e.message[:200]}" for e in validator.iter_errors(record)]
    expect(not breaches, "; ".join(breaches))


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


def recorded() -> list[Runs]:
    """Runs of each stream, recorded over the sandbox."""
    with sandbox.serve(SANDBOX) as server:
        config = {**SETTINGS, "api_key": server.api_key, "api_url": f"{server.url}/api/v2"}
        tap = TapInstantly(config=dict(config))
        every = []
        for entry in tap.catalog_dict["streams"]:
            for item in entry["metadata"]:
                item["metadata"]["selected"] = True
            every.append(Runs(cast("InstantlyStream", tap.streams[entry["stream"]]), config, entry))
            every[-1].record()
    return every


def fuzz(every: list[Runs], pages: int, seed: int) -> tuple[Counter[str], Counter[str]]:
    """Of what kinds so many mutated pages were, each in a run of its own, and what became of them.

    Raises:
        AssertionError: See :meth:`Runs.play`.
    """
    rng, kinds, counts = random.Random(seed), Counter[str](), Counter[str]()  # noqa: S311 (to be repeatable)
    for number in range(pages):
        runs = every[number % len(every)]
        page = rng.choice(runs.pages)
        kinds[runs.kind_of(page)] += 1
        counts += runs.play(page, mutated(runs.tape[page], rng))
    return kinds, counts


def main(pages: int = 100_000, seed: int = 1) -> None:
    """Print the figures."""
    logging.disable(logging.CRITICAL)
    started = time.monotonic()
    every = recorded()
    kinds, counts = fuzz(every, pages, seed)
    print(f"{pages} pages (seed {seed}) of {len(every)} streams in {time.monotonic() - started:.0f} s, no crash")
    for title, figures in (("pages by kind:", kinds), ("runs by their end, and what they wrote:", counts)):
        print(title)
        for name, count in sorted(figures.items()):
            print(f"{count:>10} {name}")
    print(f"streams without a record to mutate: {[runs.stream.name for runs in every if not runs.recorded] or 'none'}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
