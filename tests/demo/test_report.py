from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import duckdb

from tools.demo import report

if TYPE_CHECKING:
    from pathlib import Path


def test_final_command_of_the_demo_shows_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "demo.duckdb"
    with duckdb.connect(str(path)) as database:
        database.execute("create schema instantly")
        columns = "'Harbor' as campaign_name, 5 as emails_sent_count, 2 as reply_count"
        database.execute(f"create table instantly.campaign_analytics as select {columns}")
    told = "\n".join(report.closing(path, tmp_path / "meltano", seconds=1))
    (command,) = re.findall(r"^  (\S+ -c \".*?\")$", told, flags=re.DOTALL | re.MULTILINE)
    shown = subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout  # noqa: S602 (ours)
    assert "Harbor" in shown
