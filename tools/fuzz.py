"""Sends malformed pages in the middle of whole runs of the tap: `make fuzz`.

Each stream runs once against the sandbox and is recorded. The recording is then replayed many times, each time with one
page cut off, with flipped bits or with odd values. The outcomes are counted. A run must write lines that match the
schema, counts of discarded records and a state to resume from, and end as documented. Otherwise the fuzzing stops
and shows the page.
"""

from __future__ import annotations

import json
import logging
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, cast

from jsonschema import Draft202012Validator
from singer_sdk.singerlib import Catalog
from typing_extensions import override

import sandbox
from sandbox import Behaviour, SandboxConfig
from tap_instantly.client import InstantlyAPIError
from tap_instantly.streams import InstantlyStream
from tap_instantly.streams.analytics import STEPS
from tap_instantly.streams.campaigns import PartsOfCampaigns
from tap_instantly.streams.emails import SortedPartition
from tap_instantly.streams.readers import Array, OneObject
from tap_instantly.streams.slicers import AccountBatches, Parents, Product, Slicer
from tap_instantly.streams.windows import Windows
from tap_instantly.sync import state
from tap_instantly.sync.completeness import IncompleteError
from tap_instantly.sync.scan_partition import ScannedPartition
from tap_instantly.sync.writer import BufferedWriter
from tap_instantly.tap import TapInstantly
from tap_instantly.validation.state import check_state
from tools.mutations import mutated
from tools.tape import Tape

SANDBOX = SandboxConfig(
    campaigns=3,
    accounts=4,
    leads=24,
    lead_lists=3,
    emails=8,
    days=6,
    until="2026-10-31",
    behaviour=Behaviour(emails_per_minute=1_000_000, stray_placement_rows=0.2),
)
"""Small, but every stream has records."""

SETTINGS = {"page_size": 3, "concurrency": 1, "max_retries": 0, "max_requests_per_second": 10_000, "progress": "off"}

KINDS: dict[str, Callable[[InstantlyStream], bool]] = {
    "sorted list": lambda stream: stream.partition_class is SortedPartition,
    "scanned list": lambda stream: issubclass(stream.partition_class, ScannedPartition),
    "batches of accounts": lambda stream: _is_sliced_by(stream, AccountBatches),
    "days in windows": lambda stream: _is_sliced_by(stream, Windows),
    "steps and variants": lambda stream: stream.records is STEPS or isinstance(stream.records, PartsOfCampaigns),
    "by parent": lambda stream: _is_sliced_by(stream, Parents),
    "list": lambda stream: stream.records.is_list,
    "array": lambda stream: isinstance(stream.records, Array),
    "object": lambda stream: isinstance(stream.records, OneObject),
}
"""Kinds of streams. A stream has the first kind that fits."""


def _is_sliced_by(stream: InstantlyStream, kind: type[Slicer]) -> bool:
    slicer = stream.slicer
    return any(isinstance(part, kind) for part in (slicer.factors if isinstance(slicer, Product) else [slicer]))


ASKED_BY = "what streams are asked for by"
"""Pages of parent lists, and pages that name the campaigns active in a window."""

EMPTY = b'{"items":[]}'
CONNECTING = "GET /api/v2/workspaces/current "


