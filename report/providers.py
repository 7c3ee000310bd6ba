"""Outcomes of emails by sending and receiving mailbox provider, as figures."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from report.figures import Figure, Kind, share, wilson
from report.sections import total

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.database import Row
    from report.marts import Marts

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
        counts = {column: Figure(f"{name}.{column}", row[column]) for column in ("sent", "bounced")}
        rates = {
            "bounce_rate": share(row["rate_bounced"], row["bounced_sent"]),
            "reply_rate": share(row["rate_replies"], row["replied_sent"]),
            "inbox_rate": share(row["warmup_inbox"], row["warmup_sent"]),
        }
        rest = {column: Figure(f"{name}.{column}", value, Kind.RATE) for column, value in rates.items()}
        found.append(Provider(row["provider"], counts | rest))
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
