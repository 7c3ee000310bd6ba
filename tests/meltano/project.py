"""A Meltano project for one test: the real meltano.yml and plugins, with its own state, runs and output."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-meltano"
PLUGINS = ("extractors", "loaders")
SECONDS = 800.0

_FOREIGN = ("TAP_INSTANTLY", "TARGET_", "MELTANO_", "NO_COLOR")


@dataclass(frozen=True)
class Project:
    """A Meltano project.

    Attributes:
        folder: Its folder.
        variables: Environment variables of each command.
    """

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, **variables: str) -> Project:
        """Create a project like this one, with the plugins installed here."""
        shutil.copy(ROOT / "meltano.yml", folder)
        (folder / "output").mkdir()
        (folder / ".meltano").mkdir()
        for kind in PLUGINS:
            (folder / ".meltano" / kind).symlink_to(ROOT / ".meltano" / kind)
        return cls(folder, variables)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a command: no real pipeline's variables and no access to the Hub."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        return {
            **own,
            "PATH": f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "NO_COLOR": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "MELTANO_HUB_URL": "http://127.0.0.1:9",
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
            **self.variables,
            **more,
        }

    def call(self, *command: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project.

        Raises:
            AssertionError: The command failed and ``check`` is on.
        """
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done

    def meltano(self, *arguments: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a Meltano command."""
        return self.call("meltano", *arguments, check=check, **variables)

    def state(self, state_id: str) -> dict[str, Any]:
        """Return the saved state."""
        found: dict[str, Any] = json.loads(self.meltano("state", "get", state_id).stdout)["singer_state"]
        return found

    def lines(self, stream: str) -> list[dict[str, Any]]:
        """Return all records of a stream that target-jsonl has written so far."""
        path = self.folder / "output" / f"{stream}.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def configure(self, plugin: str, **parts: Any) -> None:
        """Write parts of an extractor (``config``, ``select``, ...) into meltano.yml."""
        path = self.folder / "meltano.yml"
        project = yaml.safe_load(path.read_text(encoding="utf-8"))
        (found,) = [one for one in project["plugins"]["extractors"] if one["name"] == plugin]
        found.update(parts)
        path.write_text(yaml.safe_dump(project, sort_keys=False), encoding="utf-8")


def install(*plugins: str) -> None:
    """Install plugins of this project if they are missing."""
    environment = Project(ROOT).environment()
    done = subprocess.run(
        [ENVIRONMENT / "bin" / "meltano", "install", *plugins],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
