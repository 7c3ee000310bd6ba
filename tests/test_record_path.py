from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk import Stream
from singer_sdk.exceptions import InvalidStreamSortException
from singer_sdk.singerlib.encoding.simple import SimpleSingerWriter
from singer_sdk.streams._state import StreamStateManager

from tap_instantly.singer.record_path import PartitionStates, ShortRecordPath, is_behind
from tap_instantly.singer.writer import BufferedWriter, RecordLine
from tap_instantly.streams import STREAMS
from tap_instantly.streams.forms import mended
from tap_instantly.tap import TapInstantly

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib.encoding.base import GenericSingerWriter

    from tap_instantly.streams import InstantlyStream
    from tests.support import Record, TapRun

    Kind = Mapping[str, Any]
    """A part of a JSON Schema."""

    Entry = dict[str, Any]
    """A stream's entry in a catalog."""

NAMES = ("leads", "accounts", "campaigns", "campaign_analytics_daily")
NOWHERE = {"api_key": "none", "api_url": "http://127.0.0.1:9/api/v2"}

every_stream = pytest.mark.parametrize("name", NAMES)
a_few = settings(deadline=None, max_examples=20)


# Streams as a catalog and settings make them, without a connection


@cache
def discovered() -> dict[str, Entry]:
    return {entry["stream"]: entry for entry in TapInstantly(config=NOWHERE).catalog_dict["streams"]}


def entry_of(name: str) -> Entry:
    return json.loads(json.dumps(discovered()[name]))


class KeepingWriter(SimpleSingerWriter):
    """Keeps the messages as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Any] = []

    def write_message(self, message: Any) -> None:
        self.kept.append(message)


def stream_of(entry: Entry, **more: Any) -> InstantlyStream:
    """The stream that a tap has for a catalog of this entry, whose messages are kept."""

    class TapOfOneStream(TapInstantly):
        def discover_streams(self) -> list[InstantlyStream]:
            return [kind(self, self.workspaces) for kind in STREAMS if kind.name == entry["stream"]]

    set_metadata(entry, (), selected=True)
    config, catalog = {**NOWHERE, **more}, {"streams": [entry]}
    return TapOfOneStream(config=config, catalog=catalog, message_writer=KeepingWriter()).streams[entry["stream"]]


def set_metadata(entry: Entry, breadcrumb: tuple[str, ...], **metadata: Any) -> None:
    for item in entry["metadata"]:
        if tuple(item["breadcrumb"]) == breadcrumb:
            item["metadata"].update(metadata)
            return
    entry["metadata"].append({"breadcrumb": list(breadcrumb), "metadata": metadata})


def path(*names: str) -> tuple[str, ...]:
    """The breadcrumb of a property, or of one within it."""
    return tuple(step for name in names for step in ("properties", name))


def properties_to_choose(entry: Entry) -> list[str]:
    automatic = {tuple(m["breadcrumb"]) for m in entry["metadata"] if m["metadata"].get("inclusion") == "automatic"}
    return [name for name in entry["schema"]["properties"] if path(name) not in automatic]


def objects_within(kind: Kind) -> Iterator[dict[str, Any]]:
    """The schemas of all objects below the record itself."""
    for part in kind.get("properties", {}).values():
        within = part.get("items", part)
        if "properties" in within:
            yield within
            yield from objects_within(within)


# Records: mostly of their schema, though any JSON may come in any place

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(2**63 - 1, 2**80),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from([0, 1, 0.0, 1.0, -0.0, 1e16, "", "no", "true", "\0", "a\0\u2028\x85\N{PILE OF POO}"]),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
BY_TYPE = {
    "null": st.none(),
    "boolean": st.booleans(),
    "integer": st.integers(),
    "number": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    "string": st.text(max_size=8),
}


def values(kind: Kind) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda chance: ANYTHING if chance == 9 else fitting(kind))


def fitting(kind: Kind) -> st.SearchStrategy[Any]:
    types = kind["type"] if isinstance(kind["type"], list) else [kind["type"]]
    return st.sampled_from([t for t in types if t != "null"] * 4 + ["null"]).flatmap(lambda t: of_type(t, kind))


def of_type(type_: str, kind: Kind) -> st.SearchStrategy[Any]:
    if type_ == "array":
        return st.lists(values(kind["items"]), max_size=3)
    if type_ == "object":
        known = {name: values(part) for name, part in kind.get("properties", {}).items()}
        further = st.just({}) | st.dictionaries(st.text(max_size=5), ANYTHING, max_size=2)
        return st.builds(lambda one, other: {**other, **one}, st.fixed_dictionaries({}, optional=known), further)
    return BY_TYPE[type_]


def has_booleans(kind: Kind) -> bool:
    return "boolean" in str(kind)


@st.composite
def records(draw: st.DrawFn, schema: Kind) -> Record:
    """A record as the stream's shaper leaves it: any of the properties of its schema, and no others."""
    kinds: Mapping[str, Kind] = schema["properties"]
    names = st.sampled_from(list(kinds))
    if with_booleans := [name for name, kind in kinds.items() if has_booleans(kind)]:
        names |= st.sampled_from(with_booleans)
    made = {name: draw(values(kinds[name])) for name in draw(st.lists(names, unique=True, max_size=8))}
    decoded: Record = msgspec.json.decode(json.dumps(made))
    return {name: mended(value, kinds[name], name, lambda *_: None) for name, value in decoded.items()}


