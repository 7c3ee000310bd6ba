from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_instantly.streams import STREAMS
from tests.api.test_errors import closed_port
from tests.progress.test_quiet import OF_THE_SDK
from tests.support import slim_catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server
    from tests.forking import Forks


@pytest.fixture
def tap(tmp_path: Path, config: dict[str, Any], forks: Forks) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `tap-instantly` as a separate process."""

    def run(*arguments: str, stdout: int | None = None, **settings: Any) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "config.json"
        path.write_text(json.dumps({**config, "max_retries": 0, **settings}), encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TAP_INSTANTLY_")}
        return forks.run("--config", str(path), *arguments, environment=environment, stdout=stdout)

    return run


def complaints(run: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines on standard error except info and warnings: errors, tracebacks, and Python's own output."""
    # On Python 3.10 the SDK warns about its end of life, in a record of several lines.
    stderr = re.sub(r"^\S+ \S+ \| WARNING .*?(?=^\d{4}-|\Z)", "", run.stderr, flags=re.DOTALL | re.MULTILINE)
    return [line for line in stderr.splitlines() if "| INFO " not in line]


def test_run_writes_complete_messages_and_exits_with_0(tap: Callable[..., Any], api: Server) -> None:
    run = tap()
    assert run.returncode == 0, run.stderr
    messages = [json.loads(line) for line in run.stdout.splitlines()]
    by_default = {stream.name for stream in STREAMS if stream.why_deselected is None}
    assert {m["stream"] for m in messages if m["type"] == "SCHEMA"} == by_default
    assert sum(m["type"] == "RECORD" and m["stream"] == "leads" for m in messages) == 450
    assert messages[-1]["type"] == "STATE"
    assert api.api_key not in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "said", "code"),
    [
        (("--test",), {"api_key": "no-such-key"}, "Check that api_key is a valid v2 key", 5),
        (("--test",), {"user_agent": "python-requests/2.32"}, "set user_agent to a name of your own", 1),
        ((), {"api_url": "http://127.0.0.1:{closed_port}/api/v2"}, "Check the network, the proxy settings", 1),
        ((), {"page_sise": 5}, "unknown setting 'page_sise': did you mean 'page_size'?", 2),
        (("--test",), {"api_key": 918273645}, "setting 'api_key' is not valid: it must be of type string", 2),
    ],
)
def test_errors_are_one_line(
    tap: Callable[..., Any], arguments: tuple[str, ...], settings: dict[str, Any], said: str, code: int
) -> None:
    if "api_url" in settings:
        settings = {"api_url": settings["api_url"].format(closed_port=closed_port())}
    run = tap(*arguments, **settings)
    assert run.returncode == code
    (line,) = complaints(run)
    assert said in line
    assert "Traceback" not in run.stderr
    assert "918273645" not in run.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_failure_exits_with_1_even_if_its_reason_cannot_be_written(
    tmp_path: Path, config: dict[str, Any], unbuffered: str
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        run = subprocess.run(
            [sys.executable, "-m", "tap_instantly", "--config", str(path)],
            stdout=full,
            stderr=full,
            check=False,
            timeout=120,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert run.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_full_disk_is_reported_in_one_line(tap: Callable[..., Any]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        run = tap(stdout=full.fileno())
    assert run.returncode == 1
    (line,) = complaints(run)
    assert "standard output: No space left on device" in line
    assert "Traceback" not in run.stderr


def test_closed_output_pipe_ends_the_run_with_an_error(tap: Callable[..., Any]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    run = tap(stdout=write_end)
    os.close(write_end)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("closed", ["1", "2"])
def test_nothing_starts_without_an_output(closed: str, tmp_path: Path) -> None:
    shell = ["/bin/sh", "-c", f'exec "$@" {closed}>&-', "sh"]
    command = [*shell, sys.executable, "-m", "tap_instantly", "--discover"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr == ("Standard output and standard error must be open.\n" if closed == "1" else "")


def test_discovery_needs_no_network_and_describes_every_property(tap: Callable[..., Any]) -> None:
    run = tap("--discover", api_url="http://127.0.0.1:1/api/v2")
    assert run.returncode == 0
    catalog = {stream["tap_stream_id"]: stream for stream in json.loads(run.stdout)["streams"]}
    assert catalog.keys() == {stream.name for stream in STREAMS}
    for name, entry in catalog.items():
        assert entry["key_properties"], name
        assert all(prop.get("description") for prop in entry["schema"]["properties"].values()), name
    assert catalog["leads"]["replication_key"] == "timestamp_updated"
    assert catalog["lead_lists"]["replication_method"] == "FULL_TABLE"


def test_the_connection_test_reads_one_record_of_each_stream(tap: Callable[..., Any]) -> None:
    run = tap("--test")
    assert run.returncode == 0, run.stderr
    records = [m for m in map(json.loads, run.stdout.splitlines()) if m["type"] == "RECORD"]
    assert sorted(m["stream"] for m in records) == sorted(stream.name for stream in STREAMS)
    (last,) = [line for line in run.stderr.splitlines() if " streams can be read" in line]
    assert last.endswith(f" | {len(STREAMS)} of {len(STREAMS)} streams can be read.")
    assert not any(beginning in run.stderr for beginning in OF_THE_SDK)


def test_about_describes_every_setting(tap: Callable[..., Any]) -> None:
    run = tap("--about", "--format=markdown")
    for setting in ("api_key", "start_date", "analytics_lookback_days", "page_size", "validate_records"):
        assert f"| {setting} |" in run.stdout


def test_validate_records_fail_ends_the_run_on_invalid_records(
    tap: Callable[..., Any], api: Server, tmp_path: Path
) -> None:
    api.control.update_campaign(next(api.control.truth("campaigns"))["id"], status="a word")
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps(slim_catalog("campaigns")), encoding="utf-8")
    run = tap("--catalog", str(catalog), validate_records="fail")
    assert run.returncode == 1
    assert "campaigns: the record {'id': " in complaints(run)[-1]
    assert "a word" not in run.stderr
