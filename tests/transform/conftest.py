from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from demo.tables import TABLES
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.support import api_keys, catalog_of, opening, run_tap
from tests.transform import duck, made
from tests.transform.package import PACKAGE, Dbt, Result
from tests.transform.writing import write_page
from tests.warehouse.pipeline import SCHEMA, Pipeline
from tests.warehouse.postgres import running
from tests.zones import EAST, WEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Server
    from tests.warehouse.postgres import Postgres

WORKSPACES = ("main", "workspace-002")
TIME = "%Y-%m-%d %H:%M:%S"
LOADED_AT = "2026-11-01 06:00:00"
"""The day after the last one of the sandbox."""


@pytest.fixture(scope="session")
def agency() -> Iterator[Server]:
    size = SandboxConfig(2, campaigns=5, accounts=8, leads=300, emails=5, days=60, until=UNTIL, seed=12)
    with sandbox.serve(size) as server:
        yield server


@pytest.fixture(scope="session")
def config(agency: Server) -> dict[str, Any]:
    return opening(agency, api_keys(agency, *WORKSPACES), emit_activate_version_messages=True, max_retries=0)


@dataclass(frozen=True)
class Built:
    """The marts in both databases, from the same data.

    Attributes:
        duckdb: The project over DuckDB.
        duckdb_path: Its file, which a test may change for a while.
        duckdb_file: A copy of that file as it was built.
        in_postgres: The project over Postgres.
        postgres: The server of the other database.
        database: Its name.
        load: When the load into it began, the earliest and the latest time that the loader noted, and when it ended.
        results: What came of each node, by database.
    """

    duckdb: Dbt
    duckdb_path: Path
    duckdb_file: Path
    in_postgres: Dbt
    postgres: Postgres
    database: str
    load: tuple[str, str, str, str]
    results: dict[str, dict[str, Result]]


SPELT_ANEW = (
    "update instantly.account_analytics_daily set email_account = upper(email_account)",
    "create table instantly.earlier as select * from instantly.account_warmup_daily",
    "update instantly.earlier set email = upper(email), sent = sent + 1000, _sdc_batched_at = '2026-10-30 06:00:00'",
    "insert into instantly.account_warmup_daily select * from instantly.earlier",
    "drop table instantly.earlier",
)
"""Changes nothing: the API writes addresses with capitals in one stream, and wrote them so earlier in another."""

_A_DAY = """
    create table instantly.odd as
    select * from instantly.campaign_analytics_daily
    where campaign_id = (select min(campaign_id) from instantly.campaign_analytics_daily)
"""
ODD = (
    f"{_A_DAY} order by date limit 1",
    "update instantly.odd set date = '2010-01-01'",
    "insert into instantly.campaign_analytics_daily select * from instantly.odd",
    "update instantly.odd set date = '2026-08-01', opportunities = -1",
    "insert into instantly.campaign_analytics_daily select * from instantly.odd",
    "drop table instantly.odd",
)
"""Changes nothing but what is said of it: rows that cannot be right are left out."""


