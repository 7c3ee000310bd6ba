"""The report's words that depend on the data: dates, names and verdicts, by their names on the page."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from tests.report.chance import dealt_higher
from tests.report.counting import labels
from tests.report.health import health, why
from tests.report.verdicts import of_changes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.report.counting import Row
    from tests.report.expected import Expected

COMPARISONS = 6
LEFT_OVER = {
    *("campaigns.more", "variants.more", "senders.more", "campaigns.without_figures", "steps.unattributed.replied"),
    *("senders.deleted", "senders.unknown", "senders.unmatched", "odd.count", "odd.more", "checks.odd"),
    *("period.emails_per_positive", "threads.more", "threads.waiting"),
}


def day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def words(expected: Expected, workspaces: Sequence[str], loaded_at: datetime | None = None) -> dict[str, str]:
    """Return all words; the time of the load only if known.

    Args:
        expected: Figures of the page.
        workspaces: Names of the workspaces.
        loaded_at: Time of the last load.
    """
    found = {"title": workspaces[0] if len(workspaces) == 1 else f"{len(workspaces)} workspaces"}
    if loaded_at:
        found["loaded"] = f"{day(loaded_at)}, {loaded_at:%H:%M}"
    for name, (start, end) in zip(("period", "period.before"), expected.windows(), strict=True):
        found[name] = f"{day(start)} to {day(end)}"
    if expected.values["period.sent.before"] is None:
        del found["period.before"]
    else:
        newer = [(workspaces[number], on) for number, on in _first_days(expected).items() if on > start]
        found |= {f"began.{place}": f"{name} (since {day(on)})" for place, (name, on) in enumerate(sorted(newer), 1)}
    for name in expected.values:
        kind, _, rest = name.partition(".")
        if kind == "week" and rest.endswith(".rate"):
            end = date.fromisoformat(rest.removesuffix(".rate"))
            found[f"week.{end}.dates"] = f"{day(end - timedelta(days=6))} \N{EN DASH} {day(end)}"
        elif kind == "step" and rest.endswith(".rate"):
            found[f"{name.removesuffix('.rate')}.label"] = f"Step {rest.removesuffix('.rate')}"
    if not expected.values["period.emails_per_positive"]:
        sent = expected.values["period.sent.now"]
        found["period.sentence"] = "No email led to a positive reply." if sent else "No email was sent."
    start = expected.windows()[1][0]
    found |= of_changes(expected, {number for number, on in _first_days(expected).items() if on > start})
    found |= dict(_campaigns(expected, workspaces))
    found |= dict(_variants(expected))
    found |= dict(_senders(expected, workspaces))
    return found


def _first_days(expected: Expected) -> dict[int, date]:
    """Return the first days with figures of both campaigns and accounts, by number of the workspace."""
    found: dict[int, date] = {}
    for rows in (expected.daily, expected.accounts_daily):
        days: dict[int, date] = {}
        for row in rows:
            on = date.fromisoformat(row["date"])
            days[row["workspace"]] = min(on, days.get(row["workspace"], on))
        found |= {number: max(on, found.get(number, on)) for number, on in days.items()}
    return found


def _campaigns(expected: Expected, workspaces: Sequence[str]) -> Iterable[tuple[str, str]]:
    states = labels("campaigns", "status")
    for row in expected.lifetime:
        name = f"campaign.{row['campaign_id']}"
        yield f"{name}.name", row["campaign_name"]
        yield f"{name}.status", states[row["campaign_status"]]
        if len(workspaces) > 1:
            yield f"{name}.workspace", workspaces[row["workspace"]]


def shown(expected: Expected) -> list[str]:
    """Return the campaigns whose variants the page compares, as many as fit."""
    compared = {name.split(".")[1] for name in expected.values if name.startswith("variant.")}
    sent = {key: [expected.values[f"campaign.{key}.{which}"] for which in ("sent", "ever_sent")] for key in compared}
    return sorted(compared, key=lambda key: sent[key], reverse=True)[:COMPARISONS]


def on_page(expected: Expected) -> dict[str, float | None]:
    """Return the figures on the page: remainders only if not zero, and variants as many as fit."""
    beyond = {name.split(".")[1] for name in expected.values if name.startswith("variant.")} - set(shown(expected))
    return {
        name: value
        for name, value in expected.values.items()
        if not (name.startswith("variant.") and name.split(".")[1] in beyond) and not (name in LEFT_OVER and not value)
    }


def _variants(expected: Expected) -> Iterable[tuple[str, str]]:
    rivals: dict[str, dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in expected.steps:
        if f"{_name(row)}.sent" in expected.values:
            rivals[row["campaign_id"]][int(row["step"])].append(row)
    for campaign in shown(expected):
        remarks = {}
        for step, rows in rivals[campaign].items():
            for row in rows:
                label = f"Step {step} · {chr(65 + int(row['variant']))}"
                remarks[label] = _remark(expected, row, rows)
                written = _written(expected, row)
                off = "switched off" if written.get("v_disabled") else ""
                yield f"{_name(row)}.label", label
                yield f"{_name(row)}.subject", written.get("subject", "")
                yield f"{_name(row)}.remark", ", ".join(filter(None, (remarks[label], off)))
        name = f"comparison.{campaign}"
        yield f"{name}.name", expected.campaigns[campaign]["name"]
        yield f"{name}.caption", f"Variants of {expected.campaigns[campaign]['name']}"
        yield f"{name}.verdict", _verdict(remarks)


def _written(expected: Expected, row: Row) -> Row:
    """Return the campaign's variant; None if it has been deleted since."""
    variants = expected.campaigns[row["campaign_id"]]["sequences"][0]["steps"][int(row["step"]) - 1]["variants"]
    return variants[int(row["variant"])] if int(row["variant"]) < len(variants) else {}


