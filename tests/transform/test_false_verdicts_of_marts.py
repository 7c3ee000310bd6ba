"""Clear winners, by dbt's compiled SQL, among equal variants and with one that is better."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.report.simulated import hits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from tests.transform.conftest import Built

Rows = list[dict[str, Any]]
REPORTS = 80
STAGING = "analytics_staging"
STEPS = f"{STAGING}.stg_instantly__campaign_analytics_steps"


@pytest.fixture(scope="module")
def compiled(built: Built, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A copy of the warehouse, and the folder of the compiled SQL."""
    path = tmp_path_factory.mktemp("simulated") / built.duckdb_file.name
    shutil.copy(built.duckdb_file, path)
    return path, built.duckdb.folder / "target" / "compiled" / "instantly" / "models" / "marts"


@pytest.fixture(scope="module")
def warehouse(compiled: tuple[Path, Path]) -> Iterator[DuckDBPyConnection]:
    """The mart's input, replaced by a table that tests can fill."""
    with duckdb.connect(str(compiled[0])) as connection:
        connection.execute("set threads = 1")  # so few rows gain nothing by more
        connection.execute(f"create table {STEPS}_filled as from {STEPS}")
        connection.execute(f"drop view {STEPS}")
        connection.execute(f"alter table {STEPS}_filled rename to {STEPS.partition('.')[2]}")
        yield connection


Told = Callable[[Rows], list[str]]


@pytest.fixture
def told(compiled: tuple[Path, Path], warehouse: DuckDBPyConnection) -> Told:
    """A function from variants to the campaigns with a clear winner."""
    sql = (compiled[1] / "instantly__step_variants.sql").read_text(encoding="utf-8")
    # Planning takes longer than the query.
    warehouse.execute(f"prepare told as select campaign_id from ({sql}) where is_clear_winner")  # noqa: S608 (ours)

    def fill_and_ask(rows: Rows) -> list[str]:
        warehouse.execute(f"delete from {STEPS}")  # noqa: S608 (ours)
        names = list(rows[0])
        values = ", ".join(f"({', '.join(repr(row[name]) for name in names)})" for row in rows)
        warehouse.execute(f"insert into {STEPS} ({', '.join(names)}) values {values}")  # noqa: S608 (ours)
        return [name for (name,) in warehouse.execute("execute told").fetchall()]

    return fill_and_ask


def variants(chance: random.Random, sends: tuple[int, int], better: float = 1) -> Rows:
    """Draw forty campaigns with two steps of two variants; the very first variant may be better."""
    return [
        {
            "campaign_id": f"c{campaign}",
            "step": str(step),
            "variant": str(variant),
            "sent": sent,
            "unique_replies": hits(chance, sent, 0.04 * (better if (campaign, step, variant) == (0, 1, 0) else 1)),
        }
        for campaign in range(40)
        for step in (1, 2)
        for variant, sent in enumerate(sends)
    ]


@pytest.mark.parametrize("sends", [(300, 3000), pytest.param((500, 500), marks=pytest.mark.long)], ids=str)
def test_equal_variants_win_in_at_most_five_percent_of_reports(told: Told, sends: tuple[int, int]) -> None:
    """Holds even with few and many sent emails, where intervals separate more easily."""
    chance = random.Random(1)
    found = [told(variants(chance, sends)) for _ in range(REPORTS)]
    assert sum(map(bool, found)) <= REPORTS / 20


@pytest.mark.long
@pytest.mark.parametrize(("better", "seen"), [(2, 0.12), (2.5, 0.5)])
def test_better_variant_wins(told: Told, better: float, seen: float) -> None:
    chance = random.Random(2)
    found = [told(variants(chance, (500, 500), better)) for _ in range(REPORTS)]
    assert sum("c0" in names for names in found) >= len(found) * seen
