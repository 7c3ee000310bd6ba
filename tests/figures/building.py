"""A world in DuckDB and in Postgres, with the marts that dbt builds over each, and the report over both."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.figures.tables import fill_duckdb, fill_postgres
from tests.transform import duck
from tests.transform.package import Dbt, contract, ordered, query, unsuccessful
from tests.transform.writing import write_page
from tests.zones import EAST, WEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.figures.expected import Figures
    from tests.figures.world import World
    from tests.warehouse.postgres import Postgres

KEYS = {
    "instantly__workspace_daily": ("workspace_id", "date"),
    "instantly__workspace_periods": ("workspace_id", "period_days", "metric"),
    "instantly__accounts": ("workspace_id", "email"),
    "instantly__campaigns": ("campaign_id",),
    "instantly__lead_funnel": ("campaign_id", "stage_number"),
    "instantly__campaign_daily": ("campaign_id", "date"),
    "instantly__step_variants": ("campaign_id", "step", "variant"),
    "instantly__leads": ("lead_id",),
    "instantly__odd_rows": ("workspace_id", "stream", "row_key"),
}
"""The marts that are counted once more, with what identifies their rows."""
MARTS = sorted(contract())
MODELS = ("--resource-type", "seed", "--resource-type", "model")
"""What dbt builds: no tests, which warn of much here."""


@dataclass(frozen=True)
class Built:
    """The marts over a world, in both databases.

    Attributes:
        path: The DuckDB file.
        server: The server of the other database.
        database: Its name.
        pages: What the report says over each.
    """

    path: Path
    server: Postgres
    database: str
    pages: tuple[str, str]

    def rows(self, mart: str) -> list[dict[str, Any]]:
        return duck.rows(self.path, query(mart))

    def differing(self) -> list[str]:
        """The marts that are not the same row for row in both databases."""
        return [
            mart for mart in MARTS if ordered(self.rows(mart)) != ordered(self.server.rows(query(mart), self.database))
        ]

    def figures(self) -> Figures:
        """All that the marts hold that is counted once more."""
        found: Figures = {}
        for mart, key in KEYS.items():
            for row in self.rows(mart):
                place = (mart, *(str(row[name]) for name in key))
                found |= {(*place, name): value for name, value in row.items()}
        return found


def build(world: World, folder: Path, server: Postgres, database: str) -> Built:
    """Fill both databases, and have dbt build the marts over them side by side."""
    path = folder / "warehouse.duckdb"
    fill_duckdb(path, world)
    fill_postgres(server, database, world)
    settings = {"DBT_POSTGRES_HOST": str(server.socket), "DBT_POSTGRES_DATABASE": database}
    projects = [
        Dbt(folder / "duckdb", {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(path), "TZ": WEST}),
        Dbt(folder / "postgres", {"DBT_TARGET": "postgres", "TZ": EAST, **settings}),
    ]
    running = [project.start("build", *MODELS) for project in projects]
    for project, process in zip(projects, running, strict=True):
        failed = unsuccessful(project.finish(process))
        assert not failed, failed
    address = f"postgresql:///{database}?host={server.socket}&user=postgres"
    pages = tuple(write_page(where, folder / "report.html") for where in (str(path), address))
    return Built(path, server, database, (pages[0], pages[1]))


def wrong(found: Figures, expected: Figures) -> Iterator[str]:
    """Tell of each figure that is not what was counted, one that is missing among them."""
    for key, value in expected.items():
        name = " ".join(key)
        if key not in found:
            yield f"{name}: missing, should be {value!r}"
        elif not same(found[key], value):
            yield f"{name}: {found[key]!r}, should be {value!r}"


def same(value: Any, other: Any) -> bool:
    """Whether two values are the same, but for the last digits; 0 is not what is not known."""
    if value is None or other is None or isinstance(value, str | bool):
        return value == other
    return math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-12)


def surplus(found: Figures, expected: Figures) -> list[str]:
    """Rows that nobody has counted."""
    rows = {key[:-1] for key in expected}
    return sorted({json.dumps(key[:-1]) for key in found if key[:-1] not in rows})
