"""The lower half of the page, as figures: campaigns, steps and variants, senders and providers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from report.database import Row
from report.figures import Change, Figure, Kind, as_far_as_loaded, change_of_rate, figures, share, wilson
from report.marts import Marts
from report.sections import total
from report.weeks import clear_changes

CAMPAIGNS, COMPARISONS, SENDERS = 40, 6, 25
"""Maximum rows of each table; the page also shows the total."""

NOT_TRACKED = "not tracked"


@dataclass(frozen=True)
class Campaign:
    """A row of the table of campaigns."""

    key: str  # prefix of its figures' names
    name: str
    workspace: str  # name of its workspace
    status: str  # status in words
    figures: Mapping[str, Figure]  # figures by column
    change: Change


COUNTS = (
    *("sent", "positive", "ever_sent", "ever_contacted", "ever_opened", "ever_replied", "ever_positive"),
    *("ever_meetings", "ever_bounced", "ever_value"),
)
RATES = {
    "positive_rate": ("rate_positive", "rate_sent"),
    "open_rate": ("ever_opened", "ever_tracked"),
    "reply_rate": ("ever_replied", "ever_contacted"),
    "ever_positive_rate": ("ever_positive", "ever_sent"),
    "ever_bounce_rate": ("ever_bounced", "ever_sent"),
}
"""Part and whole of each rate of a campaign."""


def campaigns(marts: Marts) -> list[Campaign]:
    """Return each campaign that ever sent, the most positive replies in the period first."""
    return [
        _campaign(marts, row["workspace_id"], row, [row], f"campaign.{row['campaign_id']}", is_clear=is_clear)
        for row, is_clear in zip(marts.rows["campaigns"], clear_changes(marts), strict=True)
    ]


def all_campaigns(marts: Marts) -> Campaign:
    """Sum the campaigns. Rates are those of the sums, over campaigns that report both sides.

    The verdict is that at the top of the page.
    """
    rows = marts.rows["campaigns"]
    sums: Row = {name: total(rows, name) for name in COUNTS}
    if len({row["workspace_id"] for row in rows if row["ever_value"]}) > 1:
        sums["ever_value"] = None  # the currencies are unknown
    return _campaign(marts, None, {**sums, "campaign_name": "All campaigns"}, rows, "campaigns")


def _campaign(
    marts: Marts, workspace: str | None, row: Row, rows: Sequence[Row], name: str, *, is_clear: bool | None = None
) -> Campaign:
    found = figures(name, {column: row[column] for column in ("sent", "positive", "ever_sent", "ever_meetings")})
    found |= figures(name, {column: share(*both(rows, *names)) for column, names in RATES.items()}, Kind.RATE)
    if found["open_rate"].value is None:
        missing = "in part" if row["ever_opened"] is not None else NOT_TRACKED
        found["open_rate"] = replace(found["open_rate"], missing=missing)
    found["ever_value"] = Figure(f"{name}.ever_value", row["ever_value"], Kind.MONEY)
    now, before = both(rows, "rate_positive", "rate_sent"), both(rows, "rate_positive_before", "rate_sent_before")
    before = before if marts.has_before else (None, None)
    change = change_of_rate(f"{name}.change", now, before, more_is_better=True, is_clear=is_clear)
    change = as_far_as_loaded(change, *marts.compares(workspace))
    status = "Deleted" if row.get("is_deleted") else row.get("campaign_status") or ""
    return Campaign(name, row["campaign_name"] or "Unnamed", row.get("workspace_name") or "", status, found, change)


def both(rows: Iterable[Row], part: str, whole: str) -> tuple[int | None, int | None]:
    """Sum part and whole of a rate over the rows that have both."""
    telling = [row for row in rows if row[part] is not None and row[whole] is not None]
    return total(telling, part), total(telling, whole)


def notes(marts: Marts) -> dict[str, Figure]:
    """Count entries that no table shows: rows beyond the last, campaigns that never sent, replies to unknown steps."""
    rows = marts.rows
    compared = len({row["campaign_id"] for row in rows["variants"]})
    return {
        "campaigns_count": Figure("campaigns.count", len(rows["campaigns"])),
        "more_campaigns": Figure("campaigns.more", max(0, len(rows["campaigns"]) - CAMPAIGNS)),
        "without_figures": Figure("campaigns.without_figures", rows["without_figures"][0]["campaigns"]),
        "unattributed": Figure("steps.unattributed.replied", rows["unattributed"][0]["replied"]),
        "more_comparisons": Figure("variants.more", max(0, compared - COMPARISONS)),
        "deleted_senders": Figure("senders.deleted", rows["deleted_senders"][0]["accounts"]),
        "unmatched_senders": Figure("senders.unmatched", rows["unmatched_senders"][0]["accounts"]),
        "more_senders": Figure("senders.more", max(0, len(rows["senders"]) - SENDERS)),
    }


@dataclass(frozen=True)
class Trial:
    """A step or a variant, with its replies."""

    key: str  # prefix of its figures' names
    label: str  # such as `Step 1` or `Step 1 · A`
    figures: Mapping[str, Figure]  # sent, replied, positive, and rate, low and high of replied per sent
    subject: str = ""  # of a variant
    remark: str = ""  # early, or ahead
    early: bool = False  # too few sends to be judged; all campaigns together are not


def _trial(name: str, row: Row, ends: tuple[float | None, float | None]) -> dict[str, Figure]:
    rate = share(row.get("rate_replied", row["replied"]), row.get("rate_sent", row["sent"]))
    rates = {"rate": rate, "low": ends[0], "high": ends[1]}
    counts = {column: row[column] for column in ("sent", "replied", "positive")}
    return figures(name, counts) | figures(name, rates, Kind.RATE)


def steps(marts: Marts) -> list[Trial]:
    """Return each step, summed over all campaigns."""
    found = []
    for row in marts.rows["steps"]:
        number, ends = row["step_number"], wilson(row["rate_replied"], row["rate_sent"])
        found.append(Trial(f"step.{number}", f"Step {number}", _trial(f"step.{number}", row, ends)))
    return found


@dataclass(frozen=True)
class Comparison:
    """The variants of a campaign; `key` names them for tests."""

    key: str
    name: str
    trials: Sequence[Trial]

    @property
    def verdict(self) -> str:
        """The best variant, in words."""
        winners = [trial.label for trial in self.trials if "clear winner" in trial.remark]
        if winners:
            return f"{', '.join(winners)} wins clearly."
        if all(trial.early for trial in self.trials):
            return "too early to judge."
        return "no clear winner yet."


def comparisons(marts: Marts) -> list[Comparison]:
    """Return the variants of each campaign with several per step, the campaign that sends most first."""
    sent = {row["campaign_id"]: (row["sent"] or 0, row["ever_sent"] or 0) for row in marts.rows["campaigns"]}
    groups = [list(rows) for _, rows in groupby(marts.rows["variants"], key=lambda row: row["campaign_id"])]
    groups.sort(key=lambda rows: sent.get(rows[0]["campaign_id"], (0, 0)), reverse=True)
    found = []
    for rows in groups:
        key, name = rows[0]["campaign_id"], rows[0]["campaign_name"] or "Unnamed"
        found.append(Comparison(f"comparison.{key}", name, [_variant(row) for row in rows]))
    return found


def _variant(row: Row) -> Trial:
    best = "clear winner" if row["is_clear_winner"] else "ahead" if row["is_best"] else ""
    remarks = ("early" if row["is_early"] else "", best, "switched off" if row["is_disabled"] else "")
    name = f"variant.{row['campaign_id']}.{row['step_number']}.{row['variant']}"
    label = f"Step {row['step_number']} · {row['variant_label']}"
    own = _trial(name, row, (row["low"], row["high"]))
    return Trial(name, label, own, row["subject"] or "", ", ".join(filter(None, remarks)), row["is_early"])


@dataclass(frozen=True)
class Sender:
    """A sending account that needs attention, with the `figures` of its last 7 days."""

    key: str
    email: str
    workspace: str
    provider: str
    health: str
    reason: str
    figures: Mapping[str, Figure]


def senders(marts: Marts) -> list[Sender]:
    """Return the accounts that need attention, the worst first."""
    found = []
    for row in marts.rows["senders"]:
        name = f"sender.{row['workspace_id']}.{row['email']}"
        own = figures(name, {"sent": row["sent"]})
        own |= figures(name, {column: row[column] for column in ("bounce_rate", "bounce_rate_before")}, Kind.RATE)
        own |= figures(name, {"warmup_health": row["warmup_health"]}, Kind.SCORE)
        provider, reason = row["provider"] or "Unknown", row["health_reason"] or ""
        found.append(Sender(name, row["email"], row["workspace_name"] or "", provider, row["health"], reason, own))
    return found


def health(marts: Marts) -> dict[str, Figure]:
    """Count the accounts of each health."""
    counts = {row["health"]: row["accounts"] for row in marts.rows["health"]}
    return figures("senders", {name: counts.get(name, 0) for name in ("burning", "watch", "green", "unknown")})
