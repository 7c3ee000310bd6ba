"""Known figures of a small workspace, from the tables to the page_of_it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.figures.tables import fill_duckdb
from tests.report import reading
from tests.transform import duck
from tests.transform.conftest import FILE, WITH_EMAILS
from tests.transform.package import MODELS, Dbt, unsuccessful
from tests.transform.writing import write_page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.report.reading import Page

pytestmark = pytest.mark.long

Row = dict[str, Any]
LOADED = datetime(2026, 6, 30, 6)  # noqa: DTZ001 - as loaders write it
FIRST, STOPPED = date(2026, 4, 1), date(2026, 4, 30)
ALIKE = ("Jane@Acme.com", "jane@acme.com")


def days(until: date, **figures: Any) -> list[Row]:
    """Repeat the same figures for each day."""
    dates = (FIRST + timedelta(days=number) for number in range((until - FIRST).days + 1))
    return [{**figures, "date": day.isoformat()} for day in dates]


def tables() -> dict[str, list[Row]]:
    """Two campaigns, one with unknown replies; one sender has stopped, one has two spellings."""
    bouncing = {"sent": 10, "bounced": 1, "replies": 0}
    rows = {
        "campaign_analytics": [
            {"campaign_id": "told", "contacted_count": 10_000, "reply_count_unique": 995, "emails_sent_count": 20_000},
            {"campaign_id": "untold", "contacted_count": 1000, "reply_count_unique": None, "emails_sent_count": 2000},
        ],
        "campaign_analytics_daily": days(LOADED.date(), campaign_id="told", sent=10, opportunities=1),
        "accounts": [
            {"email": email, "status": 1, "warmup_status": 1} for email in (*ALIKE, "left@acme.com", "idle@acme.com")
        ],
        "account_analytics_daily": [
            *days(LOADED.date(), email_account=ALIKE[0], **bouncing),
            *days(STOPPED, email_account="left@acme.com", **bouncing),
        ],
    }
    added = {"workspace_id": "w", "workspace_name": "Acme", "_sdc_extracted_at": LOADED, "_sdc_batched_at": LOADED}
    return {stream: [{**row, **added} for row in of_it] for stream, of_it in rows.items()}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("known")
    path = folder / FILE
    fill_duckdb(path, tables())
    project = Dbt(folder / "dbt", {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(path)})
    assert unsuccessful(project.run("build", *MODELS, *WITH_EMAILS)) == {}
    return path


@pytest.fixture(scope="module")
def page_of_it(small: Path) -> Page:
    return reading.read(write_page(str(small), small.with_suffix(".html")))


def test_totals_row_and_funnel_share_one_denominator(page_of_it: Page) -> None:
    """The rate is 9.95 % of 10,000, not 9.05 % of all 11,000."""
    assert page_of_it.figures["campaigns.reply_rate"] == ("0.0995", "9.95%")
    assert page_of_it.figures["funnel.4.per_contacted"] == ("0.0995", "9.95%")
    assert page_of_it.figures["funnel.4.contacted"] == ("10000", "10,000")


def test_tile_and_table_both_end_with_the_last_full_day(page_of_it: Page) -> None:
    """28 days of ten emails, the day of the load left out."""
    assert page_of_it.as_of[0] == "2026-06-29"
    shown = {name: page_of_it.figures[name][1] for name in ("period.sent.now", "campaigns.sent", "campaign.told.sent")}
    assert set(shown.values()) == {"280"}
    assert page_of_it.figures["campaign.untold.sent"] == ("0", "0")


def test_two_spellings_of_an_address_are_one_sender_with_its_emails(small: Path, page_of_it: Page) -> None:
    """Jane@Acme.com sends and the account is jane@acme.com: neither may be green with nothing sent."""
    (jane, *others) = duck.rows(
        small,
        "from analytics.instantly__accounts select email, health, sent_count_7d order by sent_count_7d desc, email",
    )
    assert jane == {"email": "jane@acme.com", "health": "burning", "sent_count_7d": 70}
    assert [row["email"] for row in others] == ["idle@acme.com", "left@acme.com"]
    assert page_of_it.words["sender.w.jane@acme.com.why"] == "10.0% bounced in 7 days; 10.0% bounced in 30 days"
    assert "senders.unmatched" not in page_of_it.figures  # appears only if there are any


def test_a_sender_that_stopped_in_april_has_sent_nothing_in_june(small: Path) -> None:
    (left,) = duck.rows(
        small,
        "from analytics.instantly__accounts select health, sent_count_7d, bounce_rate_per_sent_7d, "
        "cast(last_sent_date as text) as last where email = 'left@acme.com'",
    )
    assert left == {"health": "unknown", "sent_count_7d": 0, "bounce_rate_per_sent_7d": None, "last": "2026-04-30"}