@pytest.fixture(scope="session")
def built(config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """Both databases, filled and built side by side, in time zones of their own: dbt in two, and Postgres as well."""
    folder = tmp_path_factory.mktemp("transform")
    streams = tuple(table.name for table in TABLES)
    run = run_tap(config, streams=streams)
    path = folder / "acme.com.duckdb"  # whose name for DuckDB is acme
    duck.fill(path, {stream: run.records(stream) for stream in streams}, LOADED_AT)
    duck.execute(path, *SPELT_ANEW, *ODD)
    in_duckdb = Dbt(folder / "duckdb", {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(path), "TZ": WEST})
    building = in_duckdb.start("build")
    with running() as server, server.database("transform") as database:
        pipeline = Pipeline(server, database, folder)
        began = utc_now()
        assert pipeline.load(config, catalog_of(config, *streams), use_copy=True).exit_code == 0
        load = (began, *rows_of_times(server, database), utc_now())
        for stream in streams:
            times = ", ".join(f"_sdc_{what}_at = '{LOADED_AT}'" for what in ("batched", "extracted"))
            server.execute(f"update {SCHEMA}.{stream} set {times}", database)  # noqa: S608 (ours)
        for statement in (*SPELT_ANEW, *ODD):
            server.execute(statement, database)
        settings = {"DBT_POSTGRES_HOST": str(server.socket), "DBT_POSTGRES_DATABASE": database}
        in_postgres = Dbt(folder / "postgres", {"DBT_TARGET": "postgres", "TZ": EAST, **settings})
        results = {"postgres": in_postgres.run("build")}
        results["duckdb"] = in_duckdb.finish(building)
        # Under the same name, which is that of the database and so within its views.
        copy = tmp_path_factory.mktemp("built") / path.name
        shutil.copy(path, copy)
        yield Built(in_duckdb, path, copy, in_postgres, server, database, load, results)


def utc_now() -> str:
    return datetime.now(timezone.utc).strftime(TIME)


def rows_of_times(server: Postgres, database: str) -> tuple[str, str]:
    """The earliest and the latest time of loading in a table."""
    times = ", ".join(f"to_char({end}(_sdc_batched_at), 'YYYY-MM-DD HH24:MI:SS')" for end in ("min", "max"))
    earliest, latest = server.execute(f"select {times} from {SCHEMA}.leads", database).strip().split("|")  # noqa: S608 (ours)
    return earliest, latest


LOADED_SCHEMA = "an-acme-gmbh"
"""Of the tables that the other project reads."""

KEPT = "select campaign_id, snapshot_date, emails_sent_count from analytics.instantly__campaign_snapshots"
"""What the snapshots keep."""


@dataclass(frozen=True)
class Elsewhere:
    """Another project that uses the package, over a later load and with all streams.

    Attributes:
        path: Its DuckDB file.
        tables: The file of the tables that the tap fills, which it calls tables.
        before: The snapshots as they were before it.
        gone: A campaign that was deleted and is no longer in the tables.
        stale: One that was deleted, of which there are the figures of before.
        draft: One that never sent and was deleted, of which there are the steps of before.
        mailbox: An account that was deleted, of which there is what was before; all others were read again.
        results: What came of each node.
    """

    path: Path
    tables: Path
    before: list[dict[str, Any]]
    gone: str
    stale: str
    draft: str
    mailbox: str
    results: dict[str, Result]


@pytest.fixture(scope="session")
def elsewhere(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    folder = tmp_path_factory.mktemp("elsewhere")
    path = folder / built.duckdb_file.name
    shutil.copy(built.duckdb_file, path)
    before = duck.rows(path, KEPT)
    deleted = load_later(path, before)
    made.fill(path)
    loaded = folder / "loaded.duckdb"
    duck.move(path, loaded, LOADED_SCHEMA)
    project = other_project(folder / "project", path, loaded)
    project.install()
    chosen = ("+best", "+instantly__leads", "+instantly__accounts")
    others = ("instantly__campaign_snapshots", "instantly.staging")
    # Cautious: without tests that also look at what was not chosen, and so is of before.
    how = ("--exclude-resource-type", "unit_test", "--indirect-selection", "cautious")
    results = project.run("build", *how, "--select", *chosen, *others, "--exclude", "test_name:known_codes")
    return Elsewhere(path, loaded, before, *deleted, results)


def load_later(path: Path, before: list[dict[str, Any]]) -> tuple[str, str, str, str]:
    """Change the tables as a load of the next day does, and give what was deleted, in the order of `Elsewhere`."""
    gone, stale, *_ = sorted({row["campaign_id"] for row in before})
    sent = "select campaign_id from instantly.campaign_analytics"
    draft = min(row["id"] for row in duck.rows(path, f"select id from instantly.campaigns where id not in ({sent})"))  # noqa: S608 (ours)
    (latest,) = duck.rows(path, "select email from instantly.accounts order by timestamp_updated desc, email limit 1")
    mailbox = latest["email"]
    later = "_sdc_batched_at = timestamp '2026-11-02 06:00:00'"
    step = f"select workspace_id, id, '1', _sdc_batched_at from instantly.campaigns where id = '{draft}'"  # noqa: S608 (ours)
    duck.execute(
        path,
        "drop table instantly.subsequences",  # as where the stream was never selected
        "drop table instantly.lead_labels",
        f"delete from instantly.campaign_analytics where campaign_id = '{gone}'",  # noqa: S608 (ours)
        f"delete from instantly.campaigns where id = '{gone}'",  # noqa: S608 (ours)
        f"update instantly.campaign_analytics set {later}, emails_sent_count = emails_sent_count + 1"  # noqa: S608 (ours)
        f" where campaign_id <> '{stale}'",
        f"update instantly.campaign_steps set {later}",  # noqa: S608 (ours)
        f"insert into instantly.campaign_steps (workspace_id, campaign_id, step, _sdc_batched_at) {step}",
        f"update instantly.accounts set {later} where email <> '{mailbox}'",  # noqa: S608 (ours)
        f"update instantly.account_warmup set {later} where email <> '{mailbox}'",  # noqa: S608 (ours)
    )
    return gone, stale, draft, mailbox


def other_project(folder: Path, database: Path, loaded: Path) -> Dbt:
    """A project with the package, over another database, of which it takes all streams but two that were not loaded."""
    settings = {
        "instantly__streams_off": ["subsequences", "lead_labels"],
        "instantly__streams_on": sorted(made.KEYS),
        "instantly__quality_severity": "error",
        "instantly__database": "tables",
        "instantly__schema": LOADED_SCHEMA,
    }
    attached = [{"path": str(loaded), "alias": "tables"}]
    outputs = {"dev": {"type": "duckdb", "path": str(database), "schema": "analytics", "attach": attached}}
    files = {
        "dbt_project.yml": {
            "name": "agency",
            "version": "1.0.0",
            "profile": "agency",
            "vars": {"instantly": settings},
            "flags": {"send_anonymous_usage_stats": False},
        },
        "packages.yml": {"packages": [{"local": str(PACKAGE)}]},
        "profiles.yml": {"agency": {"target": "dev", "outputs": outputs}},
    }
    (folder / "models").mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
    model = "select campaign_name, positive_reply_rate_per_sent from {{ ref('instantly', 'instantly__campaigns') }}"
    (folder / "models" / "best.sql").write_text(model, encoding="utf-8")
    return Dbt(folder / "output", {}, folder, folder)


@pytest.fixture(scope="session")
def page(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report over the marts in DuckDB."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_page(str(built.duckdb_file), path, zone=WEST)
    return path
