"""Custom tags and their mappings, lead labels and the block list."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from sandbox.answers import ApiError
from sandbox.api import changes, deletion, resource, table, update
from sandbox.clock import DAY_MS, MINUTE_MS, parse_stamp, uuid4
from sandbox.lists import BY_TIME, Listing, among, equals, fields, only, tagged
from sandbox.records import Data, Row, at_every, compact
from sandbox.words import COMPANY_KINDS, COMPANY_STEMS, FIRST_NAMES, LAST_NAMES, TAGS, plain
from sandbox.world import World

# As recorded and, since September 2026, as documented. The documentation had them reversed before.
ACCOUNT, CAMPAIGN, WORKSPACE = 1, 2, 3
# Deleted accounts whose tag mappings remain.
LOST_ACCOUNTS = 4
BLOCKED = 120
DATA = Data(__file__)


def _make_inline(world: World) -> Iterator[Row]:
    """Create the tags as accounts embed them."""
    for number, label in enumerate(TAGS):
        description = at_every(number, 2, f"Accounts: {label.lower()}")
        yield {"id": uuid4(world.first_rng), "label": label, "description": description}


def _make_tags(world: World) -> Iterator[Row]:
    rng = world.rng("custom_tags")
    for number, tag in enumerate(world.tags):
        created = world.born + (3 + 5 * number) * DAY_MS + rng.randrange(DAY_MS)
        updated = created + number % 2 * 9 * DAY_MS
        yield DATA.make("tag", number, world=world, tag=tag, created=created, updated=updated)


def _mapping(rng: Random, at: int, world: World, tag_id: str, target: tuple[str, int]) -> Row:
    return DATA.make("mapping", 0, rng, world=world, tag_id=tag_id, target=target, at=at)


def _edges(world: World) -> Iterator[tuple[tuple[str, int], int, str]]:
    """Yield what has a tag, since when, and the tag: accounts, deleted accounts, campaigns and the workspace."""
    for email, account in world.accounts.items():
        for tag in account.get("tags", ()):
            yield (email, ACCOUNT), parse_stamp(account["timestamp_created"]), tag["id"]
    for number, tag in enumerate(world.tags[:LOST_ACCOUNTS]):
        yield (f"gone.{number}@{COMPANY_STEMS[number].lower()}-mail0.example", ACCOUNT), world.born, tag["id"]
    for campaign_id, campaign in world.campaigns.items():
        for tag_id in campaign.get("email_tag_list", ()):
            yield (campaign_id, CAMPAIGN), parse_stamp(campaign["timestamp_created"]), tag_id
    yield from (((world.organization, WORKSPACE), world.born, tag["id"]) for tag in world.tags[:1])


def _make_mappings(world: World) -> Iterator[Row]:
    rng = world.rng("custom_tag_mappings")
    taken: set[int] = set()
    for target, since, tag_id in _edges(world):
        created = since + MINUTE_MS + rng.randrange(2 * DAY_MS)
        while created in taken:
            # A cursor that is a time cannot distinguish rows with equal times.
            created += 1
        taken.add(created)
        yield _mapping(rng, created, world, tag_id, target)


def _make_labels(world: World) -> Iterator[Row]:
    """Create the workspace's custom labels; leads use the first two."""
    rng = world.rng("lead_labels")
    for number, about in enumerate(DATA["labels"]):
        key, created = uuid4(rng), world.born + (40 + 11 * number) * DAY_MS + rng.randrange(DAY_MS)
        grants = [{"user_id": user, "access_type": 1 + at} for at, user in enumerate(world.users[:4])]
        # Access grants are present only with resource ownership on.
        more = {"access_grants": at_every(number, 2, grants), "use_with_ai": at_every(number, 2, value=number > 1)}
        yield DATA.make("label", key=key, world=world, created=created, about=about) | more


def _make_blocked(world: World) -> Iterator[Row]:
    rng = world.rng("block_list_entries")
    for number in range(BLOCKED):
        domain = f"{rng.choice(COMPANY_STEMS)}-{rng.choice(COMPANY_KINDS)}{number}.example".lower()
        person = plain(f"{rng.choice(FIRST_NAMES)}.{rng.choice(LAST_NAMES)}")
        value = domain if number % 3 == 0 else f"{person}@{domain}"
        values = {"key": uuid4(rng), "created": world.born + rng.randrange(world.horizon - world.born)}
        yield DATA.make("block", world=world, value=value, is_domain=number % 3 == 0, **values)


