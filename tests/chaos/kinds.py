"""Kinds of replication that the rounds read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.chaos.endings import FULL_DISK, STALLED_TARGET
from tests.tap_process import START

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from sandbox import Control

HURRIED = f"from tap_instantly.client import rate_limit; rate_limit.EMAILS_INTERVAL = 0.02; {START}"
"""The tap without its limit of 20 pages of e-mails a minute."""


@dataclass(frozen=True)
class Kind:
    """A kind of replication.

    Attributes:
        streams: Streams replicated in this way.
        sizes: Sizes of the sandbox.
        settings: Settings of the tap.
        change: Changes some of their records in a workspace.
        in_full: True if the catalog selects FULL_TABLE despite a replication key.
        program: Text of the program.
        latency_ms: Latency of the sandbox.
        first: Ending of the first run, to meet endings that are rare otherwise.
        begun: True if a round completes one run first, and changes records before each run that it ends.
    """

    streams: tuple[str, ...]
    sizes: dict[str, int] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    change: Callable[[Control, Random], object] | None = None
    in_full: bool = False
    program: str = START
    latency_ms: float = 10
    first: str | None = None
    begun: bool = False


def _campaign(control: Control, random: Random) -> str:
    return random.choice([row["id"] for row in control.truth("campaigns")])


def _rename_campaign(control: Control, random: Random) -> None:
    control.update_campaign(_campaign(control, random), name=f"Renamed {random.random()}")


def _open_or_add_leads(control: Control, random: Random) -> None:
    for row in random.sample(list(control.truth("leads")), 3):
        control.open(row["id"])
    control.add_leads(2)


def _receive(control: Control, random: Random) -> None:
    control.mutate("receive_email")


def _send(control: Control, random: Random) -> None:
    control.send(_campaign(control, random), count=2)


def _delete_and_add_leads(control: Control, random: Random) -> None:
    control.delete_leads(*random.sample([row["id"] for row in control.truth("leads")], 3))
    control.add_leads(2)


def _delete_and_add_accounts(control: Control, random: Random) -> None:
    control.delete_account(random.choice([row["email"] for row in control.truth("accounts")]))
    control.add_account()


def _change_any(control: Control, random: Random) -> None:
    random.choice([_rename_campaign, _open_or_add_leads, _delete_and_add_accounts])(control, random)


DELETIONS = {"emit_activate_version_messages": True}

KINDS = {
    "list with a bookmark": Kind(
        ("campaigns",), {"campaigns": 60}, {"page_size": 3}, _rename_campaign, first=FULL_DISK
    ),
    "scanned list": Kind(
        ("leads",),
        {"leads": 1200},
        {"page_size": 15},
        _open_or_add_leads,
        first=STALLED_TARGET,  # its output exceeds the capacity of a pipe
    ),
    "sweeps of a list": Kind(
        ("leads",), {"leads": 600}, {"page_size": 10, "leads_sweep": "on"}, _open_or_add_leads, begun=True
    ),
    "scanned list of several workspaces": Kind(
        ("leads",), {"leads": 250, "workspaces": 4}, {"page_size": 6}, _open_or_add_leads
    ),
    "list with a bookmark of several workspaces": Kind(
        ("accounts",), {"accounts": 40, "workspaces": 4}, {"page_size": 4, "concurrency": 3}
    ),
    "sorted list": Kind(("emails",), {"emails": 400}, {"page_size": 15}, _receive, program=HURRIED),
    "daily windows": Kind(("campaign_analytics_daily",), {"campaigns": 12, "days": 80}, {}, _send),
    "daily windows in batches": Kind(("account_analytics_daily",), {"accounts": 230, "days": 35}, {}, latency_ms=20),
    "whole, in batches": Kind(("account_warmup_daily",), {"accounts": 330}, {"concurrency": 2}, latency_ms=20),
    "whole, by parents, with deletions": Kind(
        ("account_details",), {"accounts": 60}, {"concurrency": 2, **DELETIONS}, _delete_and_add_accounts
    ),
    "scanned list in full, with deletions": Kind(
        ("leads",), {"leads": 400, "workspaces": 2}, {"page_size": 10, **DELETIONS}, _delete_and_add_leads, in_full=True
    ),
    "whole list": Kind(
        ("lead_lists",), {"lead_lists": 60}, {"page_size": 3}, lambda control, _random: control.add_lead_list()
    ),
    "several streams side by side, with deletions": Kind(
        ("account_details", "campaigns", "custom_tags", "leads", "workspaces"),
        {"leads": 200, "workspaces": 2},
        {"page_size": 10, **DELETIONS},
        _change_any,
    ),
}
"""The kinds by their names in the figures."""
