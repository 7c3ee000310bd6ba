"""Who works in the workspace and what it pays for: API keys, members, the agency, the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.answers import reply
from sandbox.api_lists import get_list, get_one
from sandbox.area import Area, Operation, listed
from sandbox.clock import DAY_MS, stamp, uuid4
from sandbox.entities import at_every, compact
from sandbox.group import ACCEPTED, MAIN, MAIN_TITLE, PENDING, draw_member, members_of
from sandbox.listings import contains, equals
from sandbox.paging import Listing, id_cursor, parse_bool
from sandbox.plans import plan_details, subscription_details
from sandbox.words import FIRST_NAMES, LAST_NAMES, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.responses import Response

    from sandbox.group import Member
    from sandbox.manners import Call
    from sandbox.paging import Row
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


def _make_keys(world: World) -> dict[str, Row]:
    rng, rows = world.rng("api_keys"), {}
    for number, (name, scopes) in enumerate(KEYS):
        created = world.born + (10 + 60 * number) * DAY_MS + rng.randrange(DAY_MS)
        row: Row = {
            "id": uuid4(rng),
            "name": name,
            "scopes": list(scopes),
            # The API shows it whole; this one opens nothing.
            "key": f"not-a-real-key-{rng.getrandbits(128):032x}",
            "organization_id": world.organization,
            "timestamp_created": stamp(created),
            "timestamp_updated": stamp(created + number * DAY_MS),
        }
        rows[row["id"]] = row
    return rows


def _make_members(world: World) -> dict[str, Row]:
    rng, rows = world.rng("workspace_members"), {}
    for number in range(MEMBERS):
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        email = f"{plain(first)}.{plain(last)}.{number}@harbor-loom.example"
        user = world.users[number] if number < len(world.users) else uuid4(rng)
        accepted = number < len(world.users) or number % 3 != 0
        row = compact(
            {
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
        )
        rows[row["id"]] = row
    return rows


def _group(world: World) -> Iterable[Member]:
    """Give the members of the group: the other workspaces, or strangers if the workspace is all there is."""
    others = members_of(world.config.seed, world.config.workspaces)
    if others:
        return others.values() if world.name == MAIN else ()
    rng = world.rng("workspace_group_members")
    return (draw_member(rng, number) for number in range(STRANGERS))


def _make_group(world: World) -> dict[str, Row]:
    rows = {}
    for number, member in enumerate(_group(world)):
        invited = world.born + member.invited
        rows[member.id] = compact(
            {
                "id": member.id,
                "admin_workspace_id": world.organization,
                "sub_workspace_id": member.organization,
                "status": member.status,
                "timestamp_created": stamp(invited),
                "timestamp_updated": stamp(invited if member.status == PENDING else invited + DAY_MS),
                "sub_workspace_name": at_every(number % 5 // 4, 2, member.title),
                "admin_workspace_name": world.workspace["name"],
            }
        )
    return rows


def _by_id(resource: str, **filters: Callable[[str], Callable[[Row], bool]]) -> Listing:
    """Describe a list of which the documentation says that its cursor is an id, and nothing of its order."""
    return Listing(
        resource=resource,
        scope=resource,
        sort_key=lambda row: (row["id"],),
        read_cursor=id_cursor,
        write_cursor=lambda row: str(row["id"]),
        filters=filters,
    )


def _search_member(text: str) -> Callable[[Row], bool]:
    inside = contains("email", "text")(text)
    return lambda row: inside(row | {"text": " ".join(row.get("name", {}).values())})


API_KEYS = _by_id("api_keys")
MEMBER_LIST = _by_id("workspace_members", accepted=equals("accepted", parse_bool), search=_search_member)
GROUP_LIST = _by_id("workspace_group_members")


def _admin(world: World) -> Row:
    """Tell of the admin workspace; where there is none, the answer names the workspace itself and no membership."""
    member = members_of(world.config.seed, world.config.workspaces).get(world.name)
    if world.name == MAIN or (member and member.status != ACCEPTED):
        return {"workspace_name": world.workspace["name"], "has_admin_workspace": False}
    # A workspace that only a key names belongs to a group of which nothing else is known.
    title = MAIN_TITLE if member else f"{MAIN_TITLE} Group"
    membership = member.id if member else uuid4(world.rng("workspace_group_admin"))
    return {"workspace_name": title, "has_admin_workspace": True, "workspace_group_member_id": membership}


def _domain(world: World) -> Row:
    challenge = f"sandbox-challenge={world.organization[:8]}"
    reason = "TXT record required for domain verification"
    record = {"type": "TXT", "domain": "_check.harbor-loom.example", "value": challenge, "reason": reason}
    return {"verified": False, "name": "app.harbor-loom.example", "verification": [record]}


def _get_object(resource: str, make: Callable[[World], Row]) -> Callable[[Call], Response]:
    """Make the handler of something there is one of."""
    return lambda call: reply(make(call.world) | call.world.extra[resource])


def _truth(resource: str, make: Callable[[World], Row]) -> Callable[[World], Iterable[Row]]:
    return lambda world: [make(world) | world.extra[resource]]


OBJECTS: tuple[tuple[str, str, str | None, Callable[[World], Row]], ...] = (
    ("whitelabel_domain", "/workspaces/current/whitelabel-domain", "workspaces:read", _domain),
    ("workspace_group_admin", "/workspace-group-members/admin", None, _admin),
    ("plan_details", "/workspace-billing/plan-details", "workspace_billing:read", plan_details),
    ("subscription_details", "/workspace-billing/subscription-details", "workspace_billing:read", subscription_details),
)

AREA = Area(
    operations=(
        Operation("GET", "/api-keys", get_list(API_KEYS), "api_keys:read"),
        Operation("GET", "/workspace-members", get_list(MEMBER_LIST), "workspace_members:read"),
        Operation("GET", "/workspace-members/{key}", get_one("workspace_members"), "workspace_members:read"),
        Operation("GET", "/workspace-group-members", get_list(GROUP_LIST), "workspace_group_members:read"),
        Operation(
            "GET", "/workspace-group-members/{key}", get_one("workspace_group_members"), "workspace_group_members:read"
        ),
        *(Operation("GET", path, _get_object(name, make), scope) for name, path, scope, make in OBJECTS),
    ),
    tables={"api_keys": _make_keys, "workspace_members": _make_members, "workspace_group_members": _make_group},
    truth={
        "api_keys": listed(API_KEYS),
        "workspace_members": listed(MEMBER_LIST),
        "workspace_group_members": listed(GROUP_LIST),
        **{name: _truth(name, make) for name, _, _, make in OBJECTS},
    },
)
