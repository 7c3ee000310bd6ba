"""The parts of the image's program that need no container."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from orchestrate.image import folders
from orchestrate.image.__main__ import main
from orchestrate.image.destination import destination
from orchestrate.image.errors import STOPPED, UNUSABLE, ImageError
from orchestrate.image.log import Log
from orchestrate.image.processes import SIGNALS, Processes
from orchestrate.image.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def line(event: str, level: str = "info", name: str = "tap-instantly", **more: object) -> str:
    return json.dumps({"event": event, "level": level, "name": name, "timestamp": "2026-11-30T06:15:00.1Z", **more})


@pytest.fixture
def log() -> Log:
    return Log(file=io.StringIO())


def written(log: Log) -> str:
    assert isinstance(log.file, io.StringIO)
    return log.file.getvalue()


def test_meltano_log_line_is_shortened_and_metrics_are_dropped(log: Log) -> None:
    for told in (line("Synced leads: records=5"), line("METRIC", metric_value=5), line("gone", "warning"), "not JSON"):
        log.pass_on(told)
    assert written(log) == (
        "2026-11-30T06:15:00Z tap-instantly: Synced leads: records=5\n"
        "2026-11-30T06:15:00Z tap-instantly: WARNING: gone\n"
        "not JSON\n"
    )


def test_last_error_of_tap_or_loader_is_one_line(log: Log) -> None:
    log.pass_on(line("GET /api/v2/leads answered 401\n(unauthorized)", "critical"))
    log.pass_on(line("Extractor failed", "error", "meltano"))
    codes = log.pass_on(line("Block run completed", "error", "meltano", exit_codes={"extractors": 3}))["exit_codes"]
    assert log.last_error == "GET /api/v2/leads answered 401 (unauthorized)"
    assert codes == {"extractors": 3}


def test_json_log_lines_stay_json_when_requested() -> None:
    log = Log(as_json=True, file=io.StringIO())
    log.pass_on(told := line("Synced leads: records=5", records=5))
    log.say("building the marts")
    first, second = map(json.loads, written(log).splitlines())
    assert first == json.loads(told)
    assert second["event"] == "building the marts"


def test_second_run_on_the_folder_waits_for_the_first_to_end(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from orchestrate.image import folders\n"
        "with folders.alone(pathlib.Path(sys.argv[1])): print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        first.stdout.readline()
        with pytest.raises(ImageError, match="another run is using"), folders.alone(tmp_path):
            pass
        first.kill()
        first.wait()
        with folders.alone(tmp_path):
            pass


def test_non_volume_folder_is_refused_only_for_lasting_data(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is not a volume"):
        folders.check(tmp_path, keeps=True)
    folders.check(tmp_path, keeps=False)


def test_remains_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    (tmp_path / "instantly-abc" / "meltano").mkdir(parents=True)
    (tmp_path / "warehouse.duckdb").touch()
    folders.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["warehouse.duckdb"]


@pytest.fixture
def processes() -> Iterator[Processes]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield Processes()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def steps(tmp_path: Path, processes: Processes, log: Log) -> Steps:
    variables = {"PATH": f"{tmp_path}:/bin"}
    return Steps(tmp_path, tmp_path, destination({}, "/data"), variables, processes, log, force=True)


def program(path: Path, *commands: str) -> Path:
    """Write a program of the shell."""
    path.write_text("\n".join(("#!/bin/sh", *commands, "")))
    path.chmod(0o755)
    return path


def test_stop_signal_reaches_the_running_program(processes: Processes) -> None:
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b'told\\n'), sys.exit(9)))\n"
        "print('ready', flush=True)\n"
        "signal.pause()"
    )
    seen: list[str] = []

    def heard(text: str) -> None:
        seen.append(text)
        if text == "ready":
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(ImageError, match="the next run resumes") as stopped:
        processes.run([sys.executable, "-c", code], os.environ, heard)
    assert seen == ["ready", "told"]
    assert stopped.value.code == STOPPED


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [
        ({}, 0),
        ({"extractors": 3}, 3),
        ({"extractors": 4}, 4),
        ({"extractors": 2}, "fails with 2"),
        ({"extractors": 5}, "fails with 5"),
        ({"extractors": 1}, "fails with 1"),
        ({"extractors": 143}, "fails with 1"),
        ({"loaders": 1}, "fails with 1"),
        ({"extractors": 3, "loaders": 1}, "fails with 1"),
    ],
)
def test_models_are_built_only_on_a_complete_or_partial_load(
    codes: dict[str, int], outcome: int | str, tmp_path: Path, steps: Steps
) -> None:
    told = [line("a reason", "critical"), line("Block run completed", name="meltano", exit_codes=codes)]
    program(tmp_path / "meltano", *(f"echo '{one}'" for one in told), f"exit {min(len(codes), 1)}")
    if isinstance(outcome, int):
        assert steps.load(()) == outcome
    else:
        with pytest.raises(ImageError, match="the load failed: a reason") as failed:
            steps.load(())
        assert f"fails with {failed.value.code}" == outcome


@pytest.mark.parametrize(
    ("arguments", "outputs"), [(["--days", "7"], 1), (["--overview", "all"], 0), (["--overview=all"], 0)]
)
def test_report_goes_into_the_data_folder_unless_an_overview_is_requested(
    arguments: list[str], outputs: int, tmp_path: Path, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(program(tmp_path / "python", f'echo "$*" > {tmp_path}/given')))
    assert steps.report(arguments) == 0
    given = (tmp_path / "given").read_text()
    assert given.count(f"--output={tmp_path}/report.html") == outputs
    assert given.rstrip().endswith(" ".join(arguments))


def test_log_names_each_test_of_the_marts_that_warns(tmp_path: Path, steps: Steps, log: Log) -> None:
    program(tmp_path / "dbt")
    results = [
        {"unique_id": "model.instantly.instantly__leads", "status": "success", "message": "OK"},
        {"unique_id": "test.instantly.replies_without_sends", "status": "warn", "message": "Got 2 results"},
    ]
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "run_results.json").write_text(json.dumps({"results": results}))
    steps.marts(())
    _, warned, built = written(log).splitlines()
    assert warned.endswith("dbt: WARNING: replies_without_sends: Got 2 results")
    assert built.endswith("built the marts: 1 models, 1 tests, 1 with a warning")


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        ([], {}, "there is no key: set TAP_INSTANTLY_API_KEY or TAP_INSTANTLY_WORKSPACES"),
        ([], {"TAP_INSTANTLY_API_KEY": "not-to-be-told"}, "is not a volume"),
        (["lode"], {"TAP_INSTANTLY_API_KEY": "not-to-be-told"}, "unknown command 'lode'"),
        (["run", "--full-refresh"], {"TAP_INSTANTLY_API_KEY": "not-to-be-told"}, "run has no options"),
    ],
)
def test_unusable_setup_exits_with_2_in_one_line(
    arguments: list[str],
    variables: dict[str, str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "plugins").mkdir()
    for name in [name for name in os.environ if name.startswith(("TAP_", "TARGET_", "MELTANO_", "INSTANTLY_"))]:
        monkeypatch.delenv(name)
    folder = {"INSTANTLY_DATA": str(tmp_path / "data"), "INSTANTLY_PLUGINS": str(tmp_path / "plugins")}
    for name, value in {**variables, **folder}.items():
        monkeypatch.setenv(name, value)
    assert main(arguments) == UNUSABLE
    (told,) = capsys.readouterr().err.splitlines()
    assert said in told
    assert "not-to-be-told" not in told
