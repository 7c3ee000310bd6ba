"""Who is compared, and how each is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.scenarios import DAYS
from demo.errors import DemoError
from demo.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PEERS = Path(__file__).parent / "peers"
OWN_PYTHON = Path(sys.executable)
OWN_TAP = str(OWN_PYTHON.with_name("tap-instantly"))

# Settings of a real pipeline, which must not get into a measurement, and what would make output slow.
_FOREIGN = ("TAP_INSTANTLY_", "SINGER_SDK_", "DLT_", "PYTHONUNBUFFERED")


@dataclass(frozen=True)
class Job:
    """What a candidate is to do.

    Attributes:
        folder: Where it may keep files.
        api_url: Address of the API.
        api_key: Key for it.
        stream: The stream to read.
        until: The last day to read, where the stream has days.
        settings: Settings of this tap.
    """

    folder: Path
    api_url: str
    api_key: str
    stream: str
    until: date
    settings: Mapping[str, Any]

    @property
    def start(self) -> date:
        """The first day to read."""
        return self.until - timedelta(days=DAYS - 1)

    def file(self, name: str, content: object) -> str:
        """Write a JSON file and give its path."""
        path = self.folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)


@dataclass(frozen=True)
class Candidate:
    """One that is measured.

    Attributes:
        title: What it is, for the report.
        prepare: Writes the files that it needs and gives its command.
        python: The interpreter of its environment.
        distribution: The distribution whose version the report names.
    """

    title: str
    prepare: Callable[[Candidate, Job], list[str]]
    python: Path = OWN_PYTHON
    distribution: str = "requests"

    @property
    def missing(self) -> bool:
        """Whether its environment is not there."""
        return not self.python.is_file()

    def version(self) -> str:
        """Ask its environment for the version."""
        code = f"import importlib.metadata as m; print(m.version({self.distribution!r}))"
        return subprocess.check_output([str(self.python), "-c", code], text=True).strip()  # noqa: S603 - as above


def environment(folder: Path) -> dict[str, str]:
    """Give the environment that all candidates run in."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    local = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    return {**own, **local, "RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(folder / "dlt"), "NO_COLOR": "1"}


def _access(job: Job) -> dict[str, Any]:
    return {"api_url": job.api_url, "api_key": job.api_key}


def _peer_config(job: Job) -> dict[str, Any]:
    days = {"start_date": str(job.start), "end_date": str(job.until + timedelta(days=1))}
    return _access(job) | days


def _select(command: list[str], job: Job) -> list[str]:
    """Add a catalog in which the stream alone is selected."""
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
                item["metadata"]["selected"] = entry["stream"] == job.stream
    return [*command, "--catalog", job.file(f"{Path(command[-1]).stem}-catalog.json", catalog)]


def _tap(_candidate: Candidate, job: Job) -> list[str]:
    access = _access(job)
    if "workspaces" in job.settings:
        del access["api_key"]
    config = access | {"start_date": str(job.start)} | dict(job.settings)
    if job.stream == "leads":
        del config["start_date"]
    return _select([OWN_TAP, "--config", job.file("tap.json", config)], job)


def _sdk(candidate: Candidate, job: Job) -> list[str]:
    command = [str(candidate.python), str(PEERS / "sdk_tap.py"), "--config", job.file("sdk.json", _peer_config(job))]
    return _select(command, job)


def _airbyte(candidate: Candidate, job: Job) -> list[str]:
    config = _access(job) | {"start_date": str(job.start), "last_date": str(job.until)}
    stream = {"name": job.stream, "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
    wanted = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    return [
        str(candidate.python.with_name("source-declarative-manifest")),
        "read",
        *("--config", job.file("airbyte.json", config)),
        *("--catalog", job.file("airbyte-catalog.json", {"streams": [wanted]})),
        *("--manifest-path", str(PEERS / "airbyte.yaml")),
    ]


def _dlt(candidate: Candidate, job: Job) -> list[str]:
    script, config = str(PEERS / "dlt_extract.py"), job.file("dlt.json", _peer_config(job))
    return [
        str(candidate.python),
        script,
        "--config",
        config,
        "--stream",
        job.stream,
        "--folder",
        f"dlt-{job.folder.name}",
    ]


def _floor(candidate: Candidate, job: Job) -> list[str]:
    script, config = str(PEERS / "floor.py"), job.file("floor.json", _peer_config(job))
    return [str(candidate.python), script, "--config", config, "--stream", job.stream]


def _of(environment_name: str) -> Path:
    return ROOT / environment_name / "bin" / "python"


CANDIDATES = {
    "tap": Candidate("this tap", _tap, distribution="tap-instantly"),
    "sdk": Candidate("a tap on singer-sdk's defaults", _sdk, distribution="singer-sdk"),
    "airbyte": Candidate("Airbyte's CDK", _airbyte, _of(".venv-bench-airbyte"), "airbyte-cdk"),
    "dlt": Candidate("dlt, the extract step", _dlt, _of(".venv-bench-dlt"), "dlt"),
    "floor": Candidate("a bare loop with requests", _floor),
}
