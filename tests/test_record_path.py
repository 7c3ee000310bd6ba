"""The short way of a record has to end in the very messages of the SDK's own way."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk import Stream
from singer_sdk.singerlib.encoding.simple import SimpleSingerWriter

from tap_instantly.singer.record_path import ShortRecordPath
from tap_instantly.singer.writer import BufferedWriter
from tap_instantly.streams import STREAMS
from tap_instantly.tap import TapInstantly
from tests.support import Record, catalog_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from singer_sdk.singerlib import RecordMessage

    from tap_instantly.streams import InstantlyStream
    from tests.support import TapRun

CONFIG = {"api_key": "k"}

NAMES = ["leads", "accounts", "campaigns", "campaign_analytics_daily"]

# Catalogs


def everything(entry: dict[str, Any]) -> None:
    """Leave the catalog as it is."""


def deselect(entry: dict[str, Any], *, depth: int) -> None:
    """Deselect every other property of a depth that can be."""
    at_depth = [item for item in entry["metadata"] if len(item["breadcrumb"]) == 2 * depth]
    free = [item["metadata"] for item in at_depth if item["metadata"]["inclusion"] == "available"]
    for metadata in free[::2]:
        metadata["selected"] = False


def without_some_columns(entry: dict[str, Any]) -> None:
    """Deselect every other column that holds no object of known properties."""
    for item in entry["metadata"][::2]:
        kind = entry["schema"]["properties"][item["breadcrumb"][1]] if len(item["breadcrumb"]) == 2 else {}
        if item["metadata"].get("inclusion") == "available" and kind and "properties" not in kind:
            item["metadata"]["selected"] = False


def without_some_columns_of_any_kind(entry: dict[str, Any]) -> None:
    deselect(entry, depth=1)


def without_some_nested_properties(entry: dict[str, Any]) -> None:
    deselect(entry, depth=2)


def with_unknown_columns(entry: dict[str, Any]) -> None:
    """Take every third column from the catalog's schema."""
    properties = entry["schema"]["properties"]
    for name in list(properties)[2::3]:
        del properties[name]


def with_closed_objects(entry: dict[str, Any]) -> None:
    """Let no object have properties that its schema does not have, some of which are taken away as well."""

    def close(kind: dict[str, Any]) -> None:
        kind = kind.get("items", kind)
        if kind.get("properties"):
            kind["additionalProperties"] = False
            kind["properties"].pop(next(iter(kind["properties"])))
            for part in kind["properties"].values():
                close(part)

    for kind in entry["schema"]["properties"].values():
        close(kind)


def with_booleans_elsewhere(entry: dict[str, Any]) -> None:
    """Declare columns to be booleans that are none to the tap."""
    for kind in list(entry["schema"]["properties"].values())[3::4]:
        kind["type"] = ["boolean", "null"]


CATALOGS = [
    everything,
    without_some_columns,
    without_some_columns_of_any_kind,
    without_some_nested_properties,
    with_unknown_columns,
    with_closed_objects,
    with_booleans_elsewhere,
]

MAPS: dict[str, dict[str, Any]] = {
    "a filter": {"stream_maps": {"*": {"__filter__": "str(workspace_id) < 'm'"}}},
    "an added property": {"stream_maps": {"*": {"shout": "str(workspace_id).upper()", "one": "1"}}},
    "a removed property": {"stream_maps": {"*": {"unknown_fields": None, "workspace_id": "workspace_id"}}},
    "nothing else": {"stream_maps": {"*": {"workspace": "workspace_id", "__else__": None, "__key_properties__": []}}},
    "an alias": {"stream_maps": {name: {"__alias__": f"other_{name}"} for name in NAMES}},
    "flattening": {"flattening_enabled": True, "flattening_max_depth": 2},
    "a moment": {"stream_maps": {"*": {"seen": "datetime.datetime.fromisoformat('2026-01-02T03:04:05+00:00')"}}},
    "a day": {"stream_maps": {"*": {"seen": "datetime.date(2026, 1, 2)"}}},
}


@cache
def full_catalog() -> dict[str, Any]:
    return catalog_of(CONFIG)


