"""Expected days of accounts, of domains and of providers."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.figures.expected import is_positive
from tests.figures.truth import DATED, over, pair, sender_of, total
from tests.report.counting import labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.figures.expected import Figures
    from tests.figures.truth import Truth
    from tests.figures.world import Row

_, ACCOUNTS, WARMUP = DATED
OF_CAMPAIGNS = {
    "sent_count": "sent",
    "bounced_count": "bounced",
    "new_leads_contacted_count": "new_leads_contacted",
    "open_count": "opened",
    "click_count": "clicks",
    "reply_count": "replies",
    "automatic_reply_count": "replies_automatic",
    "leads_contacted_that_day": "contacted",
    "leads_replied_that_day": "unique_replies",
}
OF_WARMUP = {
    "warmup_sent_count": "sent",
    "warmup_received_count": "received",
    "warmup_inbox_count": "landed_inbox",
    "warmup_spam_count": "landed_spam",
}
SUMS = (
    *("sent_count", "bounced_count", "new_leads_contacted_count", "reply_count", "automatic_reply_count"),
    *("warmup_sent_count", "warmup_inbox_count", "warmup_spam_count"),
)


def figures(truth: Truth) -> Figures:
    """Return the expected rows of all three marts."""
    found: Figures = {}
    domains: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for (workspace, email, day), row in account_days(truth).items():
        key = ("instantly__account_daily", workspace, email, day)
        found |= {(*key, name): value for name, value in row.items()}
        if row["domain"] and row["is_attributed"]:
            domains[workspace, row["domain"], day].append(row)
    for place, rows in domains.items():
        found |= {("instantly__domain_daily", *place, name): value for name, value in _domain_day(rows).items()}
    for place, row in _pairs_of_providers(truth).items():
        found |= {("instantly__esp_matrix", *place, name): value for name, value in row.items()}
    return found


def account_days(truth: Truth) -> dict[tuple[str, str, str], Row]:
    """Return each day of an account with campaign or warm-up figures."""
    campaigns = {(row["workspace_id"], row["email_account"], row["date"]): row for row in truth.streams[ACCOUNTS]}
    warmups = {(row["workspace_id"], row["email"], row["date"]): row for row in truth.streams[WARMUP]}
    names = labels("accounts", "provider_code")
    providers = {
        (row["workspace_id"], row["email"]): names.get(row["provider_code"]) for row in truth.streams["accounts"]
    }
    found = {}
    for key in campaigns.keys() | warmups.keys():
        workspace, email, _ = key
        own, warmup = campaigns.get(key, {}), warmups.get(key)
        row: Row = {name: own.get(of) for name, of in OF_CAMPAIGNS.items()}
        row |= {name: (warmup.get(of) or 0) if warmup else None for name, of in OF_WARMUP.items()}
        is_known = (workspace, email) in providers
        row |= {
            "provider": providers.get((workspace, email)),
            "domain": email.partition("@")[2] or None,
            "is_attributed": email != "unknown" and ("@" in email or is_known),
            "has_campaign_figures": key in campaigns,
            "bounce_rate_per_sent": over(row["bounced_count"], row["sent_count"]),
            "warmup_inbox_rate_per_sent": over(row["warmup_inbox_count"], row["warmup_sent_count"]),
        }
        found[key] = row
    return found


def _domain_day(rows: list[Row]) -> Row:
    return {name: total(row[name] for row in rows) for name in SUMS} | {
        "sending_accounts_count": sum(bool(row["sent_count"]) for row in rows),
        "bounce_rate_per_sent": over(*pair(rows, "bounced_count", "sent_count")),
        "replies_per_sent": over(*pair(rows, "reply_count", "sent_count")),
        "warmup_inbox_rate_per_sent": over(*pair(rows, "warmup_inbox_count", "warmup_sent_count")),
    }


def _pairs_of_providers(truth: Truth) -> dict[tuple[str, str, str], Row]:
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    codes, recipients = labels("accounts", "provider_code"), labels("leads", "esp_code")
    providers = {
        (row["workspace_id"], row["email"]): codes.get(row["provider_code"]) for row in truth.streams["accounts"]
    }
    for lead in truth.streams["leads"]:
        if lead["timestamp_last_contact"]:
            found = {providers.get((lead["workspace_id"], email)) for email in _senders(truth, lead)}
            sender = found.pop() if len(found) == 1 else None
            groups[lead["workspace_id"], sender or "Unknown", recipients.get(lead["esp_code"], "Unknown")].append(lead)
    return {place: _outcomes(truth, leads) for place, leads in groups.items()}


def _senders(truth: Truth, lead: Row) -> Iterator[str]:
    """Return the account that last wrote to a lead; if unknown, all senders of its campaign."""
    if sender := sender_of(lead):
        yield sender
    else:
        yield from (email.lower() for email in truth.campaigns.get(lead["campaign"], {}).get("email_list", ()))


def _outcomes(truth: Truth, leads: list[Row]) -> Row:
    counts: dict[str, Any] = {
        "replied": sum(bool(lead["email_reply_count"]) for lead in leads),
        "positive": sum(is_positive(truth, lead) for lead in leads),
        "bounced": sum(lead["status"] == -1 for lead in leads),
    }
    found = {"contacted_count": len(leads)} | {f"{name}_count": count for name, count in counts.items()}
    rates = {"replied": "reply", "positive": "positive", "bounced": "bounce"}
    return found | {f"{rate}_rate_per_contacted": counts[name] / len(leads) for name, rate in rates.items()}
