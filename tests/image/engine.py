"""Docker or Podman, and containers of the image under test."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENGINE = os.environ.get("ENGINE", "docker").split()
IMAGE = os.environ.get("IMAGE", "instantly")
SECONDS = 900.0
SOMEBODY = os.getuid() or 12345
"""A user whom the image does not know."""


@dataclass
class Ended:
    """The exit code and the log of a container."""

    code: int
    log: str

    @property
    def last(self) -> str:
        return self.log.splitlines()[-1]


@dataclass
class Container:
    """Starts containers for one folder of data.

    Attributes:
        data: The folder; None for no volume.
        variables: Their environment.
        options: Options of `docker run`.
    """

    data: Path | None
    variables: dict[str, str]
    options: tuple[str, ...] = ("--user", f"{SOMEBODY}:{SOMEBODY}")
    name: str = field(default_factory=lambda: f"instantly-{uuid4().hex[:8]}")

    def command(self, *arguments: str, **variables: str) -> list[str]:
        volume = [] if self.data is None else ["--volume", f"{self.data}:/data"]
        names = [word for name in {**self.variables, **variables} for word in ("--env", name)]
        run = ["run", "--rm", "--name", self.name, "--network", "host", *self.options, *volume, *names]
        return [*ENGINE, *run, IMAGE, *arguments]

    def environment(self, **variables: str) -> dict[str, str]:
        foreign = ("TAP_INSTANTLY", "TARGET_", "MELTANO_", "INSTANTLY_", "DBT_")
        own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {**own, **self.variables, **variables}

    def run(self, *arguments: str, **variables: str) -> Ended:
        """Run a container to its end."""
        done = subprocess.run(
            self.command(*arguments, **variables),
            env=self.environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        return Ended(done.returncode, done.stdout)

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start a container, and end it if the test does not."""
        with subprocess.Popen(
            self.command(*arguments),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                self.tell("kill", check=False)

    def tell(self, *command: str, check: bool = True) -> None:
        """Send `kill`, `stop`, ... to the running container."""
        subprocess.run([*ENGINE, *command, self.name], check=check, capture_output=True, timeout=SECONDS)
