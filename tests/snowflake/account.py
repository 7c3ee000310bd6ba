"""An emulated Snowflake account, the loads into it, and its contents."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.warehouse.pipeline import SECONDS, Loads
from tools.demo.tables import Kind

if TYPE_CHECKING:
    from tests.warehouse.truth import Rows
    from tools.demo.tables import Table

ENVIRONMENT = Path(__file__).parents[2] / ".venv-snowflake"
"""Installed by `make test-snowflake`: the loader and the emulator."""

EMULATOR = [str(ENVIRONMENT / "bin" / "python"), str(Path(__file__).with_name("emulator.py"))]
DATABASE, SCHEMA = "ANALYTICS", "INSTANTLY"

LOGIN = {
    "account": "example-organisation",
    "user": "LOADER",
    "role": "LOADER",
    "warehouse": "LOADING",
    "database": DATABASE,
    "default_target_schema": SCHEMA,
}

_OWN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Account(Loads):
    """Loads into one account.

    Attributes:
        folder: Folder of its databases and of the programs' files.
    """

    folder: Path
    plugin = "target-snowflake"

    def loader(self) -> list[str]:
        return [*EMULATOR, str(self.folder)]

    def settings(self) -> dict[str, Any]:
        return {**LOGIN, "password": "not-a-real-one"}

    def copy(self, folder: Path) -> Account:
        """Copy the account without its log of statements."""
        shutil.copytree(self.folder / "databases", folder / "databases")
        return Account(folder)

    def query(self, *statements: str) -> list[list[dict[str, Any]]]:
        """Return the rows of each statement, written in Snowflake's dialect."""
        done = subprocess.run(
            [*EMULATOR, str(self.folder), "--query", DATABASE],
            input="".join(f"{' '.join(statement.split())}\n" for statement in statements),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr[-5000:]
        return [json.loads(line) for line in done.stdout.splitlines()]

    def statements(self) -> list[str]:
        """Return the loader's statements, with ``ID`` instead of generated ids."""
        lines = (self.folder / "statements.jsonl").read_text(encoding="utf-8").splitlines()
        return [_OWN_ID.sub("ID", json.loads(line)["statement"]).strip() for line in lines]

    def logins(self) -> list[dict[str, Any]]:
        """Return the parameters of each login."""
        lines = (self.folder / "logins.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def staged(self, stream: str) -> list[list[dict[str, Any]]]:
        """Return the records of each file of a stream that was staged, loaded and removed."""
        paths = (self.folder / "removed" / "target-snowflake").glob(f"{stream}-*/*.json.gz")
        return [[json.loads(line) for line in gzip.open(path, "rt", encoding="utf-8")] for path in paths]


def found(account: Account, *tables: Table) -> dict[str, Rows]:
    """Return the rows of tables that are not marked as deleted."""
    queries = [f"select * from {SCHEMA}.{table.name} where _sdc_deleted_at is null" for table in tables]
    rows_of = dict[str, "Rows"]()
    for table, rows in zip(tables, account.query(*queries), strict=True):
        read = [{name: _read(row[name.upper()], kind) for name, kind in table.columns.items()} for row in rows]
        rows_of[table.name] = {table.key_of(row): row for row in read}
        assert len(rows_of[table.name]) == len(read), f"{table.name} has rows twice"
    return rows_of


def _read(value: Any, kind: Kind) -> Any:
    return json.loads(value) if kind is Kind.JSON and value is not None else value
