"""The package is built in two time zones, over a server in another: days and times of the marts are UTC all the same.

That the marts and the report of both databases are alike, and what the sandbox gives, is what the other tests show.
"""

from __future__ import annotations

import re
from contextlib import closing
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.transform.package import PACKAGE
from tests.zones import EAST, FIRST, LAST, WEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.transform.conftest import Built
    from tests.transform.package import Dbt

OF_THE_SESSION = re.compile(
    r"\b(current_(date|time\w*)|local_?time\w*|getdate|sysdate|(?<!instantly\.)(now|today)\s*\()"
)
"""Functions that depend on the time zone of the session, in any of the databases."""


def test_the_databases_are_not_in_utc(built: Built) -> None:
    assert built.postgres.execute("show timezone", built.database).strip() == WEST
    assert (built.duckdb.settings["TZ"], built.in_postgres.settings["TZ"]) == (WEST, EAST)


def test_the_loader_notes_utc(built: Built) -> None:
    assert list(built.load) == sorted(built.load)


def test_only_the_macro_for_it_asks_for_the_running_day() -> None:
    paths = [path for folder in ("macros", "models", "tests") for path in (PACKAGE / folder).rglob("*.sql")]
    asking = {path.name for path in paths if OF_THE_SESSION.search(path.read_text(encoding="utf-8").lower())}
    assert asking == {"dialects.sql"}


def compiled_today(project: Dbt) -> str:
    """The running day as the package asks for it."""
    (path,) = project.folder.glob("target/compiled/*/models/marts/instantly__campaign_snapshots.sql")
    match = re.search(r"coalesce\(cast\(loaded_at as date\), (.+)\) as snapshot_date", path.read_text(encoding="utf-8"))
    assert match
    return match[1]


def day_in_duckdb(built: Built, zone: str) -> str:
    with closing(duckdb.connect()) as connection:
        connection.execute(f"set timezone = '{zone}'")
        (found,) = connection.execute(f"select {compiled_today(built.duckdb)}").fetchall()[0]
    assert isinstance(found, date)
    return found.isoformat()


def day_in_postgres(built: Built, zone: str) -> str:
    query = f"set timezone = '{zone}'; select {compiled_today(built.in_postgres)}"
    return built.postgres.execute(query, built.database).strip()


@pytest.mark.parametrize("zone", [FIRST, LAST])
@pytest.mark.parametrize("day_in", [day_in_duckdb, day_in_postgres])
def test_the_running_day_is_that_of_utc(built: Built, day_in: Callable[[Built, str], str], zone: str) -> None:
    before = datetime.now(timezone.utc).date().isoformat()
    found = day_in(built, zone)
    assert before <= found <= datetime.now(timezone.utc).date().isoformat()
