"""What a workspace buys besides its plan: domains and mailboxes, phone numbers, verified addresses."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

from sandbox.answers import invalid, not_found, reply
from sandbox.api_leads import EMAIL, select
from sandbox.api_lists import get_list
from sandbox.area import Area, Operation, listed
from sandbox.clock import DAY_MS, HOUR_MS, day_text, stamp, uuid4
from sandbox.entities import at_every, compact
from sandbox.paging import Listing, parse_bool, time_cursor
from sandbox.words import COMPANY_STEMS, FIRST_NAMES, LAST_NAMES, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from random import Random

    from starlette.responses import Response

    from sandbox.manners import Call
    from sandbox.paging import Row, SortKey
    from sandbox.world import World

PLACES = (("US", "San Francisco"), ("DE", "Lübeck"), ("GB", "Leeds"))
NUMBERS = ("+1415555{:04d}", "+4945100{:05d}", "+44113496{:04d}")
# What a lead's verification is called when one asks for it; whatever else it has is not verified yet.
VERDICTS = {1: "verified", -1: "invalid", -2: "invalid", -3: "invalid", -4: "invalid"}


def _make_orders(world: World) -> dict[str, Row]:
    """Make an order for the domain of each managed account, and further ones nobody writes from yet."""
    rng = world.rng("dfy orders")
    managed = [email.partition("@")[2] for email, row in world.accounts.items() if row["is_managed_account"]]
    fresh = [f"{stem.lower()}-post.example" for stem in COMPANY_STEMS][: 6 + len(world.accounts) // 5]
    rows, domains = {}, dict.fromkeys([*managed, *fresh])
    modes: list[str | None] = [None, "redirect", "stealth"]
    rng.shuffle(modes)
    start = world.born + 30 * DAY_MS
    step = (world.horizon - 2 * DAY_MS - start) // len(domains)
    for number, domain in enumerate(domains):
        created = start + number * step + rng.randrange(DAY_MS)
        mode = modes[number % len(modes)]
        rows[domain] = compact(
            {
                "workspace_id": world.organization,
                "domain": domain,
                "forwarding_domain": "harbor-loom.example" if mode else None,
                "forwarding_mode": mode,
                "is_pre_warmed_up": at_every(number, 2, number % 4 == 0),
                "timestamp_cancelled": at_every(number, 5, stamp(min(world.horizon, created + 60 * DAY_MS)), 4),
                "timestamp_created": stamp(created),
            }
        )
    return rows


def _make_accounts(world: World) -> dict[str, Row]:
    """Make two mailboxes for each domain, a managed account of the workspace being one of them."""
    rng = world.rng("dfy accounts")
    managed = {email.partition("@")[2]: row for email, row in world.accounts.items() if row["is_managed_account"]}
    rows = {}
    for number, order in enumerate(world.collection("dfy_orders").values()):
        for turn in range(2):
            row = _make_account(rng, 2 * number + turn, order, None if turn else managed.get(order["domain"]))
            rows[row["id"]] = row
    return rows


def _make_account(rng: Random, number: int, order: Row, known: Row | None) -> Row:
    person = known or {"first_name": rng.choice(FIRST_NAMES), "last_name": rng.choice(LAST_NAMES)}
    first, last = person["first_name"], person["last_name"]
    return {
        "id": uuid4(rng),
        "domain": order["domain"],
        "email": known["email"] if known else f"{plain(first)}.{plain(last)}.{number}@{order['domain']}",
        "email_provider": 1 + number // 2 % 3,
        "first_name": first,
        "last_name": last,
        "is_pre_warmed_up": bool(order.get("is_pre_warmed_up")),
        # Required and never null by the documentation, which leaves nothing to say of an order that stands.
        "timestamp_cancelled": order.get("timestamp_cancelled"),
        "timestamp_created": order["timestamp_created"],
        # Mailboxes that are not ready have no password yet.
        "password": "" if number % 7 == 6 else f"made-up-{rng.getrandbits(40):010x}",  # noqa: PLR2004 - a turn
    }


def _without_password(row: Row, query: Mapping[str, str]) -> Row:
    if parse_bool(query.get("with_passwords", "false")):
        return row
    return {name: value for name, value in row.items() if name != "password"}


def _id_and_time(text: str) -> SortKey:
    key, _, moment = text.partition(":")
    return (*time_cursor(moment), key)


# Orders have no id and a cursor nobody described; their time is a guess.
ORDERS = Listing(
    resource="dfy_orders",
    scope="dfy_email_account_orders",
    sort_key=lambda row: (row["timestamp_created"], row["domain"]),
    read_cursor=time_cursor,
    write_cursor=lambda row: str(row["timestamp_created"]),
    descending=True,
    at_end="empty",
)
ACCOUNTS = Listing(
    resource="dfy_accounts",
    scope="dfy_email_account_orders",
    sort_key=lambda row: (row["timestamp_created"], row["id"]),
    read_cursor=_id_and_time,
    write_cursor=lambda row: f"{row['id']}:{row['timestamp_created']}",
    descending=True,
    present=_without_password,
)


def _forwarding(order: Row) -> Row:
    """Show how a domain forwards; unlike elsewhere what is not set is null, as documented."""
    return {name: order.get(name) for name in ("domain", "forwarding_domain", "forwarding_mode")}


def _get_forwarding(call: Call) -> Response:
    order = call.world.collection("dfy_orders").get(call.path["key"].strip().lower())
    if order is None:
        raise not_found()
    return reply(_forwarding(order) | call.world.extra["domain_forwarding"])


def _make_numbers(world: World) -> dict[str, Row]:
    rng, rows = world.rng("phone numbers"), {}
    for number, (country, locality) in enumerate(PLACES):
        created = world.born + (40 + 50 * number) * DAY_MS + 11 * HOUR_MS
        key = uuid4(rng)
        rows[key] = {
            "id": key,
            "timestamp_created": stamp(created),
            "organization_id": world.organization,
            "phone_number": NUMBERS[number].format(rng.randrange(100)),
            "country": country,
            "locality": locality,
            "subscription_id": f"sub_{rng.getrandbits(96):024x}",
            "twilio_sid": f"PN{rng.getrandbits(128):032x}",
            "renewal_date": day_text(world.until + 5 + 3 * number),
            "price": (1, 1.5, 1)[number],
        }
    return rows


def _verification(world: World, lead: Row) -> Row:
    """Tell what is known of a lead's address."""
    noise = zlib.crc32(lead["email"].encode())
    verdict = VERDICTS.get(lead.get("verification_status", 0), "pending")
    return {
        "status": "success" if noise % 40 else "error",
        "email": lead["email"],
        "verification_status": verdict,
        "catch_all": "pending" if verdict == "pending" else noise % 5 == 0,
        "credits": 4750,
        "credits_used": int(verdict != "pending"),
        **world.extra["email_verifications"],
    }


