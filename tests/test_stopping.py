"""Signals while the tap waits for something that may never happen."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any

import pytest

from tap_instantly.sync import shutdown
from tests.forked import START
from tests.support import secret, slim_catalog
from tests.test_writer import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Server
    from tests.forked import Forked, Forks

LATER = {"Retry-After": "600"}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")

PATIENCE = "from tap_instantly.sync import shutdown; shutdown.PATIENCE = {}; " + START
PATIENT = PATIENCE.format(3600)
"""The tap without its forced exit."""

IMPATIENT = PATIENCE.format(0.2)


class Tap:
    """A running tap and its pipes."""

    def __init__(self, forks: Forks, program: str, arguments: list[str], stack: ExitStack, *, blocking: bool) -> None:
        (output, self._writing), (log, logging) = (
            [stack.enter_context(os.fdopen(end, mode)) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True)]
            for _ in range(2)
        )
        os.set_blocking(self._writing.fileno(), blocking)
        self._output, self.log = output, log
        self.process: Forked = forks.start(
            *arguments, program=program, stdout=self._writing.fileno(), stderr=logging.fileno()
        )
        stack.callback(lambda: (self.process.kill(), self.process.wait()))
        logging.close()

    def wait_until_stalled(self) -> None:
        """Wait until the tap has filled the pipe."""
        while select.select([], [self._writing], [], 0)[1]:
            assert self.process.poll() is None
            time.sleep(0.01)

    @property
    def output(self) -> IO[bytes]:
        """Standard output, which nobody but the tap writes to any more."""
        self._writing.close()
        return self._output


Begin = "Callable[..., Tap]"


@pytest.fixture
def begin(tmp_path: Path, config: dict[str, Any], forks: Forks) -> Iterator[Begin]:
    """Start the tap as a separate process for leads only: begin(program, page_size=10, ...)."""

    def start(program: str, *, blocking: bool = True, **settings: Any) -> Tap:
        settings = {**config, **settings}
        if "workspaces" in settings:
            del settings["api_key"]
        arguments = []
        for name, content in {"config": settings, "catalog": slim_catalog("leads")}.items():
            path = tmp_path / f"{name}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            arguments += [f"--{name}", str(path)]
        return Tap(forks, program, arguments, stack, blocking=blocking)

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


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
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


def test_signal_does_not_wait_for_pending_retries(begin: Begin, api: Server) -> None:
    api.control.fault("/api/v2/leads/list", "status", status=503, headers=LATER, count=None, after=3)
    tap = begin(PATIENT, page_size=10)
    wait_for_line(tap.log, b"Trying again in 600")
    tap.process.send_signal(signal.SIGTERM)
    assert tap.process.wait() == 143
    assert parsed(tap.output.read())[-1]["type"] == "STATE"


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
