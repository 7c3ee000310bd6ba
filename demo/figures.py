"""The figures and words of the report, counted once more from what the API has."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from demo.errors import DemoError
from demo.paths import short
from demo.tables import TABLES
from tests.report import reading, words
from tests.report.comparison import differences
from tests.report.expected import Expected

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from demo.tables import Row
    from demo.truth import Truth
    from sandbox.control import Control

WARMUP = next(table for table in TABLES if table.name == "account_warmup_daily")


def check(path: Path, control: Control, truth: Truth) -> str:
    """Compare all that the page says of the data with the API.

    Args:
        path: Of the page.
        control: Of the sandbox that its data are from.
        truth: Its workspace, with what the API no longer tells.

    Returns:
        How much is the same, in a line.

    Raises:
        DemoError: Something is not the same.
    """

    def rows(resource: str) -> Iterable[Row]:
        return truth.expected(WARMUP) if resource == "warmup_analytics_daily" else control.truth(resource)

    page = reading.read(path.read_text(encoding="utf-8"))
    del page.words["loaded"]
    expected = Expected([rows], date.fromisoformat(page.as_of[0]))
    if odd := tuple(differences(page, expected, words.words(expected, [str(truth.workspace_name)]))):
        message = f"not identical with the API: {short(path)}, of which {len(odd)} differences are above"
        raise DemoError(message, odd)
    return f"identical with the API: yes ({len(page.figures):,} figures and {len(page.words):,} words of the report)"
