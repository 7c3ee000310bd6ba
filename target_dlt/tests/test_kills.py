"""Kill loads, and run loads at the same time.

A fake tap resumes from the last state that the loader wrote, and sends some records again.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from loading import lines, record, run, schema, state

if TYPE_CHECKING:
    from pathlib import Path

    from loading import Duck, Pg, Warehouse

KILLS = int(os.environ.get("KILLS", "6"))
"""Number of loads that the long test kills for each destination."""

SEED = os.environ.get("SEED") or secrets.token_hex(4)
RECORDS, BLOCK = 4000, 40
FORM = schema("t", {"id": {"type": "integer"}, "text": {"type": "string"}, "json": {"type": "object"}})


def _sent(start: int, run_: int) -> bytes:
    """Return the messages of a tap that resumes at a record."""
    messages: list[Any] = [FORM]
    for at in range(max(start - BLOCK // 2, 0), RECORDS):
        messages.append(record("t", {"id": at, "text": f"\\\\{at}'" + "x" * 1500, "json": {"run": run_}}))
        if at % BLOCK == BLOCK - 1:
            messages.append(state({"next": at + 1}))
    return lines(messages)


def _killed_load(warehouse: Warehouse, folder: Path, text: bytes, draw: random.Random) -> list[bytes]:
    """Load until a signal or a tap that dies in mid-line ends it; return the states that the loader wrote."""
    config = folder / "target.json"
    settings = {**warehouse.config, "batch_size_mb": 1}
    config.write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "target_dlt", "--config", str(config)]
    with (folder / "states").open("w+b") as states, (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=states, stderr=log, cwd=folder)
        assert process.stdin is not None
        way = draw.choice([signal.SIGKILL, signal.SIGTERM, None])
        if way is None:
            text = text[: draw.randrange(len(text))]
        killer = (
            subprocess.Popen(["/bin/sh", "-c", f"sleep {draw.uniform(0.9, 3.5):.3f}; kill -{int(way)} {process.pid}"])
            if way
            else None
        )
        try:
            process.stdin.write(text)
            process.stdin.close()
        except BrokenPipeError:
            pass
        process.wait()
        if killer is not None:
            killer.kill()
            killer.wait()
        states.seek(0)
        return states.read().splitlines()


@pytest.mark.parametrize(("kills", "seed"), [(2, "1"), pytest.param(KILLS, SEED, marks=pytest.mark.long, id="drawn")])
def test_interrupted_loads_lose_and_double_nothing(warehouse: Warehouse, tmp_path: Path, kills: int, seed: str) -> None:
    print(f"seed {seed}")  # noqa: T201 (shown if it fails)
    draw, start, finished = random.Random(seed), 0, 0
    for number in range(kills):
        found = _killed_load(warehouse, tmp_path, _sent(start, number), draw)
        complete = [json.loads(line)["next"] for line in found if line.endswith(b"}")]
        start = complete[-1] if complete else start
        if complete:
            ((rows, keys, below),) = warehouse.query(
                f"select count(*), count(distinct id), count(*) filter (where id < {start}) from {{}}.t"
            )
            assert rows == keys
            assert below == start
        if start == RECORDS:
            start, finished = 0, finished + 1
    done = run(warehouse, _sent(start, -1), tmp_path)
    assert done.returncode == 0, done.stderr
    expected = [(at, f"\\\\{at}'" + "x" * 1500) for at in range(RECORDS)]
    assert warehouse.query("select id, text from {}.t order by id") == expected


def test_concurrent_loads_into_one_schema_do_not_conflict(postgres: Pg, tmp_path: Path) -> None:
    def one(at: int) -> subprocess.CompletedProcess[bytes]:
        folder = tmp_path / str(at)
        folder.mkdir()
        rows = [record("shared", {"id": at * 1000 + each, "text": "x"}) for each in range(500)]
        form = schema("shared", {"id": {"type": "integer"}, "text": {"type": "string"}})
        own = [schema(f"own{at}", {"id": {"type": "integer"}}), record(f"own{at}", {"id": at})]
        for _ in range(2):
            done = run(postgres, lines([form, *rows, *own, state({"at": at})]), folder)
        return done

    with ThreadPoolExecutor(4) as pool:
        for done in pool.map(one, range(4)):
            assert done.returncode == 0, done.stderr.decode()
    assert postgres.query("select count(*), count(distinct id) from {}.shared") == [(2000, 2000)]
    for at in range(4):
        assert postgres.query(f"select id from {{}}.own{at}") == [(at,)]


DROPPED = """
import os, signal, time
from target_dlt import target
class Dropping:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
target.GRACE_SECONDS = 1
signal.signal(signal.SIGTERM, target._stop)
Dropping()
time.sleep(60)
"""


def test_a_signal_ends_the_process_even_where_python_drops_the_exit() -> None:
    done = subprocess.run([sys.executable, "-c", DROPPED], capture_output=True, check=False)
    assert b"SystemExit" in done.stderr
    assert done.returncode == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_a_load_that_waits_for_its_tap(duck: Duck, tmp_path: Path, number: int) -> None:
    config = tmp_path / "target.json"
    config.write_text(json.dumps(duck.config), encoding="utf-8")
    command = [sys.executable, "-m", "target_dlt", "--config", str(config)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(lines([FORM, record("t", {"id": 1, "text": "x", "json": {}}), state({"next": 1})]))
        process.stdin.flush()
        process.stderr.readline()
        time.sleep(2)  # usually enough for the loader to wait; if not, the signal only comes early
        process.send_signal(number)
        assert process.wait(60) == 128 + number
        assert process.stdout is not None
        assert process.stdout.read() == b""