# Both ways


WriteRecord = Callable[["InstantlyStream", "Record"], None]

the_sdks_way: WriteRecord = Stream._write_record_message
the_short_way: WriteRecord = ShortRecordPath._write_record_message


def written(
    way: WriteRecord, stream: InstantlyStream, record: Record, form: GenericSingerWriter[Any, Any]
) -> list[str]:
    """What is written, parsed and as a text that tells true from 1 and 1 from 1.0, less the time that it was done."""
    keeping: KeepingWriter = stream._tap.message_writer
    keeping.kept.clear()
    stream.state_manager.is_flushed = True
    way(stream, record)
    assert not stream.state_manager.is_flushed
    found = [json.loads(form.format_message(message)) for message in keeping.kept]
    for message in found:
        moment = datetime.fromisoformat(message.pop("time_extracted").replace("Z", "+00:00"))
        assert moment.utcoffset() == timedelta()
    return [json.dumps(message) for message in found]


def assert_both_ways_agree(stream: InstantlyStream, record: Record) -> None:
    """Also on what is left of the record itself, which the SDK takes the bookmark from."""
    ours, theirs = copy.deepcopy(record), copy.deepcopy(record)
    by_the_sdk = written(the_sdks_way, stream, theirs, SimpleSingerWriter())
    assert written(the_short_way, stream, ours, BufferedWriter()) == by_the_sdk
    assert json.dumps(ours) == json.dumps(theirs)


def assert_agreement(data: st.DataObject, entry: Entry, **more: Any) -> None:
    stream = stream_of(entry, **more)
    for record in data.draw(st.lists(records(stream.schema), min_size=1, max_size=5)):
        assert_both_ways_agree(stream, record)


@every_stream
@a_few
@given(data=st.data())
def test_messages_are_those_of_the_sdk_with_everything_selected(name: str, data: st.DataObject) -> None:
    assert_agreement(data, entry_of(name))


@every_stream
@a_few
@given(data=st.data())
def test_messages_are_those_of_the_sdk_with_properties_deselected(name: str, data: st.DataObject) -> None:
    entry = entry_of(name)
    for property_ in data.draw(st.sets(st.sampled_from(list(entry["schema"]["properties"])), min_size=1)):
        set_metadata(entry, path(property_), selected=False)  # the key's own stay all the same
    assert_agreement(data, entry)


