"""Campaigns, accounts, lists and the workspace itself, generated.

Optional members follow the position of a record rather than chance, so that every documented member occurs even in
a small workspace. None means absent: the API leaves such keys out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.clock import DAY_MS, HOUR_MS, day_text, stamp, uuid4
from sandbox.words import (
    BODIES,
    CAMPAIGN_NAMES,
    COMPANY_STEMS,
    FIRST_NAMES,
    LAST_NAMES,
    LIST_NAMES,
    SUBJECTS,
    TAGS,
    TIMEZONES,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from sandbox.paging import Row

DRAFT, ACTIVE, PAUSED, COMPLETED = 0, 1, 2, 3
CAMPAIGN_STATUSES = (1, 2, 1, 0, 3, 1, 4, 1, -1, 1, 0, -2, 1, 3, -99)
ACCOUNT_STATUSES = (1, 1, 2, 1, 1, -1, 1, 3, 1, 1, -2, 1, 1, 1, -3)
WARMUP_STATUSES = (1, 1, 1, 0, 1, 1, -1, 1, 1, -2, 1, 1, -3)
PROVIDERS = (2, 3, 1, 2, 2, 3, 4, 8, 2, 11)


def compact(row: dict[str, Any | None]) -> Row:
    """Leave out what is None, as the API does."""
    return {name: value for name, value in row.items() if value is not None}


def at_every(number: int, turn: int, value: Any, offset: int = 0) -> Any:  # noqa: ANN401 - any JSON value
    """Give the value to every so-many-th record and None to the others."""
    return value if number % turn == offset else None


def make_workspace(rng: Random, organization: str, owner: str, created: int, title: str, *, whole: bool = True) -> Row:
    """Make the workspace; a lean one lacks all that is optional."""
    plans = {
        "scheduled_for_removal_at": stamp(created + 3650 * DAY_MS),
        "plan_id": "pid_hg_v1",
        "plan_id_bundle": "pid_bundle_scale_v2",
        "add_unsub_to_block": True,
        "default_opportunity_value": 250,
        "plan_id_leadfinder": "pid_lf_ls_v1",
        "plan_id_verification": {
            "quantity": 5,
            "product_id": "pid_verify_v1_monthly",
            "timestamp_updated": stamp(created + DAY_MS),
        },
        "org_logo_url": "https://harbor-loom.example/logo.png",
        "org_client_domain": "app.harbor-loom.example",
        "plan_id_crm": "pid_crm_v1",
        "plan_id_website_visitor": "pid_wvw_v1",
        "plan_id_inbox_placement": "pid_ip_v1",
    }
    return compact(
        {
            "id": organization,
            "timestamp_created": stamp(created),
            "timestamp_updated": stamp(created + rng.randrange(DAY_MS)),
            "owner": owner,
            "name": title,
            **(plans if whole else {}),
        }
    )


def make_schedule(number: int, first_day: int) -> Row:
    """Make a sending schedule for working days."""
    return compact(
        {
            "start_date": at_every(number, 2, day_text(first_day)),
            "end_date": at_every(number, 4, day_text(first_day + 180)),
            "schedules": [
                {
                    "name": "Working hours",
                    "timing": {"from": "09:00", "to": "17:30"},
                    "days": {str(day): 0 < day < 6 for day in range(7)},  # noqa: PLR2004 - Monday to Friday
                    "timezone": TIMEZONES[number % len(TIMEZONES)],
                }
            ],
        }
    )


def make_sequences(rng: Random, variants: Sequence[int]) -> list[Row]:
    """Make the mail copy: one sequence, as only the first counts."""
    steps = []
    for step, count in enumerate(variants):
        copies: list[Row] = [{"subject": rng.choice(SUBJECTS), "body": rng.choice(BODIES)} for _ in range(count)]
        if count > 1:
            copies[-1]["v_disabled"] = bool(step)
        steps.append({"type": "email", "delay": 2 + step, "delay_unit": "days", "variants": copies})
    steps[0] |= {"pre_delay": 0, "pre_delay_unit": "days"}
    return [{"steps": steps}]


def make_campaign(  # noqa: PLR0913 - one argument for each thing the rest of the workspace decides
    rng: Random,
    number: int,
    *,
    organization: str,
    users: Sequence[str],
    senders: Sequence[str],
    tags: Sequence[Row],
    variants: Sequence[int],
    created: int,
    first_day: int,
    updated: int,
) -> Row:
    """Make one campaign."""
    status = CAMPAIGN_STATUSES[number % len(CAMPAIGN_STATUSES)]
    lap, name = divmod(number, len(CAMPAIGN_NAMES))
    bare = status == DRAFT and number % 2 == 1
    return compact(
        {
            "id": uuid4(rng),
            "name": CAMPAIGN_NAMES[name] + (f" ({lap + 1})" if lap else ""),
            "pl_value": at_every(number, 3, 150 + 50 * (number % 7)),
            "status": status,
            "is_evergreen": at_every(number, 2, number % 4 == 0),
            "campaign_schedule": {} if bare else make_schedule(number, first_day),
            "sequences": None if bare else make_sequences(rng, variants),
            "timestamp_created": stamp(created),
            "timestamp_updated": stamp(updated),
            "email_gap": 10 + number % 5,
            "random_wait_max": at_every(number, 2, 10),
            "text_only": number % 5 == 1,
            "first_email_text_only": at_every(number, 3, value=True),
            "email_list": [] if bare else sorted(rng.sample(senders, min(len(senders), 3))),
            "daily_limit": 40 + 10 * (number % 4),
            "stop_on_reply": True,
            "email_tag_list": [tag["id"] for tag in tags[: number % 3]],
            "link_tracking": tracks_clicks(number),
            "open_tracking": tracks_opens(number),
            "stop_on_auto_reply": at_every(number, 2, number % 4 == 0),
            "daily_max_leads": at_every(number, 3, 100, 1),
            "prioritize_new_leads": at_every(number, 4, value=True),
            "auto_variant_select": at_every(number, 5, {"trigger": "reply_rate"}),
            "match_lead_esp": at_every(number, 4, False, 1),  # noqa: FBT003 - a value, not a flag
            "not_sending_status": at_every(number, 6, (1, 2, 3, 4, 99)[number % 5], 1),
            "stop_for_company": at_every(number, 3, False, 2),  # noqa: FBT003 - a value, not a flag
            "core_variables": at_every(number, 7, {"firstName": "", "companyName": ""}),
            "custom_variables": at_every(number, 5, {"industry": "", "headcount": ""}, 2),
            "insert_unsubscribe_header": at_every(number, 2, True, 1),  # noqa: FBT003 - a value, not a flag
            "allow_risky_contacts": at_every(number, 3, value=False),
            "disable_bounce_protect": at_every(number, 4, value=False),
            "limit_emails_per_company_override": at_every(
                number, 4, {"mode": "custom", "daily_limit": 3, "scope": "per_campaign"}, 2
            ),
            "cc_list": ["archive@harbor-loom.example"] if number % 6 == 0 else [],
            "bcc_list": ["crm@harbor-loom.example"] if number % 6 == 1 else [],
            "organization": organization,
            "owned_by": users[number % len(users)],
            "created_by": at_every(number, 2, users[0]),
            "ai_sdr_id": at_every(number, 9, uuid4(rng), 2),
            "provider_routing_rules": at_every(
                number, 4, [{"action": "send", "recipient_esp": ["google"], "sender_esp": ["google", "outlook"]}]
            ),
        }
    )


def tracks_opens(number: int) -> bool:
    """Whether a campaign tracks opens; many careful senders do not."""
    return number % 4 != 1


def tracks_clicks(number: int) -> bool:
    """Whether a campaign tracks clicks."""
    return number % 3 != 1


def make_tags(rng: Random) -> list[Row]:
    """Make the workspace's custom tags as accounts carry them."""
    return [
        compact({"id": uuid4(rng), "label": label, "description": at_every(number, 2, f"Accounts: {label.lower()}")})
        for number, label in enumerate(TAGS)
    ]


