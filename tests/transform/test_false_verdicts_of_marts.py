"""Verdicts that marts decide, by the SQL that dbt compiles, on variants and senders that are all alike."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.report.simulated import hits
from tests.transform import duck
from tests.transform.conftest import TABLES
from tests.transform.package import Dbt, unsuccessful

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

Rows = list[dict[str, Any]]
REPORTS = 100
STAGING, MARTS = "analytics_staging", "analytics"
STEPS, ACCOUNTS, DAYS, WORKSPACES = (
    f"{STAGING}.stg_instantly__campaign_analytics_steps",
    f"{STAGING}.stg_instantly__accounts",
    f"{MARTS}.instantly__account_daily",
    f"{STAGING}.int_instantly__workspaces",
)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A warehouse without rows, of which the marts are built, and the folder of their SQL."""
    folder = tmp_path_factory.mktemp("simulated")
    path = folder / "simulated.duckdb"
    duck.fill(path, {table.name: [] for table in TABLES}, "2026-06-29 06:00:00")
    dbt = Dbt(folder, {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(path)})
    results = dbt.run("build", "--exclude-resource-type", "test", "unit_test")
    assert unsuccessful(results) == {}
    return path, folder / "target" / "compiled" / "instantly" / "models" / "marts"


@pytest.fixture(scope="module")
def warehouse(compiled: tuple[Path, Path]) -> Iterator[DuckDBPyConnection]:
    """What the marts read, as tables that can be filled."""
    with duckdb.connect(str(compiled[0])) as connection:
        for name in (STEPS, ACCOUNTS):
            connection.execute(f"create table {name}_filled as from {name}")
            connection.execute(f"drop view {name}")
            connection.execute(f"alter table {name}_filled rename to {name.partition('.')[2]}")
        yield connection


Told = Callable[[str, dict[str, Rows]], list[str]]


@pytest.fixture
def told(compiled: tuple[Path, Path], warehouse: DuckDBPyConnection) -> Told:
    """Names of the rows of a mart of which a condition holds, once tables are filled."""

    def fill_and_ask(question: str, tables: dict[str, Rows]) -> list[str]:
        for table, rows in tables.items():
            warehouse.execute(f"delete from {table}")  # noqa: S608 (ours)
            names = list(rows[0])
            values = ", ".join(f"({', '.join(repr(row[name]) for name in names)})" for row in rows)
            warehouse.execute(f"insert into {table} ({', '.join(names)}) values {values}")  # noqa: S608 (ours)
        mart = question.split()[1]
        sql = (compiled[1] / f"{mart}.sql").read_text(encoding="utf-8")
        return [name for (name,) in warehouse.execute(question.replace(mart, f"({sql})")).fetchall()]

    return fill_and_ask


WINNERS = "from instantly__step_variants select campaign_id where is_clear_winner"
DOUBLED = "from instantly__accounts select email where health_reason like '%doubled%'"


def a_twentieth(of: int) -> float:
    """As many of so many as are seen, in 19 simulations of 20, where it is a twentieth."""
    return of / 20 + 1.645 * (of * 0.05 * 0.95) ** 0.5


def variants(chance: random.Random, better: float = 1) -> Rows:
    """Draw forty campaigns with two steps of two variants, the first of which may be better in the first campaign."""
    return [
        {
            "campaign_id": f"c{campaign}",
            "step": str(step),
            "variant": str(variant),
            "sent": sent,
            "unique_replies": hits(chance, sent, 0.04 * (1 if campaign or variant else better)),
        }
        for campaign in range(40)
        for step in (1, 2)
        for variant, sent in enumerate((300, 3000))
    ]


def test_of_equal_variants_of_forty_campaigns_none_wins_in_all_but_a_twentieth_of_reports(told: Told) -> None:
    """Even where one was sent to few and the other to many, so that intervals are apart more easily."""
    chance = random.Random(1)
    found = [told(WINNERS, {STEPS: variants(chance)}) for _ in range(REPORTS)]
    assert sum(map(bool, found)) <= a_twentieth(REPORTS)


def test_a_variant_that_is_more_than_twice_as_good_wins(told: Told) -> None:
    chance = random.Random(2)
    found = [told(WINNERS, {STEPS: variants(chance, 2.5)}) for _ in range(REPORTS // 4)]
    assert sum("c0" in names for names in found) > len(found) * 0.8


def senders(chance: random.Random, worse: float = 1) -> dict[str, Rows]:
    """Draw forty senders whose emails bounce as before, but for the first of them."""
    emails = [f"s{number}@a.example" for number in range(40)]
    days = [
        {
            "workspace_id": "w",
            "email": email,
            "date": date,
            "has_campaign_figures": True,
            "sent_count": 140,
            "bounced_count": hits(chance, 140, 0.01 * (worse if email == emails[0] and date == "2026-06-27" else 1)),
        }
        for email in emails
        for date in ("2026-06-18", "2026-06-27")
    ]
    return {DAYS: days, ACCOUNTS: [{"workspace_id": "w", "email": email} for email in emails]}


def test_of_forty_steady_senders_bounces_of_none_have_doubled_in_all_but_a_twentieth_of_reports(
    told: Told, warehouse: DuckDBPyConnection
) -> None:
    days = "accounts_as_of_date, accounts_until"
    warehouse.execute(f"insert into {WORKSPACES} (workspace_id, {days}) values ('w', '2026-06-28', '2026-06-28')")  # noqa: S608 (ours)
    chance = random.Random(3)
    found = [told(DOUBLED, senders(chance)) for _ in range(REPORTS // 2)]
    assert sum(map(bool, found)) <= a_twentieth(len(found))
    found = [told(DOUBLED, senders(chance, 15)) for _ in range(REPORTS // 10)]
    assert sum("s0@a.example" in names for names in found) > len(found) * 0.8
