"""Tap, loader, dbt and report give the same results in several time zones."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

import sandbox
from sandbox import SandboxConfig
from tests.meltano.project import Project
from tests.transform import duck
from tests.transform.package import MODELS, Dbt, contract, ordered, query
from tests.transform.writing import write_page
from tests.warehouse.pipeline import SCHEMA
from tests.zones import EAST, WEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.warehouse.postgres import Postgres

pytestmark = pytest.mark.meltano

ZONES = (EAST, WEST)
LOAD_TIMES = {"loaded_at", "seen_at"}
Marts = dict[str, list[dict[str, Any]]]
Begin = Callable[[str], "Pipeline"]


def today() -> date:
    return datetime.now(timezone.utc).date()


@pytest.fixture(scope="module")
def server() -> Iterator[sandbox.Server]:
    """A workspace that has also sent today and whose clock is ahead of all others."""
    until = (today() + timedelta(days=2)).isoformat()
    size = SandboxConfig(campaigns=3, accounts=4, leads=60, emails=5, days=20, until=until, seed=12)
    with sandbox.serve(size) as running:
        yield running


class Pipeline(ABC):
    """A Meltano project with a warehouse and the dbt package.

    Attributes:
        loader: Name of the loader plugin.
        address: Database URL for the report.
        loading: Variables with the loader's settings.
        building: Variables with dbt's settings.
    """

    loader: str
    address: str
    loading: Mapping[str, str] = {}
    building: Mapping[str, str]

    def __init__(self, folder: Path, server: sandbox.Server) -> None:
        folder.mkdir()
        key = {"TAP_INSTANTLY_API_KEY": server.api_key, "TAP_INSTANTLY_API_URL": f"{server.url}/api/v2"}
        self.project = Project.make(folder, **key)

    @abstractmethod
    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Query the warehouse."""

    def load(self, zone: str) -> None:
        self.project.meltano("run", "tap-instantly", self.loader, TZ=zone, **self.loading)

    def loaded(self) -> tuple[datetime, datetime]:
        """Return the times at which the first and the last leads were loaded."""
        ends = ", ".join(f"cast({end}(_sdc_batched_at) as text) as {end}" for end in ("min", "max"))
        (times,) = self.rows(f"select {ends} from {SCHEMA}.leads")  # noqa: S608 (ours)
        first, last = (datetime.fromisoformat(times[end]) for end in ("min", "max"))
        return first, last

    def dbt(self, zone: str) -> Dbt:
        return Dbt(self.project.folder / "dbt", {**self.building, "DBT_INSTANTLY_SCHEMA": SCHEMA, "TZ": zone})

    def marts(self, zone: str) -> Marts:
        """Build the marts and return their rows, without load times."""
        results = self.dbt(zone).run("build", *MODELS)
        assert {result.status for result in results.values()} == {"success"}
        return {mart: ordered([_undated(row) for row in self.rows(query(mart))]) for mart in contract()}

    def page(self, zone: str) -> str:
        """Return the report without the time of day of the load."""
        page = write_page(self.address, self.project.folder / "report.html", zone=zone)
        return re.sub(r"\d\d:\d\d(?=(</\w+>)? UTC)", "", page)


class InDuckDB(Pipeline):
    loader = "target-dlt"

    def __init__(self, folder: Path, server: sandbox.Server) -> None:
        super().__init__(folder, server)
        self.file = folder / "output" / "warehouse.duckdb"
        self.address = str(self.file)
        self.building = {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": self.address}

    @override
    def rows(self, statement: str) -> list[dict[str, Any]]:
        return duck.rows(self.file, statement)


class InPostgres(Pipeline):
    """Set up Postgres with a server in its own time zone."""

    loader = "target-postgres"

    def __init__(self, folder: Path, server: sandbox.Server, postgres: Postgres, database: str) -> None:
        super().__init__(folder, server)
        self._postgres, self._database = postgres, database
        self.address, self.building = postgres.address(database), postgres.for_dbt(database)
        self.loading = {
            "TARGET_POSTGRES_SQLALCHEMY_URL": postgres.url(database),
            "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": SCHEMA,
        }

    @override
    def rows(self, statement: str) -> list[dict[str, Any]]:
        return self._postgres.rows(statement, self._database)


@pytest.fixture(params=[InDuckDB, InPostgres])
def begin(
    request: pytest.FixtureRequest, plugins: None, server: sandbox.Server, postgres: Postgres, tmp_path: Path
) -> Iterator[Begin]:
    """Create a pipeline by name, with an empty warehouse."""
    if request.param is InDuckDB:
        yield lambda name: InDuckDB(tmp_path / name, server)
        return
    with ExitStack() as databases:
        yield lambda name: InPostgres(
            tmp_path / name, server, postgres, databases.enter_context(postgres.database(name.lower()))
        )


def _undated(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in LOAD_TIMES}


def test_rows_marts_and_report_are_equal_in_each_time_zone(begin: Begin) -> None:
    found: list[tuple[date, Marts, str]] = []
    for zone in ZONES:
        began = datetime.now(timezone.utc).replace(tzinfo=None)
        pipeline = begin(zone.replace("/", "-"))
        pipeline.load(zone)
        ended = datetime.now(timezone.utc).replace(tzinfo=None)
        first, last = pipeline.loaded()
        assert began <= first <= last <= ended
        loaded_on, marts = last.date(), pipeline.marts(zone)
        found.append((loaded_on, marts, pipeline.page(zone)))
        assert set(pipeline.dbt(zone).freshness().values()) == {"pass"}
        complete = {row["date"] for row in marts["instantly__workspace_daily"] if row["is_complete"]}
        assert max(complete) == (loaded_on - timedelta(days=1)).isoformat()
    day, first_marts, first_page = found[-1]
    for loaded_on, marts, page in found:
        if loaded_on == day:  # after midnight there is one more day
            assert [mart for mart in contract() if marts[mart] != first_marts[mart]] == []
            assert page == first_page


def test_loads_in_two_time_zones_mark_no_rows_as_deleted(plugins: None, server: sandbox.Server, tmp_path: Path) -> None:
    pipeline = InDuckDB(tmp_path / "project", server)
    pipeline.load(EAST)
    columns = f"information_schema.columns where (table_schema, column_name) = ('{SCHEMA}', '_sdc_batched_at')"
    tables = pipeline.rows(f"select table_name from {columns}")  # noqa: S608 (ours)
    ago = "_sdc_batched_at = _sdc_batched_at - interval 2 hour"
    duck.execute(pipeline.file, *(f"update {SCHEMA}.{table['table_name']} set {ago}" for table in tables))  # noqa: S608 (ours)
    gone = min(row["campaign_id"] for row in server.control.truth("campaign_analytics"))
    server.control.delete_campaign(gone)
    pipeline.load(WEST)
    marts = pipeline.marts(EAST)
    deleted = {row["campaign_id"]: row["is_deleted"] for row in marts["instantly__campaigns"]}
    assert deleted == {campaign: campaign == gone for campaign in deleted}
    assert len(deleted) > 1