def make_account(
    rng: Random, number: int, *, organization: str, users: Sequence[str], tags: Sequence[Row], created: int, last: int
) -> Row:
    """Make one sending account, with everything the detail call tells."""
    first, surname = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    local = f"{plain(first)}.{plain(surname)}"
    domain = f"{COMPANY_STEMS[number % len(COMPANY_STEMS)].lower()}-mail{number // 8}.example"
    status = ACCOUNT_STATUSES[number % len(ACCOUNT_STATUSES)]
    trouble = {
        "code": "EENVELOPE",
        "command": "DATA",
        "response": "550-5.4.5 Daily user sending limit exceeded.",
        "e_message": "error: data command failed: 550-5.4.5 daily user sending limit exceeded",
        "responseCode": 550,
    }
    return compact(
        {
            "email": f"{local}.{number}@{domain}",
            "timestamp_created": stamp(created),
            "timestamp_updated": stamp(min(last, created + rng.randrange(40 * DAY_MS))),
            "first_name": first,
            "last_name": surname,
            "warmup": make_warmup(number),
            "added_by": at_every(number, 2, users[0]),
            "daily_limit": 30 + number % 20,
            "daily_limit_max": at_every(number, 10, 60),
            "warmup_limit_max": at_every(number, 10, 20),
            "modified_by": at_every(number, 3, users[-1]),
            "tracking_domain_name": at_every(number, 2, f"track.{domain}"),
            "tracking_domain_status": at_every(number, 2, "active"),
            "status": status,
            "enable_slow_ramp": at_every(number, 4, number % 8 == 0),
            "inbox_placement_test_limit": at_every(number, 6, 10),
            "organization": organization,
            "warmup_status": WARMUP_STATUSES[number % len(WARMUP_STATUSES)],
            "status_message": trouble if status < 0 else None,
            "timestamp_warmup_start": at_every(number, 2, stamp(min(last, created + HOUR_MS))),
            "provider_code": PROVIDERS[number % len(PROVIDERS)],
            "setup_pending": number % 14 == 13,  # noqa: PLR2004 - a turn
            "is_managed_account": number % 10 == 0,
            "stat_warmup_score": at_every(number, 2, 60 + number % 41),
            "sending_gap": 8 + number % 6,
            "signature": at_every(number, 3, f"Best regards,<br/>{first}"),
            "reply_to": at_every(number, 7, f"replies@{domain}"),
            "autofix_failed": number % 2 == 0 if status < 0 else None,
            "tags": [tag for at, tag in enumerate(tags) if (number >> at) & 1 and number % 2],
        }
    )


def make_warmup(number: int) -> Row:
    """Make the warm-up settings, which only the detail call shows whole."""
    return {
        "limit": 5 + number % 30,
        "advanced": {
            "warm_ctd": number % 2 == 0,
            "open_rate": 0.95,
            "important_rate": 0.8,
            "read_emulation": True,
            "spam_save_rate": 0.02,
            "weekday_only": number % 3 == 0,
        },
        "warmup_custom_ftag": "warmup",
        "increment": ("disabled", "1", "2")[number % 3],
        "reply_rate": 0.1,
    }


def make_lead_list(rng: Random, number: int, *, organization: str, users: Sequence[str], created: int) -> Row:
    """Make one lead list."""
    lap, name = divmod(number, len(LIST_NAMES))
    return compact(
        {
            "id": uuid4(rng),
            "organization_id": organization,
            "has_enrichment_task": at_every(number, 2, number % 4 == 0),
            "owned_by": at_every(number, 2, users[number % len(users)]),
            "name": LIST_NAMES[name] + (f" {lap + 1}" if lap else ""),
            "timestamp_created": stamp(created),
        }
    )