TAG_FILTERS = fields(search="label") | {"tag_ids": tagged(lambda row: {row["id"]})}
CUSTOM_TAGS = Listing("custom_tags", newest_first=False, filters=TAG_FILTERS)
MAPPINGS = Listing("custom_tag_mappings", BY_TIME, filters={"resource_ids": among("resource_id")})
# Newest first is a guess, and so is the block list's order by id.
LABEL_FILTERS = fields(search="label") | {"interest_status": equals("interest_status_label")}
LEAD_LABELS = Listing("lead_labels", BY_TIME, filters=LABEL_FILTERS, scope="lead-labels")
BLOCK_FILTERS = fields(search="bl_value") | {"domains_only": only(lambda row: bool(row["is_domain"]))}
BLOCK_LIST = Listing("block_list_entries", newest_first=False, filters=BLOCK_FILTERS)


def _inline(world: World, tag_id: str) -> Row:
    """Return the tag that accounts embed; they share one object."""
    return next(tag for tag in world.tags if tag["id"] == tag_id)


def _add_tag(world: World, label: str, description: str | None = None, at: int | None = None) -> Row:
    rng, moment = world.mutation_rng(), world.time(at)
    tag = compact({"id": uuid4(rng), "label": label, "description": description})
    world.tags.append(tag)
    times = {"timestamp_created": moment, "timestamp_updated": moment}
    return {"custom_tag": world.insert("custom_tags", {**tag, **times, "organization_id": world.organization})}


def _rename_tag(world: World, id: str, label: str, at: int | None = None) -> Row:
    row = update(world, "custom_tags", id, at, "timestamp_updated", label=label)
    _inline(world, id)["label"] = label
    return {"custom_tag": row}


def _delete_tag(world: World, id: str) -> Row:
    deleted = deletion("custom_tags", "custom_tag")(world, id)
    world.tags.remove(_inline(world, id))
    for account in world.accounts.values():
        account["tags"] = [tag for tag in account.get("tags", ()) if tag["id"] != id]
    for campaign in world.campaigns.values():
        campaign["email_tag_list"] = [tag for tag in campaign.get("email_tag_list", ()) if tag != id]
    for edge in world.children("custom_tag_mappings", "tag_id", id):
        del world.collection("custom_tag_mappings")[edge["id"]]
    return deleted


def _assign_tag(world: World, id: str, resource_id: str, at: int | None = None) -> Row:
    world.known("custom_tags", id)
    account, campaign = world.accounts.get(resource_id), world.campaigns.get(resource_id)
    if account is None and campaign is None:
        raise ApiError(404, f"Neither an account nor a campaign: {resource_id}")
    rng, moment = world.mutation_rng(), world.moment(at)
    if account is not None:
        account["tags"] = [*account.get("tags", ()), _inline(world, id)]
    if campaign is not None:
        campaign["email_tag_list"] = [*campaign.get("email_tag_list", ()), id]
    row = _mapping(rng, moment, world, id, (resource_id, ACCOUNT if campaign is None else CAMPAIGN))
    return {"custom_tag_mapping": world.insert("custom_tag_mappings", row)}


def _add_lead_label(
    world: World, label: str, interest: str = "neutral", description: str | None = None, at: int | None = None
) -> Row:
    rng, moment = world.mutation_rng(), world.moment(at)
    value = max((row["interest_status"] for row in world.collection("lead_labels").values()), default=7000) + 1
    about = {"label": label, "interest": interest, "value": value, "description": description}
    row = DATA.make("label", key=uuid4(rng), world=world, created=moment, about=about)
    return {"lead_label": world.insert("lead_labels", row)}


def _add_block_list_entry(world: World, value: str, at: int | None = None) -> Row:
    values = {"key": uuid4(world.mutation_rng()), "created": world.moment(at), "is_domain": "@" not in value}
    row = DATA.make("block", world=world, value=value, **values)
    return {"block_list_entry": world.insert("block_list_entries", row)}


AREA = (
    resource("/custom-tags", CUSTOM_TAGS, _make_tags)
    + resource("/custom-tag-mappings", MAPPINGS, _make_mappings, detail=False)
    + resource("/lead-labels", LEAD_LABELS, _make_labels)
    + resource("/block-lists-entries", BLOCK_LIST, _make_blocked)
    + table("tags", _make_inline)
    + changes(
        *(_add_tag, _rename_tag, _delete_tag, _assign_tag, _add_lead_label, _add_block_list_entry),
        *(deletion("lead_labels", "lead_label"), deletion("block_list_entries", "block_list_entry")),
    )
)
