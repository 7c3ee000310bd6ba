"""Impossible responses and their effects."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tap_instantly.client.decode import decode
from tap_instantly.streams import STREAMS
from tap_instantly.sync.writer import BufferedWriter
from tap_instantly.tap import TapInstantly
from tests.partitions import partition_of
from tests.support import catalog_of
from tools import fuzz

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server
    from tap_instantly.streams import InstantlyStream
    from tests.support import TapRun

NAMES = sorted(stream.name for stream in STREAMS)
CAMPAIGNS = "/api/v2/campaigns"


class Shaping:
    """Writes the rows of one stream and validates them against its schema."""

    def __init__(self, stream: InstantlyStream) -> None:
        self.properties = dict(stream.schema["properties"])
        self._stream = stream
        self._validator = Draft202012Validator(stream.schema)
        self._writer = BufferedWriter()
        self._partition = partition_of(stream)

    def records(self, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        written = []
        for row in rows:
            before = self._left_out
            if (record := self._stream.shaped(row, self._partition)) is None:
                assert self._left_out == before + 1, "a record was discarded and not counted"
                continue
            for message in self._stream._generate_record_messages(record):
                written.append(fuzz.read_line(self._writer.serialize_message(message))["record"])
                fuzz.check(written[-1], self._validator)
        return written

    @property
    def _left_out(self) -> int:
        return sum(self._stream.shaper.oddities[name] for name in ("without_key", "too_deep"))


@pytest.fixture(scope="module")
def shaping() -> dict[str, Shaping]:
    """Every stream with everything selected, of a tap that never connects."""
    config = {"api_key": "none", "api_url": "http://127.0.0.1:9/api/v2"}
    streams: Any = TapInstantly(config=dict(config), catalog=catalog_of(config)).streams
    return {name: Shaping(stream) for name, stream in streams.items()}


# Shaping and writing

ODD_NUMBERS = st.sampled_from([float("nan"), float("inf"), 2**63, -(2**70), 10**400, 5.0, 1e22, 1.5])
TEXTS = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["\0", "\ud800", "2026-10-31", "2026-13-01T00:00:00.000Z", "9999-12-31T23:59:59-14:00", ""]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | ODD_NUMBERS | TEXTS,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(TEXTS, part, max_size=3),
    max_leaves=6,
)


def values_of(kind: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Generate values of a schema to its full depth, with arbitrary values in places."""
    if "properties" in kind:
        parts = {name: values_of(part) for name, part in kind["properties"].items()}
        return JSON | st.fixed_dictionaries({}, optional=parts)
    if isinstance(kind.get("items"), dict):
        return JSON | st.lists(values_of(kind["items"]), max_size=2)
    return JSON


@pytest.mark.long
@pytest.mark.parametrize("stream", NAMES)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_any_record_fits_the_schema_or_is_counted(
    shaping: dict[str, Shaping], stream: str, data: st.DataObject
) -> None:
    properties = shaping[stream].properties
    row = data.draw(st.fixed_dictionaries({}, optional={name: values_of(kind) for name, kind in properties.items()}))
    row |= data.draw(st.dictionaries(TEXTS, JSON, max_size=2))
    keys = {name: "a" for name, kind in properties.items() if kind.get("type") == "string" and "date" not in name}
    if data.draw(st.booleans()):
        row |= keys
    shaping[stream].records(decode(json.dumps(row).encode()))


def written(shaping: dict[str, Shaping], body: str, stream: str = "leads") -> dict[str, Any]:
    (record,) = shaping[stream].records(decode(body.encode()))
    return {
        name: value
        for name, value in record.items()
        if name not in {"workspace_id", "workspace_name", "timestamp_updated"}
    }


