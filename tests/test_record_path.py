from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk import Stream
from singer_sdk.singerlib.encoding.simple import SimpleSingerWriter
from singer_sdk.streams._state import StreamStateManager

from tap_instantly.streams import STREAMS
from tap_instantly.streams.conformance import mended
from tap_instantly.streams.record_stream import RecordStream
from tap_instantly.sync.partition_states import PartitionStates, is_behind
from tap_instantly.sync.writer import BufferedWriter, RecordLine
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

NAMES = ("leads", "campaigns", "accounts", "campaign_analytics_daily")
NOWHERE = {"api_key": "none", "api_url": "http://127.0.0.1:9/api/v2"}

every_stream = pytest.mark.parametrize(
    "name", [*NAMES[:2], *(pytest.param(name, marks=pytest.mark.long) for name in NAMES[2:])]
)
a_few = settings(deadline=None, max_examples=20)


# Streams for a catalog and settings, without a connection


@cache
def discovered() -> dict[str, Entry]:
    return {entry["stream"]: entry for entry in TapInstantly(config=NOWHERE).catalog_dict["streams"]}


def entry_of(name: str) -> Entry:
    return json.loads(json.dumps(discovered()[name]))


class KeepingWriter(SimpleSingerWriter):
    """Keeps the messages unchanged."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Any] = []

    def write_message(self, message: Any) -> None:
        self.kept.append(message)


def stream_of(entry: Entry, **more: Any) -> InstantlyStream:
    """Create a tap's stream for a catalog entry; its messages are kept."""

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
    """Return the breadcrumb of a property or a nested one."""
    return tuple(step for name in names for step in ("properties", name))


def properties_to_choose(entry: Entry) -> list[str]:
    automatic = {tuple(m["breadcrumb"]) for m in entry["metadata"] if m["metadata"].get("inclusion") == "automatic"}
    return [name for name in entry["schema"]["properties"] if path(name) not in automatic]


def objects_within(kind: Kind) -> Iterator[dict[str, Any]]:
    """Yield the schemas of all nested objects."""
    for part in kind.get("properties", {}).values():
        within = part.get("items", part)
        if "properties" in within:
            yield within
            yield from objects_within(within)


# Records, mostly valid, with any JSON anywhere

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
    """Generate shaped records: some of the schema's properties and no others."""
    kinds: Mapping[str, Kind] = schema["properties"]
    names = st.sampled_from(list(kinds))
    if with_booleans := [name for name, kind in kinds.items() if has_booleans(kind)]:
        names |= st.sampled_from(with_booleans)
    made = {name: draw(values(kinds[name])) for name in draw(st.lists(names, unique=True, max_size=8))}
    decoded: Record = msgspec.json.decode(json.dumps(made))
    return {name: mended(value, kinds[name], name, lambda *_: None) for name, value in decoded.items()}


# Both write paths


WriteRecord = Callable[["InstantlyStream", "Record"], None]

the_sdks_way: WriteRecord = Stream._write_record_message
the_short_way: WriteRecord = RecordStream._write_record_message


def written(
    way: WriteRecord, stream: InstantlyStream, record: Record, form: GenericSingerWriter[Any, Any]
) -> list[str]:
    """Return the messages as JSON text, which distinguishes true, 1 and 1.0; without the time of extraction."""
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
    """Compare the messages, and the record left afterwards, from which the SDK takes the bookmark."""
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
def test_messages_match_the_sdk_with_everything_selected(name: str, data: st.DataObject) -> None:
    assert_agreement(data, entry_of(name))


@every_stream
@a_few
@given(data=st.data())
def test_messages_match_the_sdk_with_deselected_properties(name: str, data: st.DataObject) -> None:
    entry = entry_of(name)
    for property_ in data.draw(st.sets(st.sampled_from(list(entry["schema"]["properties"])), min_size=1)):
        set_metadata(entry, path(property_), selected=False)  # key properties stay regardless
    assert_agreement(data, entry)


@every_stream
@a_few
@given(data=st.data())
def test_messages_match_the_sdk_with_partly_deselected_objects(name: str, data: st.DataObject) -> None:
    entry = entry_of(name)
    within = [tuple(m["breadcrumb"]) for m in entry["metadata"] if len(m["breadcrumb"]) > 2]
    within.append(path("unknown_fields", "0"))  # absent from discovery, but possible in a user's catalog
    for breadcrumb in data.draw(st.sets(st.sampled_from(within), min_size=1)):
        set_metadata(entry, breadcrumb, selected=False)
    assert_agreement(data, entry)