class Runs:
    """Runs of one stream with all columns selected, and the checks on each run."""

    def __init__(self, stream: InstantlyStream, config: dict[str, Any], entry: dict[str, Any]) -> None:
        self.stream = stream
        self.tape = Tape()
        self.recorded = 0
        self._path = re.compile(rf"\S+ /api/v2{re.sub('{.*?}', '[^/]+', stream.path)}[? ]")
        self._config = config
        self._catalog = Catalog.from_dict({"streams": [entry]})
        self._validator = Draft202012Validator(entry["schema"])

    def record(self) -> None:
        """Run over the network and record the answers."""
        with self.tape.recording():
            self.recorded = self._run()["records"]

    @property
    def pages(self) -> list[str]:
        """Pages to mutate: those with content, without the first page of each run if there are others."""
        full = [asked for asked, body in self.tape.items() if len(body) > len(EMPTY)]
        return [asked for asked in full if not asked.startswith(CONNECTING)] or full

    def kind_of(self, page: str) -> str:
        """Return the kind of one of :attr:`pages`."""
        if not self._path.match(page):
            return ASKED_BY
        return next(kind for kind, fits in KINDS.items() if fits(self.stream))

    def play(self, page: str, body: bytes) -> Counter[str]:
        """Run with ``body`` as the answer for a page, and count the outcomes.

        Raises:
            AssertionError: The output is wrong; the message is the page.
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
            expect(stream.counts.sums.received == len(records) + left_out, "a record was discarded and not counted")
            _check_state(messages[-1], stream)
        no_records = odd["no_records"] + stream.counts.sums.unusable
        figures = {
            "records": len(records),
            "left_out": left_out,
            "no_records": no_records,
            "values_moved": odd["moved"],
        }
        return Counter({end: 1, **figures})


class _OneStream(TapInstantly):
    """The tap with a single stream; with all of them it takes ten times as long."""

    def __init__(
        self, stream: type[InstantlyStream], config: dict[str, Any], catalog: Catalog, writer: BufferedWriter
    ) -> None:
        self._only = stream
        super().__init__(config=config, catalog=catalog, message_writer=writer)

    @override
    def discover_streams(self) -> Sequence[InstantlyStream]:
        return [self._only(self, self.workspaces)]


class _Kept(BufferedWriter):
    """Keeps the lines instead of writing them."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[bytes] = []

    @override
    def write_message(self, message: Any) -> None:
        self.lines.append(self.serialize_message(message))


def _end_of(tap: _OneStream) -> str:
    """Return how a run ended, one of the documented ways."""
    try:
        tap.sync_all()
    except IncompleteError:
        return "incomplete"
    except InstantlyAPIError:
        return "stopped"
    skipped = any(cast("InstantlyStream", stream).counts.remarks("skipped") for stream in tap.streams.values())
    return "skipped" if skipped else "complete"


def _check_state(last: dict[str, Any], stream: InstantlyStream) -> None:
    """Check that the last message is a state that the next run can resume from."""
    expect(last["type"] == "STATE", "no state at the end")
    given, _ = check_state(last["value"], {stream.name: stream.bookmark_key})
    for part in given.get(state.BOOKMARKS, {}).get(stream.name, {}).get(state.PARTITIONS, ()):
        why = state.why_bookmark_ignored(part, stream.bookmark_key, lambda: None)
        expect(why is None, f"a bookmark that is none: {why}")


def read_line(line: bytes) -> dict[str, Any]:
    """Return the message of a line; AssertionError if it is none, or a loader or database would refuse it."""
    expect(line.endswith(b"\n") and line.count(b"\n") == 1, "not one line")
    message: dict[str, Any] = json.loads(line, parse_constant=_refuse)
    expect(not any(re.search("[\0\ud800-\udfff]", text) for text in _texts(message)), "no good text")
    return message


def check(record: dict[str, Any], validator: Draft202012Validator) -> None:
    """Raise AssertionError if a record does not match its schema."""
    breaches = [f"{e.json_path}: {e.message[:200]}" for e in validator.iter_errors(record)]
    expect(not breaches, "; ".join(breaches))


def expect(held: bool, otherwise: str) -> None:  # noqa: FBT001 (like assert)
    """Assert, even if Python runs with -O."""
    if not held:
        raise AssertionError(otherwise)


def _texts(value: object) -> Iterator[str]:
    """Yield all texts and names in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _texts(part)


def _refuse(literal: str) -> NoReturn:
    raise AssertionError(literal)


def recorded() -> list[Runs]:
    """Record a run of each stream over the sandbox."""
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
    """Run with mutated pages, one a run; count the kinds of the pages and the outcomes.

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
