"""Peers that run in the tests' environment read every record exactly."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from tools.benchmarks.candidates import CANDIDATES, Job

if TYPE_CHECKING:
    from collections.abc import Iterator

UNTIL = date(2026, 10, 31)


@pytest.fixture(scope="module")
def server() -> Iterator[sandbox.Server]:
    with sandbox.serve(sandbox.SandboxConfig(campaigns=7, leads=730, days=90, until=str(UNTIL))) as running:
        yield running


def written_by(name: str, stream: str, server: sandbox.Server, folder: Path) -> list[dict[str, Any]]:
    job = Job(folder, f"{server.url}/api/v2", server.api_key, (stream,), UNTIL, {})
    command = CANDIDATES[name].prepare(CANDIDATES[name], job)
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    messages = map(json.loads, run.stdout.splitlines())
    return [message["record"] for message in messages if message["type"] == "RECORD"]


@pytest.mark.parametrize("name", ["sdk", "floor"])
def test_every_lead_comes_once_and_unchanged(name: str, server: sandbox.Server, tmp_path: Path) -> None:
    assert written_by(name, "leads", server, tmp_path) == list(server.control.truth("leads"))


@pytest.mark.parametrize("name", ["sdk", "floor"])
def test_every_day_of_every_campaign_comes_once(name: str, server: sandbox.Server, tmp_path: Path) -> None:
    rows = written_by(name, "campaign_analytics_daily", server, tmp_path)
    truth = list(server.control.truth("campaign_analytics_daily"))
    assert len(truth) > 90

    def in_order(days: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(days, key=lambda row: (row["campaign_id"], row["date"]))

    assert in_order(rows) == in_order(truth)


def test_the_manifest_and_the_windows_cover_the_same_days() -> None:
    job = Job(Path(), "", "", (), UNTIL, {})
    assert job.start == UNTIL - timedelta(days=89)


def test_floor_stops_when_refused(server: sandbox.Server, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"api_url": f"{server.url}/api/v2", "api_key": "wrong"}), encoding="utf-8")
    script = Path("tools/benchmarks/peers/floor.py")
    run = subprocess.run(
        [sys.executable, str(script), "--config", str(config), "--stream", "leads"], check=False, capture_output=True
    )
    assert run.returncode != 0
    assert run.stdout == b""
