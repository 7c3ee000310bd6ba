from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.support import api_keys, catalog_of, opening, run_tap
from tests.transform import duck, made
from tests.transform.package import MODELS, NO_UNIT_TESTS, PACKAGE, Dbt, Result
from tests.transform.writing import write_page
from tests.warehouse.pipeline import SCHEMA, Pipeline
from tests.zones import EAST, WEST
from tools.demo.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Server
    from tests.warehouse.postgres import Postgres

WORKSPACES = ("main", "workspace-002")
TIME = "%Y-%m-%d %H:%M:%S"
LOADED = (*(table.name for table in TABLES), "emails")
"""The streams, with the one for threads, which is not selected by default."""

WITH_EMAILS = ("--vars", '{"instantly__streams_on": ["emails"]}')
"""For every run of dbt in one folder: with other variables, dbt parses the whole package again."""
FILE = "acme.com.duckdb"
"""Name of the DuckDB files with the same variables: DuckDB calls the database acme."""
LOADED_AT = "2026-11-01 06:00:00"
"""The day after the sandbox's last one."""


@pytest.fixture(scope="session")
def agency() -> Iterator[Server]:
    size = SandboxConfig(2, campaigns=5, accounts=8, leads=300, emails=250, days=60, until=UNTIL, seed=12)
    with sandbox.serve(size) as server:
        yield server


@pytest.fixture(scope="session")
def config(agency: Server) -> dict[str, Any]:
    return opening(agency, api_keys(agency, *WORKSPACES), emit_activate_version_messages=True, max_retries=0)


@dataclass(frozen=True)
class Built:
    """The marts in both databases, from the same data.

    Attributes:
        duckdb: The dbt project over DuckDB.
        duckdb_path: Its database file, which tests may change temporarily.
        duckdb_file: A copy of the file after the build.
        raw_file: A copy of the file as it was loaded, without the odd rows that tests add.
        in_postgres: The dbt project over Postgres.
        postgres: Postgres server.
        database: Postgres database.
        load: Start of the load into Postgres, earliest and latest load time in its rows, and its end.
        results: Result of each node, by database, except unit tests; of Postgres also without data tests.
    """

    duckdb: Dbt
    duckdb_path: Path
    duckdb_file: Path
    raw_file: Path
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
"""Does not change results: the API writes addresses with capitals in one stream, and earlier in another one too."""

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
"""Changes only the report of odd rows: impossible rows are left out."""


@pytest.fixture(scope="session")
def built(config: dict[str, Any], postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """Both databases, filled and built side by side: dbt runs in two time zones, and Postgres is not in UTC."""
    folder = tmp_path_factory.mktemp("transform")
    run = run_tap(config, streams=LOADED)
    path = folder / FILE
    duck.fill(path, {stream: run.records(stream) for stream in LOADED}, LOADED_AT)
    raw = folder / "raw.duckdb"
    shutil.copy(path, raw)
    duck.execute(path, *SPELT_ANEW, *ODD)
    in_duckdb = Dbt(folder / "duckdb", {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(path), "TZ": WEST})
    building = in_duckdb.start("build", *NO_UNIT_TESTS, *WITH_EMAILS)
    with postgres.database("transform") as database:
        pipeline = Pipeline(postgres, database, folder)
        began = utc_now()
        assert pipeline.load(config, catalog_of(config, *LOADED), use_copy=True).exit_code == 0
        load = (began, *rows_of_times(postgres, database), utc_now())
        for stream in LOADED:
            times = ", ".join(f"_sdc_{what}_at = '{LOADED_AT}'" for what in ("batched", "extracted"))
            postgres.execute(f"update {SCHEMA}.{stream} set {times}", database)  # noqa: S608 (ours)
        for statement in (*SPELT_ANEW, *ODD):
            postgres.execute(statement, database)
        in_postgres = Dbt(folder / "postgres", {"TZ": EAST, **postgres.for_dbt(database)})
        results = {"postgres": in_postgres.run("build", *MODELS, *WITH_EMAILS)}
        results["duckdb"] = in_duckdb.finish(building)
        # The same file name, which is the database's name and so part of its views.
        copy = tmp_path_factory.mktemp("built") / path.name
        shutil.copy(path, copy)
        yield Built(in_duckdb, path, copy, raw, in_postgres, postgres, database, load, results)


def utc_now() -> str:
    return datetime.now(timezone.utc).strftime(TIME)


def rows_of_times(server: Postgres, database: str) -> tuple[str, str]:
    """Return the earliest and the latest load time in a table."""
    times = ", ".join(f"to_char({end}(_sdc_batched_at), 'YYYY-MM-DD HH24:MI:SS')" for end in ("min", "max"))
    earliest, latest = server.execute(f"select {times} from {SCHEMA}.leads", database).strip().split("|")  # noqa: S608 (ours)
    return earliest, latest


LOADED_SCHEMA = "an-acme-gmbh"
"""Schema of the tables that the other project reads."""

KEPT = "select campaign_id, snapshot_date, emails_sent_count from analytics.instantly__campaign_snapshots"
"""Contents of the snapshots."""


@dataclass(frozen=True)
class Elsewhere:
    """Another project that uses the package, over a later load and with all streams.

    Attributes:
        path: DuckDB file of its marts.
        tables: DuckDB file of the tap's tables.
        before: Snapshots before the later load.
        gone: A deleted campaign that has left the tables.
        stale: A deleted campaign with its old figures.
        draft: A deleted campaign that never sent, with its old steps.
        mailbox: A deleted account with its old rows; all other accounts were read again.
        results: Result of each node.
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
    # Cautious: skips tests that also read models of the earlier build.
    how = ("--indirect-selection", "cautious")
    results = project.run(
        "build", *NO_UNIT_TESTS, *how, "--select", *chosen, *others, "--exclude", "test_name:known_codes"
    )
    return Elsewhere(path, loaded, before, *deleted, results)


def load_later(path: Path, before: list[dict[str, Any]]) -> tuple[str, str, str, str]:
    """Change the tables as the next day's load does; return the deleted records, in the order of `Elsewhere`."""
    gone, stale, *_ = sorted({row["campaign_id"] for row in before})
    sent = "select campaign_id from instantly.campaign_analytics"
    draft = min(row["id"] for row in duck.rows(path, f"select id from instantly.campaigns where id not in ({sent})"))  # noqa: S608 (ours)
    (latest,) = duck.rows(path, "select email from instantly.accounts order by timestamp_updated desc, email limit 1")
    mailbox = latest["email"]
    later = "_sdc_batched_at = timestamp '2026-11-02 06:00:00'"
    step = f"select workspace_id, id, '1', _sdc_batched_at from instantly.campaigns where id = '{draft}'"  # noqa: S608 (ours)
    duck.execute(
        path,
        "drop table instantly.subsequences",  # as if never selected
        "drop table instantly.lead_labels",
        "drop table instantly.emails",  # made again
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
    """Create a project with the package over another database, with all streams except two that were not loaded."""
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