def _verdict(remarks: Mapping[str, str]) -> str:
    winners = [label for label, remark in sorted(remarks.items()) if remark == "clear winner"]
    if winners:
        return f"{', '.join(winners)} wins clearly."
    return "too early to judge." if set(remarks.values()) == {"early"} else "no clear winner yet."


def _name(row: Row) -> str:
    return f"variant.{row['campaign_id']}.{row['step']}.{row['variant']}"


def _remark(expected: Expected, row: Row, rivals: Iterable[Row]) -> str:
    others = [other for other in rivals if other is not row and other["sent"] >= 200]
    if row["sent"] < 200:
        return "early"
    if others and _wins(expected, row, [other for other in rivals if other is not row]):
        return "clear winner"
    rate = expected.values[f"{_name(row)}.rate"] or 0
    if others and rate > 0 and rate >= max(expected.values[f"{_name(other)}.rate"] or 0 for other in others):
        return "ahead"
    return ""


def _wins(expected: Expected, row: Row, rivals: Iterable[Row]) -> bool:
    on = [one for one in rivals if one["sent"] >= 200 or not _written(expected, one).get("v_disabled")]
    low = expected.values[f"{_name(row)}.low"] or 0
    highs = [expected.values[f"{_name(one)}.high"] for one in on]
    if any(high is None or low <= high for high in highs):
        return False
    own, *others = ((one["unique_replies"], one["sent"]) for one in (row, *on))
    return all(dealt_higher(own, other) * _contests(expected) < 0.05 for other in others)


def _contests(expected: Expected) -> int:
    """Count the variants that may win: those past the early phase that have such a rival."""
    ready = Counter(
        (row["campaign_id"], row["step"])
        for row in expected.steps
        if row["sent"] >= 200 and None not in (row["step"], row["variant"])
    )
    return sum(count for count in ready.values() if count > 1)


def _senders(expected: Expected, workspaces: Sequence[str]) -> Iterable[tuple[str, str]]:
    providers = labels("accounts", "provider_code")
    for name, (account, reasons) in expected.attention.items():
        yield f"{name}.email", account["email"]
        yield f"{name}.health", health(reasons)
        yield f"{name}.why", why(reasons)
        yield f"{name}.provider", providers[account["provider_code"]]
        if len(workspaces) > 1:
            yield f"{name}.workspace", workspaces[account["workspace"]]
