"""The workspace: its members, API keys, agency and plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sandbox.api import resource, single, table
from sandbox.clock import DAY_MS, uuid4
from sandbox.group import ACCEPTED, MAIN, MAIN_TITLE, PENDING, Member, draw_member, members_of
from sandbox.lists import Listing, fields, matching
from sandbox.records import Data, Row, at_every
from sandbox.words import FIRST_NAMES, LAST_NAMES, plain
from sandbox.world import World

DATA = Data(__file__)
ROLES = ("admin", "editor", "view", "editor")
MEMBERS, STRANGERS = 13, 12


def _make_keys(world: World) -> Iterator[Row]:
    rng = world.rng("api_keys")
    for number, about in enumerate(DATA["keys"]):
        # The API returns the whole key; these are invalid.
        created = world.born + (10 + 60 * number) * DAY_MS + rng.randrange(DAY_MS)
        times = {"created": created, "updated": created + number * DAY_MS}
        yield DATA.make("key", number, rng, world=world, about=about, **times)


def _make_members(world: World) -> Iterator[Row]:
    rng, known = world.rng("workspace_members"), len(world.users)
    for number in range(MEMBERS):
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        names = {"first": first, "last": last, "email": f"{plain(f'{first}.{last}')}.{number}@harbor-loom.example"}
        values: Row = {"user": world.users[number] if number < known else uuid4(rng), "key": uuid4(rng)}
        values |= {"accepted": number < known or number % 3 != 0, "role": ROLES[number % 4] if number else "owner"}
        values |= {"created": world.born + 7 * number * DAY_MS + rng.randrange(DAY_MS)}
        values |= {"permissions": DATA["permissions"][: 1 + number % 4]}
        yield DATA.make("member", number, world=world, **names, **values)


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
        times = {"invited": invited, "updated": invited if member.status == PENDING else invited + DAY_MS}
        title = at_every(number % 5 // 4, 2, member.title)
        yield DATA.make("group_member", world=world, member=member, title=title, **times)


# Cursors are documented as ids; the order is not documented.
MEMBER_FILTERS = fields(flags="accepted")
MEMBER_FILTERS["search"] = matching(
    str.casefold, lambda row, text: text in f"{row['email']}\n{' '.join(row.get('name', {}).values())}".casefold()
)
MEMBER_LIST = Listing("workspace_members", newest_first=False, filters=MEMBER_FILTERS)


def _admin(world: World) -> Row:
    """Return the admin workspace. Without one, the answer names the workspace itself and no membership."""
    member = members_of(world.config.seed, world.config.workspaces).get(world.name)
    if world.name == MAIN or (member and member.status != ACCEPTED):
        return {"workspace_name": world.workspace["name"], "has_admin_workspace": False}
    # A workspace that only a key names belongs to an unknown group.
    title = MAIN_TITLE if member else f"{MAIN_TITLE} Group"
    membership = member.id if member else uuid4(world.rng("workspace_group_admin"))
    return {"workspace_name": title, "has_admin_workspace": True, "workspace_group_member_id": membership}


def _period_end(world: World) -> int:
    return (world.until + 17) * DAY_MS // 1000


def _plans(world: World) -> Row:
    """Return every plan of the workspace and its possible add-ons, with nulls, unlike other endpoints."""
    plans: Row = DATA.make("plans")
    for plan in plans["subscriptions"].values():
        plan["current_period_end"] = _period_end(world) if plan["plan_name"] else None
        if "current_lead_count" in plan:
            plan["current_lead_count"] = sum(world.leads.count(campaign) for campaign in world.campaigns)
    return {"organization_id": world.organization, "organization_name": world.workspace["name"], **plans}


def _paid(world: World) -> Row:
    end = _period_end(world)
    subscriptions = [
        DATA.make("subscription", world=world, paid=paid, end=end, cancel=end if "cancelled" in paid else None)
        for paid in DATA["paid"]
    ]
    return {"subscriptions": subscriptions, "all_subs_cancelled": False}


AREA = (
    resource("/api-keys", Listing("api_keys", newest_first=False), _make_keys, detail=False)
    + resource("/workspace-members", MEMBER_LIST, _make_members)
    + resource("/workspace-group-members", Listing("workspace_group_members", newest_first=False), _make_group)
    + single("/workspaces/current", "workspace", lambda world: world.workspace, "workspaces:read")
    + single(
        "/workspaces/current/whitelabel-domain",
        "whitelabel_domain",
        lambda world: DATA.make("domain", challenge=world.organization[:8]),
        "workspaces:read",
    )
    + single("/workspace-group-members/admin", "workspace_group_admin", _admin)
    + single("/workspace-billing/plan-details", "plan_details", _plans, "workspace_billing:read")
    + single("/workspace-billing/subscription-details", "subscription_details", _paid, "workspace_billing:read")
    + table(
        "workspace",
        lambda world: [DATA.make("workspace", world=world, updated=world.born + world.first_rng.randrange(DAY_MS))],
    )
)