def _verifications(world: World) -> Iterator[Row]:
    """Go through the addresses of all leads, each once."""
    seen = set()
    for text in world.leads.rows():
        lead = json.loads(text)
        email = lead.get("email")
        if email and email not in seen:
            seen.add(email)
            yield _verification(world, lead)


def _get_verification(call: Call) -> Response:
    email = call.path["key"]
    if not EMAIL.fullmatch(email):
        message = 'params/email must match format "email"'
        raise invalid(message)
    # Of leads that share an address the first counts, as in the truth.
    first = call.world.leads.page(select(call.world, {"contacts": [email]}), None, 1)
    if not first:
        raise not_found()
    return reply(_verification(call.world, json.loads(call.world.leads.text(first[0]))))


AREA = Area(
    operations=(
        Operation("GET", "/dfy-email-account-orders", get_list(ORDERS), "dfy_email_account_orders:read"),
        Operation("GET", "/dfy-email-account-orders/accounts", get_list(ACCOUNTS), "dfy_email_account_orders:read"),
        Operation("GET", "/domains/{key}/forwarding", _get_forwarding, "dfy_email_account_orders:read"),
        Operation(
            "GET",
            "/crm-actions/phone-numbers",
            lambda call: reply(list(call.world.rows("phone_numbers"))),
            "crm_actions:read",
        ),
        Operation("GET", "/email-verification/{key}", _get_verification, "email_verifications:read"),
    ),
    tables={"dfy_orders": _make_orders, "dfy_accounts": _make_accounts, "phone_numbers": _make_numbers},
    truth={
        "dfy_orders": listed(ORDERS),
        "dfy_accounts": listed(ACCOUNTS),
        "dfy_accounts_with_passwords": listed(ACCOUNTS, with_passwords="true"),
        "domain_forwarding": lambda world: (
            _forwarding(row) | world.extra["domain_forwarding"] for row in ORDERS.select(world.rows("dfy_orders"), {})
        ),
        "phone_numbers": lambda world: world.rows("phone_numbers"),
        "email_verifications": _verifications,
    },
)
