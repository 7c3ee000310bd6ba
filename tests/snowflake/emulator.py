"""Run the real target-snowflake in one process with fakesnow, plus the user stage that fakesnow lacks.

A program for ``.venv-snowflake``: ``emulator.py FOLDER [options of target-snowflake]`` runs the loader.
``emulator.py FOLDER --query DATABASE`` runs the statements on standard input, one a line, and prints their rows.
The folder keeps the databases, each statement (``statements.jsonl``), each login (``logins.jsonl``) and the staged
files (``stage``, later ``removed``).

fakesnow 0.12.1 (the newest in November 2026) supports all statements of the loader except five: ``PUT`` to,
``MERGE`` and ``COPY INTO`` from, and ``REMOVE`` in the user's stage ``@~``, and ``DROP FILE FORMAT``. Here ``PUT``
copies the file, ``REMOVE`` moves it away, and ``MERGE`` and ``COPY INTO`` read a table of the file's records instead of
the stage. Casts, joins and results are fakesnow's. Any other statement about the stage is an error.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import threading
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlparse
from urllib.request import url2pathname

import fakesnow
import snowflake.connector
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.transforms.file_format import lookup_file_format
from snowflake.connector.errors import ProgrammingError

_SELECT = r"(?P<select>select (\$1:\S+::\S+ as \S+ ?)+)"
_PATH = r"'@~/(?P<path>[\w/.-]+)"
PUT = re.compile(rf"put %\(file_uri\)s {_PATH}'")
REMOVE = re.compile(rf"remove {_PATH}/'")
MERGE = re.compile(
    rf"(?P<into>merge into \S+ d using) \({_SELECT} from {_PATH}'\(file_format => (?P<format>\S+)\)"
    r"(?P<rest> QUALIFY ROW_NUMBER\(\) OVER \(PARTITION BY .+ ORDER BY SEQ8\(\) DESC\) = 1\) s on .+"
    r" when matched then update set .+ when not matched then insert \(.+\) values \(.+\))"
)
COPY = re.compile(
    rf"copy into (?P<into>\S+ \(.+\)) from \({_SELECT} from {_PATH}'\)"
    r"file_format = \(format_name='(?P<format>[^']+)'\)"
)
DROP_FORMAT = re.compile(r"drop file format if exists (?P<format>\S+)")
STAGED = "temp.main.staged"
"""A table with the columns ``record`` (VARIANT) and ``line`` that replaces the files of a stage."""


class UserStage:
    """The stage of the logged-in user.

    Args:
        folder: Folder of its files.
    """

    def __init__(self, folder: Path) -> None:
        self._staged = folder / "stage"
        self._removed = folder / "removed"

    def answer(self, cursor: FakeSnowflakeCursor, command: str, params: dict[str, str]) -> str:
        """Execute a statement about the stage; return a statement for fakesnow to execute instead."""
        if match := PUT.fullmatch(command):
            source = Path(url2pathname(urlparse(params["file_uri"]).path))
            target = self._staged / match["path"] / source.name
            target.parent.mkdir(parents=True)
            shutil.copyfile(source, target)
            return "select 'UPLOADED' as status"
        if match := REMOVE.fullmatch(command):
            source, target = self._staged / match["path"], self._removed / match["path"]
            if source.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                source.rename(target)
            return "select 'removed' as result"
        if match := MERGE.fullmatch(command):
            self._read(cursor, match["path"], match["format"])
            # Snowflake finds a column's alias in a QUALIFY; DuckDB only one level further out.
            columns = _of_table(f"{match['select']}, SEQ8() as line from {STAGED}")
            return f"{match['into']} (select * from ({columns})" + match["rest"].replace("SEQ8()", "line")
        if match := COPY.fullmatch(command):
            rows = self._read(cursor, match["path"], match["format"])
            cursor.execute(_of_table(f"insert into {match['into']} {match['select']} from {STAGED}"))
            return f"select '{match['path']}' as file, 'LOADED' as status, {rows} as rows_parsed, {rows} as rows_loaded"
        if match := DROP_FORMAT.fullmatch(command):
            lookup_file_format(cursor._duck_conn, match["format"], None, None)
            name = match["format"].rpartition(".")[2].strip('"')
            return f"delete from _fs_global._fs_information_schema._fs_file_formats where name = '{name}'"
        raise ProgrammingError(msg=f"not a statement that the loader is known to send: {command}")

    def _read(self, cursor: FakeSnowflakeCursor, path: str, file_format: str) -> int:
        """Create a table of the staged files and return its number of rows."""
        connection = cursor._duck_conn
        options = lookup_file_format(connection, file_format, None, None)
        assert options["TYPE"] == "JSON"
        files = [str(file) for file in (self._staged / path).iterdir()]
        connection.execute(
            f"create or replace temp table {STAGED.rpartition('.')[2]} as"
            " select json as record, row_number() over () as line"
            " from read_json_objects(?, format => 'newline_delimited')",
            [files],
        )
        found = connection.execute(f"select count(*) from {STAGED}").fetchone()
        assert found
        return int(found[0])


def _of_table(statement: str) -> str:
    # Drop a redundant cast: with it, DuckDB turns JSON nulls into SQL nulls, and Snowflake does not.
    statement = re.sub(r"(\$1:\S+)::VARIANT as", r"\1 as", statement)
    return statement.replace("$1:", "record:").replace("SEQ8() as", "line as")


def _keep(path: Path, **content: Any) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(content, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    key = load_der_private_key(value, password=None).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def load(folder: Path) -> None:
    """Run the loader with the options of the command line; it exits the process."""
    from target_snowflake.target import TargetSnowflake  # noqa: PLC0415 (not for queries: half of its time)

    stage, execute, connect = UserStage(folder), FakeSnowflakeCursor.execute, snowflake.connector.connect
    one_at_a_time = threading.RLock()  # the loader has a thread for each stream; one DuckDB cannot serve them all

    def executing(cursor: FakeSnowflakeCursor, command: str, params: Any = None, *args: Any, **kwargs: Any) -> Any:
        with one_at_a_time:
            _keep(folder / "statements.jsonl", statement=command, params=params)
            if any(words in command for words in ("@~", "$1", "drop file format")):
                command, params = stage.answer(cursor, command, params), None
            return execute(cursor, command, params, *args, **kwargs)

    def connecting(**options: Any) -> Any:
        with one_at_a_time:
            _keep(folder / "logins.jsonl", **options)
            return connect(schema="PUBLIC", **options)  # exists in any new database, and becomes the session's

    with (
        mock.patch.object(FakeSnowflakeCursor, "execute", executing),
        mock.patch("snowflake.connector.connect", connecting),
    ):
        TargetSnowflake.cli()


def query(database: str) -> None:
    """Write the rows of statements, one JSON array of objects a line."""
    connection = snowflake.connector.connect(database=database)
    for statement in sys.stdin:
        rows = connection.cursor(snowflake.connector.DictCursor).execute(statement).fetchall()
        sys.stdout.write(json.dumps(rows, default=_plain) + "\n")


def main() -> None:
    """Run the command line."""
    folder = Path(sys.argv.pop(1)).resolve()
    (folder / "databases").mkdir(parents=True, exist_ok=True)
    with fakesnow.patch(db_path=folder / "databases"):
        if sys.argv[1] == "--query":
            query(sys.argv[2])
        else:
            load(folder)


if __name__ == "__main__":
    main()
