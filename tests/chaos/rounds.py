"""Rounds of interrupted runs until one completes, then a comparison of the target with the API."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import sandbox
from sandbox import SandboxConfig
from tests.chaos.endings import ENDINGS, Run, Start, run
from tests.chaos.kinds import KINDS, Kind
from tests.chaos.ledger import Ledger, check_end
from tests.streams.test_catalogue import comparable, truth
from tests.support import api_keys, opening, slim_catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sandbox import Control
    from tests.forking import Forks

SIZES = {"campaigns": 6, "accounts": 20, "leads": 100, "lead_lists": 3, "emails": 30, "days": 20}
RUNS_OF_A_ROUND = 9
AT_ONCE = (os.cpu_count() or 1) + 1
_turn = threading.BoundedSemaphore(AT_ONCE)


@dataclass
class Figures:
    """Result of one kind; ``failure`` describes a violation."""

    kind: str
    ended: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    rounds: int = 0
    changes: int = 0
    read: int = 0
    held: int = 0
    failure: str | None = None

    def line(self) -> str:
        """Return a readable report."""
        again = 1 - self.held / self.read if self.read else 0.0
        how = ", ".join(f"{count} {ending}" for ending, count in sorted(self.ended.items()))
        return (
            f"{self.kind}: {self.ended.total()} of {self.runs} runs ended by force ({how}); {self.rounds} rounds, "
            f"{self.changes} changes; {self.read} records read, {again:.0%} of them again"
        )


class Rounds:
    """The rounds of one kind."""

    def __init__(
        self,
        name: str,
        kind: Kind,
        server: sandbox.Server,
        folder: Path,
        seed: str,
        endings: Sequence[str],
        forks: Forks | None,
    ) -> None:
        self.figures = Figures(name)
        self._forks = forks
        self._kind = kind
        self._random = Random(f"{seed} {name}")
        others = [f"workspace-{number:03}" for number in range(2, kind.sizes.get("workspaces", 1) + 1)]
        keys = api_keys(server, "main", *others)
        self._controls = {name: server.control.within(name) for name in keys}
        settings = {**opening(server, keys), "concurrency": 4, "max_requests_per_second": 2000, **kind.settings}
        server.control.config(latency_ms=kind.latency_ms, emails_per_minute=1_000_000)
        self._config, self._catalog, self._state = (folder / f"{file}.json" for file in ("config", "catalog", "state"))
        self._config.write_text(json.dumps(settings), encoding="utf-8")
        catalog = slim_catalog(*kind.streams)
        for entry in catalog["streams"] if kind.in_full else ():
            entry["replication_method"] = "FULL_TABLE"
        self._catalog.write_text(json.dumps(catalog), encoding="utf-8")
        self._size = 0
        self._endings = self._what_ends_runs(endings)

    def _what_ends_runs(self, first: Sequence[str]) -> Iterator[str]:
        while left := [ending for ending in first if ending not in self.figures.ended]:
            yield from left  # again, where a run was over before it could be ended
        if self._kind.first:
            yield self._kind.first
        yield from self._random.sample(list(ENDINGS), len(ENDINGS))  # each of them once, however few runs follow
        while True:
            yield from self._random.choices(list(ENDINGS), list(ENDINGS.values()))

    def play(self, kills: int) -> None:
        """Play rounds until a number of runs were ended.

        Raises:
            AssertionError: A record was lost, or a run ended wrongly.
        """
        whole = Ledger()
        self._size = len(self._run(whole, "none").output)
        if self._kind.begun and self._kind.change is not None:
            self._change(self._kind.change, whole)
            self._size = len(self._run(whole, "none").output)
        self._compare(whole)
        while self.figures.ended.total() < kills:
            self._round(kills)

    def _round(self, kills: int) -> None:
        target, finished, changes = Ledger(), False, self.figures.changes
        if self._kind.begun:
            self._settle(target, 1)
        for _ in range(RUNS_OF_A_ROUND):
            if finished or self.figures.ended.total() >= kills:
                break
            if self._kind.change is not None and (self._kind.begun or self._random.random() < 0.3):
                self._change(self._kind.change, target)
            finished = self._run(target, next(self._endings)).finished
        changed = self.figures.changes > changes
        self.figures.rounds += 1
        earlier = target.back_to(self._random.randrange(len(target.states))) if target.states else None
        # Changes behind a running pass are left to the run after it.
        self._settle(target, (not finished) + changed)
        self.figures.read += target.seen
        self.figures.held += self._compare(target)
        if earlier is not None:
            self._settle(earlier, 1 + changed)
            self._compare(earlier)

    def _change(self, change: Callable[[Control, Random], object], target: Ledger) -> None:
        change(self._random.choice(list(self._controls.values())), self._random)
        self.figures.changes += 1
        while time.time() < target.version + 1:
            time.sleep(0.05)  # versions are seconds: a second run in the same one would not show its deletions

    def _settle(self, target: Ledger, runs: int) -> None:
        for _ in range(runs):
            assert self._run(target, "none").finished

    def _run(self, target: Ledger, ending: str) -> Run:
        """Run the tap from the target's state, as Meltano does."""
        arguments = ["--config", str(self._config), "--catalog", str(self._catalog)]
        if target.state is not None:
            self._state.write_text(json.dumps(target.state), encoding="utf-8")
            arguments += ["--state", str(self._state)]
        with _turn:
            result = run(Start(self._kind.program, tuple(arguments), self._forks), ending, self._random, self._size)
        self.figures.runs += 1
        if not result.finished:
            self.figures.ended[ending] += 1
        check_end(result)
        target.take(result)
        if b'"ACTIVATE_VERSION"' in result.output:
            self._check_removed(target)
        return result

    def _check_removed(self, target: Ledger) -> None:
        """Check that no existing record was removed; since keys never return, it existed throughout."""
        for stream, keys in target.keys.items():
            there = {key for control in self._controls.values() for key in _truth(control, stream, keys)}
            for table in target.tables(stream):
                wrongly = [key for key in comparable(list(table.removed.values()), keys) if key in there]
                assert not wrongly, f"{len(wrongly)} of {stream} were removed and are there, among them {wrongly[:3]}"

    def _compare(self, target: Ledger) -> int:
        """Compare a target with the API and return the number of its records, each counted once."""
        assert target.keys.keys() == set(self._kind.streams)
        return sum(self._compare_stream(target, stream, keys) for stream, keys in target.keys.items())

    def _compare_stream(self, target: Ledger, stream: str, keys: list[str]) -> int:
        for table in target.tables(stream):
            held = 0
            for control in self._controls.values():
                (workspace,) = control.truth("workspace")
                records = [record for record in table.rows.values() if record["workspace_id"] == workspace["id"]]
                found = comparable(records, keys)
                differing = differences(found, _truth(control, stream, keys))
                assert not differing, f"{len(differing)} of {stream} differ from the truth, as {differing[:3]}"
                held += len(found)
        return held


