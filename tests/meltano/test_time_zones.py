"""The whole pipeline in several time zones: tap, loader, dbt and report have the same to say in each."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.meltano.project import Project
from tests.transform import duck
from tests.transform.package import Dbt, contract, ordered, query
from tests.transform.writing import write_page
from tests.zones import EAST, WEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.meltano

ZONES = ("UTC", EAST, WEST)
Marts = dict[str, list[dict[str, Any]]]


def today() -> date:
    return datetime.now(timezone.utc).date()


@pytest.fixture(scope="module")
def server() -> Iterator[sandbox.Server]:
    """A workspace that has sent on the running day too, and whose clock is ahead of all others."""
    until = (today() + timedelta(days=2)).isoformat()
    size = SandboxConfig(campaigns=3, accounts=4, leads=60, emails=5, days=20, until=until, seed=12)
    with sandbox.serve(size) as running:
        yield running


class Pipeline:
    """A project of Meltano's with a DuckDB file, and the dbt package over that."""

    def __init__(self, folder: Path, server: sandbox.Server) -> None:
        folder.mkdir()
        key = {"TAP_INSTANTLY_API_KEY": server.api_key, "TAP_INSTANTLY_API_URL": f"{server.url}/api/v2"}
        self.project = Project.make(folder, **key)
        self.file = folder / "output" / "warehouse.duckdb"

    def load(self, zone: str) -> None:
        self.project.meltano("run", "tap-instantly", "target-duckdb", TZ=zone)

    def dbt(self, zone: str) -> Dbt:
        settings = {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(self.file), "TZ": zone}
        return Dbt(self.project.folder / "dbt", settings)

    def marts(self, zone: str) -> Marts:
        """Build the marts and give their rows, without when they were loaded."""
        results = self.dbt(zone).run("build", "--resource-type", "model", "seed")
        assert {result.status for result in results.values()} == {"success"}
        return {mart: ordered([_undated(row) for row in duck.rows(self.file, query(mart))]) for mart in contract()}

    def page(self, zone: str) -> str:
        """The report, without the time of day of the load."""
        page = write_page(str(self.file), self.project.folder / "report.html", zone=zone)
        return re.sub(r"\d\d:\d\d(?=(</\w+>)? UTC)", "", page)


def _undated(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "loaded_at"}


def test_rows_marts_and_report_are_the_same_in_each_zone_and_the_running_day_is_not_over(
    plugins: None, server: sandbox.Server, tmp_path: Path
) -> None:
    found: list[tuple[date, Marts, str]] = []
    for zone in ZONES:
        began = datetime.now(timezone.utc).replace(tzinfo=None)
        pipeline = Pipeline(tmp_path / zone.replace("/", "-"), server)
        pipeline.load(zone)
        ended = datetime.now(timezone.utc).replace(tzinfo=None)
        (times,) = duck.rows(
            pipeline.file, "select min(_sdc_batched_at) as first, max(_sdc_batched_at) as last from instantly.leads"
        )
        assert began <= times["first"] <= times["last"] <= ended
        loaded_on, marts = times["last"].date(), pipeline.marts(zone)
        found.append((loaded_on, marts, pipeline.page(zone)))
        assert set(pipeline.dbt(zone).freshness().values()) == {"pass"}
        complete = {row["date"] for row in marts["instantly__workspace_daily"] if row["is_complete"]}
        assert max(complete) == (loaded_on - timedelta(days=1)).isoformat()
    day, first_marts, first_page = found[-1]
    for loaded_on, marts, page in found:
        if loaded_on == day:  # at midnight there is a day more
            assert [mart for mart in contract() if marts[mart] != first_marts[mart]] == []
            assert page == first_page


def test_loads_in_two_zones_one_after_the_other_do_not_take_what_is_there_for_deleted(
    plugins: None, server: sandbox.Server, tmp_path: Path
) -> None:
    pipeline = Pipeline(tmp_path / "project", server)
    pipeline.load(EAST)
    tables = duck.rows(
        pipeline.file, "select table_name from information_schema.tables where table_schema = 'instantly'"
    )
    ago = "_sdc_batched_at = _sdc_batched_at - interval 2 hour"
    duck.execute(pipeline.file, *(f"update instantly.{table['table_name']} set {ago}" for table in tables))  # noqa: S608 (ours)
    gone = min(row["campaign_id"] for row in server.control.truth("campaign_analytics"))
    server.control.delete_campaign(gone)
    pipeline.load(WEST)
    marts = pipeline.marts(EAST)
    deleted = {row["campaign_id"]: row["is_deleted"] for row in marts["instantly__campaigns"]}
    assert deleted == {campaign: campaign == gone for campaign in deleted}
    assert len(deleted) > 1
