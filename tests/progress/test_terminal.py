"""Output on a pseudo-terminal, over real HTTP."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.progress.test_lines import counts_of, read
from tests.support import api_keys, catalog_of, examples, opening, traces

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals there", allow_module_level=True)

from tap_instantly.client import ErrorKind, redaction
from tap_instantly.progress import report
from tap_instantly.progress.figures import Watch
from tap_instantly.progress.live import Live, show_summary
from tap_instantly.progress.summary import Summary
from tap_instantly.progress.terminal import LogAbove, Screen, cells, columns, fitted, printable
from tap_instantly.sync.outcome import Outcome
from tests.progress.screen import Terminal, seen, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.forking import Forks

    Start = Callable[..., Terminal]

NAMES = ("main", "workspace-002", "workspace-003")
STREAMS = ("campaign_analytics_daily", "leads", "lead_lists")

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \| (DEBUG|INFO|WARNING) +\| ")


@pytest.fixture(scope="module")
def slow_api() -> Iterator[sandbox.Server]:
    """Three workspaces that take seconds to read."""
    config = SandboxConfig(workspaces=3, campaigns=4, accounts=3, leads=600, days=9, until=UNTIL, seed=4)
    with sandbox.serve(config) as server:
        server.control.config(latency_ms=40)
        yield server


@pytest.fixture(scope="module")
def arguments(slow_api: sandbox.Server, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Arguments that read a few streams of the three workspaces in seconds."""
    return written_to(tmp_path_factory.mktemp("progress"), slow_api, *STREAMS)


