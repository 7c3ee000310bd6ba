"""Outcomes of emails by sending and receiving mailbox provider, as figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from report.database import Row
from report.figures import Figure, Kind, figures, share, wilson
from report.marts import Marts
from report.sections import total

FEW = 50
"""Number of leads below which a provider's rates say little."""


@dataclass(frozen=True)
class Provider:
    """A mailbox provider, sending or receiving, or a pair of both."""

    name: str
    figures: Mapping[str, Figure]
    early: bool = False


def sending(marts: Marts) -> list[Provider]:
    """Return the outcomes of the period's emails, by sending provider."""
    found = []
    for row in marts.rows["sending"]:
        if not row["sent"] and not row["warmup_sent"]:
            continue
        name = f"sending.{row['provider']}"
        counts = figures(name, {column: row[column] for column in ("sent", "bounced")})
        rates = {
            "bounce_rate": share(row["rate_bounced"], row["bounced_sent"]),
            "reply_rate": share(row["rate_replies"], row["replied_sent"]),
            "inbox_rate": share(row["warmup_inbox"], row["warmup_sent"]),
        }
        found.append(Provider(row["provider"], counts | figures(name, rates, Kind.RATE)))
    return found


def receiving(marts: Marts) -> list[Provider]:
    """Return the outcomes of contacted leads, by receiving provider."""
    rows = sorted(marts.rows["pairs"], key=lambda row: str(row["recipient"]))
    groups = [(name, list(pairs)) for name, pairs in groupby(rows, key=lambda row: str(row["recipient"]))]
    found = [_contacts(name, f"receiving.{name}", pairs) for name, pairs in groups]
    return sorted(found, key=lambda one: -(one.figures["contacted"].value or 0))


def pairs(marts: Marts) -> list[tuple[str, Provider]]:
    """Return the outcomes by pair of sending and receiving provider."""
    return [
        (row["sender"], _contacts(row["recipient"], f"pair.{row['sender']}.{row['recipient']}", [row]))
        for row in marts.rows["pairs"]
    ]


def _contacts(recipient: str, name: str, rows: Sequence[Row]) -> Provider:
    counts = {column: total(rows, column) or 0 for column in ("contacted", "replied", "bounced")}
    found, contacted = figures(name, counts), counts["contacted"]
    for column, hits in (("reply", counts["replied"]), ("bounce", counts["bounced"])):
        low, high = wilson(hits, contacted)
        rates = {f"{column}_rate": share(hits, contacted), f"{column}_low": low, f"{column}_high": high}
        found |= figures(name, rates, Kind.RATE)
    return Provider(recipient, found, early=contacted < FEW)
