from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk import Stream
from singer_sdk.singerlib.encoding.simple import SimpleSingerWriter
from singer_sdk.streams._state import StreamStateManager

from tap_instantly.streams import STREAMS
from tap_instantly.streams.conformance import mended
from tap_instantly.streams.record_stream import RecordStream
from tap_instantly.sync.state import PartitionStates, is_behind
from tap_instantly.sync.writer import BufferedWriter, RecordLine
from tap_instantly.tap import TapInstantly
from tests.support import examples

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
    "name", [pytest.param(name, marks=() if name == "campaigns" else pytest.mark.long) for name in NAMES]
)


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


Draw = Callable[[st.SearchStrategy[Any]], Any]
Settings = dict[str, Any]


def everything_selected(draw: Draw, entry: Entry) -> None:
    """Leave the catalog as discovered."""


def deselected_properties(draw: Draw, entry: Entry) -> None:
    for property_ in draw(st.sets(st.sampled_from(list(entry["schema"]["properties"])), min_size=1)):
        set_metadata(entry, path(property_), selected=False)  # key properties stay regardless


def partly_deselected_objects(draw: Draw, entry: Entry) -> None:
    within = [tuple(m["breadcrumb"]) for m in entry["metadata"] if len(m["breadcrumb"]) > 2]
    within.append(path("unknown_fields", "0"))  # absent from discovery, but possible in a user's catalog
    for breadcrumb in draw(st.sets(st.sampled_from(within), min_size=1)):
        set_metadata(entry, breadcrumb, selected=False)


def properties_missing_from_the_catalog(draw: Draw, entry: Entry) -> None:
    for property_ in draw(st.sets(st.sampled_from(properties_to_choose(entry)), min_size=1, max_size=4)):
        del entry["schema"]["properties"][property_]
        if draw(st.booleans()):
            entry["metadata"] = [item for item in entry["metadata"] if item["breadcrumb"][1:2] != [property_]]


def closed_objects(draw: Draw, entry: Entry) -> None:
    objects = list(objects_within(entry["schema"]))
    for kind in draw(st.lists(st.sampled_from(objects), min_size=1, max_size=2)) if objects else ():
        kind.pop("additionalProperties", None)
        if draw(st.booleans()):
            kind["properties"] = {}


def boolean_properties(draw: Draw, entry: Entry) -> None:
    types = st.sampled_from(["boolean", ["boolean"], ["null", "boolean"], ["boolean", "string", "null"]])
    for property_ in draw(st.sets(st.sampled_from(properties_to_choose(entry)), min_size=1, max_size=6)):
        entry["schema"]["properties"][property_] = {"type": draw(types)}


def written_twice(draw: Draw, entry: Entry) -> Settings:
    name = entry["stream"]
    maps = {name: {"added": "str(record)"}, f"{name}_again": {"__source__": name, "unknown_fields": None}}
    return {"stream_maps": maps}


def flattened(draw: Draw, entry: Entry) -> Settings:
    return {"flattening_enabled": True, "flattening_max_depth": draw(st.sampled_from([1, 3]))}


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


def mapped(stream_map: str, draw: Draw, entry: Entry) -> Settings:
    if draw(st.booleans()):
        set_metadata(entry, path(draw(st.sampled_from(properties_to_choose(entry)))), selected=False)
    return {"stream_maps": {entry["stream"]: STREAM_MAPS[stream_map]}}


CASES: dict[str, Callable[[Draw, Entry], Settings | None]] = {
    **{
        case.__name__.replace("_", " "): case
        for case in (
            everything_selected,
            deselected_properties,
            partly_deselected_objects,
            properties_missing_from_the_catalog,
            closed_objects,
            boolean_properties,
            written_twice,
            flattened,
        )
    },
    **{f"a stream map with {name}": partial(mapped, name) for name in STREAM_MAPS},
}
"""Changes of a catalog entry; each returns settings of the tap, if there are some."""


@every_stream
@pytest.mark.parametrize("case", CASES)
@examples(20)
@given(data=st.data())
def test_messages_match_the_sdk_with(name: str, case: str, data: st.DataObject) -> None:
    entry = entry_of(name)
    stream = stream_of(entry, **(CASES[case](data.draw, entry) or {}))
    for record in data.draw(st.lists(records(stream.schema), min_size=1, max_size=5)):
        assert_both_ways_agree(stream, record)


@every_stream
@examples(20)
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


def columns(entry: Entry) -> dict[str, Any]:
    return entry["schema"]["properties"]


def last_step(entry: Entry) -> dict[str, Any]:
    return columns(entry)["status_summary"]["properties"]["lastStep"]


CATALOGS: dict[str, tuple[Callable[[Entry], object], bool]] = {
    "as discovered": (lambda _: None, True),
    "without a property": (lambda entry: set_metadata(entry, path("payload"), selected=False), True),
    "without an object": (lambda entry: set_metadata(entry, path("status_summary"), selected=False), True),
    "with a property of its own": (lambda entry: columns(entry).update(made_up={"type": "string"}), True),
    "without a part of an object": (
        lambda entry: set_metadata(entry, path("status_summary", "lastStep", "from"), selected=False),
        False,
    ),
    "without a property in the schema": (lambda entry: columns(entry).pop("payload"), False),
    "with a closed object": (lambda entry: last_step(entry).update(additionalProperties=False), False),
    "with a flag that is a number": (lambda entry: columns(entry).update(status={"type": ["boolean", "null"]}), False),
}
"""Changes of a catalog, and true if records still take the fast path."""


@pytest.mark.parametrize(("change", "expected"), CATALOGS.values(), ids=CATALOGS)
def test_leads_take_the_fast_path_only_with_a_catalog(change: Callable[[Entry], object], *, expected: bool) -> None:
    change(entry := entry_of("leads"))
    assert takes_the_short_way(stream_of(entry), LEAD) is expected


def test_every_stream_takes_the_fast_path_with_everything_selected() -> None:
    catalog = {"streams": [entry_of(stream.name) for stream in STREAMS]}
    for entry in catalog["streams"]:
        set_metadata(entry, (), selected=True)
    tap = TapInstantly(config=NOWHERE, catalog=catalog)
    assert [stream.name for stream in tap.streams.values() if not stream.takes_fast_path] == []


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


@examples(150)
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
