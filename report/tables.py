"""The lower half of the page, as figures: campaigns, steps and variants, senders and providers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from report.figures import Change, Figure, Kind, change_of_rate, share, wilson
from report.sections import total
from report.weeks import clear_changes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.database import Row
    from report.marts import Marts

CAMPAIGNS, COMPARISONS, SENDERS = 40, 6, 25
"""How many of each the page shows at most; it says how many there are."""

NOT_TRACKED = "not tracked"
FEW = 50
"""Contacts with fewer leads than this say little of a provider."""


@dataclass(frozen=True)
class Campaign:
    """A row of the table of campaigns.

    Attributes:
        key: With which the names of its figures begin.
        name: Of the campaign.
        workspace: Name of its workspace.
        status: In words.
        figures: By the name of their column.
        change: Of positive replies per email sent.
    """

    key: str
    name: str
    workspace: str
    status: str
    figures: Mapping[str, Figure]
    change: Change


PERIOD = ("sent", "sent_before", "positive", "positive_before")
EVER = ("sent", "contacted", "opened", "replied", "positive", "meetings", "bounced", "value")


def campaigns(marts: Marts) -> list[Campaign]:
    """Give each campaign that ever sent, that with the most positive replies in the period first."""
    return [
        _campaign(marts, row, f"campaign.{row['campaign_id']}", is_clear=is_clear)
        for row, is_clear in zip(marts.rows["campaigns"], clear_changes(marts), strict=True)
    ]


def all_campaigns(marts: Marts) -> Campaign:
    """Add the campaigns up; rates are those of the sums. The verdict on them is that at the top of the page."""
    rows = marts.rows["campaigns"]
    sums: Row = {name: total(rows, name) for name in (*PERIOD, *(f"ever_{name}" for name in EVER))}
    tracked = [row for row in rows if row["ever_opened"] is not None]
    whole = _campaign(marts, {**sums, "campaign_name": "All campaigns", "open_tracking": True}, "campaigns")
    opened = share(total(tracked, "ever_opened"), total(tracked, "ever_contacted"))
    figures = {**whole.figures, "open_rate": Figure("campaigns.open_rate", opened, Kind.RATE, NOT_TRACKED)}
    return replace(whole, figures=figures)


def _campaign(marts: Marts, row: Row, name: str, *, is_clear: bool | None = None) -> Campaign:
    rates = {
        "positive_rate": share(row["positive"], row["sent"]),
        "open_rate": share(row["ever_opened"], row["ever_contacted"]),
        "reply_rate": share(row["ever_replied"], row["ever_contacted"]),
        "ever_positive_rate": share(row["ever_positive"], row["ever_sent"]),
        "ever_bounce_rate": share(row["ever_bounced"], row["ever_sent"]),
    }
    counts = ("sent", "positive", "ever_sent", "ever_meetings")
    figures = {column: Figure(f"{name}.{column}", row[column]) for column in counts}
    figures |= {column: Figure(f"{name}.{column}", value, Kind.RATE) for column, value in rates.items()}
    if not row["open_tracking"]:
        figures["open_rate"] = Figure(f"{name}.open_rate", None, Kind.RATE, NOT_TRACKED)
    figures["ever_value"] = Figure(f"{name}.ever_value", row["ever_value"], Kind.MONEY)
    before = (row["positive_before"], row["sent_before"]) if marts.has_before else (None, None)
    now = (row["positive"], row["sent"])
    change = change_of_rate(f"{name}.change", now, before, more_is_better=True, is_clear=is_clear)
    status = "Deleted" if row.get("is_deleted") else row.get("campaign_status") or ""
    return Campaign(name, row["campaign_name"] or "Unnamed", row.get("workspace_name") or "", status, figures, change)


def notes(marts: Marts) -> dict[str, Figure]:
    """Count what is in no table: what is beyond its last row, campaigns that never sent, replies to unknown steps."""
    rows = marts.rows
    compared = len({row["campaign_id"] for row in rows["variants"]})
    return {
        "campaigns_count": Figure("campaigns.count", len(rows["campaigns"])),
        "more_campaigns": Figure("campaigns.more", max(0, len(rows["campaigns"]) - CAMPAIGNS)),
        "without_figures": Figure("campaigns.without_figures", rows["without_figures"][0]["campaigns"]),
        "unattributed": Figure("steps.unattributed.replied", rows["unattributed"][0]["replied"]),
        "more_comparisons": Figure("variants.more", max(0, compared - COMPARISONS)),
        "deleted_senders": Figure("senders.deleted", rows["deleted_senders"][0]["accounts"]),
        "more_senders": Figure("senders.more", max(0, len(rows["senders"]) - SENDERS)),
    }


@dataclass(frozen=True)
class Trial:
    """A step, or a variant of one, and how many replied.

    Attributes:
        key: With which the names of its figures begin.
        label: What it is, such as `Step 1` or `Step 1 · A`.
        subject: Subject line, of a variant.
        remark: Whether it is early, or ahead.
        early: Whether it has too few sends to judge by.
        figures: sent, replied, positive, and rate, low and high of replied per sent.
    """

    key: str
    label: str
    subject: str
    remark: str
    early: bool
    figures: Mapping[str, Figure]


def _trial(name: str, row: Row, ends: tuple[float | None, float | None]) -> dict[str, Figure]:
    counts = {column: Figure(f"{name}.{column}", row[column]) for column in ("sent", "replied", "positive")}
    rates = {"rate": share(row["replied"], row["sent"]), "low": ends[0], "high": ends[1]}
    return counts | {column: Figure(f"{name}.{column}", value, Kind.RATE) for column, value in rates.items()}


def steps(marts: Marts) -> list[Trial]:
    """Give each step, all campaigns together."""
    return [
        Trial(
            f"step.{row['step_number']}",
            f"Step {row['step_number']}",
            "",
            "",
            False,  # noqa: FBT003 - all campaigns together are not early
            _trial(f"step.{row['step_number']}", row, wilson(row["replied"], row["sent"])),
        )
        for row in marts.rows["steps"]
    ]


@dataclass(frozen=True)
class Comparison:
    """The variants of a campaign; `key` is what the page calls it for tests."""

    key: str
    name: str
    trials: Sequence[Trial]

    @property
    def verdict(self) -> str:
        """Which of them is best, in words."""
        winners = [trial.label for trial in self.trials if "clear winner" in trial.remark]
        if winners:
            return f"{', '.join(winners)} wins clearly."
        if all(trial.early for trial in self.trials):
            return "too early to judge."
        return "no clear winner yet."


def comparisons(marts: Marts) -> list[Comparison]:
    """Give the variants of each campaign that has several of a step, the one that sends most first."""
    sent = {row["campaign_id"]: (row["sent"], row["ever_sent"]) for row in marts.rows["campaigns"]}
    groups = [list(rows) for _, rows in groupby(marts.rows["variants"], key=lambda row: row["campaign_id"])]
    groups.sort(key=lambda rows: sent.get(rows[0]["campaign_id"], (0, 0)), reverse=True)
    return [
        Comparison(f"comparison.{rows[0]['campaign_id']}", rows[0]["campaign_name"], [_variant(row) for row in rows])
        for rows in groups
    ]


def _variant(row: Row) -> Trial:
    remarks = (
        ("early", row["is_early"]),
        ("clear winner", row["is_clear_winner"]),
        ("ahead", row["is_best"]),
        ("switched off", row["is_disabled"]),
    )
    name = f"variant.{row['campaign_id']}.{row['step_number']}.{row['variant']}"
    return Trial(
        name,
        f"Step {row['step_number']} · {row['variant_label']}",
        row["subject"] or "",
        ", ".join(text for text, holds in remarks if holds and not (text == "ahead" and row["is_clear_winner"])),
        row["is_early"],
        _trial(name, row, (row["low"], row["high"])),
    )


@dataclass(frozen=True)
class Sender:
    """A sending account that needs attention; `figures` are those of the last 7 days."""

    key: str
    email: str
    workspace: str
    provider: str
    health: str
    reason: str
    figures: Mapping[str, Figure]


def senders(marts: Marts) -> list[Sender]:
    """Give the accounts that need attention, the worst first."""
    found = []
    for row in marts.rows["senders"]:
        name = f"sender.{row['workspace_id']}.{row['email']}"
        figures = {
            "sent": Figure(f"{name}.sent", row["sent"]),
            "bounce_rate": Figure(f"{name}.bounce_rate", row["bounce_rate"], Kind.RATE),
            "bounce_rate_before": Figure(f"{name}.bounce_rate_before", row["bounce_rate_before"], Kind.RATE),
            "warmup_health": Figure(f"{name}.warmup_health", row["warmup_health"], Kind.SCORE),
        }
        provider, reason = row["provider"] or "Unknown", row["health_reason"] or ""
        found.append(Sender(name, row["email"], row["workspace_name"] or "", provider, row["health"], reason, figures))
    return found


def health(marts: Marts) -> dict[str, Figure]:
    """Count the accounts of each health."""
    counts = {row["health"]: row["accounts"] for row in marts.rows["health"]}
    return {name: Figure(f"senders.{name}", counts.get(name, 0)) for name in ("burning", "watch", "green")}


@dataclass(frozen=True)
class Provider:
    """A provider of mailboxes, those that send or those that receive, or a pair of both."""

    name: str
    figures: Mapping[str, Figure]
    early: bool = False


def sending(marts: Marts) -> list[Provider]:
    """Give what came of the emails of the period, by the provider that sent them."""
    found = []
    for row in marts.rows["sending"]:
        if not row["sent"] and not row["warmup_sent"]:
            continue
        name = f"sending.{row['provider']}"
        counts = {column: Figure(f"{name}.{column}", row[column]) for column in ("sent", "bounced")}
        rates = {
            "bounce_rate": share(row["bounced"], row["sent"]),
            "reply_rate": share(row["replies"], row["sent"]),
            "inbox_rate": share(row["warmup_inbox"], row["warmup_sent"]),
        }
        rest = {column: Figure(f"{name}.{column}", value, Kind.RATE) for column, value in rates.items()}
        found.append(Provider(row["provider"], counts | rest))
    return found


def receiving(marts: Marts) -> list[Provider]:
    """Give what came of the leads contacted, by the provider that receives their emails."""
    rows = sorted(marts.rows["pairs"], key=lambda row: str(row["recipient"]))
    groups = [(name, list(pairs)) for name, pairs in groupby(rows, key=lambda row: str(row["recipient"]))]
    found = [_contacts(name, f"receiving.{name}", pairs) for name, pairs in groups]
    return sorted(found, key=lambda one: -(one.figures["contacted"].value or 0))


def pairs(marts: Marts) -> list[tuple[str, Provider]]:
    """Give the same by the provider that sent, too."""
    return [
        (row["sender"], _contacts(row["recipient"], f"pair.{row['sender']}.{row['recipient']}", [row]))
        for row in marts.rows["pairs"]
    ]


def _contacts(recipient: str, name: str, rows: Sequence[Row]) -> Provider:
    contacted, replied, bounced = (total(rows, column) or 0 for column in ("contacted", "replied", "bounced"))
    figures = {
        "contacted": Figure(f"{name}.contacted", contacted),
        "replied": Figure(f"{name}.replied", replied),
        "bounced": Figure(f"{name}.bounced", bounced),
    }
    for column, hits in (("reply", replied), ("bounce", bounced)):
        low, high = wilson(hits, contacted)
        rates = {"rate": share(hits, contacted), "low": low, "high": high}
        figures |= {f"{column}_{end}": Figure(f"{name}.{column}_{end}", rate, Kind.RATE) for end, rate in rates.items()}
    return Provider(recipient, figures, early=contacted < FEW)