def _truth(control: Control, stream: str, keys: list[str]) -> dict[Any, Any]:
    return comparable(truth(SimpleNamespace(control=control), stream), keys)  # type: ignore[arg-type]


def differences(found: dict[Any, Any], due: dict[Any, Any]) -> list[Any]:
    """Return the keys of missing, surplus and differing records."""
    return [key for key in found.keys() | due.keys() if found.get(key) != due.get(key)]


def play(kills: int, seed: str, say: Callable[[str], None]) -> list[Figures]:
    """Play rounds of all kinds side by side until ``kills`` runs were ended; ``say`` gets a line for each kind."""
    shares = [(kills + place) // len(KINDS) for place in range(len(KINDS))]
    with ThreadPoolExecutor(len(KINDS)) as pool:
        found = []
        for figures in pool.map(lambda name, share: play_kind(name, share, seed), KINDS, shares):
            say(figures.line())
            found.append(figures)
    return found


def play_kind(name: str, kills: int, seed: str, endings: Sequence[str] = (), forks: Forks | None = None) -> Figures:
    """Play rounds of one kind until ``kills`` runs were ended, the first of them by these endings.

    Runs start by Python's own start, or else by forks.
    """
    kind = KINDS[name]
    # With today as its last day, the sandbox also has later events, and a new one would not be the latest.
    yesterday = datetime.now(timezone.utc).date() - timedelta(days=1)
    config = SandboxConfig(**{**SIZES, **kind.sizes}, until=yesterday.isoformat(), seed=len(name))
    with sandbox.serve(config) as server, TemporaryDirectory() as folder:
        rounds = Rounds(name, kind, server, Path(folder), seed, endings, forks)
        try:
            rounds.play(kills)
        except Exception as error:  # noqa: BLE001 (of one of several side by side)
            rounds.figures.failure = f"{type(error).__name__}: {error}"
    return rounds.figures


def failures(found: list[Figures]) -> Iterator[str]:
    """Return the reason of a failure."""
    return (f"{figures.kind}: {figures.failure}" for figures in found if figures.failure)
