"""Every property with personal data is marked in its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_instantly.streams import STREAMS
from tap_instantly.streams.personal import MARK, Kind, marks
from tap_instantly.streams.schemas import MARKED
from tests.personal.texts import ADDRESS, PEOPLE, found_in, leaves, split
from tests.support import catalog_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Server
    from tests.support import TapRun

NAMES = sorted(stream.name for stream in STREAMS)


def unmarked_of_any_form(schema: dict[str, Any], place: str) -> Iterator[str]:
    """Return unmarked places whose schema does not describe their contents."""
    types = schema.get("type", ["object"])
    if MARK in schema:
        return
    if ("object" in types and "properties" not in schema) or ("array" in types and "items" not in schema):
        yield place
    for name, part in schema.get("properties", {}).items():
        yield from unmarked_of_any_form(part, f"{place}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from unmarked_of_any_form(schema["items"], f"{place}[]")


@pytest.mark.parametrize("stream", NAMES)
def test_free_form_properties_declare_whether_they_are_personal(stream: str) -> None:
    assert list(unmarked_of_any_form(MARKED.get_schema(stream), stream)) == []


def test_unmarked_text_contains_no_address_or_personal_name(people: Server, in_clear: TapRun) -> None:
    _, others = split({name: in_clear.records(name) for name in in_clear.tap.streams})
    assert {place: text for text, place in others.items() if ADDRESS.search(text)} == {}
    truth = people.control.truth
    rows = [*truth("leads"), *truth("account_details"), *truth("workspace_members"), *truth("audit_logs")]
    named = {text for row in rows for place, text in leaves(row, "") if PEOPLE.fullmatch(place.rpartition(".")[2])}
    assert len(named) > 50
    found = found_in("\n".join(others), named - {""})
    assert {text: [place for other, place in others.items() if text in other] for text in found} == {}


def test_sandbox_has_data_at_most_marked_places(in_clear: TapRun) -> None:
    # Otherwise these tests would prove nothing about them.
    filled = {
        f"{stream}.{place.removeprefix('.')}"
        for stream in NAMES
        for row in in_clear.records(stream)
        for place, _ in leaves(row, "")
    }
    texts = [f"{s}.{place}" for s in NAMES for place, kind in marks(MARKED.get_schema(s)).items() if kind is Kind.TEXT]
    assert sum(place in filled for place in texts) > 0.7 * len(texts)


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_only_keys_may_be_non_null_personal_data(stream: Any) -> None:
    properties = MARKED.get_schema(stream.name)["properties"]
    needed = {name for name, kind in properties.items() if MARK in kind and "null" not in kind["type"]}
    assert needed <= set(stream.primary_keys)


def test_loaders_and_catalogs_do_not_see_the_marks(in_clear: TapRun, settings: dict[str, Any]) -> None:
    schemas = [message["schema"] for message in in_clear.messages if message["type"] == "SCHEMA"]
    schemas += [entry["schema"] for entry in catalog_of(settings)["streams"]]
    assert len(schemas) == 2 * len(STREAMS)
    assert MARK not in str(schemas)
