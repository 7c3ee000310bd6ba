"""The lists the API offers, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.paging import (
    Listing,
    Predicate,
    Row,
    id_cursor,
    parse_bool,
    parse_number,
    time_and_email_cursor,
    time_cursor,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def equals(name: str, parse: Callable[[str], Any], *, negate: bool = False) -> Callable[[str], Predicate]:
    """Filter by equality of a member."""

    def make(text: str) -> Predicate:
        wanted = parse(text)
        return lambda row: (row.get(name) == wanted) != negate

    return make


def contains(*names: str) -> Callable[[str], Predicate]:
    """Filter by text within any of some members."""

    def make(text: str) -> Predicate:
        wanted = text.casefold()
        return lambda row: any(wanted in str(row.get(name, "")).casefold() for name in names)

    return make


def tagged(ids_of: Callable[[Row], set[str]], *, every: bool = False) -> Callable[[str], Predicate]:
    """Filter by tags, comma-separated."""

    def make(text: str) -> Predicate:
        wanted = set(text.split(","))
        return lambda row: wanted <= ids_of(row) if every else bool(wanted & ids_of(row))

    return make


def _account_tags(row: Row) -> set[str]:
    return {tag["id"] for tag in row.get("tags", ())}


def abbreviate_account(row: Row, query: Mapping[str, str]) -> Row:
    """Show an account as lists do: of the warm-up only its limit, tags only on demand."""
    short = {name: value for name, value in row.items() if name != "tags" or query.get("include_tags") == "true"}
    if "warmup" in row:
        short["warmup"] = {"limit": row["warmup"]["limit"]}
    return short


def whole_account(row: Row) -> Row:
    """Show an account as the detail call does."""
    return {name: value for name, value in row.items() if name != "tags"}


CAMPAIGNS = Listing(
    resource="campaigns",
    scope="campaigns",
    sort_key=lambda row: (row["id"],),
    read_cursor=id_cursor,
    write_cursor=lambda row: str(row["id"]),
    descending=True,
    filters={
        "status": equals("status", parse_number),
        "exclude_status": equals("status", parse_number, negate=True),
        "search": contains("name"),
        "tag_ids": tagged(lambda row: set(row.get("email_tag_list", ()))),
        "ai_sales_agent_id": equals("ai_sdr_id", str),
    },
)

# Newest first is a guess; the documentation gives the cursor and not the order.
ACCOUNTS = Listing(
    resource="accounts",
    scope="accounts",
    sort_key=lambda row: (row["timestamp_created"], row["email"]),
    read_cursor=time_and_email_cursor,
    write_cursor=lambda row: f"{row['timestamp_created']}&{row['email']}",
    descending=True,
    filters={
        "status": equals("status", parse_number),
        "provider_code": equals("provider_code", parse_number),
        "search": contains("email", "first_name", "last_name"),
        "tag_ids": tagged(_account_tags),
        "tag_ids_all": tagged(_account_tags, every=True),
    },
    present=abbreviate_account,
)

LEAD_LISTS = Listing(
    resource="lead_lists",
    scope="lead_lists",
    sort_key=lambda row: (row["timestamp_created"], row["id"]),
    read_cursor=time_cursor,
    write_cursor=lambda row: str(row["timestamp_created"]),
    descending=True,
    filters={"has_enrichment_task": equals("has_enrichment_task", parse_bool), "search": contains("name")},
)

LISTINGS = {listing.resource: listing for listing in (CAMPAIGNS, ACCOUNTS, LEAD_LISTS)}
