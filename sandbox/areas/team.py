"""The workspace: its members, API keys, agency and plan."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from sandbox.api import Area, resource, single
from sandbox.clock import DAY_MS, stamp, uuid4
from sandbox.group import ACCEPTED, MAIN, MAIN_TITLE, PENDING, Member, draw_member, members_of
from sandbox.lists import Listing, Predicate, contains, equals, parse_bool
from sandbox.records import Row, at_every
from sandbox.words import FIRST_NAMES, LAST_NAMES, plain
from sandbox.world import World

KEYS = (
    ("Warehouse sync", ("all:read",)),
    ("Enrichment flow", ("leads:create", "leads:update", "lead-labels:read")),
    ("Old dashboard", ("campaigns:read", "emails:read", "background-jobs:all")),
    ("Everything", ("all:all",)),
)
MEMBERS = 13
ROLES = ("owner", "admin", "editor", "view", "editor")
PERMISSIONS = ("dashboard.view", "campaigns.view", "analytics.view", "unibox.all")
STRANGERS = 12
BILLING = Path(__file__).with_name("billing.json").read_text(encoding="utf-8")


def _make_workspace(world: World) -> Iterator[Row]:
    verification = {
        "quantity": 5,
        "product_id": "pid_verify_v1_monthly",
        "timestamp_updated": stamp(world.born + DAY_MS),
    }
    yield {
        "id": world.organization,
        "timestamp_created": stamp(world.born),
        "timestamp_updated": stamp(world.born + world.first_rng.randrange(DAY_MS)),
        "owner": world.users[0],
        "name": world.title,
        "scheduled_for_removal_at": stamp(world.born + 3650 * DAY_MS),
        "plan_id": "pid_hg_v1",
        "plan_id_bundle": "pid_bundle_scale_v2",
        "add_unsub_to_block": True,
        "default_opportunity_value": 250,
        "plan_id_leadfinder": "pid_lf_ls_v1",
        "plan_id_verification": verification,
        "org_logo_url": "https://harbor-loom.example/logo.png",
        "org_client_domain": "app.harbor-loom.example",
        "plan_id_crm": "pid_crm_v1",
        "plan_id_website_visitor": "pid_wvw_v1",
        "plan_id_inbox_placement": "pid_ip_v1",
    }


def _make_keys(world: World) -> Iterator[Row]:
    rng = world.rng("api_keys")
    for number, (name, scopes) in enumerate(KEYS):
        created = world.born + (10 + 60 * number) * DAY_MS + rng.randrange(DAY_MS)
        yield {
            "id": uuid4(rng),
            "name": name,
            "scopes": list(scopes),
            # The API returns the whole key; this one is invalid.
            "key": f"not-a-real-key-{rng.getrandbits(128):032x}",
            "organization_id": world.organization,
            "timestamp_created": stamp(created),
            "timestamp_updated": stamp(created + number * DAY_MS),
        }


def _make_members(world: World) -> Iterator[Row]:
    rng = world.rng("workspace_members")
    for number in range(MEMBERS):
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        email = f"{plain(first)}.{plain(last)}.{number}@harbor-loom.example"
        user = world.users[number] if number < len(world.users) else uuid4(rng)
        accepted = number < len(world.users) or number % 3 != 0
        yield {
            "id": uuid4(rng),
            "email": email,
            "user_id": user,
            "user_email": email if accepted else None,
            "nickname": at_every(number, 4, f"{first} from sales"),
            "name": {"first": first, "last": last} if accepted else None,
            "role": ROLES[0] if number == 0 else ROLES[1 + number % (len(ROLES) - 1)],
            "timestamp_created": stamp(world.born + 7 * number * DAY_MS + rng.randrange(DAY_MS)),
            "workspace_id": world.organization,
            "accepted": accepted,
            "issuer_id": world.users[0] if number else None,
            "permissions": at_every(number, 3, list(PERMISSIONS[: 1 + number % 4]), 2),
        }


def _group(world: World) -> Iterable[Member]:
    """Return the members of the group: the other workspaces, or invented ones if there is only one workspace."""
    others = members_of(world.config.seed, world.config.workspaces)
    if others:
        return others.values() if world.name == MAIN else ()
    rng = world.rng("workspace_group_members")
    return (draw_member(rng, number) for number in range(STRANGERS))


def _make_group(world: World) -> Iterator[Row]:
    for number, member in enumerate(_group(world)):
        invited = world.born + member.invited
        yield {
            "id": member.id,
            "admin_workspace_id": world.organization,
            "sub_workspace_id": member.organization,
            "status": member.status,
            "timestamp_created": stamp(invited),
            "timestamp_updated": stamp(invited if member.status == PENDING else invited + DAY_MS),
            "sub_workspace_name": at_every(number % 5 // 4, 2, member.title),
            "admin_workspace_name": world.workspace["name"],
        }


def _search_member(text: str) -> Predicate:
    inside = contains("email", "text")(text)
    return lambda row: inside(row | {"text": " ".join(row.get("name", {}).values())})


# Cursors are documented as ids; the order is not documented.
API_KEYS = Listing("api_keys", newest_first=False)
MEMBER_FILTERS = {"accepted": equals("accepted", parse_bool), "search": _search_member}
MEMBER_LIST = Listing("workspace_members", newest_first=False, filters=MEMBER_FILTERS)
GROUP_LIST = Listing("workspace_group_members", newest_first=False)


def _admin(world: World) -> Row:
    """Return the admin workspace. Without one, the answer names the workspace itself and no membership."""
    member = members_of(world.config.seed, world.config.workspaces).get(world.name)
    if world.name == MAIN or (member and member.status != ACCEPTED):
        return {"workspace_name": world.workspace["name"], "has_admin_workspace": False}
    # A workspace that only a key names belongs to an unknown group.
    title = MAIN_TITLE if member else f"{MAIN_TITLE} Group"
    membership = member.id if member else uuid4(world.rng("workspace_group_admin"))
    return {"workspace_name": title, "has_admin_workspace": True, "workspace_group_member_id": membership}


def _domain(world: World) -> Row:
    challenge = f"sandbox-challenge={world.organization[:8]}"
    reason = "TXT record required for domain verification"
    record = {"type": "TXT", "domain": "_check.harbor-loom.example", "value": challenge, "reason": reason}
    return {"verified": False, "name": "app.harbor-loom.example", "verification": [record]}


def _period_end(world: World) -> int:
    return (world.until + 17) * DAY_MS // 1000


def _plans(world: World) -> Row:
    """Return every plan of the workspace and its possible add-ons, with nulls, unlike other endpoints."""
    plans: Row = json.loads(BILLING)
    for plan in plans["subscriptions"].values():
        plan["current_period_end"] = _period_end(world) if plan["plan_name"] else None
        if "current_lead_count" in plan:
            plan["current_lead_count"] = sum(world.leads.count(campaign) for campaign in world.campaigns)
    return {"organization_id": world.organization, "organization_name": world.workspace["name"], **plans}


def _paid(world: World) -> Row:
    """Return the paid subscriptions."""
    paid = (
        ("pid_hg_v1", "prt_outreach", "plt_primary", 97, None),
        ("pid_addon_25kl_v1", "prt_outreach", "plt_addon", 87, _period_end(world)),
        ("pid_gic_v1", "prt_leadfinder", "plt_primary", 47, None),
    )
    subscriptions = [
        {
            "workspace_id": world.organization,
            "interval": "month",
            "quantity": 1,
            "product_id": product,
            "product_type": kind,
            "plan_type": plan,
            "current_period_end": _period_end(world),
            "cancel_at_time": cancel,
            "price_in_dollars": price,
            "price_id": f"price_sandbox_{product}",
        }
        for product, kind, plan, price, cancel in paid
    ]
    return {"subscriptions": subscriptions, "all_subs_cancelled": False}


def _current(world: World) -> Row:
    return world.workspace


AREA = (
    resource("/api-keys", API_KEYS, _make_keys, detail=False)
    + resource("/workspace-members", MEMBER_LIST, _make_members)
    + resource("/workspace-group-members", GROUP_LIST, _make_group)
    + single("/workspaces/current", "workspace", _current, "workspaces:read")
    + single("/workspaces/current/whitelabel-domain", "whitelabel_domain", _domain, "workspaces:read")
    + single("/workspace-group-members/admin", "workspace_group_admin", _admin)
    + single("/workspace-billing/plan-details", "plan_details", _plans, "workspace_billing:read")
    + single("/workspace-billing/subscription-details", "subscription_details", _paid, "workspace_billing:read")
    + Area(tables={"workspace": _make_workspace})
)