@every_stream
@a_few
@given(data=st.data())
def test_messages_are_those_of_the_sdk_with_parts_of_objects_deselected(name: str, data: st.DataObject) -> None:
    entry = entry_of(name)
    within = [tuple(m["breadcrumb"]) for m in entry["metadata"] if len(m["breadcrumb"]) > 2]
    within.append(path("unknown_fields", "0"))  # not in what discovery says, but in what a user may
    for breadcrumb in data.draw(st.sets(st.sampled_from(within), min_size=1)):
        set_metadata(entry, breadcrumb, selected=False)
    assert_agreement(data, entry)


@every_stream
@a_few
@given(data=st.data())
def test_messages_are_those_of_the_sdk_with_properties_missing_from_the_catalog(name: str, data: st.DataObject) -> None:
    entry = entry_of(name)
    for property_ in data.draw(st.sets(st.sampled_from(properties_to_choose(entry)), min_size=1, max_size=4)):
        del entry["schema"]["properties"][property_]
        if data.draw(st.booleans()):
            entry["metadata"] = [item for item in entry["metadata"] if item["breadcrumb"][1:2] != [property_]]
    assert_agreement(data, entry)


@pytest.mark.parametrize("name", ["leads", "accounts", "campaigns"])
@a_few
@given(data=st.data())
def test_messages_are_those_of_the_sdk_with_objects_that_the_catalog_closes(name: str, data: st.DataObject) -> None:
    entry = entry_of(name)
    for kind in data.draw(st.lists(st.sampled_from(list(objects_within(entry["schema"]))), min_size=1, max_size=2)):
        kind.pop("additionalProperties", None)
        if data.draw(st.booleans()):
            kind["properties"] = {}
    assert_agreement(data, entry)


@every_stream
@a_few
@given(data=st.data())
def test_messages_are_those_of_the_sdk_with_properties_that_the_catalog_calls_boolean(
    name: str, data: st.DataObject
) -> None:
    entry = entry_of(name)
    types = st.sampled_from(["boolean", ["boolean"], ["null", "boolean"], ["boolean", "string", "null"]])
    for property_ in data.draw(st.sets(st.sampled_from(properties_to_choose(entry)), min_size=1, max_size=6)):
        entry["schema"]["properties"][property_] = {"type": data.draw(types)}
    assert_agreement(data, entry)


STREAM_MAPS: dict[str, dict[str, Any]] = {
    "a filter": {"__filter__": "md5(str(record)) > '8'"},
    "an added property": {"added": "md5(str(record))"},
    "a removed property": {"unknown_fields": None},
    "an alias": {"__alias__": "renamed"},
    "a moment, and others within": {
        "moment": "datetime.datetime(2026, 2, 28)",
        "within": "{'moments': [datetime.datetime(2026, 2, 28)], 'took': datetime.timedelta(2), 'none': None}",
    },
    "a filter, an added and a removed property, and an alias": {
        "__filter__": "md5(str(record)) > '4'",
        "__alias__": "renamed",
        "added": "str(record)",
        "unknown_fields": None,
    },
}


@every_stream
@pytest.mark.parametrize("stream_map", STREAM_MAPS)
@settings(deadline=None, max_examples=8)
@given(data=st.data())
def test_messages_are_those_of_the_sdk_with_a_stream_map_that_has(
    name: str, stream_map: str, data: st.DataObject
) -> None:
    entry = entry_of(name)
    if data.draw(st.booleans()):
        set_metadata(entry, path(data.draw(st.sampled_from(properties_to_choose(entry)))), selected=False)
    assert_agreement(data, entry, stream_maps={name: STREAM_MAPS[stream_map]})


@every_stream
@a_few
@given(data=st.data())
def test_messages_are_those_of_the_sdk_where_a_stream_goes_out_twice(name: str, data: st.DataObject) -> None:
    maps = {name: {"added": "str(record)"}, f"{name}_again": {"__source__": name, "unknown_fields": None}}
    assert_agreement(data, entry_of(name), stream_maps=maps)


@every_stream
@pytest.mark.parametrize("depth", [1, 3])
@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_messages_are_those_of_the_sdk_flattened(name: str, depth: int, data: st.DataObject) -> None:
    assert_agreement(data, entry_of(name), flattening_enabled=True, flattening_max_depth=depth)


