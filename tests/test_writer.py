from __future__ import annotations

import io
import json
import os
import signal
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.singerlib import RecordMessage, SchemaMessage, StateMessage

from tap_instantly.sync.writer import BUFFER_BYTES, BufferedWriter
from tests.support import examples
from tests.tap_process import Piped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk.singerlib.encoding.simple import Message


def record(text: str = "", number: int = 0) -> RecordMessage:
    return RecordMessage("leads", {"number": number, "text": text})


def schema() -> SchemaMessage:
    return SchemaMessage("leads", {"properties": {"text": {"type": "string"}}}, ["number"])


def state(number: int = 0) -> StateMessage:
    return StateMessage({"bookmarks": {"leads": number}})


TEXTS = st.text(max_size=20) | st.integers(0, BUFFER_BYTES).map("x".__mul__) | st.just("\0\r\n\u2028é\N{PILE OF POO}")
MESSAGES = st.lists(st.builds(record, TEXTS, st.integers()) | st.builds(schema) | st.builds(state, st.integers()))


@contextmanager
def standard_output(to: IO[str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", to)
        yield


@contextmanager
def a_file() -> Iterator[Callable[[], bytes]]:
    """Standard output as a file; returns its contents so far."""
    with tempfile.TemporaryFile("w+") as file, standard_output(file):
        yield lambda: os.pread(file.fileno(), 1 << 30, 0)


def parsed(output: bytes | str) -> list[dict[str, Any]]:
    lines = output.split("\n" if isinstance(output, str) else b"\n")  # type: ignore[arg-type]
    assert not lines.pop(), "the last line is whole"
    return [json.loads(line) for line in lines]


def said(messages: list[Message]) -> list[dict[str, Any]]:
    return [json.loads(json.dumps(message.to_dict())) for message in messages]


# Lines and flushing


@examples(60)
@given(messages=MESSAGES)
def test_output_always_consists_of_complete_lines_in_order(messages: list[Message]) -> None:
    writer = BufferedWriter()
    with a_file() as output:
        for count, message in enumerate(messages, 1):
            writer.write_message(message)
            out = parsed(output())
            assert out == said(messages[: len(out)])
            if not isinstance(message, RecordMessage):
                assert len(out) == count, "a SCHEMA or STATE goes out at once, and with it the records before it"


def test_records_are_buffered_until_a_state(monkeypatch: pytest.MonkeyPatch) -> None:
    writer, writes = BufferedWriter(), []
    write = os.write
    monkeypatch.setattr(os, "write", lambda to, data: writes.append(len(data)) or write(to, data))
    with a_file() as output:
        for number in range(100):
            writer.write_message(record(number=number))
        assert not output()
        writer.write_message(state())
        assert len(parsed(output())) == 101
    assert len(writes) == 1


@examples(30)
@given(sizes=st.lists(st.integers(0, BUFFER_BYTES), max_size=20))
def test_buffer_holds_at_most_one_pipe_capacity(sizes: list[int]) -> None:
    writer, given_ = BufferedWriter(), 0
    with a_file() as output:
        for size in sizes:
            message = record("x" * size)
            given_ += len(writer.format_message(message))
            writer.write_message(message)
            assert given_ - len(output()) < BUFFER_BYTES


@examples(40)
@given(messages=MESSAGES, data=st.data())
def test_partial_writes_are_continued(messages: list[Message], data: st.DataObject) -> None:
    writer, write = BufferedWriter(), os.write
    most = data.draw(st.integers(1000, 2 * BUFFER_BYTES) if len(str(messages)) > 1000 else st.integers(1, 100))
    with a_file() as output, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", lambda to, waiting: write(to, waiting[:most]))
        for message in [*messages, state()]:
            writer.write_message(message)
        assert parsed(output()) == said([*messages, state()])


@examples(30)
@given(messages=MESSAGES)
def test_standard_output_may_be_an_in_memory_stream(messages: list[Message]) -> None:
    writer, output = BufferedWriter(), io.StringIO()
    with standard_output(output):
        for message in [*messages, state()]:
            writer.write_message(message)
    assert parsed(output.getvalue()) == said([*messages, state()])


# Interruptions


def test_idle_callback_runs_immediately_without_a_pending_write() -> None:
    writer, done = BufferedWriter(), []
    with a_file() as output:
        writer.when_idle(lambda: done.append("before anything"))
        writer.write_message(record())
        writer.when_idle(lambda: done.append("while records wait"))
        assert done == ["before anything", "while records wait"]
        writer.when_idle(lambda: writer.write_message(state()))
        assert parsed(output()) == said([record(), state()])


@pytest.mark.parametrize("message", [state(1), schema(), record("x" * BUFFER_BYTES)])
def test_idle_callback_during_a_write_runs_once_after_it(message: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, write, done = BufferedWriter(), os.write, []

    def stop() -> None:
        done.append(parsed(output()))
        writer.write_message(state(2))

    def interrupted(to: int, waiting: memoryview) -> int:
        if not done:
            writer.when_idle(stop)  # as a signal handler would
            assert not done
        return write(to, waiting[:10])

    monkeypatch.setattr(os, "write", interrupted)
    with a_file() as output:
        writer.write_message(record())
        writer.write_message(message)
        writer.write_message(state(3))
        whole = said([record(), message])
        assert done == [whole]
        assert parsed(output()) == whole + said([state(2), state(3)])


TAP = """
import os, signal, sys
from singer_sdk.singerlib import RecordMessage, StateMessage
from tap_instantly.sync.writer import BufferedWriter

writer = BufferedWriter()

def stop():
    writer.write_message(StateMessage({"stopped": True}))
    sys.exit(143)

def stopped(*_):
    os.write(2, b"signal\\n")
    writer.when_idle(stop)

signal.signal(signal.SIGTERM, stopped)
size = int(sys.argv[1])
for _ in range(3_000_000 // size):
    writer.write_message(RecordMessage("leads", {"text": "x" * size}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
@pytest.mark.parametrize("size", [10, 1_000, 1_000_000])
def test_signal_with_a_slow_reader_cuts_no_line_and_keeps_the_state(size: int) -> None:
    with ExitStack() as stack:
        tap = Piped(TAP, [str(size)], stack)
        tap.wait_until_stalled()
        tap.process.send_signal(signal.SIGTERM)
        assert tap.log.readline() == b"signal\n"
        *records, last = parsed(tap.output.read())
        assert tap.process.wait() == 143
    assert last == {"type": "STATE", "value": {"stopped": True}}
    assert all(message["record"] == {"text": "x" * size} for message in records)
