"""Records in files of BATCH messages: written behind the tap, staged by the loader as they are."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.peers import batches
from tests.snowflake.account import LOGIN, SCHEMA, Account
from tests.snowflake.test_loads import in_full
from tests.snowflake.test_page import run

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Server

pytestmark = pytest.mark.snowflake


def test_selection_and_stream_maps_of_the_tap_hold_and_those_of_the_loader_do_not(
    agency: Server, config: dict[str, Any], tmp_path: Path
) -> None:
    catalog = in_full(config, "leads")
    (leads,) = [entry for entry in catalog["streams"] if entry["stream"] == "leads"]
    leads["metadata"] = [one for one in leads["metadata"] if one["breadcrumb"] != ["properties", "payload"]]
    leads["metadata"].append({"breadcrumb": ["properties", "payload"], "metadata": {"selected": False}})
    files = {
        "config": config | {"stream_maps": {"leads": {"email": "md5(id)"}}},
        "catalog": catalog,
        "target": {**LOGIN, "password": "x", "stream_maps": {"leads": {"email": "'the loader'"}}},
    }
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "batches").mkdir()
    filter_ = shlex.join([sys.executable, batches.__file__, str(tmp_path / "batches"), "50"])
    tap = "tap-instantly --config config.json --catalog catalog.json"
    run(f"{tap} | {filter_} | target-snowflake --config target.json", tmp_path)

    (rows,) = Account(tmp_path).query(f"select * from {SCHEMA}.leads")
    truth = [row for name in ("main", "workspace-002") for row in agency.control.within(name).truth("leads")]
    hashed = {row["id"]: hashlib.md5(row["id"].encode(), usedforsecurity=False).hexdigest() for row in truth}
    assert {row["ID"]: row["EMAIL"] for row in rows} == hashed
    assert len(rows) == len(truth)
    assert {"PAYLOAD" in row for row in rows} == {False}
    # Of the loader's columns a record has what the filter wrote into it.
    assert {row["_SDC_TABLE_VERSION"] is None for row in rows} == {False}
    assert {row["_SDC_SEQUENCE"] for row in rows} == {None}
    assert list((tmp_path / "batches").iterdir()) == []  # the loader removes what it has loaded
