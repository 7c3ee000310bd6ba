from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.demo.conftest import table
from tools.demo import increment
from tools.demo.errors import DemoError
from tools.demo.runlog import Cost
from tools.demo.tables import TABLES

LEADS, DAYS = table("leads"), table("campaign_analytics_daily")
BEFORE, NOW = datetime(2026, 11, 1), datetime(2026, 11, 2)  # noqa: DTZ001 - the loader's times have no zone


class Rows:
    """Rows that stand for the sandbox's."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self._rows = rows

    def rows(self, _table: object) -> tuple[dict[str, Any], ...]:
        return self._rows


def state(stream: str, value: str) -> dict[str, Any]:
    return {"bookmarks": {stream: {"partitions": [{"replication_key_value": value}]}}}


def test_changed_rows_and_those_within_the_lookback_are_due() -> None:
    stamps = ("2026-10-01T00:00:00.122Z", "2026-10-01T00:00:00.123Z", "2026-10-01T00:00:00.124Z", None)
    truth: Any = Rows(*({"id": number, "timestamp_updated": stamp} for number, stamp in enumerate(stamps)))
    assert increment.due(LEADS, truth, state("leads", "2026-10-01T06:00:00.123Z")) == {(1,), (2,), (3,)}
    assert len(increment.due(LEADS, truth, {})) == 4


def test_days_within_the_lookback_are_due() -> None:
    days = ("2026-10-23", "2026-10-24", "2026-10-31")
    truth: Any = Rows(*({"campaign_id": "a", "date": day} for day in days))
    due = increment.due(DAYS, truth, state(DAYS.name, "2026-10-31"))
    assert due == {("a", "2026-10-24"), ("a", "2026-10-31")}


def times(**leads: datetime) -> increment.Loaded:
    return {one.name: {} for one in TABLES} | {"leads": {(key,): when for key, when in leads.items()}}


def costs(leads: int) -> dict[str, Cost]:
    return {one.name: Cost(leads if one is LEADS else 0, 1, 0.0) for one in TABLES}


def due(*leads: str) -> dict[str, set[tuple[Any, ...]]]:
    return {one.name: {(key,) for key in leads} if one is LEADS else set() for one in TABLES}


def test_passes_when_exactly_the_due_leads_change() -> None:
    increment.check(due("b", "c"), times(a=BEFORE, b=BEFORE), times(a=BEFORE, b=NOW, c=NOW), costs(2))


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        pytest.param(("c",), 2, id="something-sent-that-was-not-due"),
        pytest.param(("a", "b", "c"), 2, id="something-due-that-was-not-sent"),
        pytest.param(("b", "c"), 3, id="something-sent-twice"),
    ],
)
def test_fails_when_other_records_change(expected: tuple[str, ...], said: int) -> None:
    with pytest.raises(DemoError) as caught:
        increment.check(due(*expected), times(a=BEFORE, b=BEFORE), times(a=BEFORE, b=NOW, c=NOW), costs(said))
    assert caught.value.details[0].startswith("leads: ")


def test_bookmark_that_is_not_the_newest_record_is_found() -> None:
    truth: Any = Rows({"timestamp_updated": "2026-10-01T00:00:00.123Z", "date": "2026-10-01"})
    with pytest.raises(DemoError, match=f"{TABLES[0].name}: the bookmark is None"):
        increment.check_bookmarks({}, truth)