@every_stream
@a_few
@given(data=st.data())
def test_messages_are_those_of_the_sdk_with_a_version(name: str, data: st.DataObject) -> None:
    stream = stream_of(entry_of(name))
    stream._stream_version = data.draw(st.integers(1, 2**40))
    assert_both_ways_agree(stream, data.draw(records(stream.schema)))


# Which way is taken


def takes_the_short_way(stream: InstantlyStream, record: Record) -> bool:
    stream._write_record_message(copy.deepcopy(record))
    (message,) = stream._tap.message_writer.kept
    return isinstance(message, RecordLine)


LEAD: Record = {
    "id": "1",
    "status": 1,
    "is_website_visitor": None,
    "status_summary": {"domain_complete": True, "lastStep": {"from": "campaign", "further": 0}},
    "payload": {"any": 0},
}


def as_discovered(entry: Entry) -> None:
    """Everything is selected."""


def without_a_property(entry: Entry) -> None:
    set_metadata(entry, path("payload"), selected=False)


def without_an_object(entry: Entry) -> None:
    set_metadata(entry, path("status_summary"), selected=False)


def with_a_property_of_its_own(entry: Entry) -> None:
    entry["schema"]["properties"]["made_up"] = {"type": "string"}


def without_a_part_of_an_object(entry: Entry) -> None:
    set_metadata(entry, path("status_summary", "lastStep", "from"), selected=False)


def without_a_property_in_the_schema(entry: Entry) -> None:
    del entry["schema"]["properties"]["payload"]


def with_a_closed_object(entry: Entry) -> None:
    entry["schema"]["properties"]["status_summary"]["properties"]["lastStep"]["additionalProperties"] = False


def with_a_flag_that_is_a_number(entry: Entry) -> None:
    entry["schema"]["properties"]["status"] = {"type": ["boolean", "null"]}


@pytest.mark.parametrize("catalog", [as_discovered, without_a_property, without_an_object, with_a_property_of_its_own])
def test_leads_take_the_short_way_with_a_catalog(catalog: Callable[[Entry], None]) -> None:
    catalog(entry := entry_of("leads"))
    assert takes_the_short_way(stream_of(entry), LEAD)


@pytest.mark.parametrize(
    "catalog",
    [
        without_a_part_of_an_object,
        without_a_property_in_the_schema,
        with_a_closed_object,
        with_a_flag_that_is_a_number,
    ],
)
def test_leads_do_not_take_the_short_way_with_a_catalog(catalog: Callable[[Entry], None]) -> None:
    catalog(entry := entry_of("leads"))
    assert not takes_the_short_way(stream_of(entry), LEAD)


def test_every_stream_takes_the_short_way_where_everything_is_selected() -> None:
    catalog = {"streams": [entry_of(stream.name) for stream in STREAMS]}
    for entry in catalog["streams"]:
        set_metadata(entry, (), selected=True)
    tap = TapInstantly(config=NOWHERE, catalog=catalog)
    assert [stream.name for stream in tap.streams.values() if not stream.short_way] == []


# In a run


