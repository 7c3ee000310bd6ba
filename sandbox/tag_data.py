"""Custom tags, their ties, lead labels and the block list, generated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.clock import DAY_MS, MINUTE_MS, parse_stamp, stamp, uuid4, uuid7
from sandbox.entities import at_every, compact
from sandbox.words import COMPANY_KINDS, COMPANY_STEMS, FIRST_NAMES, LAST_NAMES, plain

if TYPE_CHECKING:
    from sandbox.paging import Row
    from sandbox.world import World

# So recorded, and so the documentation since September 2026; before, it had them the other way round.
ACCOUNT, CAMPAIGN, WORKSPACE = 1, 2, 3
# Accounts that were deleted, and whose tags nobody cleaned up.
LOST_ACCOUNTS = 4
BLOCKED = 120
LABELS = (
    ("Call back in autumn", "neutral", 7001, "Asked for a call after the holidays"),
    ("Budget confirmed", "positive", 7002, None),
    ("Forwarded inside", "positive", 7003, "Sent on to a colleague"),
    ("Competitor", "negative", 7004, None),
)


def make_tags(world: World) -> dict[str, Row]:
    """Make the tags that accounts and campaigns carry."""
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


def mapping(mapping_id: str, created: str, world: World, tag_id: str, resource: tuple[str, int]) -> Row:
    """Tie a tag to an account, a campaign or the workspace."""
    return {
        "id": mapping_id,
        "tag_id": tag_id,
        "resource_id": resource[0],
        "resource_type": resource[1],
        "timestamp_created": created,
        "organization_id": world.organization,
    }


def make_mappings(world: World) -> dict[str, Row]:
    """Tie the tags to what carries them, to accounts that are gone, and one to the workspace."""
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
    edges += [((world.organization, WORKSPACE), world.born, tag["id"]) for tag in world.tags[:1]]
    taken: set[int] = set()
    for resource, since, tag_id in edges:
        created = since + MINUTE_MS + rng.randrange(2 * DAY_MS)
        while created in taken:
            # A cursor that is a time cannot tell two rows of one time apart.
            created += 1
        taken.add(created)
        row = mapping(uuid7(rng, created), stamp(created), world, tag_id, resource)
        rows[row["id"]] = row
    return rows


def make_labels(world: World) -> dict[str, Row]:
    """Make the labels of the workspace's own; leads use the first two."""
    rng, rows = world.rng("lead_labels"), {}
    for number, (label, interest, value, description) in enumerate(LABELS):
        row = label_row(world, uuid4(rng), world.born + (40 + 11 * number) * DAY_MS + rng.randrange(DAY_MS), label)
        row |= {"interest_status_label": interest, "interest_status": value, "description": description}
        # Only with resource ownership on; whose access to a label is said then.
        row["access_grants"] = at_every(
            number, 2, [{"user_id": user, "access_type": 1 + at} for at, user in enumerate(world.users[:4])]
        )
        rows[row["id"]] = compact(row | {"use_with_ai": at_every(number, 2, value=number > 1)})
    return rows


def label_row(world: World, label_id: str, created: int, label: str) -> Row:
    """Make what all labels have."""
    return {
        "id": label_id,
        "timestamp_created": stamp(created),
        "created_by": world.users[0],
        "organization_id": world.organization,
        "label": label,
    }


def make_blocked(world: World) -> dict[str, Row]:
    """Make the block list."""
    rng, rows = world.rng("block_list_entries"), {}
    for number in range(BLOCKED):
        domain = f"{rng.choice(COMPANY_STEMS)}-{rng.choice(COMPANY_KINDS)}{number}.example".lower()
        person = f"{plain(rng.choice(FIRST_NAMES))}.{plain(rng.choice(LAST_NAMES))}"
        value = domain if number % 3 == 0 else f"{person}@{domain}"
        row = blocked(world, uuid4(rng), world.born + rng.randrange(world.horizon - world.born), value)
        rows[row["id"]] = row
    return rows


def blocked(world: World, entry_id: str, created: int, value: str) -> Row:
    """Block an address or a domain."""
    return {
        "id": entry_id,
        "timestamp_created": stamp(created),
        "organization_id": world.organization,
        "bl_value": value,
        "is_domain": "@" not in value,
    }
