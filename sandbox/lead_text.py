"""Renders leads from their ids.

A lead's id has 62 random bits, which determine the lead. So a million leads take sixteen megabytes, and pages are
written without creating dictionaries.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from sandbox.answers import dumps
from sandbox.clock import DAY_MS, HOUR_MS, MINUTE_MS, stamp, uuid_text
from sandbox.words import COMPANY_KINDS, COMPANY_STEMS, CUSTOM_VARIABLES, FIRST_NAMES, JOB_TITLES, LAST_NAMES, plain

SLOTS, PAYLOADS = 1 << 14, 16
_MASK = (1 << 64) - 1
_MIX_A, _MIX_B = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
_PER_MILLE = 1024
_WAITING = [
    f',"status":{status},"email_open_count":0,"email_reply_count":0,"email_click_count":0,"status_summary":{{}}'
    for status in (0, 1)
]
DONE = ',"domain_complete":true'


def _dial(*shares: tuple[str, int]) -> tuple[str, ...]:
    """Spread values over 1024 positions by weight, so that ten random bits draw one."""
    total = sum(weight for _, weight in shares)
    edges = [edge * _PER_MILLE // total for edge in accumulate(weight for _, weight in shares)]
    return tuple(shares[bisect_right(edges, position)][0] for position in range(_PER_MILLE))


# 4, 5 and 7 are undocumented but occur in real workspaces.
_ESP = _dial(
    *[(f',"esp_code":{code}', weight) for code, weight in ((1, 380), (2, 300), (3, 40), (0, 20), (8, 20), (9, 15))],
    *[(f',"esp_code":{code}', 15) for code in (10, 12, 13, 999, 1000, 4, 5, 7)],
    ("", 60),
)
_ESG = _dial(("", 800), *[(f',"esg_code":{code}', 40) for code in (0, 1, 2, 3, 4)])
_VERIFIED = _dial(
    (',"verification_status":1', 700),
    ("", 150),
    *[(f',"verification_status":{code}', 20) for code in (-1, -2, -3, -4, 11, 12)],
)
_ENRICHED = _dial(("", 700), *[(f',"enrichment_status":{code}', 60) for code in (1, -1, 11, -2)])
# 7001 and 7002 are custom labels of the workspace.
_INTEREST = _dial(*[(str(code), 100) for code in (1, 1, 2, 3, 4, 0, -1, -2, -3, -4, 7001, 7002)])
_FATE = _dial(("3", 500), ("1", 480), ("-1", 20), ("-2", 8), ("-3", 6))
_TITLES = tuple(dumps(title) for title in JOB_TITLES)
_LOCAL_FIRST, _LOCAL_LAST = ([plain(name) for name in names] for names in (FIRST_NAMES, LAST_NAMES))
_DOMAIN_STEMS = tuple(f"{stem.lower()}-" for stem in COMPANY_STEMS)
_DOMAIN_KINDS = tuple(kind.lower() for kind in COMPANY_KINDS)
_METHOD = _dial(("manual", 600), ("api", 350), ("website-visitor", 50))


@dataclass(frozen=True)
class LeadGroup:
    """A campaign or list with leads.

    The weight is its share of all leads. Its leads are contacted from `start` to `end`, up to `progress` of 1024. Step
    ids, custom variables (rendered), owner and senders are those of the campaign.
    """

    id: str
    is_campaign: bool = False
    weight: int = 1
    start: int = 0
    end: int = 0
    variants: tuple[int, ...] = (1,)
    opens: bool = False
    clicks: bool = False
    progress: int = 0
    step_ids: tuple[str, ...] = ()
    payloads: tuple[str, ...] = ()
    owner: str = ""
    senders: tuple[str, ...] = ()


def make_payloads(rng: Random) -> tuple[str, ...]:
    """Draw the custom variables of a campaign: few names, flat values."""
    names = rng.sample(range(len(CUSTOM_VARIABLES)), 3)
    rows = []
    for _ in range(PAYLOADS):
        chosen = [CUSTOM_VARIABLES[at] for at in names if rng.random() < 0.9]
        rows.append("".join(f",{dumps(name)}:{dumps(rng.choice(values))}" for name, values in chosen))
    return tuple(rows)


class LeadText:
    """Renders leads."""

    def __init__(
        self, groups: Sequence[LeadGroup], organization: str, users: Sequence[str], old: tuple[int, int], horizon: int
    ) -> None:
        self.groups, self._users, self._horizon = groups, users, horizon
        self._old_from, self._old_span = old[0], max(1, old[1] - old[0])
        # By weight, each of the slots belongs to a group; a slot is fourteen bits of the id.
        total = sum(group.weight for group in groups) or 1
        edges = [edge * SLOTS // total for edge in accumulate(group.weight for group in groups)]
        self._slots = tuple(bisect_right(edges, slot) for slot in range(SLOTS)) if groups else ()
        places = (f'"{"campaign" if group.is_campaign else "list_id"}":"{group.id}"' for group in groups)
        self._heads = [f',"organization":"{organization}",{place}' for place in places]

    def group_number(self, raw: bytes) -> int:
        """Return the number of a lead's group."""
        return self._slots[((raw[8] & 0x3F) << 8) | raw[9]]

    def render(self, raw: bytes) -> str:
        """Render a lead as JSON."""
        low = int.from_bytes(raw[8:], "big")
        h = (low * _MIX_A) & _MASK
        h ^= h >> 31
        g = (h * _MIX_B) & _MASK
        g ^= g >> 29
        number = self.group_number(raw)
        group = self.groups[number]
        new = raw[6] >> 4 == 7
        created = int.from_bytes(raw[:6], "big") if new else self._old_from + (g ^ low) % self._old_span
        if group.is_campaign and (g & 1023) < group.progress and created < group.end:
            story, last = self._journey(group, created, g, h)
        else:
            # Leads outside campaigns have the undocumented status 0.
            story, last = _WAITING[group.is_campaign], created + (g >> 44) % (15 * MINUTE_MS)
        return (
            f'{{"id":"{uuid_text(raw)}","timestamp_created":"{stamp(created)}","timestamp_updated":"{stamp(last)}"'
            f"{self._heads[number]}{story}{self._person(group, h, g)}{self._tail(group, h, g)}}}"
        )

    def _person(self, group: LeadGroup, h: int, g: int) -> str:
        a, b, c, d = h & 63, (h >> 6) & 63, (h >> 12) & 31, (h >> 17) & 31
        first, last, company = FIRST_NAMES[a], LAST_NAMES[b], f"{COMPANY_STEMS[c]} {COMPANY_KINDS[d]}"
        domain = f"{_DOMAIN_STEMS[c]}{_DOMAIN_KINDS[d]}{(h >> 22) & 0xFF}.example"
        title, tail = _TITLES[(h >> 30) & 15], (h >> 34) & 0xFFFFF
        text = f',"company_domain":"{domain}","first_name":"{first}","last_name":"{last}","company_name":"{company}"'
        if group.is_campaign or (h >> 54) & 31:
            text += f',"email":"{_LOCAL_FIRST[a]}.{_LOCAL_LAST[b]}.{tail:05x}@{domain}"'
        if h >> 63:
            text += f',"job_title":{title}'
        if (h >> 62) & 1:
            text += f',"phone":"+1555{tail:07d}","website":"https://{domain}"'
        if not (h >> 58) & 7:
            text += f',"personalization":"Hi {first}, I noticed you work at {company}..."'
        text += f',"payload":{{"firstName":"{first}","lastName":"{last}","companyName":"{company}"'
        if (h >> 61) & 1:
            text += f',"jobTitle":{title},"website":"https://{domain}","phone":"+1555{tail:07d}"'
            text += f',"personalization":"Hi {first}"'
        return f"{text}{group.payloads[(g >> 50) & (PAYLOADS - 1)] if group.payloads else ''}}}"

    def _tail(self, group: LeadGroup, h: int, g: int) -> str:
        method = _METHOD[(h >> 8) & 1023]
        text = f"{_ESP[(g >> 12) & 1023]}{_ESG[(g >> 24) & 1023]}{_VERIFIED[(g >> 35) & 1023]}"
        text += f'{_ENRICHED[(h >> 40) & 1023]},"uploaded_by_user":"{group.owner}","upload_method":"{method}"'
        text += f',"is_website_visitor":{"true" if method == "website-visitor" else "false"}'
        if not (h >> 45) & 7:
            text += f',"assigned_to":"{self._users[(h >> 20) % len(self._users)]}"'
        return text

    def _journey(self, group: LeadGroup, created: int, g: int, h: int) -> tuple[str, int]:
        """Render the fields of a contacted lead."""
        base = max(created, group.start)
        contact = base + (g >> 7) % max(1, group.end - base)
        step = (g >> 3) % len(group.variants)
        variant = (g >> 17) % group.variants[step]
        status = _FATE[(g >> 10) & 1023]
        bounced = status == "-1"
        opened = group.opens and not bounced and (g >> 20) & 1023 < 420
        replied = not bounced and (g >> 30) & 1023 < 34
        clicked = opened and group.clicks and (g >> 40) & 1023 < 50
        opens = 1 + ((h >> 50) & 3) if opened else 0
        text = f',"status":{status},"email_open_count":{opens},"email_reply_count":{1 if replied else 0}'
        text += f',"email_click_count":{1 if clicked else 0},"last_contacted_from":"campaign"'
        text += self._last_step(group, contact, step, finished=status != "1", g=g)
        last = contact
        for happened, what, verb, delay in (
            (opened, "open", "opened", 2 * HOUR_MS),
            (clicked, "click", "clicked", 3 * HOUR_MS),
            (replied, "reply", "replied", 9 * HOUR_MS),
        ):
            if happened:
                last = max(last, min(self._horizon, contact + delay + (h >> 24) % (2 * DAY_MS)))
                text += f',"email_{verb}_step":{step + 1},"email_{verb}_variant":{variant}'
                text += f',"timestamp_last_{what}":"{stamp(last)}"'
        text += f',"timestamp_last_contact":"{stamp(contact)}","timestamp_last_touch":"{stamp(last)}"'
        if replied:
            interest = _INTEREST[(h >> 14) & 1023]
            text += f',"lt_interest_status":{interest},"timestamp_last_interest_change":"{stamp(last)}"'
            text += ',"pl_value_lead":"High"' if h & 1 else ""
        return text, last

    @staticmethod
    def _last_step(group: LeadGroup, contact: int, step: int, *, finished: bool, g: int) -> str:
        at, step_id = stamp(contact), group.step_ids[step]
        text = f',"last_step_from":"campaign","last_step_id":"{step_id}","last_step_timestamp_executed":"{at}"'
        # Both occur in the real API: the address of the sending account, and only a word.
        sender = group.senders[(g >> 45) % len(group.senders)] if group.senders and (g >> 60) & 7 else "campaign"
        last = f'{{"from":"{sender}","stepID":"{step_id}","timestamp_executed":"{at}"}}'
        text += f',"status_summary":{{"lastStep":{last}{DONE if finished else ""}}}'
        if not (g >> 55) & 31:
            text += f',"subsequence_id":"{group.step_ids[0]}","timestamp_added_subsequence":"{at}"'
            text += f',"status_summary_subseq":{{"from":"subsequence","stepID":"{step_id}","timestampExecuted":"{at}"}}'
        return text
