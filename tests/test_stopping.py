"""Signals while the tap waits for something that may never happen."""

from __future__ import annotations

import json
import signal
import sys
import time
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any

import pytest

from tap_instantly.sync import shutdown
from tests.support import secret, slim_catalog
from tests.tap_process import START, Piped
from tests.test_writer import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Server

LATER = {"Retry-After": "600"}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")

PATIENCE = "from tap_instantly.sync import shutdown; shutdown.PATIENCE = {}; " + START
PATIENT = PATIENCE.format(3600)
"""The tap without its forced exit."""

IMPATIENT = PATIENCE.format(0.2)


Begin = "Callable[..., Piped]"

SIGNALS = pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])


@pytest.fixture
def begin(tmp_path: Path, config: dict[str, Any]) -> Iterator[Begin]:
    """Start the tap as a separate process for leads only: begin(program, page_size=10, ...)."""

    def start(program: str, *, blocking: bool = True, **settings: Any) -> Piped:
        settings = {**config, **settings}
        if "workspaces" in settings:
            del settings["api_key"]
        arguments = []
        for name, content in {"config": settings, "catalog": slim_catalog("leads")}.items():
            path = tmp_path / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            arguments += [f"--{name}", str(path)]
        return Piped(program, arguments, stack, blocking=blocking)

    with ExitStack() as stack:
        yield start


def wait_for_line(pipe: IO[bytes], text: bytes) -> None:
    for line in pipe:
        if text in line:
            return
    pytest.fail(f"never said: {text!r}")


def whole_lines(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.split(b"\n")[:-1]]


def test_forced_end_comes_within_five_seconds() -> None:
    assert shutdown.PATIENCE + shutdown.LAST_WORDS < 5


@SIGNALS
def test_stalled_reader_does_not_delay_the_end(begin: Begin, signum: signal.Signals) -> None:
    tap = begin(IMPATIENT)
    tap.wait_until_stalled()
    tap.process.send_signal(signum)
    assert tap.process.wait() == 128 + signum
    messages = whole_lines(tap.output.read())
    assert any(message["type"] == "RECORD" for message in messages)
    log = tap.log.read().decode()
    assert f"after {signum.name} without a last STATE, because standard output was blocked" in log
    assert "Traceback" not in log


def test_second_signal_ends_the_run_immediately(begin: Begin) -> None:
    tap = begin(PATIENT)
    tap.wait_until_stalled()
    for _ in range(600):  # signals of the first half second count as one
        if tap.process.poll() is None:
            tap.process.send_signal(signal.SIGINT)
            time.sleep(0.1)
    assert tap.process.wait() == 130


def test_simultaneous_signals_count_as_one(begin: Begin, api: Server) -> None:
    api.control.config(latency_ms=30)
    tap = begin(PATIENT, page_size=5)
    wait_for_line(tap.output, b'"RECORD"')
    for signum in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
        tap.process.send_signal(signum)
    messages = parsed(tap.output.read())
    assert messages[-1]["type"] == "STATE"
    assert tap.process.wait() in {143, 130, -15, -2}  # a late signal may meet Python while it exits
    assert b"Traceback" not in tap.log.read()


def test_standard_output_that_does_not_wait_gets_everything(begin: Begin) -> None:
    tap = begin(START, blocking=False)
    tap.wait_until_stalled()
    messages = parsed(tap.output.read())
    assert tap.process.wait() == 0
    assert sum(message["type"] == "RECORD" for message in messages) == 450
    assert messages[-1]["type"] == "STATE"


def test_signal_does_not_wait_for_connecting_workspaces(begin: Begin, api: Server) -> None:
    api.control.fault("/api/v2/workspaces/current", "status", status=503, headers=LATER, count=None)
    names = ("one", "two", "three")
    tap = begin(PATIENT, workspaces=[{"name": name, "api_key": secret(name)} for name in names], concurrency=2)
    wait_for_line(tap.log, b"Trying again in 600")
    tap.process.send_signal(signal.SIGTERM)
    assert tap.process.wait() == 143
    parsed(tap.output.read())


@SIGNALS
def test_signal_writes_a_last_state_and_does_not_wait_for_retries(
    begin: Begin, api: Server, signum: signal.Signals
) -> None:
    api.control.fault("/api/v2/leads/list", "status", status=503, headers=LATER, count=None, after=3)
    tap = begin(PATIENT, page_size=10)
    wait_for_line(tap.log, b"Trying again in 600")
    tap.process.send_signal(signum)
    assert tap.process.wait() == 128 + signum
    log = tap.log.read().decode()
    assert f"Stopped by {signum.name}" in log
    assert "Traceback" not in log
    last = parsed(tap.output.read())[-1]
    assert last["type"] == "STATE"
    assert last["value"]["bookmarks"]


def test_signal_just_before_a_blocking_call_is_not_missed(begin: Begin) -> None:
    tap = begin("""
import os, signal, threading
from tap_instantly.sync import shutdown
shutdown.PATIENCE = 3600
signal.signal(signal.SIGTERM, lambda *_: shutdown.end(signal.SIGTERM))
shutdown.install_shutdown_deadline()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # another thread takes it: this one is not interrupted
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
threading.Event().wait()
""")
    assert tap.process.wait() == 143


def test_signal_before_the_state_is_loaded_writes_nothing(begin: Begin) -> None:
    early = "import os, signal; from tap_instantly.tap import TapInstantly\n"
    early += "TapInstantly.load_state = lambda self, state: os.kill(os.getpid(), signal.SIGTERM)\n"
    tap = begin(early + START)
    assert tap.process.wait() == 143
    assert tap.output.read() == b""
    assert b"Traceback" not in tap.log.read()
