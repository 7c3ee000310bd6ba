"""Build the package in two time zones, neither of them UTC: days and times of the marts are UTC all the same.

Other tests show that marts and report agree between databases and with the sandbox.
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
"""Functions that depend on the session's time zone in any of the databases."""


def test_the_databases_are_not_in_utc(built: Built) -> None:
    assert built.postgres.execute("show timezone", built.database).strip() == WEST
    assert (built.duckdb.settings["TZ"], built.in_postgres.settings["TZ"]) == (WEST, EAST)


def test_loader_times_are_in_utc(built: Built) -> None:
    assert list(built.load) == sorted(built.load)


def test_only_one_macro_uses_the_current_day() -> None:
    paths = [path for folder in ("macros", "models", "tests") for path in (PACKAGE / folder).rglob("*.sql")]
    asking = {path.name for path in paths if OF_THE_SESSION.search(path.read_text(encoding="utf-8").lower())}
    assert asking == {"dialects.sql"}


def compiled_today(project: Dbt) -> str:
    """The current day, as the package computes it."""
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
def test_current_day_is_in_utc(built: Built, day_in: Callable[[Built, str], str], zone: str) -> None:
    before = datetime.now(timezone.utc).date().isoformat()
    found = day_in(built, zone)
    assert before <= found <= datetime.now(timezone.utc).date().isoformat()
