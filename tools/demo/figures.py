"""Checks the figures and words of the report against the API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from sandbox.control import Control
from tests.report import reading, words
from tests.report.comparison import differences
from tests.report.expected import Expected
from tools.demo.errors import DemoError
from tools.demo.paths import short
from tools.demo.tables import TABLES, Row
from tools.demo.truth import Truth

WARMUP = next(table for table in TABLES if table.name == "account_warmup_daily")


def check(path: Path, control: Control, truth: Truth) -> str:
    """Compare all data on the page with the API, and return a line with the number of equal figures.

    Raises:
        DemoError: A figure differs.
    """

    def rows(resource: str) -> Iterable[Row]:
        return truth.expected(WARMUP) if resource == "warmup_analytics_daily" else control.truth(resource)

    page = reading.read(path.read_text(encoding="utf-8"))
    del page.words["loaded"]
    expected = Expected([rows], date.fromisoformat(page.as_of[0]))
    if odd := tuple(differences(page, expected, words.words(expected, [str(truth.workspace_name)]))):
        message = f"{short(path)} differs from the API: see the {len(odd)} differences above"
        raise DemoError(message, odd)
    return f"identical with the API: yes ({len(page.figures):,} figures and {len(page.words):,} words of the report)"