@pytest.mark.parametrize(
    ("sent", "column", "aside"),
    [
        ('"status":"many"', {"status": None}, {"status": "many"}),
        ('"status":true', {"status": None}, {"status": True}),
        ('"status":5.0', {"status": 5}, None),
        ('"status":5.5', {"status": None}, {"status": 5.5}),
        ('"status":9223372036854775808', {"status": None}, {"status": "9223372036854775808"}),
        ('"status":NaN', {"status": None}, {"status": "NaN"}),
        ('"email":1e400', {"email": None}, {"email": "1e400"}),
        ('"email":[1]', {"email": None}, {"email": [1]}),
        (r'"email":"a\u0000b"', {"email": "a\ufffdb"}, {"email": r"a\u0000b"}),
        (r'"email":"\ud800"', {"email": "\ufffd"}, {"email": r"\ud800"}),
        (r'"payload":{"a":["\u0000",1e400]}', {"payload": {"a": ["\ufffd", None]}},
         {"payload.a[0]": r"\u0000", "payload.a[1]": "1e400"}),
        (r'"payload":{"\u0000":1}', {"payload": {"\ufffd": 1}}, {"payload.\ufffd": r"\u0000"}),
        ('"payload":{"a":123456789012345678901234567890}', {"payload": {"a": 123456789012345678901234567890}}, None),
        ('"payload":{"":{"":null}}', {"payload": {"": {"": None}}}, None),
        ('"payload":[]', {"payload": None}, {"payload": []}),
        ('"status_summary":{"lastStep":{"from":1},"new":2}', {"status_summary": {"lastStep": {"from": None}, "new": 2}},
         {"status_summary.lastStep.from": 1}),
        ('"timestamp_created":"0000-01-01T00:00:00.000Z"', {"timestamp_created": None},
         {"timestamp_created": "0000-01-01T00:00:00.000Z"}),
        ('"timestamp_created":NaN', {"timestamp_created": None}, {"timestamp_created": "NaN"}),
        (r'"\u0000":"\u0000"', {}, {r"\u0000": r"\u0000"}),
        ('"unknown_fields":"theirs","new":1', {}, {"unknown_fields": "theirs", "new": 1}),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_a_column_are_moved_without_loss(
    shaping: dict[str, Shaping], sent: str, column: dict[str, Any], aside: dict[str, Any] | None
) -> None:
    record = written(shaping, f'{{"id":"1",{sent}}}')
    assert record == {"id": "1", **column, **({"unknown_fields": aside} if aside else {})}


def test_integer_key_in_place_of_text_becomes_text(shaping: dict[str, Shaping]) -> None:
    assert written(shaping, '{"id":17}') == {"id": "17"}


@pytest.mark.parametrize("key", ["true", "1.5", "[]", "{}", "NaN", r'"\u0000"', r'"\ud800"'])
def test_record_with_an_invalid_key_is_discarded_and_logged(
    shaping: dict[str, Shaping], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert shaping["leads"].records(decode(f'{{"id":{key}}}'.encode())) == []
    assert sum("Discarded a record" in message for message in caplog.messages) == 1


def test_too_deep_record_is_discarded_with_its_key_logged(
    shaping: dict[str, Shaping], caplog: pytest.LogCaptureFixture
) -> None:
    deep = '{"a":' * 200 + "1" + "}" * 200
    rows = decode(f'[{{"id":"deep","payload":{deep}}},{{"id":"flat","new":{deep}}},{{"id":"good"}}]'.encode())
    assert [record["id"] for record in shaping["leads"].records(*rows)] == ["good"]
    assert [m for m in caplog.messages if "Discarded" in m] == [
        f"Discarded a record that is nested too deeply; the rest of its key: {{'id': '{key}'}}"
        for key in ("deep", "flat")
    ]


def test_too_deep_nesting_discards_only_that_record(api: Server, sync: Callable[..., TapRun]) -> None:
    campaigns = [*api.control.truth("campaigns")]
    body = json.dumps({"items": campaigns}).replace('"status": ', f'"deep": {"[" * 3000}{"]" * 3000}, "status": ', 1)
    api.control.fault("/api/v2/campaigns", "status", status=200, body=body)
    run = sync("campaigns")
    assert [record["id"] for record in run.records("campaigns")] == [row["id"] for row in campaigns[1:]]
    assert run.tap.streams["campaigns"].shaper.oddities["too_deep"] == 1


def test_log_stays_short_with_any_field_names(shaping: dict[str, Shaping], caplog: pytest.LogCaptureFixture) -> None:
    names = [f"{number}\n{'x' * 1000}" for number in range(1000)]
    shaping["lead_lists"].records({"id": "1", **dict.fromkeys(names, 1)})
    assert 1 < len(caplog.messages) < 300
    assert all(len(message) < 300 and "\n" not in message for message in caplog.messages)


@pytest.fixture(scope="module")
def every() -> list[fuzz.Runs]:
    return fuzz.recorded()


def test_every_stream_has_a_page_to_mutate(every: list[fuzz.Runs]) -> None:
    assert sorted(runs.stream.name for runs in every if runs.recorded) == NAMES


def test_mutated_page_gives_valid_output_and_a_documented_exit(every: list[fuzz.Runs]) -> None:
    pages = len(every)
    kinds, counts = fuzz.fuzz(every, pages, seed=7)
    assert kinds.total() == pages
    assert kinds.keys() == {*fuzz.KINDS, fuzz.ASKED_BY}
    assert counts["complete"] + counts["incomplete"] + counts["skipped"] + counts["stopped"] == pages
    assert min(counts[name] for name in ("complete", "incomplete", "left_out", "no_records", "values_moved")) > 0


# Whole runs


def test_hostile_page_costs_only_its_hostile_records(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    body = (
        r'{"items":[{"id":"a","name":"\ud800"},{"id":"b","email_gap":1e400},7,{"id":null},'
        r'{"id":"c","name":"x\u0000","sequences":[{"steps":[1]}]},{"id":"d"}]}'
    )
    api.control.fault(CAMPAIGNS, "status", status=200, body=body)
    run = sync("campaigns")
    assert [record["id"] for record in run.records("campaigns")] == ["a", "b", "c", "d"]
    (summary,) = [message for message in caplog.messages if message.startswith("Synced campaigns")]
    assert "records=4 " in summary
    assert "without_key=1 no_records=1 moved=4" in summary
    assert sum("not objects, at positions [2]" in message for message in caplog.messages) == 1


def test_parent_with_an_invalid_id_is_skipped(api: Server, sync: Callable[..., TapRun]) -> None:
    good = next(api.control.truth("campaigns"))
    steps = '"sequences":[{"steps":[7,{"variants":[null,{}]}]}]'
    odd = ",".join(f'{{"id":{id_},{steps}}}' for id_ in ("7", "null", "{}", r'"\ud800"', '""'))
    api.control.fault(CAMPAIGNS, "status", status=200, body=f'{{"items":[{odd},{json.dumps(good)}]}}', count=None)
    streams = ("campaign_sending_status", "campaign_steps", "campaign_variants")
    run = sync(*streams)
    for stream in streams:
        assert good["id"] in {record["campaign_id"] for record in run.records(stream)}


@pytest.mark.parametrize("day", ["7", '"2026-02-31"', '"someday"', "NaN"])
def test_row_with_an_invalid_date_is_discarded_alone_counted_and_logged(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture, day: str
) -> None:
    body = f'[{{"date":{day},"sent":1}},{{"date":"2026-10-30","sent":1}}]'
    api.control.fault("/api/v2/campaigns/analytics/daily", "status", status=200, body=body, count=None)
    run = sync("campaign_analytics_daily", start_date="2026-10-29")
    found = run.records("campaign_analytics_daily")
    assert {record["date"] for record in found} == {"2026-10-30"}
    assert run.tap.streams["campaign_analytics_daily"].shaper.keyless == len(found)
    assert "Discarded a record" in caplog.text


def test_invalid_warmup_figures_are_moved_to_unknown_fields(api: Server, sync: Callable[..., TapRun]) -> None:
    body = '{"email_date_data":{"a@example.com":{"2026-10-30":7,"soon":{}},"b@example.com":7}}'
    api.control.fault("/api/v2/accounts/warmup-analytics", "status", status=200, body=body, count=None)
    records = sync("account_warmup_daily").records("account_warmup_daily")
    assert {(r["email"], r["date"]) for r in records} == {("a@example.com", "2026-10-30")}
    assert records[0]["unknown_fields"] == {"figures": 7}


def test_unsendable_cursor_leaves_the_list_incomplete(api: Server, sync: Callable[..., TapRun]) -> None:
    api.control.fault(
        CAMPAIGNS, "status", status=200, body=r'{"items":[{"id":"a"}],"next_starting_after":"\ud800"}', count=None
    )
    run = sync("campaigns", "lead_lists", incomplete=True)
    assert run.records("campaigns")
    assert run.records("lead_lists")
