"""The package within another dbt project, which has settings of its own, over a later load."""

from __future__ import annotations

import json
import shutil
from datetime import date
from typing import TYPE_CHECKING

from tests.transform import duck
from tests.transform.package import PACKAGE, Dbt, ordered, unsuccessful

if TYPE_CHECKING:
    from pathlib import Path

    from tests.transform.conftest import Built

FILES = {
    "dbt_project.yml": {
        "name": "agency",
        "version": "1.0.0",
        "profile": "agency",
        "vars": {"instantly": {"instantly__streams_off": ["subsequences", "lead_labels"]}},
        "flags": {"send_anonymous_usage_stats": False},
    },
    "packages.yml": {"packages": [{"local": str(PACKAGE)}]},
}
MODEL = "select campaign_name, positive_reply_rate_per_sent from {{ ref('instantly', 'instantly__campaigns') }}"


def make_project(folder: Path, database: Path) -> Dbt:
    folder.mkdir()
    outputs = {"dev": {"type": "duckdb", "path": str(database), "schema": "analytics"}}
    profiles = {"profiles.yml": {"agency": {"target": "dev", "outputs": outputs}}}
    for name, content in (FILES | profiles).items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
    (folder / "models").mkdir()
    (folder / "models" / "best.sql").write_text(MODEL, encoding="utf-8")
    return Dbt(folder / "output", {}, folder, folder)


def test_another_project_builds_the_marts_and_keeps_the_snapshots_of_what_was_deleted(
    built: Built, tmp_path: Path
) -> None:
    database = tmp_path / built.duckdb_file.name
    shutil.copy(built.duckdb_file, database)
    kept = "select campaign_id, snapshot_date, emails_sent_count from analytics.instantly__campaign_snapshots"
    before = duck.rows(database, kept)
    gone, stale, *_ = sorted({row["campaign_id"] for row in before})
    duck.execute(
        database,
        "drop table instantly.subsequences",  # as where the stream was never selected
        "drop table instantly.lead_labels",
        f"delete from instantly.campaign_analytics where campaign_id = '{gone}'",  # noqa: S608
        f"delete from instantly.campaigns where id = '{gone}'",  # noqa: S608
        "update instantly.campaign_analytics set _sdc_batched_at = timestamp '2026-11-02 06:00:00',"  # noqa: S608
        f" emails_sent_count = emails_sent_count + 1 where campaign_id <> '{stale}'",
    )
    project = make_project(tmp_path / "project", database)
    project.install()
    chosen = ("+best", "+instantly__leads", "instantly__campaign_snapshots")
    # Cautious: without tests that also look at what was not chosen, and so is of before.
    how = ("--exclude-resource-type", "unit_test", "--indirect-selection", "cautious")
    results = project.run("build", *how, "--select", *chosen)
    assert {name: text for name, text in unsuccessful(results).items() if results[name].status != "warn"} == {}
    campaigns = duck.rows(database, "select campaign_id, is_deleted from analytics.instantly__campaigns")
    assert gone not in {row["campaign_id"] for row in campaigns}
    assert [row["campaign_id"] for row in campaigns if row["is_deleted"]] == [stale]
    later = [
        {**row, "snapshot_date": date(2026, 11, 2), "emails_sent_count": row["emails_sent_count"] + 1}
        for row in before
        if row["campaign_id"] not in {gone, stale}
    ]
    assert ordered(duck.rows(database, kept)) == ordered(before + later)
    assert {row["subsequence_name"] for row in duck.rows(database, "from analytics.instantly__leads")} == {None}
