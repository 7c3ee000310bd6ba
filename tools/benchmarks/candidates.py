"""Candidates of the benchmarks and their commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tools.benchmarks.scenarios import DAILY, DAYS
from tools.demo.errors import DemoError
from tools.demo.paths import ROOT

PEERS = Path(__file__).parent / "peers"
OWN_PYTHON = Path(sys.executable)
OWN_TAP = str(OWN_PYTHON.with_name("tap-instantly"))

# Settings of a real pipeline must not affect a measurement, and unbuffered output would be slow.
_FOREIGN = ("TAP_INSTANTLY_", "SINGER_SDK_", "DLT_", "PYTHONUNBUFFERED")


@dataclass(frozen=True)
class Job:
    """Task of a candidate."""

    folder: Path  # for its files
    api_url: str
    api_key: str
    streams: tuple[str, ...]  # empty for the tap's default selection
    until: date  # last day to read, for streams with days
    settings: Mapping[str, Any]  # of this tap
    state: Path | None = None  # for this tap

    @property
    def start(self) -> date:
        """First day to read."""
        return self.until - timedelta(days=DAYS - 1)

    def file(self, name: str, content: object) -> str:
        """Write a JSON file and return its path."""
        path = self.folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)


@dataclass(frozen=True)
class Candidate:
    """A tool to measure."""

    title: str  # in the report
    prepare: Callable[[Candidate, Job], list[str]]  # writes its files and returns its command
    python: Path = OWN_PYTHON  # interpreter of its environment
    distribution: str = "requests"  # the report shows its version

    @property
    def missing(self) -> bool:
        """True if its environment does not exist."""
        return not self.python.is_file()

    def version(self) -> str:
        """Return the version in its environment."""
        return version_of(self.distribution, self.python)


def version_of(distribution: str, python: Path) -> str:
    """Return the version of a distribution in the environment of an interpreter."""
    code = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    return subprocess.check_output([str(python), "-c", code], text=True).strip()  # noqa: S603 - our own commands


def environment(folder: Path) -> dict[str, str]:
    """Return the environment variables of all candidates."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    local = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    return {**own, **local, "RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(folder / "dlt"), "NO_COLOR": "1"}


def _access(job: Job) -> dict[str, Any]:
    return {"api_url": job.api_url, "api_key": job.api_key}


def _peer(candidate: Candidate, job: Job, script: str, *options: str) -> list[str]:
    """Return the command of a peer that is a script."""
    days = {"start_date": str(job.start), "end_date": str(job.until + timedelta(days=1))}
    config = job.file("config.json", _access(job) | days)
    return [str(candidate.python), str(PEERS / script), "--config", config, *options]


def _select(command: list[str], job: Job) -> list[str]:
    """Add a catalog that selects only the streams."""
    found = subprocess.run(  # noqa: S603 - the candidates' own commands
        [*command, "--discover"],
        env=environment(job.folder),
        cwd=job.folder,
        capture_output=True,
        check=False,
        text=True,
    )
    if found.returncode:
        message = f"{Path(command[-1]).stem} cannot tell its streams"
        raise DemoError(message, tuple(found.stderr.splitlines()[-10:]))
    catalog = json.loads(found.stdout)
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = entry["stream"] in job.streams
    return [*command, "--catalog", job.file(f"{Path(command[-1]).stem}-catalog.json", catalog)]


def _tap(_candidate: Candidate, job: Job) -> list[str]:
    access = _access(job)
    if "workspaces" in job.settings:
        del access["api_key"]
    # A pipeline would set no start date for streams without days.
    days = {"start_date": str(job.start)} if job.streams == (DAILY,) else {}
    command = [OWN_TAP, "--config", job.file("tap.json", access | days | dict(job.settings))]
    if job.streams:
        command = _select(command, job)
    return [*command, "--state", str(job.state)] if job.state else command


def _sdk(candidate: Candidate, job: Job) -> list[str]:
    return _select(_peer(candidate, job, "sdk_tap.py"), job)


def _airbyte(candidate: Candidate, job: Job) -> list[str]:
    config = _access(job) | {"start_date": str(job.start), "last_date": str(job.until)}
    mode = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    wanted = [
        {"stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh"]}, **mode}
        for name in job.streams
    ]
    return [
        str(candidate.python.with_name("source-declarative-manifest")),
        "read",
        *("--config", job.file("airbyte.json", config)),
        *("--catalog", job.file("airbyte-catalog.json", {"streams": wanted})),
        *("--manifest-path", str(PEERS / "airbyte.yaml")),
    ]


def _dlt(candidate: Candidate, job: Job) -> list[str]:
    options = ("--streams", ",".join(job.streams), "--folder", f"dlt-{job.folder.name}")
    return _peer(candidate, job, "dlt_extract.py", *options)


def _floor(candidate: Candidate, job: Job) -> list[str]:
    return _peer(candidate, job, "floor.py", "--stream", *job.streams)


def _of(environment_name: str) -> Path:
    return ROOT / environment_name / "bin" / "python"


CANDIDATES = {
    "tap": Candidate("this tap", _tap, distribution="tap-instantly"),
    "sdk": Candidate("a tap on singer-sdk's defaults", _sdk, distribution="singer-sdk"),
    "airbyte": Candidate("Airbyte's CDK", _airbyte, _of(".venv-bench-airbyte"), "airbyte-cdk"),
    "dlt": Candidate("dlt, the extract step", _dlt, _of(".venv-bench-dlt"), "dlt"),
    "floor": Candidate("a bare loop with requests", _floor),
}
