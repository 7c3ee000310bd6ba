"""Compare the queries of docs/metrics.md with counts of the sandbox's records."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.transform import duck
from tests.transform.conftest import WORKSPACES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sandbox import Server
    from tests.transform.conftest import Built

    Truth = Callable[[str], list[dict[str, Any]]]

PAGE = Path("docs/metrics.md").read_text(encoding="utf-8")
QUERIES = {
    (name, where): query
    for name, where, query in re.findall(r"<!-- metrics (\w+) (\w+) -->\n```sql\n(.*?)```", PAGE, re.DOTALL)
}
NOW = "timestamp_email"


@pytest.fixture
def truth(agency: Server) -> Truth:
    return lambda name: [row for one in WORKSPACES for row in agency.control.within(one).truth(name)]


def ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def campaigns(truth: Truth) -> Iterator[tuple[Any, ...]]:
    for row in truth("campaign_analytics"):
        sent, replied, positive = (
            row[name] for name in ("emails_sent_count", "reply_count_unique", "total_opportunities")
        )
        yield (
            row["campaign_name"],
            sent,
            replied,
            positive,
            ratio(replied, row["contacted_count"]),
            ratio(positive, sent),
        )


def daily(truth: Truth) -> Iterator[tuple[Any, ...]]:
    for row in truth("campaign_analytics_daily"):
        sent, replied, positive = (row[name] for name in ("sent", "unique_replies", "opportunities"))
        yield row["campaign_id"], row["date"], sent, replied, positive, ratio(replied, sent), ratio(positive, sent)


def weekly(truth: Truth) -> Iterator[tuple[Any, ...]]:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in truth("campaign_analytics_daily"):
        day = date.fromisoformat(row["date"])
        total = sums[row["campaign_id"], (day - timedelta(days=day.weekday())).isoformat()]
        for place, name in enumerate(("sent", "replies", "opportunities")):
            total[place] += row[name]
    for (campaign, week), (sent, replies, positive) in sums.items():
        yield campaign, week, sent, replies, positive, ratio(positive, sent)


def accounts(truth: Truth) -> Iterator[tuple[Any, ...]]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in truth("account_analytics_daily"):
        if row["email_account"]:
            sums[row["email_account"].lower()][0] += row["sent"]
            sums[row["email_account"].lower()][1] += row["bounced"]
    for email, (sent, bounced) in sums.items():
        yield email, sent, bounced, ratio(bounced, sent)


def replies(truth: Truth) -> Iterator[tuple[Any, ...]]:
    emails = truth("emails")
    for reply in emails:
        if reply["ue_type"] != 2 or reply.get("is_auto_reply"):
            continue
        before = [
            one[NOW]
            for one in emails
            if one["ue_type"] in {1, 3} and one["thread_id"] == reply["thread_id"] and one[NOW] <= reply[NOW]
        ]
        if before:
            yield reply["id"], reply.get("lead"), reply.get("content_preview"), max(before)[:19], reply[NOW][:19]


def texts(truth: Truth) -> Iterator[tuple[Any, ...]]:
    for row in truth("emails"):
        if row["ue_type"] == 2 and not row.get("is_auto_reply"):
            yield row["id"], row.get("lead"), row.get("subject"), row.get("content_preview"), row[NOW][:19]


COUNTED = {
    "campaigns": campaigns,
    "daily": daily,
    "weekly": weekly,
    "accounts": accounts,
    "texts": texts,
    "replies": replies,
}


def plain(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return rows as text, so that databases' types for numbers and times compare."""

    def text(value: Any, column: str) -> str:
        if isinstance(value, datetime | date):
            value = value.isoformat()
        if column in {"week", "date"}:
            return str(value)[:10]
        if column.endswith("_at"):
            return str(value).replace(" ", "T")[:19]
        return value if isinstance(value, str) else "none" if value is None else f"{float(value):.6f}"

    return sorted("|".join(text(value, column) for column, value in row.items()) for row in rows)


def expected(name: str, truth: Truth) -> list[str]:
    rows = COUNTED[name](truth)
    return sorted(
        "|".join("none" if one is None else one if isinstance(one, str) else f"{float(one):.6f}" for one in row)
        for row in rows
    )


def test_every_query_is_tested_on_its_marts_and_raw_tables() -> None:
    assert len(QUERIES) == PAGE.count("```sql")
    both = {(name, where) for name in COUNTED for where in ("marts", "raw")}
    both -= {("texts", "marts"), ("replies", "marts")}
    assert set(QUERIES) == both


@pytest.mark.parametrize("name", COUNTED)
def test_queries_of_raw_tables_match_the_api(built: Built, truth: Truth, name: str) -> None:
    found = plain(duck.rows(built.raw_file, QUERIES[name, "raw"]))
    assert found
    assert found == expected(name, truth)


@pytest.mark.parametrize("database", ["duckdb", "postgres"])
@pytest.mark.parametrize("name", [name for name, where in QUERIES if where == "marts"])
def test_queries_of_marts_match_the_api(built: Built, truth: Truth, name: str, database: str) -> None:
    query = QUERIES[name, "marts"]
    in_duckdb = database == "duckdb"
    rows = duck.rows(built.duckdb_file, query) if in_duckdb else built.postgres.rows(query, built.database)
    found = plain(rows)
    assert found
    assert found == expected(name, truth)


def test_daily_unique_replies_add_up_to_more_than_total_uniques(truth: Truth) -> None:
    by_day = sum(row["unique_replies"] for row in truth("campaign_analytics_daily"))
    assert by_day > sum(row["reply_count_unique"] for row in truth("campaign_analytics"))


def test_columns_that_the_page_names_are_in_the_marts() -> None:
    marts = Path("transform/models/marts/_marts.yml").read_text(encoding="utf-8")
    tables = PAGE.partition("\n## Never add")[0]
    named = set(re.findall(r"`(\w+_rate_per_\w+|\w+_count(?:_unique)?|positive_share_of_replies|is_positive)`", tables))
    assert len(named) > 12
    assert {name for name in named if f"name: {name}," not in marts} == set()
