"""Loads that are ended by force, and loads at the same time.

The tap is an imitation: it goes on from the state that the last loader wrote last, and sends some records anew.
"""

from __future__ import annotations

import json
import os
import random
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

    from loading import Pg, Warehouse

KILLS = int(os.environ.get("KILLS", "6"))
"""Loads that are ended by force for each destination."""

SEED = os.environ.get("SEED", "1")
RECORDS, BLOCK = 4000, 40
FORM = schema("t", {"id": {"type": "integer"}, "text": {"type": "string"}, "json": {"type": "object"}})


def _sent(start: int, run_: int) -> bytes:
    """All messages of a tap that goes on at a record."""
    messages: list[Any] = [FORM]
    for at in range(max(start - BLOCK // 2, 0), RECORDS):
        messages.append(record("t", {"id": at, "text": f"\\\\{at}'" + "x" * 1500, "json": {"run": run_}}))
        if at % BLOCK == BLOCK - 1:
            messages.append(state({"next": at + 1}))
    return lines(messages)


def _killed_load(warehouse: Warehouse, folder: Path, text: bytes, draw: random.Random) -> list[bytes]:
    """Load, ended after a while of chance by a signal, or by a tap that dies in mid-line; return the states written."""
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


def test_whenever_loads_end_nothing_is_lost_and_nothing_double(warehouse: Warehouse, tmp_path: Path) -> None:
    draw, start, finished = random.Random(SEED), 0, 0
    for number in range(KILLS):
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


def test_loads_into_one_schema_at_once_do_not_meet(postgres: Pg, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_load_that_waits_for_its_tap_at_once(warehouse: Warehouse, tmp_path: Path, number: int) -> None:
    config = tmp_path / "target.json"
    config.write_text(json.dumps(warehouse.config), encoding="utf-8")
    command = [sys.executable, "-m", "target_dlt", "--config", str(config)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(lines([FORM, record("t", {"id": 1, "text": "x", "json": {}}), state({"next": 1})]))
        process.stdin.flush()
        process.stderr.readline()
        time.sleep(2)  # it has begun to wait by then; where not, the signal comes a little early
        process.send_signal(number)
        assert process.wait(60) == 128 + number
        assert process.stdout is not None
        assert process.stdout.read() == b""
