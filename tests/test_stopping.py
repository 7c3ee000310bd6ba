"""Signals while the tap waits for something that may never happen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING, Any

import pytest

from tap_instantly.sync import shutdown
from tests.support import catalog_of, secret
from tests.test_writer import parsed, waiting_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Server

AT_MOST = 60
"""Seconds to wait for the end: far more than needed, far less than the tap would wait."""

LATER = {"Retry-After": "600"}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")

START = "from tap_instantly.__main__ import main; main()"
PATIENT = f"from tap_instantly.sync import shutdown; shutdown.PATIENCE = 3600; {START}"
"""The tap without its forced exit."""

Begin = "Callable[..., subprocess.Popen[bytes]]"


@pytest.fixture
def begin(tmp_path: Path, config: dict[str, Any]) -> Iterator[Begin]:
    """Start the tap as a separate process for leads only: begin(program, stdout, page_size=10, ...)."""
    started: list[subprocess.Popen[bytes]] = []

    def start(program: str, stdout: int = subprocess.PIPE, **settings: Any) -> subprocess.Popen[bytes]:
        settings = {**config, **settings}
        if "workspaces" in settings:
            del settings["api_key"]
        paths = [tmp_path / "config.json", tmp_path / "catalog.json"]
        for path, content in zip(paths, (settings, catalog_of(settings, "leads")), strict=True):
            path.write_text(json.dumps(content), encoding="utf-8")
        command = [sys.executable, "-c", program, "--config", str(paths[0]), "--catalog", str(paths[1])]
        started.append(subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def wait_until_stalled(pipe: IO[bytes], process: subprocess.Popen[bytes]) -> None:
    """Wait until the tap has filled the pipe and blocks."""
    before, since = -1, 0.0
    while since < 1:
        assert process.poll() is None
        time.sleep(0.1)
        now = waiting_bytes(pipe)
        since = since + 0.1 if now == before and now else 0
        before = now


def wait_for_line(pipe: IO[bytes], text: bytes) -> None:
    for line in pipe:
        if text in line:
            return
    pytest.fail(f"never said: {text!r}")


def whole_lines(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.split(b"\n")[:-1]]


def test_forced_end_comes_within_five_seconds() -> None:
    assert shutdown.PATIENCE + shutdown.LAST_WORDS < 5


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_stalled_reader_does_not_delay_the_end(begin: Begin, signum: signal.Signals) -> None:
    tap = begin(START)
    wait_until_stalled(tap.stdout, tap)
    tap.send_signal(signum)
    assert tap.wait(AT_MOST) == 128 + signum
    messages = whole_lines(tap.stdout.read())
    assert any(message["type"] == "RECORD" for message in messages)
    log = tap.stderr.read().decode()
    assert f"after {signum.name} without a last STATE, because standard output was blocked" in log
    assert "Traceback" not in log


def test_second_signal_ends_the_run_immediately(begin: Begin) -> None:
    tap = begin(PATIENT)
    wait_until_stalled(tap.stdout, tap)
    for _ in range(5 * AT_MOST):  # signals of the first half second count as one
        if tap.poll() is None:
            tap.send_signal(signal.SIGINT)
            time.sleep(0.2)
    assert tap.returncode == 130


def test_simultaneous_signals_count_as_one(begin: Begin, api: Server) -> None:
    api.control.config(latency_ms=30)
    tap = begin(PATIENT, page_size=5)
    wait_for_line(tap.stdout, b'"RECORD"')
    for signum in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
        tap.send_signal(signum)
    messages = parsed(tap.stdout.read())
    assert messages[-1]["type"] == "STATE"
    assert tap.wait(AT_MOST) in {143, 130, -15, -2}  # a late signal may meet Python while it exits
    assert b"Traceback" not in tap.stderr.read()


def test_standard_output_that_does_not_wait_gets_everything(begin: Begin) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    tap = begin(START, stdout=writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as output:
        wait_until_stalled(output, tap)
        messages = parsed(output.read())
    assert tap.wait(AT_MOST) == 0
    assert sum(message["type"] == "RECORD" for message in messages) == 450
    assert messages[-1]["type"] == "STATE"


def test_signal_does_not_wait_for_connecting_workspaces(begin: Begin, api: Server) -> None:
    api.control.fault("/api/v2/workspaces/current", "status", status=503, headers=LATER, count=None)
    names = ("one", "two", "three")
    tap = begin(PATIENT, workspaces=[{"name": name, "api_key": secret(name)} for name in names], concurrency=2)
    wait_for_line(tap.stderr, b"Trying again in 600")
    tap.send_signal(signal.SIGTERM)
    assert tap.wait(AT_MOST) == 143
    parsed(tap.stdout.read())


def test_signal_does_not_wait_for_pending_retries(begin: Begin, api: Server) -> None:
    api.control.fault("/api/v2/leads/list", "status", status=503, headers=LATER, count=None, after=3)
    tap = begin(PATIENT, page_size=10)
    wait_for_line(tap.stderr, b"Trying again in 600")
    tap.send_signal(signal.SIGTERM)
    assert tap.wait(AT_MOST) == 143
    assert parsed(tap.stdout.read())[-1]["type"] == "STATE"


def test_signal_just_before_a_blocking_call_is_not_missed() -> None:
    program = """
import os, signal, threading
from tap_instantly.sync import shutdown
shutdown.PATIENCE = 3600
signal.signal(signal.SIGTERM, lambda *_: shutdown.end(signal.SIGTERM))
shutdown.install_shutdown_deadline()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # another thread takes it: this one is not interrupted
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
threading.Event().wait()
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=AT_MOST, check=False).returncode == 143


def test_signal_before_the_state_is_loaded_writes_nothing(begin: Begin) -> None:
    early = "import os, signal; from tap_instantly.tap import TapInstantly\n"
    early += "TapInstantly.load_state = lambda self, state: os.kill(os.getpid(), signal.SIGTERM)\n"
    tap = begin(early + START)
    assert tap.wait(AT_MOST) == 143
    assert tap.stdout.read() == b""
    assert b"Traceback" not in tap.stderr.read()