def test_the_sdk_has_each_record_written_by_this_way_and_it_is_as_by_its_own(
    sync: Callable[..., TapRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, list[Record]] = {}

    def counting(self: InstantlyStream, record: Record) -> None:
        asked.setdefault(self.name, []).append(copy.deepcopy(record))
        the_short_way(self, record)

    monkeypatch.setattr(ShortRecordPath, "_write_record_message", counting)
    run = sync(*NAMES)
    assert {name: len(records) for name, records in asked.items()} == {name: len(run.records(name)) for name in NAMES}
    for name in NAMES:
        stream = stream_of(entry_of(name))
        for record in asked[name][:50]:
            assert_both_ways_agree(stream, record)


# State


WORKSPACES = st.sampled_from([{"workspace_id": "a"}, {"workspace_id": "b"}, {"workspace_id": "c"}, None])
VALUES = st.sampled_from(["2026-01-01T00:00:00.000Z", "2026-02-02T00:00:00.000Z", "2026-03-03T00:00:00.000Z"])
BOOKMARKS = st.fixed_dictionaries(
    {},
    optional={
        "replication_key": st.sampled_from(["changed", "another"]),
        "replication_key_value": VALUES,
        "progress_markers": st.fixed_dictionaries(
            {"replication_key": st.just("changed"), "replication_key_value": VALUES}
        ),
    },
)


@st.composite
def states(draw: st.DrawFn) -> dict[str, Any]:
    """The state that a run gets: none, or one with some of the partitions."""
    if draw(st.booleans()):
        return {}
    some = draw(st.lists(WORKSPACES.filter(bool), unique_by=lambda workspace: workspace["workspace_id"]))
    partitions = [{"context": workspace, **draw(BOOKMARKS)} for workspace in some]
    return copy.deepcopy({"bookmarks": {"leads": {"partitions": partitions}, "others": {"partitions": partitions}}})


Step = Callable[["Context | None", str, StreamStateManager], object]
"""What the SDK or a stream does with the state of a partition."""


def start(workspace: Context | None, value: str, manager: StreamStateManager) -> None:
    manager.write_starting_replication_value(workspace, "INCREMENTAL", "changed", {"start_date": value}, max)


def cap(workspace: Context | None, value: str, manager: StreamStateManager) -> None:
    manager.write_replication_key_signpost(value, context=workspace)


def advance(workspace: Context | None, value: str, manager: StreamStateManager) -> None:
    manager.increment_state({"changed": value}, context=workspace, replication_key="changed")


def goes_back(step: Step, workspace: Context | None, value: str, manager: StreamStateManager) -> bool:
    """Tell whether the SDK would take the bookmark back for a record that a look-back emits; the tap does not."""
    return step is advance and is_behind(manager.get_context_state(workspace), "changed", value)


def finish(workspace: Context | None, value: str, manager: StreamStateManager) -> None:
    manager.finalize_state(manager.get_context_state(workspace))


def finish_all(workspace: Context | None, value: str, manager: StreamStateManager) -> None:
    manager.finalize_progress_markers(partitions=[{"workspace_id": "a"}, {"workspace_id": "b"}])


def forget_progress(workspace: Context | None, value: str, manager: StreamStateManager) -> None:
    manager.get_context_state(workspace).pop("progress_markers", None)


def look(workspace: Context | None, value: str, manager: StreamStateManager) -> object:
    return (
        manager.get_starting_replication_value(workspace, "INCREMENTAL"),
        manager.is_state_non_resumable(workspace),
        manager.get_state_partitions(),
    )


STEPS = (start, cap, advance, finish, finish_all, forget_progress, look)


def manager_of(state: dict[str, Any], *partition_keys: str) -> PartitionStates:
    keys = partition_keys or None
    return PartitionStates(partition_keys=keys, tap_name="tap", stream_name="leads", tap_state=copy.deepcopy(state))


STEP = st.tuples(st.sampled_from(STEPS), WORKSPACES, st.booleans(), VALUES)
"""What is done with which workspace, and whether in a turn that is not its last."""


@settings(deadline=None, max_examples=150)
@given(state=states(), done=st.lists(STEP, max_size=25))
def test_partitions_in_turns_have_the_state_that_the_sdk_would_give_to_those_that_come_once(
    state: dict[str, Any], done: list[tuple[Step, Context | None, bool, str]]
) -> None:
    ours = manager_of(state, "workspace_id")
    theirs = StreamStateManager(tap_name="tap", stream_name="leads", tap_state=copy.deepcopy(state))
    started: list[Context | None] = []
    for step, workspace, more_to_come, value in done:
        turn = {**workspace, "more_to_come": True} if workspace and more_to_come else workspace
        found = step(turn, value, ours)
        again = step is start and workspace in started  # once, as where a partition comes once
        if not again and not goes_back(step, workspace, value, theirs):
            assert found == step(workspace, value, theirs)
        if step is start:
            started.append(workspace)
        assert json.dumps(ours.tap_state) == json.dumps(theirs.tap_state)


@settings(deadline=None, max_examples=50)
@given(state=states(), done=st.lists(STEP, max_size=15))
def test_without_partition_keys_all_of_a_context_counts_as_with_the_sdk(
    state: dict[str, Any], done: list[tuple[Step, Context | None, bool, str]]
) -> None:
    ours = manager_of(state)
    theirs = StreamStateManager(tap_name="tap", stream_name="leads", tap_state=copy.deepcopy(state))
    for step, workspace, of_a_list, value in done:
        context = {**workspace, "list_id": "one"} if workspace and of_a_list else workspace
        if step is not start:
            found = step(context, value, ours)
            if not goes_back(step, context, value, theirs):
                assert found == step(context, value, theirs)
            assert json.dumps(ours.tap_state) == json.dumps(theirs.tap_state)
        assert ours.get_state_partition_context(context) == theirs.get_state_partition_context(context)


def test_the_starting_value_is_that_of_the_first_turn_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    manager = manager_of({}, "workspace_id")
    caplog.set_level(logging.INFO)
    a, b = {"workspace_id": "a"}, {"workspace_id": "b"}
    for context in ({**a, "more_to_come": True}, {**b, "more_to_come": True}, a, b):
        start(context, "2026-01-01T00:00:00.000Z", manager)
        advance(context, "2026-02-02T00:00:00.000Z", manager)
        if context in (a, b):
            finish(context, "", manager)
            start(context, "2026-03-03T00:00:00.000Z", manager)
    assert manager.get_state_partitions() == [
        {"context": context, "replication_key": "changed", "replication_key_value": "2026-02-02T00:00:00.000Z"}
        for context in (a, b)
    ]
    assert len([line for line in caplog.messages if line.startswith("Starting incremental sync")]) == 2


def test_the_context_of_the_last_turn_alone_is_that_of_its_state() -> None:
    manager = manager_of({}, "workspace_id")
    last = {"workspace_id": "a"}
    assert manager.get_state_partition_context(last) == last
    assert manager.get_state_partition_context({**last, "more_to_come": True}) == last
    assert manager.get_context_state({**last, "more_to_come": True}) is manager.get_context_state(last)


def test_the_state_of_a_partition_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Context | None] = []
    monkeypatch.setattr(StreamStateManager, "get_context_state", lambda _, context: asked.append(context) or {})
    manager = manager_of({}, "workspace_id")
    for workspace in "abab":
        manager.get_context_state({"workspace_id": workspace})
    assert asked == [{"workspace_id": "a"}, {"workspace_id": "b"}]


