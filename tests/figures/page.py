"""Expected figures of the report by name, counted from the rows of a world."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.figures.expected import ACCOUNTS, CAMPAIGNS, campaign, funnel, meetings, tracked_campaigns
from tests.figures.senders import accounts
from tests.figures.truth import DAY, over, pair, summed, total, within
from tests.figures.verdicts import of_changes
from tests.report.counting import ends, labels
from tests.report.words import day

if TYPE_CHECKING:
    from datetime import date

    from tests.figures.truth import Truth
    from tests.figures.world import Row

Values = dict[str, Any]
LENGTH = 28
TILES = {
    "sent": (CAMPAIGNS, "sent", None),
    "new_leads": (CAMPAIGNS, "new_leads_contacted", None),
    "positive": (CAMPAIGNS, "opportunities", None),
    "positive_rate": (CAMPAIGNS, "opportunities", "sent"),
    "reply_rate": (CAMPAIGNS, "replies", "sent"),
    "bounce_rate": (ACCOUNTS, "bounced", "sent"),
}
"""Stream, count or part, and whole of each tile."""


class Page:
    """The report of a period."""

    length = LENGTH

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.end = max(end for workspace in truth.workspaces if (end := truth.as_of(workspace)))
        self.now = (self.end - (LENGTH - 1) * DAY, self.end)
        self.before = (self.end - (2 * LENGTH - 1) * DAY, self.end - LENGTH * DAY)
        self.first = min(first for workspace in truth.workspaces if (first := truth.first_day(workspace)))
        self.lifetime = {row["campaign_id"]: row for row in truth.streams["campaign_analytics"]}
        odd = [(workspace, key) for workspace, stream, key, _ in truth.odd if stream == "campaign_analytics"]
        self.workspace_of = {key: row["workspace_id"] for key, row in self.lifetime.items()}
        self.workspace_of |= {key: workspace for workspace, key in odd}
        self.words = self._warnings()
        self.values: Values = {"odd.count": len(truth.odd), "period.days": LENGTH}
        for fill in (
            self._tiles,
            self._weeks,
            self._funnel,
            self._campaigns,
            self._steps,
            self._senders,
            self._sending,
        ):
            fill()
        self.verdicts = of_changes(self)

    def is_part(self, workspace: str) -> bool:
        """Return true if this period or the previous one lacks days, which makes a change meaningless."""
        firsts = (self.truth.loaded(stream, workspace).first for stream in (CAMPAIGNS, ACCOUNTS))
        return self.late(workspace) or any(first > self.before[0] for first in firsts if first)

    def late(self, workspace: str) -> bool:
        as_of = self.truth.as_of(workspace)
        return as_of < self.end if as_of else self.truth.has_sent(workspace)

    def _warnings(self) -> dict[str, set[str]]:
        """Return the notes at the page's top: late workspaces, and streams that are behind or were never loaded."""
        truth, found = self.truth, defaultdict(set)
        for workspace in truth.workspaces:
            name = workspace.removeprefix("id-of-")
            if self.late(workspace):
                as_of = truth.as_of(workspace)
                found["late"].add(f"{name} (as of {day(as_of) if as_of else 'never'})")
            ends = {stream: truth.loaded(stream, workspace).until for stream in STREAMS}
            newest = max((end for end in ends.values() if end), default=None)
            for stream, end in ends.items():
                if end and newest and end < newest - DAY:
                    found["stale"].add(f"{stream} of {name} (as of {day(end)})")
            for stream in (*STREAMS, "campaigns", "accounts"):
                there = {one for one in truth.workspaces if truth.loaded(stream, one).count}
                if there and workspace not in there and truth.has_sent(workspace):
                    found["stale"].add(f"{stream} of {name} (as of never)")
        return found

    def days(self, stream: str, window: tuple[date, date], workspaces: list[str] | None = None) -> list[list[Row]]:
        """Return the rows of each fully loaded day."""
        found = []
        for workspace in workspaces or self.truth.workspaces:
            as_of = self.truth.as_of(workspace)
            on = window[0]
            while as_of and on <= min(window[1], as_of):
                rows = self.truth.on(stream, workspace, on)
                found += [rows] if rows is not None else []
                on += DAY
        return found

    def made_of(self, days: list[list[Row]], part: str, whole: str | None) -> Any:
        if whole:
            return over(*pair([row for rows in days for row in rows], part, whole))
        return total(summed(rows, part) for rows in days)

    def _tiles(self) -> None:
        late = any(map(self.late, self.truth.workspaces))
        found: dict[str, list[Any]] = {
            name: [self.made_of(self.days(stream, window), part, whole) for window in (self.now, self.before)]
            for name, (stream, part, whole) in TILES.items()
        }
        booked = sum(meetings(self.truth, one, *self.now) for one in self.truth.workspaces)
        ends = [self.truth.loaded("leads", one).until for one in self.truth.workspaces]
        is_known = any(end and end >= self.now[0] for end in ends)
        found["meetings"] = [booked if booked or is_known else None, None]
        for name, (now, earlier) in found.items():
            before = earlier if self.first <= self.before[0] else None
            change = None if now is None or before is None or late else now - before
            if not name.endswith("_rate"):
                change = over(change, before)
            self.values |= {f"period.{name}.now": now, f"period.{name}.before": before, f"period.{name}.change": change}
        rate = found["positive_rate"][0]
        self.values["period.emails_per_positive"] = 1 / rate if rate else None

    def _weeks(self) -> None:
        for back in range(12):
            end = self.end - timedelta(weeks=back)
            if end - 6 * DAY < self.first:
                return
            days = self.days(CAMPAIGNS, (end - 6 * DAY, end))
            hits, tries = pair([row for rows in days for row in rows], "opportunities", "sent")
            self._interval(f"week.{end}", hits, tries)
            counts = {
                name: total(summed(rows, of) for rows in days)
                for name, of in (("sent", "sent"), ("positive", "opportunities"))
            }
            self.values |= {f"week.{end}.{name}": value for name, value in counts.items()}

    def _interval(self, name: str, hits: Any, tries: Any) -> None:
        low, high = ends(hits, tries) if hits is not None and tries else (None, None)
        self.values |= {f"{name}.rate": over(hits, tries), f"{name}.low": low, f"{name}.high": high}

    def _funnel(self) -> None:
        stages: dict[int, list[Row]] = defaultdict(list)
        for key in tracked_campaigns(self.truth):
            for number, row in funnel(campaign(self.truth, key)).items():
                stages[number].append(row)
        everyone = total(row["reached_count"] for row in stages[2])
        for number, rows in stages.items():
            reached = total(row["reached_count"] for row in rows)
            self.values[f"funnel.{number}.reached"] = reached
            if number > 1:
                part, whole = pair(rows, "reached_count", "contacted_count")
                self.values[f"funnel.{number}.per_contacted"] = over(part, whole)
                if reached is not None and whole not in {None, everyone}:
                    self.values[f"funnel.{number}.contacted"] = whole

    def _campaigns(self) -> None:
        rows = [self._campaign(key, workspace) for key, workspace in self.workspace_of.items()]
        for row in rows:
            self._shown(f"campaign.{row['key']}", [row], late=self.late(row["workspace"]))
        self._shown("campaigns", rows, late=any(map(self.late, self.truth.workspaces)))
        if len({row["workspace"] for row in rows if row["opportunity_value"]}) > 1:
            self.values["campaigns.ever_value"] = None
        self.values["campaigns.count"] = len(rows)

    def _campaign(self, key: str, workspace: str) -> Row:
        row: Row = {"key": key, "workspace": workspace, **campaign(self.truth, key)}
        as_of = self.truth.as_of(workspace)
        of = [one for one in self.truth.of(CAMPAIGNS, workspace) if one["campaign_id"] == key]
        for suffix, (start, end) in (("", self.now), ("_before", self.before)):
            is_known = as_of and self.truth.knows(CAMPAIGNS, workspace, start, min(end, as_of))
            days = within(of, start, min(end, as_of)) if as_of and is_known else None
            for name, column in (("sent", "sent"), ("positive", "opportunities")):
                row[name + suffix] = summed(days, column)
            quiet = summed(days, "sent")
            pairs = pair(days, "opportunities", "sent") if days else (quiet, quiet)
            row[f"hits{suffix}"], row[f"tries{suffix}"] = pairs
        row["tracked"] = row["contacted_count"] if row["is_open_tracked_throughout"] else None
        return row

    def _shown(self, name: str, rows: list[Row], *, late: bool) -> None:
        def of(part: str, whole: str) -> float | None:
            return over(*pair(rows, part, whole))

        now, before = of("hits", "tries"), of("hits_before", "tries_before")
        is_known = None not in {now, before} and self.first <= self.before[0] and not late
        values = {
            "sent": total(row["sent"] for row in rows),
            "positive": total(row["positive"] for row in rows),
            "positive_rate": now,
            "change": now - before if is_known and now is not None and before is not None else None,
            "ever_sent": total(row["emails_sent_count"] for row in rows),
            "ever_meetings": total(row["meeting_booked_count"] for row in rows),
            "ever_value": total(row["opportunity_value"] for row in rows),
            "open_rate": of("open_count_unique", "tracked"),
            "reply_rate": of("reply_count_unique", "contacted_count"),
            "ever_positive_rate": of("positive_count", "emails_sent_count"),
            "ever_bounce_rate": of("bounced_count", "emails_sent_count"),
        }
        self.values |= {f"{name}.{column}": value for column, value in values.items()}

    def _steps(self) -> None:
        steps: dict[str, list[Row]] = defaultdict(list)
        for row in self.truth.streams["campaign_analytics_steps"]:
            steps[row["step"]].append(row)
        unknown = [row["unique_replies"] for row in steps.pop("unknown", [])]
        self.values["steps.unattributed.replied"] = total(unknown) or 0
        for number, rows in steps.items():
            self._interval(f"step.{number}", *pair(rows, "unique_replies", "sent"))
            self.values |= {f"step.{number}.{name}": total(row[of] for row in rows) for name, of in STEP.items()}

    def _senders(self) -> None:
        healths: Counter[str] = Counter()
        rows = self.truth.streams["accounts"]
        for row, found in accounts(self.truth):
            healths[found["health"]] += 1
            if found["health"] in {"burning", "watch"}:
                name = f"sender.{row['workspace_id']}.{row['email']}"
                self.values |= {f"{name}.{column}": found[of] for column, of in SENDER.items()}
        self.values |= {f"senders.{name}": healths[name] for name in ("burning", "watch", "green", "unknown")}
        known = {(row["workspace_id"], row["email"]) for row in rows}
        sent = {
            (row["workspace_id"], row["email_account"])
            for workspace in self.truth.workspaces
            if (as_of := self.truth.as_of(workspace))
            for row in within(self.truth.of(ACCOUNTS, workspace), self.now[0], as_of)
            if row.get("sent") and "@" in row["email_account"]
        }
        self.values["senders.unmatched"] = len(sent - known)

    def _sending(self) -> None:
        names = labels("accounts", "provider_code")
        rows = self.truth.streams["accounts"]
        of = {(row["workspace_id"], row["email"]): names.get(row["provider_code"], "Unknown") for row in rows}
        campaigns: dict[str, list[Row]] = defaultdict(list)
        warmups: dict[str, list[Row]] = defaultdict(list)
        for stream, address, groups in (
            (ACCOUNTS, "email_account", campaigns),
            ("account_warmup_daily", "email", warmups),
        ):
            for row in within(self.truth.streams[stream], *self.now):
                as_of = self.truth.as_of(row["workspace_id"])
                if as_of and row["day"] <= as_of:
                    groups[of.get((row["workspace_id"], row[address]), "Unknown")].append(row)
        for provider in campaigns.keys() | warmups.keys():
            days, warmup = campaigns[provider], warmups[provider]
            sent, landed = (sum(row[name] or 0 for row in warmup) for name in ("sent", "landed_inbox"))
            if total(row.get("sent") for row in days) or sent:
                values = {name: total(row.get(name) for row in days) for name in ("sent", "bounced")}
                values["bounce_rate"] = over(*pair(days, "bounced", "sent"))
                values["reply_rate"] = over(*pair(days, "replies", "sent"))
                values["inbox_rate"] = over(landed, sent) if warmup else None
                self.values |= {f"sending.{provider}.{name}": value for name, value in values.items()}


STREAMS = (
    CAMPAIGNS,
    ACCOUNTS,
    "campaign_analytics",
    "campaign_analytics_overview",
    "campaign_analytics_steps",
    "leads",
)
STEP = {"sent": "sent", "replied": "unique_replies", "positive": "unique_opportunities"}
SENDER = {
    "sent": "sent_count_7d",
    "bounce_rate": "bounce_rate_per_sent_7d",
    "bounce_rate_before": "bounce_rate_per_sent_prior_7d",
    "warmup_health": "warmup_health_score",
}
