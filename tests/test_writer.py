from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from itertools import cycle
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from singer_sdk.singerlib import RecordMessage, SchemaMessage, StateMessage
from singer_sdk.singerlib.encoding.simple import SimpleSingerWriter

from tap_instantly.singer.writer import BUFFER_BYTES, BufferedWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk.singerlib.encoding.simple import Message

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
PATIENCE = 10


def record(number: int, text: str = "") -> RecordMessage:
    return RecordMessage("leads", {"id": number, "text": text}, time_extracted=NOW)


def state(number: int) -> StateMessage:
    return StateMessage({"bookmarks": {"leads": {"at": number}}})


def schema() -> SchemaMessage:
    return SchemaMessage("leads", {"type": "object", "properties": {"id": {"type": ["integer"]}}}, ["id"])


BIG = "x" * (BUFFER_BYTES // 3)


class Pipe:
    """Standard output as a pipe; what has been written is read only when asked for."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.stdout = os.fdopen(self.writing, "w")

    def ready(self) -> bytes:
        """What has been written by now."""
        os.set_blocking(self.reading, False)
        found = b""
        try:
            while piece := os.read(self.reading, BUFFER_BYTES):
                found += piece
        except BlockingIOError:
            pass
        return found

    @contextmanager
    def read_slowly(self) -> Iterator[list[bytes]]:
        """Read it all from a thread, a little at a time; the pieces are there at the end."""
        os.set_blocking(self.reading, True)
        pieces: list[bytes] = []

        def read() -> None:
            while piece := os.read(self.reading, 5_000):
                pieces.append(piece)
                time.sleep(0.0005)

        thread = threading.Thread(target=read)
        thread.start()
        try:
            yield pieces
        finally:
            self.stdout.close()
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def close(self) -> None:
        with suppress(OSError):
            self.stdout.close()
        with suppress(OSError):
            os.close(self.reading)


def replace_stdout(monkeypatch: pytest.MonkeyPatch, output: IO[str]) -> None:
    # Not that of sys itself, which pytest replaces between the parts of a test.
    monkeypatch.setattr("tap_instantly.singer.writer.sys", SimpleNamespace(stdout=output))


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    found = Pipe()
    replace_stdout(monkeypatch, found.stdout)
    yield found
    found.close()


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    found = io.StringIO()
    replace_stdout(monkeypatch, found)
    return found


def kinds(output: bytes) -> list[str]:
    """The kinds of the messages, which all have to be whole."""
    assert output.endswith(b"\n") or not output
    return [json.loads(line)["type"] for line in output.splitlines()]


def ids(output: bytes) -> list[int]:
    messages = [json.loads(line) for line in output.splitlines()]
    return [message["record"]["id"] for message in messages if message["type"] == "RECORD"]


# What is written, and when


def test_records_wait_for_the_next_state(pipe: Pipe) -> None:
    writer = BufferedWriter()
    writer.write_message(record(1))
    writer.write_message(record(2))
    assert pipe.ready() == b""
    writer.write_message(state(1))
    assert kinds(pipe.ready()) == ["RECORD", "RECORD", "STATE"]


def test_a_schema_goes_out_at_once(pipe: Pipe) -> None:
    writer = BufferedWriter()
    writer.write_message(schema())
    assert kinds(pipe.ready()) == ["SCHEMA"]
    writer.write_message(record(1))
    writer.write_message(schema())
    assert kinds(pipe.ready()) == ["RECORD", "SCHEMA"]


def test_records_go_out_where_they_would_fill_a_pipe(memory: io.StringIO) -> None:
    writer = BufferedWriter()
    for number in range(3):
        writer.write_message(record(number, BIG))
    assert ids(memory.getvalue().encode()) == [0, 1, 2]


def test_a_record_that_is_longer_than_a_pipe_goes_out_whole(pipe: Pipe) -> None:
    with pipe.read_slowly() as pieces:
        BufferedWriter().write_message(record(1, 5 * BIG))
    assert json.loads(b"".join(pieces))["record"]["text"] == 5 * BIG


MESSAGES = st.lists(
    st.builds(record, st.integers(0, 9), st.text(max_size=5) | st.just(BIG))
    | st.builds(state, st.integers(0, 9))
    | st.builds(schema),
    max_size=12,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=MESSAGES)
def test_all_messages_come_in_order_and_as_the_sdk_writes_them(
    messages: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [*messages, state(10)]
    output = io.StringIO()
    with monkeypatch.context() as patch:
        replace_stdout(patch, output)
        writer = BufferedWriter()
        for message in messages:
            writer.write_message(message)
            waiting = output.getvalue()
            assert not waiting or waiting.endswith("\n")
            assert isinstance(message, RecordMessage) or json.loads(waiting.splitlines()[-1])["type"] == message.type
    expected = [json.loads(SimpleSingerWriter().format_message(message)) for message in messages]
    assert [json.loads(line) for line in output.getvalue().split("\n")[:-1]] == expected


def test_standard_output_may_be_replaced_by_something_in_memory(memory: io.StringIO) -> None:
    writer = BufferedWriter()
    writer.write_message(record(1, "é\0\u2028🦄"))
    writer.write_message(state(1))
    first, second = map(json.loads, memory.getvalue().split("\n")[:-1])
    assert (first["record"]["text"], second["type"]) == ("é\0\u2028🦄", "STATE")


# Writes that take less than all, or nothing


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 200), min_size=1, max_size=5))
def test_what_a_write_does_not_take_is_written_next(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, sizes: list[int]
) -> None:
    original, size = os.write, cycle(sizes)

    def take_some(output: int, waiting: memoryview) -> int:
        return original(output, waiting[: next(size)])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", take_some)
        writer = BufferedWriter()
        for number in range(4):
            writer.write_message(record(number))
        writer.write_message(state(1))
    output = pipe.ready()
    assert (ids(output), kinds(output)[-1]) == ([0, 1, 2, 3], "STATE")


def test_a_slow_reader_gets_it_all(pipe: Pipe) -> None:
    with pipe.read_slowly() as pieces:
        writer = BufferedWriter()
        for number in range(20):
            writer.write_message(record(number, BIG))
        writer.write_message(state(1))
    output = b"".join(pieces)
    assert (ids(output), kinds(output)[-1]) == (list(range(20)), "STATE")


def test_a_closed_pipe_raises(pipe: Pipe) -> None:
    os.close(pipe.reading)
    with pytest.raises(BrokenPipeError):
        BufferedWriter().write_message(state(1))


# Being stopped


def in_the_middle_of_a_write(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Do something after the first bytes of the next write, as a signal handler would."""
    original = os.write
    writes = 0

    def interrupted(output: int, waiting: Any) -> int:
        nonlocal writes
        writes += 1
        written = original(output, waiting[:10])
        if writes == 1:
            act()
        return written

    monkeypatch.setattr(os, "write", interrupted)


def test_what_is_to_be_done_when_idle_is_done_at_once_where_nothing_is_written(pipe: Pipe) -> None:
    done = []
    writer = BufferedWriter()
    writer.when_idle(lambda: done.append(1))
    assert done == [1]
    writer.write_message(record(1))  # which waits, and is no write under way
    writer.when_idle(lambda: done.append(2))
    assert done == [1, 2]


def test_what_is_to_be_done_when_idle_waits_for_the_end_of_the_write(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = BufferedWriter()
    done: list[str] = []

    def stop() -> None:
        done.append("stopped")
        writer.write_message(state(2))

    def come() -> None:
        writer.when_idle(stop)
        assert done == []

    in_the_middle_of_a_write(monkeypatch, come)
    writer.write_message(record(1))
    writer.write_message(state(1))
    output = pipe.ready()
    assert kinds(output) == ["RECORD", "STATE", "STATE"]
    assert json.loads(output.splitlines()[-1])["value"] == state(2).value
    assert done == ["stopped"]


def test_it_is_done_once(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = BufferedWriter()
    done: list[int] = []
    in_the_middle_of_a_write(monkeypatch, lambda: writer.when_idle(lambda: done.append(1)))
    for number in range(5):
        writer.write_message(state(number))
    assert done == [1]


def test_a_run_can_end_in_what_is_done_when_idle(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = BufferedWriter()
    in_the_middle_of_a_write(monkeypatch, lambda: writer.when_idle(lambda: sys.exit(7)))
    with pytest.raises(SystemExit):
        writer.write_message(state(1))
    assert kinds(pipe.ready()) == ["STATE"]


def test_a_real_signal_during_a_write_to_a_slow_reader_neither_cuts_a_line_nor_loses_the_last_state(
    pipe: Pipe,
) -> None:
    writer = BufferedWriter()
    came: list[str] = []

    def handle(*_: object) -> None:
        came.append("signal")
        writer.when_idle(lambda: (came.append("done"), writer.write_message(state(2))))

    before = signal.signal(signal.SIGALRM, handle)
    try:
        with pipe.read_slowly() as pieces:
            signal.setitimer(signal.ITIMER_REAL, 0.01)  # the write takes much longer
            writer.write_message(record(1, 40 * BIG))
            assert came == ["signal", "done"]
    finally:
        signal.signal(signal.SIGALRM, before)
    output = b"".join(pieces)
    assert kinds(output) == ["RECORD", "STATE"]
