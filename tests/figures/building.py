"""Worlds in DuckDB and in Postgres, each with dbt's marts and the report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.figures.tables import fill_duckdb, fill_postgres
from tests.transform import duck
from tests.transform.package import MODELS, Dbt, contract, ordered, query, unsuccessful
from tests.transform.writing import write_page
from tests.zones import EAST, WEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
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
    "instantly__account_daily": ("workspace_id", "email", "date"),
    "instantly__domain_daily": ("workspace_id", "domain", "date"),
    "instantly__esp_matrix": ("workspace_id", "sender_provider", "recipient_esp"),
    "instantly__data_as_of": ("workspace_id", "stream"),
    "instantly__reconciliation": ("workspace_id", "campaign_id", "check_name"),
    "instantly__campaign_snapshots": ("campaign_id",),
    "instantly__lead_events": ("workspace_id", "event_id"),
    "instantly__threads": ("workspace_id", "thread_id"),
    "instantly__client_month": ("workspace_id", "month"),
    "instantly__sender_health": ("workspace_id", "email", "week_end"),
}
"""The marts that are counted a second time, with the keys of their rows."""
MARTS = sorted(contract())
WITH_EVENTS = ("--vars", '{"instantly__streams_on": ["emails", "webhook_events"]}')
"""Streams that are not selected by default."""


@dataclass(frozen=True)
class Built:
    """The marts over a world, in both databases.

    Attributes:
        path: DuckDB file.
        server: Postgres server.
        database: Postgres database.
        pages: Reports over each database.
    """

    path: Path
    server: Postgres
    database: str
    pages: tuple[str, str]

    def differing(self) -> list[str]:
        """Return the marts whose rows differ between the databases."""
        queries = {mart: query(mart) for mart in MARTS}
        return [
            mart
            for mart, text in queries.items()
            if ordered(duck.rows(self.path, text)) != ordered(self.server.rows(text, self.database))
        ]


def figures_in(path: Path, marts: Iterable[str] = KEYS) -> Figures:
    """Return all values of the marts that are counted a second time, or of some of them."""
    found: Figures = {}
    for mart in marts:
        for row in duck.rows(path, query(mart)):
            place = (mart, *(str(row[name]) for name in KEYS[mart]))
            found |= {(*place, name): value for name, value in row.items()}
    return found


def build(world: World, folder: Path, server: Postgres, database: str) -> Built:
    """Fill both databases and build the marts in them side by side."""
    path = folder / "warehouse.duckdb"
    fill_duckdb(path, world.rows)
    fill_postgres(server, database, world.rows)
    projects = [
        Dbt(folder / "duckdb", {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(path), "TZ": WEST}),
        Dbt(folder / "postgres", {"TZ": EAST, **server.for_dbt(database)}),
    ]
    running = [project.start("build", *MODELS, *WITH_EVENTS) for project in projects]
    for project, process in zip(projects, running, strict=True):
        failed = unsuccessful(project.finish(process))
        assert not failed, failed
    pages = tuple(write_page(where, folder / "report.html") for where in (str(path), server.address(database)))
    return Built(path, server, database, (pages[0], pages[1]))


def wrong(found: Figures, expected: Figures) -> Iterator[str]:
    """Report each wrong or missing figure, and each surplus row."""
    for key, value in expected.items():
        name = " ".join(key)
        if key not in found:
            yield f"{name}: missing, should be {value!r}"
        elif not same(found[key], value):
            yield f"{name}: {found[key]!r}, should be {value!r}"
    rows = {key[:-1] for key in expected}
    yield from sorted({f"{' '.join(key[:-1])}: too many" for key in found if key[:-1] not in rows})


def same(value: Any, other: Any) -> bool:
    """Compare two values, except for the last digits; 0 and NULL differ."""
    if value is None or other is None or isinstance(value, str | bool):
        return value == other
    return math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-12)