@every_stream
@a_few
@given(data=st.data())
def test_messages_match_the_sdk_with_properties_missing_from_the_catalog(name: str, data: st.DataObject) -> None:
    entry = entry_of(name)
    for property_ in data.draw(st.sets(st.sampled_from(properties_to_choose(entry)), min_size=1, max_size=4)):
        del entry["schema"]["properties"][property_]
        if data.draw(st.booleans()):
            entry["metadata"] = [item for item in entry["metadata"] if item["breadcrumb"][1:2] != [property_]]
    assert_agreement(data, entry)


@pytest.mark.parametrize("name", ["leads", "accounts", "campaigns"])
@a_few
@given(data=st.data())
def test_messages_match_the_sdk_with_closed_objects(name: str, data: st.DataObject) -> None:
    entry = entry_of(name)
    for kind in data.draw(st.lists(st.sampled_from(list(objects_within(entry["schema"]))), min_size=1, max_size=2)):
        kind.pop("additionalProperties", None)
        if data.draw(st.booleans()):
            kind["properties"] = {}
    assert_agreement(data, entry)


@every_stream
@a_few
@given(data=st.data())
def test_messages_match_the_sdk_for_boolean_properties(name: str, data: st.DataObject) -> None:
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
def test_messages_match_the_sdk_with_a_stream_map_that_has(name: str, stream_map: str, data: st.DataObject) -> None:
    entry = entry_of(name)
    if data.draw(st.booleans()):
        set_metadata(entry, path(data.draw(st.sampled_from(properties_to_choose(entry)))), selected=False)
    assert_agreement(data, entry, stream_maps={name: STREAM_MAPS[stream_map]})


@every_stream
@a_few
@given(data=st.data())
def test_messages_match_the_sdk_for_a_stream_written_twice(name: str, data: st.DataObject) -> None:
    maps = {name: {"added": "str(record)"}, f"{name}_again": {"__source__": name, "unknown_fields": None}}
    assert_agreement(data, entry_of(name), stream_maps=maps)


@every_stream
@pytest.mark.parametrize("depth", [1, 3])
@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_messages_match_the_sdk_when_flattened(name: str, depth: int, data: st.DataObject) -> None:
    assert_agreement(data, entry_of(name), flattening_enabled=True, flattening_max_depth=depth)


@every_stream
@a_few
@given(data=st.data())
def test_messages_match_the_sdk_with_a_version(name: str, data: st.DataObject) -> None:
    stream = stream_of(entry_of(name))
    stream._stream_version = data.draw(st.integers(1, 2**40))
    assert_both_ways_agree(stream, data.draw(records(stream.schema)))


# Choice of the path


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
    """Leave everything selected."""


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
def test_leads_take_the_fast_path_with_a_catalog(catalog: Callable[[Entry], None]) -> None:
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
def test_leads_do_not_take_the_fast_path_with_a_catalog(catalog: Callable[[Entry], None]) -> None:
    catalog(entry := entry_of("leads"))
    assert not takes_the_short_way(stream_of(entry), LEAD)


def test_every_stream_takes_the_fast_path_with_everything_selected() -> None:
    catalog = {"streams": [entry_of(stream.name) for stream in STREAMS]}
    for entry in catalog["streams"]:
        set_metadata(entry, (), selected=True)
    tap = TapInstantly(config=NOWHERE, catalog=catalog)
    assert [stream.name for stream in tap.streams.values() if not stream.short_way] == []


# Within a run