@pytest.fixture(scope="module")
def windows(slow_api: sandbox.Server, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Arguments that read daily windows, which nothing is written before."""
    return written_to(tmp_path_factory.mktemp("windows"), slow_api, "campaign_analytics_daily")


def written_to(folder: Path, api: sandbox.Server, *streams: str) -> list[str]:
    config = opening(api, api_keys(api, *NAMES), page_size=10, concurrency=6, max_retries=0)
    paths = [folder / "config.json", folder / "catalog.json"]
    for path, content in zip(paths, (config, catalog_of(config, *streams)), strict=True):
        path.write_text(json.dumps(content), encoding="utf-8")
    return ["--config", str(paths[0]), "--catalog", str(paths[1])]


@contextmanager
def on_a_terminal(*size: int) -> Iterator[Terminal]:
    terminal = Terminal(*size)
    try:
        yield terminal
    finally:
        terminal.close()


@contextmanager
def running(forks: Forks, arguments: list[str], output: Path, *size: int, **environment: str) -> Iterator[Terminal]:
    """Run the tap on a terminal, with its messages in a file."""
    with output.open("wb") as file, on_a_terminal(*size) as terminal:
        terminal.run(forks, arguments, file.fileno(), **environment)
        yield terminal


@pytest.fixture
def start(forks: Forks, tmp_path: Path) -> Iterator[Start]:
    """Start the tap: start(arguments, columns, lines, VARIABLE=...)."""
    with ExitStack() as stack:
        yield lambda arguments, *size, **environment: stack.enter_context(
            running(forks, arguments, tmp_path / "messages.jsonl", *size, **environment)
        )


@pytest.fixture(scope="module")
def run(
    forks: Forks, arguments: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[dict[str, Any]]]:
    """Return the terminal's output and the messages in a file."""
    output = tmp_path_factory.mktemp("output") / "messages.jsonl"
    with running(forks, arguments, output) as terminal:
        written = terminal.read_all()
        assert terminal.process.returncode == 0
        assert terminal.is_sane
    return written, [json.loads(line) for line in output.read_bytes().splitlines()]


def pictures_of(written: str, stream: str) -> list[list[str]]:
    """Return the lines drawn while a stream was read, without those of the log."""
    pictures = [[line for line in picture if line and not LOG_LINE.match(line)] for picture in shown(written)[:-1]]
    return [picture for picture in pictures if picture and picture[-1].startswith(stream)]


def table(lines: list[str]) -> list[list[str]]:
    """Return the rows of the summary, without its heading and the lines below it."""
    (start,) = [number for number, line in enumerate(lines) if line.split() == ["records", "requests", "seconds"]]
    rows = lines[start + 1 :]
    return [line.split() for line in rows[: next(n for n, line in enumerate(rows) if line.startswith("total")) + 1]]


# Display


def test_each_active_workspace_and_the_run_have_a_line(run: Any) -> None:
    pictures = pictures_of(run[0], "leads")
    whole = re.compile(r"leads \(stream \d of 3\), [0-3] of 3 workspaces,.* [\d,]+ records/s, .*/s, .* pages, 0:\d\d$")
    assert all(whole.match(picture[-1]) for picture in pictures)
    named = [[line.split()[:2] for line in picture[:-1]] for picture in pictures]
    assert [[name, "leads"] for name in NAMES] in named
    assert all(
        re.search(r"leads +[\d,]+ records +\d+ pages +[\d,]+/s", line) for each in pictures for line in each[:-1]
    )


def test_windows_are_counted_when_totals_are_unknown(start: Start, windows: list[str]) -> None:
    assert re.search(r"campaign_analytics_daily .* window \d of \d", start(windows).read_all())


def test_log_lines_stay_intact_and_no_drawing_remains(start: Start, arguments: list[str]) -> None:
    terminal = start(arguments, 2_000, TAP_INSTANTLY_LOGLEVEL="DEBUG")  # a constant flow of lines
    lines = seen(terminal.read_all())
    end = lines.index("")
    assert end > 20
    assert [line for line in lines[:end] if not LOG_LINE.match(line)] == []


def test_standard_output_has_only_messages(run: Any) -> None:
    _, messages = run
    assert {message["type"] for message in messages} == {"SCHEMA", "RECORD", "STATE"}


def test_final_table_counts_the_written_records(run: Any, slow_api: sandbox.Server) -> None:
    written, messages = run
    found: dict[tuple[str, str], int] = {}
    for message in messages:
        if message["type"] == "RECORD":
            place = (message["record"]["workspace_name"], message["stream"])
            found[place] = found.get(place, 0) + 1
    rows = table([line.replace(",", "").strip() for line in seen(written)])
    workspace, told = "", {}
    for first, *rest in rows[:-1]:
        if first in NAMES:
            workspace, first, *rest = first, *rest  # noqa: PLW2901 (the row without it)
        told[workspace, first] = int(rest[0])
    assert told == found
    assert int(rows[-1][1]) == sum(found.values())


def test_a_loader_on_the_same_terminal_keeps_its_lines(forks: Forks, arguments: list[str]) -> None:
    read_end, write_end = os.pipe()
    with on_a_terminal() as terminal:
        terminal.run(forks, arguments, write_end)
        os.close(write_end)
        terminal.read_until(lambda written: "leads (stream" in written)
        os.close(read_end)
        written = terminal.read_all()
    # A single line erases nothing above the cursor, where a loader writes its own lines.
    assert {len(picture) for picture in pictures_of(written, "leads")} == {1}
    assert "A\x1b[" not in written


def test_narrow_terminal_has_no_overlong_line(start: Start, windows: list[str]) -> None:
    width = 20
    terminal = start(windows, width, 8)
    terminal.read_until(lambda written: "... and 2 more" in written)  # three do not fit
    terminal.process.send_signal(signal.SIGINT)
    written = terminal.read_all()
    assert max(cells(line) for picture in pictures_of(written, "campaign") for line in picture) == width - 1
    lines = seen(written)
    assert all(cells(line) < width for line in lines[lines.index("") :] if not LOG_LINE.match(line))


# The end


def test_signal_restores_the_terminal_and_prints_a_summary(start: Start, arguments: list[str], tmp_path: Path) -> None:
    terminal = start(arguments)
    terminal.read_until(lambda written: "workspace-003  leads " in written)
    terminal.process.send_signal(signal.SIGINT)
    written = terminal.read_all()
    assert terminal.process.returncode == 128 + signal.SIGINT
    assert terminal.is_sane
    messages = [json.loads(line) for line in (tmp_path / "messages.jsonl").read_bytes().splitlines()]
    assert messages[-1]["type"] == "STATE"
    lines = seen(written)
    rows = table([line.replace(",", "").strip() for line in lines])
    told = int(rows[-1][1])
    # The signal may arrive between a record and its count.
    assert told - sum(message["type"] == "RECORD" for message in messages) in {-1, 0, 1}
    assert any(row[-1] == "interrupted" for row in rows)
    assert f"leads interrupted in {', '.join(NAMES)}" in lines
    assert "Stopped by SIGINT" in lines[-2]


def test_stalled_terminal_does_not_delay_the_end(start: Start, arguments: list[str]) -> None:
    terminal = start(arguments)
    terminal.read_until(lambda written: "stream 1 of 3" in written)
    # Nobody reads any more, and the terminal's buffer is full at once.
    filler = subprocess.Popen([sys.executable, "-c", "while True: print('y' * 99)"], stdout=terminal.descriptor)
    try:
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait() == 143
    finally:
        filler.kill()
        filler.wait()


# Without a terminal


ENVIRONMENTS = [
    pytest.param({}, True, id="a terminal"),
    pytest.param({"NO_COLOR": "1"}, True, id="without colours, which there are none of"),
    pytest.param({"TERM": "dumb"}, False, id="one that can move no cursor"),
    pytest.param({"SINGER_SDK_LOG_CONFIG": "logging.yaml"}, False, id="Meltano, or whoever says how to log"),
]


@pytest.mark.parametrize(("environment", "expected"), ENVIRONMENTS)
def test_detects_a_terminal(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, *, expected: bool) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("SINGER_SDK_LOG_CONFIG", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        assert (report.terminal() is not None) is expected
        monkeypatch.undo()
    os.close(master)


@pytest.mark.parametrize("file", [None, io.StringIO()], ids=["none", "in memory"])
def test_objects_that_are_not_files_are_not_terminals(file: object) -> None:
    assert not report.is_terminal(file)
    assert not report.is_pipe(file)


def test_piped_output_has_no_terminal_codes_and_logs_a_summary(slow_api: Any, tmp_path: Path) -> None:
    program = "import sys; from tap_instantly.__main__ import main\ntry: main()\nfinally: print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program, *written_to(tmp_path, slow_api, "lead_lists")],
        capture_output=True,
        text=True,
        check=False,
    )
    *messages, modules = run.stdout.splitlines()
    assert "tap_instantly.progress.report" in modules.split()
    assert not {"tap_instantly.progress.live", "tap_instantly.progress.terminal"} & set(modules.split())
    assert "\x1b" not in run.stderr
    records = sum('"RECORD"' in message for message in messages)
    assert f"Synced lead_lists: records={records} requests=9 seconds=" in run.stderr
    assert f"Workspace main: records={records // 3} requests=3 seconds=" in run.stderr
    assert re.search(rf"Total: records={records} requests=9 seconds=\S+ streams=1 workspaces=3\n$", run.stderr)


# Text in columns


TEXTS = st.text(max_size=50)


@examples(50)
@given(TEXTS, st.integers(1, 40))
def test_text_is_cut_to_the_available_columns(text: str, width: int) -> None:
    cut = fitted(text, width)
    assert cells(cut) <= width
    assert cut.isprintable()
    assert cut == printable(text) or cut.endswith("\u2026")


@examples(30)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3))
def test_columns_are_aligned(rows: list[tuple[str, str]]) -> None:
    lines = columns([(first, second, "end") for first, second in rows], right=(1,))
    assert len({cells(line) for line in lines}) == 1
    assert all(
        line.startswith(fitted(first, 30)) and line.endswith(f"{fitted(second, 30)}  end")
        for line, (first, second) in zip(lines, rows, strict=True)
    )


