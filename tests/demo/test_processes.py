from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tools.demo import __main__ as command
from tools.demo import report, runlog
from tools.demo.errors import DemoError
from tools.demo.pipeline import Meltano, process, sandbox
from tools.demo.runlog import Cost
from tools.demo.tables import TABLES

if TYPE_CHECKING:
    from pathlib import Path


def logged(stream: str, event: str) -> str:
    return json.dumps({"name": "tap-instantly", "plugin_logger": f"tap-instantly.{stream}", "event": event})


LOG = [
    '{"event": "Running job", "level": "info"}',
    logged("leads", "Synced leads: records=5000 requests=51 seconds=1.7"),
    logged("campaigns", "Synced campaigns: records=12 requests=2 seconds=0.0 without_key=1 skipped=[w: no plan]"),
    '{"name": "tap-instantly", "event": "Synced accounts: records=1 requests=2 seconds=0.1"}',
    "Traceback (most recent call last):",
    "42",
]


def test_costs_are_read_from_the_log() -> None:
    assert runlog.costs(LOG) == {
        "leads": Cost(5000, 51, 1.7),
        "campaigns": Cost(12, 2, 0.0, "without_key=1 skipped=[w: no plan]"),
        "accounts": Cost(1, 2, 0.1),
    }


def test_log_tail_is_readable() -> None:
    assert runlog.tail(LOG, 3)[1:] == ("Traceback (most recent call last):", "42")
    failed = json.dumps(
        {"event": "Installation failed.", "install_state": {"details": "error: no network\nhint: wait"}}
    )
    assert runlog.tail([failed]) == ("Installation failed.", "error: no network", "hint: wait")


def test_summary_fits_the_screen() -> None:
    costs = {table.name: Cost(1_234_567, 12_345, 1234.5) for table in TABLES}
    lines = list(report.cost_table(costs, costs))
    assert all(len(line) <= 100 for line in lines)
    assert f"{1_234_567 * len(TABLES):,}" in lines[-1]


def test_processes_including_grandchildren_end_with_the_context(tmp_path: Path) -> None:
    marker = tmp_path / "alive"
    grandchild = f"import time, pathlib\nwhile True: pathlib.Path({str(marker)!r}).touch(); time.sleep(0.02)"
    script = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {grandchild!r}])"
    with process([sys.executable, "-c", script], tmp_path / "log") as child:
        deadline = time.monotonic() + 20
        while not marker.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    assert child.poll() is not None
    time.sleep(0.1)
    marker.unlink()
    time.sleep(0.2)
    assert not marker.exists()


def test_sandbox_reports_its_address(tmp_path: Path) -> None:
    with sandbox(tmp_path / "log", {"leads": 10, "campaigns": 1, "accounts": 2}) as source:
        assert source.api_url.startswith("http://127.0.0.1:")
        assert source.api_key


def test_sandbox_that_does_not_start_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="did not start") as caught, sandbox(tmp_path / "log", {"leads": "many"}):
        pass
    assert "invalid int value" in "\n".join(caught.value.details)


def test_missing_meltano_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="make demo"):
        Meltano(tmp_path / "meltano", tmp_path)


def test_failure_is_one_line_and_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "tell", full)
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    assert command.main([]) == 1
    assert capsys.readouterr().err.startswith("demo: [Errno 28] No space left on device")