def test_records_written_by_the_fast_path_match_the_sdks(
    sync: Callable[..., TapRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, list[Record]] = {}

    def counting(self: InstantlyStream, record: Record) -> None:
        asked.setdefault(self.name, []).append(copy.deepcopy(record))
        the_short_way(self, record)

    monkeypatch.setattr(RecordStream, "_write_record_message", counting)
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
    """Generate the state of a run: empty, or with some of the partitions."""
    if draw(st.booleans()):
        return {}
    some = draw(st.lists(WORKSPACES.filter(bool), unique_by=lambda workspace: workspace["workspace_id"]))
    partitions = [{"context": workspace, **draw(BOOKMARKS)} for workspace in some]
    return copy.deepcopy({"bookmarks": {"leads": {"partitions": partitions}, "others": {"partitions": partitions}}})


Step = Callable[["Context | None", str, StreamStateManager], object]
"""A change of a partition's state by the SDK or a stream."""


def start(workspace: Context | None, value: str, manager: StreamStateManager) -> None:
    manager.write_starting_replication_value(workspace, "INCREMENTAL", "changed", {"start_date": value}, max)


def cap(workspace: Context | None, value: str, manager: StreamStateManager) -> None:
    manager.write_replication_key_signpost(value, context=workspace)


def advance(workspace: Context | None, value: str, manager: StreamStateManager) -> None:
    manager.increment_state({"changed": value}, context=workspace, replication_key="changed")


def goes_back(step: Step, workspace: Context | None, value: str, manager: StreamStateManager) -> bool:
    """Return true if the SDK would move the bookmark back for a record within the look-back; the tap does not."""
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


def manager_of(state: dict[str, Any]) -> PartitionStates:
    return PartitionStates(tap_name="tap", stream_name="leads", tap_state=copy.deepcopy(state))


STEP = st.tuples(st.sampled_from(STEPS), WORKSPACES, st.booleans(), VALUES)
"""A step, its workspace, and true if the step names the workspace rather than use the current one."""


@settings(deadline=None, max_examples=150)
@given(state=states(), done=st.lists(STEP, max_size=25))
def test_partitions_have_the_same_state_as_with_the_sdk(
    state: dict[str, Any], done: list[tuple[Step, Context | None, bool, str]]
) -> None:
    ours = manager_of(state)
    theirs = StreamStateManager(tap_name="tap", stream_name="leads", tap_state=copy.deepcopy(state))
    for step, workspace, is_named, value in done:
        if step is start and not workspace:
            step(workspace, value, ours)  # streams have no start of their own
            continue
        ours.current = workspace
        found = step(workspace if is_named or step is not advance else None, value, ours)
        if not goes_back(step, workspace, value, theirs):
            assert found == step(workspace, value, theirs)
        assert json.dumps(ours.tap_state) == json.dumps(theirs.tap_state)


def test_where_bookmarks_move_by_page_no_record_moves_them() -> None:
    manager = PartitionStates(tap_name="tap", stream_name="emails", tap_state={}, by_page=True)
    manager.check_sorted = False
    advance({"workspace_id": "a"}, "2026-02", manager)
    assert manager.get_state_partitions() is None
    manager.move("changed", "2026-01", {"workspace_id": "a"})
    assert manager.get_context_state({"workspace_id": "a"})["replication_key_value"] == "2026-01"


def test_the_state_of_a_partition_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Context | None] = []
    monkeypatch.setattr(StreamStateManager, "get_context_state", lambda _, context: asked.append(context) or {})
    manager = manager_of({})
    for workspace in "abab":
        manager.get_context_state({"workspace_id": workspace})
    assert asked == [{"workspace_id": "a"}, {"workspace_id": "b"}]


def test_sdk_increments_state_only_for_records_that_may_move_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    increment = StreamStateManager.increment_state

    def noting(manager: StreamStateManager, latest_record: dict[str, Any], **settings: Any) -> None:
        asked.append(latest_record["changed"])
        increment(manager, latest_record, **settings)

    monkeypatch.setattr(StreamStateManager, "increment_state", noting)
    manager = manager_of({})
    for value in ("2026-02", "2026-01", "2026-02", "2026-03", "2026-01"):
        advance({"workspace_id": "a"}, value, manager)
    assert asked == ["2026-02", "2026-02", "2026-03"]


@every_stream
def test_state_manager_gets_the_same_values_as_the_sdks_own(name: str) -> None:
    stream = stream_of(entry_of(name))
    assert isinstance(stream.state_manager, PartitionStates)
    assert stream.state_manager is stream.state_manager
    ours, theirs = vars(stream.state_manager), vars(Stream.state_manager.fget(stream))
    assert {name: ours[name] for name in theirs} == theirs
    assert stream.state_manager.tap_state is stream.tap_state