def test_the_sdk_is_asked_to_move_the_bookmark_only_for_what_may_move_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    increment = StreamStateManager.increment_state

    def noting(manager: StreamStateManager, latest_record: dict[str, Any], **settings: Any) -> None:
        asked.append(latest_record["changed"])
        increment(manager, latest_record, **settings)

    monkeypatch.setattr(StreamStateManager, "increment_state", noting)
    manager = manager_of({}, "workspace_id")
    for value in ("2026-02", "2026-01", "2026-02", "2026-03", "2026-01"):
        advance({"workspace_id": "a"}, value, manager)
    assert asked == ["2026-02", "2026-02", "2026-03"]


def test_a_record_out_of_order_is_noticed_where_a_list_is_sorted() -> None:
    manager = PartitionStates(tap_name="tap", stream_name="emails", tap_state={}, is_sorted=True)
    advance({"workspace_id": "a"}, "2026-02", manager)
    with pytest.raises(InvalidStreamSortException):
        advance({"workspace_id": "a"}, "2026-01", manager)


@every_stream
def test_a_stream_manages_its_state_with_what_the_sdk_would_have_given_its_own_manager(name: str) -> None:
    stream = stream_of(entry_of(name))
    assert isinstance(stream.state_manager, PartitionStates)
    assert stream.state_manager is stream.state_manager
    ours, theirs = vars(stream.state_manager), vars(Stream.state_manager.fget(stream))
    assert {name: ours[name] for name in theirs} == theirs
    assert stream.state_manager.tap_state is stream.tap_state
