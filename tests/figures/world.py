"""Broken workspaces, generated from a seed as rows of the tap's tables.

Workspaces stop, and are loaded late, in part or not at all. Figures are missing, impossible or duplicated, rows are
deleted, settings change, and addresses are hashed or change their capitals.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from tests.figures.conversations import Conversations

Row = dict[str, Any]
DAY = timedelta(days=1)
TODAY = date(2026, 6, 30)
"""The day of the load."""

DAYS = 75
LUCKY = 28
"""Days in which the first campaign of each workspace improves."""

KINDS = ("busy", "stopped", "late", "left", "ended", "stale", "unloaded", "silent", "new", "hashed")
LACKING = (
    *("campaigns", "campaign_analytics", "campaign_analytics_daily", "campaign_analytics_overview"),
    *("campaign_analytics_steps", "accounts", "account_analytics_daily", "leads"),
)
"""Streams; a workspace that is not fully loaded lacks one of them."""

HUGE = 4 * 10**15
COUNTS = ("sent", "contacted", "new_leads_contacted", "replies", "unique_replies", "replies_automatic")
AUTOMATIC = "unique_replies_automatic"
OPENS, CLICKS = ("opened", "unique_opened"), ("clicks", "unique_clicks")
MISSING, ODD, TWICE, GONE = 0.04, 0.01, 0.05, 0.02
"""Shares of NULL figures and of impossible, duplicated and deleted rows."""


@dataclass
class World:
    """Rows of each stream, with their times of extraction and load.

    Attributes:
        seed: Determines everything else.
        kinds: Kinds of the workspaces; random by default.
        rows: Rows by stream.
    """

    seed: str
    kinds: tuple[str, ...] = ()
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.midnight = self.random.random() < 0.3
        self.minutes = self.random.choice((15, 15, 200))
        for number, kind in enumerate(self.kinds or self._some()):
            Workspace(self, f"workspace-{number}", kind)
        Conversations(self)

    def _some(self) -> list[str]:
        if self.random.random() < 0.2:
            return ["busy", "busy"]  # complete, so that the sums of all have a verdict too
        return [*KINDS[:3], *self.random.sample(KINDS, self.random.randint(1, 4))]

    def add(self, stream: str, row: Row, load: tuple[datetime, datetime], *, key: tuple[str, ...] = ()) -> None:
        """Add a row, and now and then an older copy with other figures, or a deleted one."""
        times = {"_sdc_extracted_at": load[0], "_sdc_batched_at": load[1], "_sdc_deleted_at": None}
        rows = self.rows.setdefault(stream, [])
        if key and self.random.random() < TWICE:
            rows.append({**self._copy(row, key), **times, "_sdc_batched_at": load[1] - timedelta(hours=9)})
        rows.append({**row, **times})
        if key and self.random.random() < GONE:
            gone = {name: f"gone-{len(rows)}" for name in key if isinstance(row[name], str) and name != "date"}
            if set(gone) - {"workspace_id"}:
                rows.append({**row, **gone, "workspace_id": row["workspace_id"], **times, "_sdc_deleted_at": load[1]})
        self.random.shuffle(rows)

    def _copy(self, row: Row, key: tuple[str, ...]) -> Row:
        def other(name: str, value: Any) -> Any:
            if name in {"email", "email_account"} and "@" in value:
                return value.upper()
            return (
                value + 7
                if isinstance(value, int | float) and not isinstance(value, bool) and name not in key
                else value
            )

        return {name: other(name, value) for name, value in row.items()}

    def count(self, most: int) -> int | None:
        """Draw a figure, or None."""
        return None if self.random.random() < MISSING else self.random.randint(0, most)

    def counts(self, **most: int) -> Row:
        """Draw figures; one row in a hundred has a negative one."""
        found: Row = {name: self.count(top) for name, top in most.items()}
        if self.random.random() < ODD:
            found[self.random.choice(list(found))] = self.random.choice((-1, HUGE))
        return found


class Workspace:
    """One workspace: its contents and times of load."""

    def __init__(self, world: World, name: str, kind: str) -> None:
        self.world, self.random = world, world.random
        self.kind = kind
        self.id, self.name = f"id-of-{name}", name
        self.last = TODAY - {"late": 2, "left": 40}.get(kind, 0) * DAY
        self.is_idle = kind == "ended" and self.random.random() < 0.7
        self.lacks = self.random.choice(LACKING) if kind == "unloaded" else None
        self.end = self.last - self.random.randint(20, 60) * DAY if kind == "stopped" else self.last
        age = {"new": 4, "busy": DAYS}.get(kind) or self.random.choice((DAYS, 40, 10))
        self.first = self.end - age * DAY
        created = datetime.combine(self.first - self.random.randint(1, 90) * DAY, time(9))
        self._add("workspaces", {"id": self.id, "timestamp_created": created}, self.load(self.last))
        self.accounts = [self._address(number) for number in range(4)]
        self.campaigns = [f"{name}-campaign-{number}" for number in range(3)]
        for number, campaign in enumerate(self.campaigns):
            self._campaign(campaign, number)
        if kind != "silent":
            self._days()
        self._accounts()
        self._leads()

    def load(self, day: date) -> tuple[datetime, datetime]:
        """Return the times of extraction and load of a row in a day's load."""
        begin = datetime.combine(day, time(6))
        if self.world.midnight:
            begin -= timedelta(hours=6, minutes=10)
        long = self.world.minutes
        read = begin + timedelta(minutes=self.random.randint(0, long - 1))
        return read, begin + timedelta(minutes=self.random.randint(long, long + 10))

    def _address(self, number: int) -> str:
        domain = f"domain-{number % 2}.example"
        return f"{number}c0ffee{self.name[-1]}" if self.kind == "hashed" else f"Sender.{number}@{self.name}-{domain}"

    def _add(self, stream: str, row: Row, load: tuple[datetime, datetime], key: tuple[str, ...] = ()) -> None:
        if stream == self.lacks:
            return
        whose = {"workspace_id": self.id, "workspace_name": self.name}
        self.world.add(stream, {**row, **whose}, load, key=key)

    def _campaign(self, campaign: str, number: int) -> None:
        load = self.load(self.last)
        settings = self.random.choice([(True, True), (False, False), (None, None), (True, False)])
        created = datetime.combine(self.first, time()) - self.random.randint(0, 1) * DAY
        row = {"id": campaign, "name": f"Campaign {number} of {self.name}", "status": 1, "timestamp_created": created}
        tracking = {"open_tracking": settings[0], "link_tracking": settings[1], "email_list": [self.accounts[0]]}
        if self.random.random() < 0.9:
            self._add("campaigns", row | tracking, load)
        if self.kind == "silent" or (number == 2 and self.kind != "new" and self.random.random() < 0.2):
            return
        deleted = self.random.random() < 0.15 or (self.kind == "ended" and number == 0)
        load = self.load(self.last - 3 * DAY) if deleted else load
        most = {"contacted_count": 900, "emails_sent_count": 2000, "reply_count": 90, "reply_count_unique": 80}
        most |= {
            "reply_count_automatic_unique": 20,
            "open_count_unique": 3,
            "link_click_count_unique": 1,
            "leads_count": 999,
        }
        most |= {"bounced_count": 40, "unsubscribed_count": 9, "completed_count": 50, "new_leads_contacted_count": 900}
        if self.is_idle:
            most["emails_sent_count"] = 0
        figures = self.world.counts(**most, total_opportunities=30)
        names = {"campaign_id": campaign, "campaign_name": row["name"], "campaign_status": 1}
        value = {"total_opportunity_value": self.random.choice((None, 0.0, 1250.5))}
        self._add("campaign_analytics", names | figures | value, load, ("campaign_id",))
        if self.random.random() < 0.8:
            outcomes = self.world.counts(
                total_meeting_booked=9, total_closed=4, total_interested=9, total_meeting_completed=5
            )
            self._add("campaign_analytics_overview", {"campaign_id": campaign, **outcomes}, load, ("campaign_id",))
        for step, variant in (("1", "0"), ("1", "1"), ("2", "0"), ("2", "unknown"), ("unknown", "unknown"), ("3", "0")):
            if self.random.random() < 0.8:
                most = {"sent": 500, "replies": 40, AUTOMATIC: 9, "unique_opened": 2}
                most["unique_replies"] = 150 if (step, variant) == ("1", "0") else 30
                row = {"campaign_id": campaign, "step": step, "variant": variant}
                row |= self.world.counts(**most, unique_clicks=1, unique_opportunities=9)
                self._add("campaign_analytics_steps", row, load, ("campaign_id", "step", "variant"))
                off = {name: row[name] for name in ("campaign_id", "step", "variant")}
                self._add("campaign_variants", off | {"v_disabled": self.random.choice((None, False, True))}, load)

    def _days(self) -> None:
        stale = self.random.choice(("campaign_analytics_daily", "account_analytics_daily"))
        for stream in ("campaign_analytics_daily", "account_analytics_daily"):
            of_campaigns = stream.startswith("campaign")
            behind = (
                20 if self.kind == "ended" and of_campaigns else 5 if self.kind == "stale" and stream == stale else 0
            )
            last = self.last - behind * DAY
            for subject in self.campaigns if of_campaigns else [*self.accounts, "unknown", "Left@behind.example"]:
                end = min(self.end, last)
                if self.kind == "ended" and subject in self.campaigns[1:]:
                    end = max(self.first, last - 10 * DAY)
                tracked = self.first + self.random.randint(-10, 40) * DAY
                for day in (self.first + number * DAY for number in range((end - self.first).days + 1)):
                    if day != end and self.random.random() < 0.3:
                        continue
                    load = self.load(last if day == end else min(last, day + 8 * DAY))
                    self._day(stream, subject, day, load, tracked=day >= tracked)
            self._oddities(stream, self.campaigns[0] if of_campaigns else self.accounts[0], last)

    def _day(self, stream: str, subject: str, day: date, load: tuple[datetime, datetime], *, tracked: bool) -> None:
        own, more = (
            ("campaign_id", {"opportunities": 2, "unique_opportunities": 2})
            if stream == "campaign_analytics_daily"
            else ("email_account", {"bounced": 2})
        )
        if subject == self.campaigns[0] and day > TODAY - LUCKY * DAY:
            more["opportunities"] = 12
        most = dict.fromkeys(COUNTS, 3) | {AUTOMATIC: 1, "sent": 40} | more
        opens = dict.fromkeys((*OPENS, *CLICKS), 5 if tracked else 0)
        row = {own: subject, "date": day.isoformat(), **self.world.counts(**most, **opens)}
        self._add(stream, row, load, (own, "date", "workspace_id"))

    def _oddities(self, stream: str, subject: str, last: date) -> None:
        """Add a day before the workspace existed, and one in the future."""
        for day in ("2010-03-01", "2021-03-01", None, (last + 40 * DAY).isoformat()):
            if self.random.random() < 0.5:
                own = "campaign_id" if stream == "campaign_analytics_daily" else "email_account"
                row = {own: subject, "date": day, "sent": 9999, "replies": 9999}
                self._add(stream, row, self.load(last))

    def _accounts(self) -> None:
        for email in self.accounts:
            load = self.load(self.last)
            states = {
                "status": self.random.choice((1, 1, 1, -1, 3)),
                "warmup_status": self.random.choice((1, 1, 0, -1)),
            }
            row = {"email": email, "provider_code": self.random.choice((1, 2, None)), **states}
            changed = datetime.combine(self.last, time()) - self.random.randint(1, 9) * DAY
            self._add("accounts", row | {"timestamp_updated": changed}, load, ("workspace_id", "email"))
            if self.random.random() < 0.6:
                score = self.random.choice((None, 100.0, 79.6, 80.0, 59.9, 60.0, -1.0, math.nan))
                warmup = self.world.counts(sent=50, landed_inbox=40, landed_spam=5)
                self._add(
                    "account_warmup", {"email": email, "health_score": score, **warmup}, load, ("workspace_id", "email")
                )
            for back in range(1, 5):
                day = {"email": email, "date": (self.last - back * DAY).isoformat()}
                most = {"sent": 9, "landed_inbox": 8, "landed_spam": 1, "received": 9}
                self._add(
                    "account_warmup_daily", day | self.world.counts(**most), load, ("workspace_id", "email", "date")
                )

    def _leads(self) -> None:
        for code, label, created in ((7001, "positive", 2), (7002, "negative", 1), (7002, "positive", 3)):
            row = {"id": f"{self.id}-{code}-{created}", "label": f"Label {created}", "interest_status": code}
            row |= {
                "interest_status_label": label,
                "timestamp_created": datetime.combine(date(2026, 1, created), time()),
            }
            self._add("lead_labels", row, self.load(self.last))
        for number in range(0 if self.kind == "silent" else 40):
            code = self.random.choice((None, None, -1, 0, 1, 2, 3, 4, 7001, 7002))
            changed = datetime.combine(TODAY - DAY, time(12)) - self.random.randint(0, 70) * DAY
            contacted = self.random.choice((None, changed))
            row = {"id": f"{self.id}-lead-{number}", "campaign": self.random.choice((None, *self.campaigns))}
            row |= {"status": self.random.choice((1, 3, -1)), "esp_code": self.random.choice((1, 2, None))}
            row |= {"lt_interest_status": code, "email_reply_count": self.random.choice((None, 0, 1, 2))}
            row |= {"email_open_count": self.random.choice((None, 0, 3)), "timestamp_last_contact": contacted}
            row |= {"timestamp_last_interest_change": changed if code is not None else None}
            row |= {"last_step_from": self.random.choice((None, "campaign", self.accounts[1].upper()))}
            row |= {"timestamp_updated": changed}
            self._add("leads", row, self.load(self.last), ("id",))
