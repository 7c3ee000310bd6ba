"""Custom tags, what they are tied to, lead labels and the block list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.answers import ApiError
from sandbox.api_lists import get_list, get_one
from sandbox.area import Area, Operation, known, listed
from sandbox.clock import stamp, uuid4, uuid7
from sandbox.entities import compact
from sandbox.listings import contains, equals, tagged
from sandbox.mutations import instant
from sandbox.paging import Listing, id_cursor, parse_bool, time_cursor
from sandbox.tag_data import (
    ACCOUNT,
    CAMPAIGN,
    blocked,
    label_row,
    make_blocked,
    make_labels,
    make_mappings,
    make_tags,
    mapping,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.paging import Predicate, Row
    from sandbox.world import World


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
    row = mapping(uuid7(rng, moment), stamp(moment), world, id, (resource_id, kind))
    world.collection("custom_tag_mappings")[row["id"]] = row
    return {"custom_tag_mapping": row}


def _add_label(
    world: World, label: str, interest: str = "neutral", description: str | None = None, at: str | None = None
) -> Row:
    rng, moment = world.mutation_rng(), world.moment(instant(at))
    rows = world.collection("lead_labels")
    value = max((row["interest_status"] for row in rows.values()), default=7000) + 1
    row = label_row(world, uuid4(rng), moment, label) | {"interest_status_label": interest, "interest_status": value}
    rows[row["id"]] = compact(row | {"description": description})
    return {"lead_label": rows[row["id"]]}


def _block(world: World, value: str, at: str | None = None) -> Row:
    row = blocked(world, uuid4(world.mutation_rng()), world.moment(instant(at)), value)
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
        "custom_tags": make_tags,
        "custom_tag_mappings": make_mappings,
        "lead_labels": make_labels,
        "block_list_entries": make_blocked,
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