def test_names_cannot_steer_the_terminal() -> None:
    assert fitted("a\x1b[2Jb\rc", 20) == "a?[2Jb?c"


@pytest.mark.parametrize("columns", [30, 200])
def test_keys_are_masked_outside_the_log_too(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "key-that-nobody-may-read-0123456789"
    monkeypatch.setattr(redaction, "_known", {key})
    counts, (first, second) = counts_of(key, "second")
    for workspace in (first, second):
        read(counts, workspace, 10)
    with on_a_terminal(columns, 40) as terminal:
        live = Live(Watch({"leads": counts}, 90, 5.0), terminal.descriptor, alone=True)
        live.draw()
        counts.partitions["second"].end(Outcome.SKIPPED, f"the server answered: {key}", ErrorKind.FORBIDDEN)
        live.close()
        show_summary(Summary({"leads": counts}, {}, 1.0), terminal.descriptor)
        written = terminal.read_all().replace("\r\n", "").replace(" ", "")
    assert written.count("***") == 4  # a line, a row and two reasons
    assert not traces(key, written)


def test_log_handler_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = logging.StreamHandler(sys.stderr)
    monkeypatch.setattr(logging.root, "handlers", [handler])
    master, slave = os.openpty()
    log = LogAbove(Screen(slave))
    assert handler.stream is not sys.stderr
    handler.emit(logging.makeLogRecord({"msg": "above"}))
    log.undo()
    assert handler.stream is sys.stderr
    assert os.read(master, 100) == b"above\r\n"
    os.close(master)
    os.close(slave)
