"""Custom tags, what they are tied to, lead labels and the block list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.answers import ApiError
from sandbox.api_lists import get_list, get_one
from sandbox.area import Area, Operation, known, listed
from sandbox.clock import DAY_MS, MINUTE_MS, parse_stamp, stamp, uuid4, uuid7
from sandbox.entities import at_every, compact
from sandbox.listings import contains, equals, tagged
from sandbox.mutations import instant
from sandbox.paging import Listing, id_cursor, parse_bool, time_cursor
from sandbox.words import COMPANY_KINDS, COMPANY_STEMS, FIRST_NAMES, LAST_NAMES, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.paging import Predicate, Row
    from sandbox.world import World

# The documentation has it the other way round.
ACCOUNT, CAMPAIGN = 1, 2
# Accounts that were deleted, and whose tags nobody cleaned up.
LOST_ACCOUNTS = 4
BLOCKED = 120
LABELS = (
    ("Call back in autumn", "neutral", 7001, "Asked for a call after the holidays"),
    ("Budget confirmed", "positive", 7002, None),
    ("Forwarded inside", "positive", 7003, "Sent on to a colleague"),
    ("Competitor", "negative", 7004, None),
)


def _make_tags(world: World) -> dict[str, Row]:
    rng, rows = world.rng("custom_tags"), {}
    for number, tag in enumerate(world.tags):
        created = world.born + (3 + 5 * number) * DAY_MS + rng.randrange(DAY_MS)
        rows[tag["id"]] = compact(
            {
                "id": tag["id"],
                "timestamp_created": stamp(created),
                "timestamp_updated": stamp(created + number % 2 * 9 * DAY_MS),
                "organization_id": world.organization,
                "label": tag["label"],
                "description": tag.get("description"),
            }
        )
    return rows


def _mapping(mapping_id: str, created: str, world: World, tag_id: str, resource: tuple[str, int]) -> Row:
    return {
        "id": mapping_id,
        "tag_id": tag_id,
        "resource_id": resource[0],
        "resource_type": resource[1],
        "timestamp_created": created,
        "organization_id": world.organization,
    }


def _make_mappings(world: World) -> dict[str, Row]:
    rng, rows = world.rng("custom_tag_mappings"), {}
    edges = [
        ((email, ACCOUNT), parse_stamp(account["timestamp_created"]), tag["id"])
        for email, account in world.accounts.items()
        for tag in account.get("tags", ())
    ]
    edges += [
        ((f"gone.{number}@{COMPANY_STEMS[number].lower()}-mail0.example", ACCOUNT), world.born, tag["id"])
        for number, tag in enumerate(world.tags[:LOST_ACCOUNTS])
    ]
    edges += [
        ((campaign_id, CAMPAIGN), parse_stamp(campaign["timestamp_created"]), tag_id)
        for campaign_id, campaign in world.campaigns.items()
        for tag_id in campaign.get("email_tag_list", ())
    ]
    taken: set[int] = set()
    for resource, since, tag_id in edges:
        created = since + MINUTE_MS + rng.randrange(2 * DAY_MS)
        while created in taken:
            # A cursor that is a time cannot tell two rows of one time apart.
            created += 1
        taken.add(created)
        row = _mapping(uuid7(rng, created), stamp(created), world, tag_id, resource)
        rows[row["id"]] = row
    return rows


def _make_labels(world: World) -> dict[str, Row]:
    rng, rows = world.rng("lead_labels"), {}
    for number, (label, interest, value, description) in enumerate(LABELS):
        row = _label(world, uuid4(rng), world.born + (40 + 11 * number) * DAY_MS + rng.randrange(DAY_MS), label)
        row |= {"interest_status_label": interest, "interest_status": value, "description": description}
        rows[row["id"]] = compact(row | {"use_with_ai": at_every(number, 2, value=number > 1)})
    return rows


def _label(world: World, label_id: str, created: int, label: str) -> Row:
    return {
        "id": label_id,
        "timestamp_created": stamp(created),
        "created_by": world.users[0],
        "organization_id": world.organization,
        "label": label,
    }


def _make_blocked(world: World) -> dict[str, Row]:
    rng, rows = world.rng("block_list_entries"), {}
    for number in range(BLOCKED):
        domain = f"{rng.choice(COMPANY_STEMS)}-{rng.choice(COMPANY_KINDS)}{number}.example".lower()
        person = f"{plain(rng.choice(FIRST_NAMES))}.{plain(rng.choice(LAST_NAMES))}"
        value = domain if number % 3 == 0 else f"{person}@{domain}"
        row = _blocked(world, uuid4(rng), world.born + rng.randrange(world.horizon - world.born), value)
        rows[row["id"]] = row
    return rows


def _blocked(world: World, entry_id: str, created: int, value: str) -> Row:
    return {
        "id": entry_id,
        "timestamp_created": stamp(created),
        "organization_id": world.organization,
        "bl_value": value,
        "is_domain": "@" not in value,
    }


def _among(name: str) -> Callable[[str], Predicate]:
    """Filter by a member that is one of several comma-separated values."""

    def make(text: str) -> Predicate:
        wanted = set(text.split(","))
        return lambda row: row[name] in wanted

    return make


def _domains_only(text: str) -> Predicate:
    only = parse_bool(text)
    return lambda row: row["is_domain"] or not only


CUSTOM_TAGS = Listing(
    resource="custom_tags",
    scope="custom_tags",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    filters={"search": contains("label"), "tag_ids": tagged(lambda row: {row["id"]})},
)

CUSTOM_TAG_MAPPINGS = Listing(
    resource="custom_tag_mappings",
    scope="custom_tag_mappings",
    sort_key=lambda row: (row["timestamp_created"], row["id"]),
    read_cursor=time_cursor,
    write_cursor=lambda row: str(row["timestamp_created"]),
    descending=True,
    filters={"resource_ids": _among("resource_id")},
)

# Newest first is a guess, as with the block list its order by id.
LEAD_LABELS = Listing(
    resource="lead_labels",
    scope="lead-labels",
    sort_key=lambda row: (row["timestamp_created"], row["id"]),
    read_cursor=time_cursor,
    write_cursor=lambda row: str(row["timestamp_created"]),
    descending=True,
    filters={"search": contains("label"), "interest_status": equals("interest_status_label", str)},
)

BLOCK_LIST = Listing(
    resource="block_list_entries",
    scope="block_list_entries",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    filters={"domains_only": _domains_only, "search": contains("bl_value")},
)


def _inline(world: World, tag_id: str) -> Row:
    """Find the tag as accounts carry it; they share one object."""
    return next(tag for tag in world.tags if tag["id"] == tag_id)


def _add_tag(world: World, label: str, description: str | None = None, at: str | None = None) -> Row:
    rng, moment = world.mutation_rng(), world.moment(instant(at))
    tag = compact({"id": uuid4(rng), "label": label, "description": description})
    world.tags.append(tag)
    times = {"timestamp_created": stamp(moment), "timestamp_updated": stamp(moment)}
    row = {**tag, **times, "organization_id": world.organization}
    world.collection("custom_tags")[row["id"]] = row
    return {"custom_tag": row}


def _rename_tag(world: World, id: str, label: str, at: str | None = None) -> Row:  # noqa: A002 - the API's name for it
    rows = world.collection("custom_tags")
    known(rows, id)
    world.mutation_rng()
    rows[id] |= {"label": label, "timestamp_updated": stamp(world.moment(instant(at)))}
    _inline(world, id)["label"] = label
    return {"custom_tag": rows[id]}


def _delete_tag(world: World, id: str) -> Row:  # noqa: A002 - the API's name for it
    rows, edges = world.collection("custom_tags"), world.collection("custom_tag_mappings")
    known(rows, id)
    world.mutation_rng()
    world.tags.remove(_inline(world, id))
    for account in world.accounts.values():
        account["tags"] = [tag for tag in account.get("tags", ()) if tag["id"] != id]
    for campaign in world.campaigns.values():
        campaign["email_tag_list"] = [tag for tag in campaign.get("email_tag_list", ()) if tag != id]
    for edge in [edge for edge, row in edges.items() if row["tag_id"] == id]:
        del edges[edge]
    return {"custom_tag": rows.pop(id)}


def _assign_tag(world: World, id: str, resource_id: str, at: str | None = None) -> Row:  # noqa: A002 - the API's name for it
    known(world.collection("custom_tags"), id)
    account, campaign = world.accounts.get(resource_id), world.campaigns.get(resource_id)
    if account is None and campaign is None:
        raise ApiError(404, f"Neither an account nor a campaign: {resource_id}")
    rng, moment = world.mutation_rng(), world.moment(instant(at))
    if account is not None:
        account["tags"] = [*account.get("tags", ()), _inline(world, id)]
    if campaign is not None:
        campaign["email_tag_list"] = [*campaign.get("email_tag_list", ()), id]
    kind = ACCOUNT if campaign is None else CAMPAIGN
    row = _mapping(uuid7(rng, moment), stamp(moment), world, id, (resource_id, kind))
    world.collection("custom_tag_mappings")[row["id"]] = row
    return {"custom_tag_mapping": row}


def _add_label(
    world: World, label: str, interest: str = "neutral", description: str | None = None, at: str | None = None
) -> Row:
    rng, moment = world.mutation_rng(), world.moment(instant(at))
    rows = world.collection("lead_labels")
    value = max((row["interest_status"] for row in rows.values()), default=7000) + 1
    row = _label(world, uuid4(rng), moment, label) | {"interest_status_label": interest, "interest_status": value}
    rows[row["id"]] = compact(row | {"description": description})
    return {"lead_label": rows[row["id"]]}


def _block(world: World, value: str, at: str | None = None) -> Row:
    row = _blocked(world, uuid4(world.mutation_rng()), world.moment(instant(at)), value)
    world.collection("block_list_entries")[row["id"]] = row
    return {"block_list_entry": row}


def _delete_from(resource: str, name: str) -> Callable[..., Row]:
    def run(world: World, id: str) -> Row:  # noqa: A002 - the API's name for it
        rows = world.collection(resource)
        known(rows, id)
        world.mutation_rng()
        return {name: rows.pop(id)}

    return run


AREA = Area(
    operations=(
        Operation("GET", "/custom-tags", get_list(CUSTOM_TAGS), "custom_tags:read"),
        Operation("GET", "/custom-tags/{key}", get_one("custom_tags"), "custom_tags:read"),
        Operation("GET", "/custom-tag-mappings", get_list(CUSTOM_TAG_MAPPINGS), "custom_tag_mappings:read"),
        Operation("GET", "/lead-labels", get_list(LEAD_LABELS), "lead-labels:read"),
        Operation("GET", "/lead-labels/{key}", get_one("lead_labels"), "lead-labels:read"),
        Operation("GET", "/block-lists-entries", get_list(BLOCK_LIST), "block_list_entries:read"),
        Operation("GET", "/block-lists-entries/{key}", get_one("block_list_entries"), "block_list_entries:read"),
    ),
    tables={
        "custom_tags": _make_tags,
        "custom_tag_mappings": _make_mappings,
        "lead_labels": _make_labels,
        "block_list_entries": _make_blocked,
    },
    truth={
        "custom_tags": listed(CUSTOM_TAGS),
        "custom_tag_mappings": listed(CUSTOM_TAG_MAPPINGS),
        "lead_labels": listed(LEAD_LABELS),
        "block_list_entries": listed(BLOCK_LIST),
    },
    changes={
        "add_tag": _add_tag,
        "rename_tag": _rename_tag,
        "delete_tag": _delete_tag,
        "assign_tag": _assign_tag,
        "add_lead_label": _add_label,
        "delete_lead_label": _delete_from("lead_labels", "lead_label"),
        "add_block_list_entry": _block,
        "delete_block_list_entry": _delete_from("block_list_entries", "block_list_entry"),
    },
)
