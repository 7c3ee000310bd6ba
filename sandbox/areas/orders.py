"""Purchases of a workspace besides its plan: domains and mailboxes, phone numbers, verified addresses."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator

from sandbox.answers import existing, require
from sandbox.api import ApiRequest, get, listed, resource, table, truth
from sandbox.areas.leads import EMAIL, find_lead
from sandbox.clock import DAY_MS, HOUR_MS, uuid4
from sandbox.lists import BY_TIME, Listing, Order, SortKey, parse_bool, time_cursor
from sandbox.records import Data, Row, without
from sandbox.words import COMPANY_STEMS, FIRST_NAMES, LAST_NAMES, plain
from sandbox.world import World

SCOPE = "dfy_email_account_orders:read"
DATA = Data(__file__)
# Names of a lead's verification status in this answer; any other status is not verified yet.
VERDICTS = {1: "verified", -1: "invalid", -2: "invalid", -3: "invalid", -4: "invalid"}


def _make_orders(world: World) -> dict[str, Row]:
    """Create an order for the domain of each managed account, and further ones without senders."""
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
        values = {"domain": domain, "mode": mode, "cancelled": min(world.horizon, created + 60 * DAY_MS)}
        rows[domain] = DATA.make("order", number, world=world, created=created, **values)
    return rows


def _make_accounts(world: World) -> dict[str, Row]:
    """Create two mailboxes for each domain, including the workspace's managed account."""
    rng = world.rng("dfy accounts")
    managed = {email.partition("@")[2]: row for email, row in world.accounts.items() if row["is_managed_account"]}
    rows: dict[str, Row] = {}
    for place, order in enumerate(world.collection("dfy_orders").values()):
        for known in (managed.get(order["domain"]), None):
            number, domain = 2 * place + len(rows) % 2, order["domain"]
            person = known or {"first_name": rng.choice(FIRST_NAMES), "last_name": rng.choice(LAST_NAMES)}
            key, address = uuid4(rng), plain(f"{person['first_name']}.{person['last_name']}.{number}@{domain}")
            values: Row = {"key": key, "email": known["email"] if known else address, "person": person, "order": order}
            # A mailbox that is not ready has no password.
            values["password"] = "" if number % 7 == 6 else f"made-up-{rng.getrandbits(40):010x}"
            values |= {"provider": 1 + place % 3, "warm": bool(order.get("is_pre_warmed_up"))}
            rows[key] = DATA.make("account", **values)
    return rows


def _id_and_time(text: str) -> SortKey:
    key, _, moment = text.partition(":")
    return (*time_cursor(moment), key)


BY_DOMAIN = BY_TIME._replace(key=lambda row: (row["timestamp_created"], row["domain"]))
BY_ID_AND_TIME = Order(BY_TIME.key, _id_and_time, lambda row: f"{row['id']}:{row['timestamp_created']}")
# Orders have no id and an undocumented cursor; that it is their time is a guess.
ORDERS = Listing("dfy_orders", BY_DOMAIN, at_end="empty", scope="dfy_email_account_orders")
ACCOUNTS = Listing(
    "dfy_accounts",
    BY_ID_AND_TIME,
    present=lambda row, query: row if parse_bool(query.get("with_passwords", "false")) else without(row, "password"),
    scope="dfy_email_account_orders",
)


def _forwarding(world: World, order: Row) -> Row:
    """Return the forwarding of a domain. Unlike elsewhere, unset values are null, as documented."""
    names = ("domain", "forwarding_domain", "forwarding_mode")
    return {name: order.get(name) for name in names} | world.extra["domain_forwarding"]


def _get_forwarding(request: ApiRequest) -> object:
    order = existing(request.world.collection("dfy_orders").get(request.path["key"].strip().lower()))
    return _forwarding(request.world, order)


def _make_numbers(world: World) -> Iterator[Row]:
    rng = world.rng("phone numbers")
    for number, place in enumerate(DATA["numbers"]):
        values = {"place": place, "key": uuid4(rng), "phone": place["pattern"].format(rng.randrange(100))}
        created, renewal = (40 + 50 * number) * DAY_MS + 11 * HOUR_MS, (world.until + 5 + 3 * number) * DAY_MS
        yield DATA.make("number", 0, rng, world=world, created=world.born + created, renewal=renewal, **values)


def _verification(world: World, lead: Row) -> Row:
    noise = zlib.crc32(lead["email"].encode())
    verdict = VERDICTS.get(lead.get("verification_status", 0), "pending")
    done, catch_all = verdict != "pending", noise % 5 == 0
    values = {"verdict": verdict, "catch_all": catch_all if done else "pending", "used": int(done)}
    row = DATA.make("verification", email=lead["email"], status="success" if noise % 40 else "error", **values)
    return row | world.extra["email_verifications"]


def _verifications(world: World) -> Iterator[Row]:
    """Yield the verification of each address among the leads, once."""
    seen = set()
    for text in world.leads.rows():
        lead = json.loads(text)
        email = lead.get("email")
        if email and email not in seen:
            seen.add(email)
            yield _verification(world, lead)


def _get_verification(request: ApiRequest) -> object:
    email = request.path["key"]
    require(EMAIL.fullmatch(email), 'params/email must match format "email"')
    # The first of several leads with the same address counts, as in the truth.
    return _verification(request.world, existing(find_lead(request.world, email)))


AREA = (
    resource("/dfy-email-account-orders", ORDERS, _make_orders, detail=False)
    + resource("/dfy-email-account-orders/accounts", ACCOUNTS, _make_accounts, detail=False)
    + get("/domains/{key}/forwarding", _get_forwarding, SCOPE)
    + get("/crm-actions/phone-numbers", lambda request: list(request.world.rows("phone_numbers")), "crm_actions:read")
    + get("/email-verification/{key}", _get_verification, "email_verifications:read")
    + table("phone_numbers", _make_numbers)
    + truth("dfy_accounts_with_passwords", listed(ACCOUNTS, with_passwords="true"))
    + truth(
        "domain_forwarding", lambda world: (_forwarding(world, row) for row in ORDERS.select(world.rows("dfy_orders")))
    )
    + truth("phone_numbers", lambda world: world.rows("phone_numbers"))
    + truth("email_verifications", _verifications)
)