@cache
def tap_with(change: Callable[[dict[str, Any]], None], maps: str | None) -> TapInstantly:
    catalog = copy.deepcopy(full_catalog())
    for entry in catalog["streams"]:
        if entry["stream"] in NAMES:
            change(entry)
    return TapInstantly(config={**CONFIG, **(MAPS[maps] if maps else {})}, catalog=catalog)


def stream_of(
    name: str, change: Callable[[dict[str, Any]], None] = everything, maps: str | None = None
) -> InstantlyStream:
    """A stream with everything selected, but for what is changed in its catalog entry."""
    stream: Any = tap_with(change, maps).streams[name]
    return stream


# Records

TEXTS = st.text(max_size=8) | st.sampled_from(["\0", "a\0b", "\u2028", "🦄", '"\\', "no", "true", "NaN", "\x7f\x80"])
INTEGERS = st.integers(-3, 3) | st.integers() | st.sampled_from([2**31, 2**63, 2**64, -(2**63) - 1, 10**30])
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1.0, 1e-7, 1e16, 1e22, 5e-324])
ANYTHING = st.recursive(
    st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
BOOLEANS = st.booleans() | st.none() | st.sampled_from([0, 1, 2, 1.0, 0.0, "no", "false", "", [], {}, [True], -1])


def values(kind: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """What the API may send for a property: mostly what its schema says."""
    declared = kind["type"] if isinstance(kind["type"], list) else [kind["type"]]
    if "object" in declared:
        parts = {name: values(part) for name, part in kind.get("properties", {}).items()}
        more = st.dictionaries(TEXTS, ANYTHING, max_size=2)
        known = st.fixed_dictionaries({}, optional=parts)
        good: st.SearchStrategy[Any] = st.builds(lambda one, other: {**other, **one}, known, more)
    elif "array" in declared:
        good = st.lists(values(kind.get("items", {"type": "string"})), max_size=3)
    elif "boolean" in declared:
        return BOOLEANS
    else:
        good = {"string": TEXTS, "integer": INTEGERS, "number": FLOATS | INTEGERS}[declared[0]]
    return st.one_of(good, good, st.none(), ANYTHING)


@cache
def records_of(name: str) -> st.SearchStrategy[Record]:
    """Records as they are handed to the SDK: whatever the values, of the columns of the schema, with a key."""
    stream = stream_of(name)
    columns = stream.schema["properties"]
    keys = st.fixed_dictionaries(dict.fromkeys((*stream.primary_keys, "workspace_id"), TEXTS))
    booleans = [column for column, kind in columns.items() if "boolean" in kind["type"]]
    nested = [column for column, kind in columns.items() if {"object", "array"} & set(kind["type"])]
    some = st.sets(st.sampled_from(list(columns)) | st.sampled_from([*booleans, *nested]), max_size=6)
    rest = some.flatmap(lambda chosen: st.fixed_dictionaries({column: values(columns[column]) for column in chosen}))
    return st.builds(lambda key, others: as_decoded({**others, **key}), keys, rest)


def as_decoded(record: Record) -> Record:
    """The record as the tap decodes it from the API's answer."""
    decoded: Record = msgspec.json.decode(json.dumps(record).encode())
    return decoded


# Both ways

EXTRACTED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00")


def short(stream: InstantlyStream, record: Record) -> Iterator[str | bytes]:
    return map(BufferedWriter().format_message, stream._generate_record_messages(copy.deepcopy(record)))


def of_the_sdk(stream: InstantlyStream, record: Record) -> Iterator[str | bytes]:
    messages: Iterator[RecordMessage] = Stream._generate_record_messages(stream, copy.deepcopy(record))
    return map(SimpleSingerWriter().format_message, messages)


def parsed(lines: Iterator[str | bytes]) -> list[str]:
    """Messages in a form that tells 1 from 1.0 and from true, without the time, which is checked for its form."""
    messages = [json.loads(line) for line in lines]
    assert all(EXTRACTED.fullmatch(message.pop("time_extracted")) for message in messages)
    return [json.dumps(message, sort_keys=True) for message in messages]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", CATALOGS)
def test_the_messages_are_those_of_the_sdk(name: str, change: Callable[[dict[str, Any]], None]) -> None:
    stream = stream_of(name, change)

    @settings(deadline=None, max_examples=40)
    @given(records_of(name))
    def same(record: Record) -> None:
        assert parsed(short(stream, record)) == parsed(of_the_sdk(stream, record))

    same()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("maps", MAPS)
def test_the_messages_are_those_of_the_sdk_with_stream_maps(name: str, maps: str) -> None:
    stream = stream_of(name, maps=maps)

    @settings(deadline=None, max_examples=25)
    @given(records_of(name))
    def same(record: Record) -> None:
        assert parsed(short(stream, record)) == parsed(of_the_sdk(stream, record))

    same()


def test_each_stream_map_does_what_it_is_called() -> None:
    """Else the test above would compare nothing."""
    lead = {
        "id": "1",
        "workspace_id": "long",
        "unknown_fields": {"a": 1},
        "status_summary": {"lastStep": {"from": "x"}},
    }

    def message(maps: str, **fields: Any) -> dict[str, Any]:
        (line,) = short(stream_of("leads", maps=maps), {**lead, **fields})
        found: dict[str, Any] = json.loads(line)
        return found

    assert list(short(stream_of("leads", maps="a filter"), {**lead, "workspace_id": "other"})) == []
    assert message("a filter")["record"] == lead
    assert message("an added property")["record"] == {**lead, "shout": "LONG", "one": 1}
    assert "unknown_fields" not in message("a removed property")["record"]
    assert message("nothing else")["record"] == {"workspace": "long"}
    assert message("an alias")["stream"] == "other_leads"
    assert message("flattening")["record"]["status_summary__lastStep__from"] == "x"
    assert message("a moment")["record"]["seen"] == "2026-01-02T03:04:05+00:00"


# Who takes which way


def test_every_stream_takes_the_short_way_where_everything_is_selected() -> None:
    tap = TapInstantly(config=dict(CONFIG), catalog=copy.deepcopy(full_catalog()))
    streams: Mapping[str, Any] = tap.streams
    assert len(streams) == len(STREAMS)
    assert [name for name, stream in streams.items() if not stream.short_way] == []


@pytest.mark.parametrize("name", NAMES)
def test_deselected_columns_leave_the_short_way_open(name: str) -> None:
    assert stream_of(name, without_some_columns).short_way


@pytest.mark.parametrize("name", ["leads", "accounts", "campaigns"])
@pytest.mark.parametrize("change", [without_some_nested_properties, with_closed_objects])
def test_what_the_catalog_says_within_objects_is_left_to_the_sdk(
    name: str, change: Callable[[dict[str, Any]], None]
) -> None:
    assert not stream_of(name, change).short_way


@pytest.mark.parametrize("name", NAMES)
def test_columns_that_the_catalog_does_not_know_are_left_to_the_sdk(name: str) -> None:
    assert not stream_of(name, with_unknown_columns).short_way


def test_a_record_that_takes_the_short_way_is_not_looked_through_by_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    original = Stream._generate_record_messages

    def note(stream: Stream, record: Record) -> Any:
        asked.append(record["id"])
        return original(stream, record)

    monkeypatch.setattr(Stream, "_generate_record_messages", note)
    for number, visitor in (("1", True), ("2", None), ("3", 1), ("4", "no")):
        list(short(stream_of("leads"), {"id": number, "workspace_id": "w", "is_website_visitor": visitor}))
    assert asked == ["3", "4"]  # where a boolean is given as something else


def test_the_sdk_calls_what_the_short_way_overrides(
    sync: Callable[..., TapRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    original = ShortRecordPath._generate_record_messages

    def count(stream: Any, record: Record) -> Any:
        calls.append(record["id"])
        return original(stream, record)

    monkeypatch.setattr(ShortRecordPath, "_generate_record_messages", count)
    records = sync("leads").records("leads")
    assert records
    assert calls == [record["id"] for record in records]
