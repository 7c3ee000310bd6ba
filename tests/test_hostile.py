"""What no server should send, and what becomes of it."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_instantly.api.decode import DEEPEST, UNREADABLE, Odd, decode
from tap_instantly.streams import STREAMS
from tools import fuzz

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server
    from tests.support import TapRun

NAMES = sorted(stream.name for stream in STREAMS)
CAMPAIGNS = "/api/v2/campaigns"


@pytest.fixture(scope="module")
def checkers() -> dict[str, fuzz.Checker]:
    return {name: fuzz.Checker(stream) for name, stream in fuzz.offline_streams().items()}


# Decoding


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"9223372036854775808", 2**63),
        (b"1" + b"0" * 400, 10**400),
        (b"0.1234567890123456789012345", Decimal("0.1234567890123456789012345")),
        (b"12345678901234567.0", Decimal("12345678901234567.0")),
        (b"33.333333333333336", 33.333333333333336),
        (b"1e5", 1e5),
        (b"-0.0", -0.0),
        (b"1e400", Odd("1e400")),
        (b"-1e400", Odd("-1e400")),
        (b"1e-400", Odd("1e-400")),
        (b"1e-9999999999999999999999", Odd("1e-9999999999999999999999")),
        (b"NaN", Odd("NaN")),
        (b"-Infinity", Odd("-Infinity")),
        (b"7" * 5000, Odd("7" * 5000)),
        (rb'"a\u0000b"', Odd(r"a\u0000b", "a\ufffdb")),
        (rb'"\\u0000"', r"\u0000"),
        (rb'"\ud800"', Odd(r"\ud800", "\ufffd")),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (b'"\xff"', Odd(r"\udcff", "\ufffd")),
        (b'"a\nb"', "a\nb"),
        (b"\xef\xbb\xbf[1]", [1]),
        (b'{"a":1,"a":2}', {"a": 2}),
        (rb'{"\u0000":[NaN]}', {Odd(r"\u0000", "\ufffd"): [Odd("NaN")]}),
    ],
)
def test_one_odd_value_is_read_as_what_it_is(body: bytes, value: object) -> None:
    found = decode(body)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"items":[{"id"', b"[1,]", b"01", b"{} x", b"[" * 5000, b"[" * 5000 + b"}" * 5000]
)
def test_what_is_no_json_is_unreadable(body: bytes) -> None:
    assert decode(body) is UNREADABLE


@pytest.mark.parametrize("within", [b"1", b'"]}"', b'"\\\\"', rb'"\ud800"', b'{"b":[]}', b"NaN", b'"\xff"'])
def test_what_is_nested_beyond_what_can_be_read_costs_itself_alone(within: bytes) -> None:
    deep = b'[{"a":' * 2500 + within + b"}]" * 2500
    first, found, last = decode(b'["first ]",' + deep + b',{"last":[' + within + b"]}]")
    assert first == "first ]"
    levels = 0
    while found is not None:
        (found,) = found if isinstance(found, list) else found.values()
        levels += 1
    assert levels == DEEPEST - 1
    assert last == {"last": [decode(within)]}


@given(
    st.recursive(
        st.integers() | st.text() | st.none() | st.booleans(),
        lambda part: st.lists(part) | st.dictionaries(st.text(), part),
    )
)
def test_what_is_not_odd_is_read_as_by_the_standard_library(value: Any) -> None:
    body = json.dumps(value).encode()
    found = decode(body)
    assert found == value or b"\\u0000" in body


def test_ten_megabytes_in_one_text_are_read() -> None:
    assert decode(b'["' + b"x" * 10_000_000 + rb'\u0000"]')[0].text[-1] == "\ufffd"


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
    """What the schema wants, down to its depths, with anything at all in places."""
    if "properties" in kind:
        parts = {name: values_of(part) for name, part in kind["properties"].items()}
        return JSON | st.fixed_dictionaries({}, optional=parts)
    if isinstance(kind.get("items"), dict):
        return JSON | st.lists(values_of(kind["items"]), max_size=2)
    return JSON


@pytest.mark.parametrize("stream", NAMES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_whatever_a_record_holds_is_written_in_its_schemas_form_or_counted(
    checkers: dict[str, fuzz.Checker], stream: str, data: st.DataObject
) -> None:
    properties = checkers[stream].properties
    row = data.draw(st.fixed_dictionaries({}, optional={name: values_of(kind) for name, kind in properties.items()}))
    row |= data.draw(st.dictionaries(TEXTS, JSON, max_size=2))
    keys = {name: "a" for name, kind in properties.items() if kind.get("type") == "string" and "date" not in name}
    if data.draw(st.booleans()):
        row |= keys
    # The checker itself holds the lines against the schema, and the records left out against their count.
    list(checkers[stream].lines([decode(json.dumps(row).encode())]))


def written(checkers: dict[str, fuzz.Checker], body: str, stream: str = "leads") -> dict[str, Any]:
    (record,) = checkers[stream].lines([decode(body.encode())])
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
def test_what_a_column_cannot_hold_is_moved_and_nothing_is_lost(
    checkers: dict[str, fuzz.Checker], sent: str, column: dict[str, Any], aside: dict[str, Any] | None
) -> None:
    record = written(checkers, f'{{"id":"1",{sent}}}')
    assert record == {"id": "1", **column, **({"unknown_fields": aside} if aside else {})}


def test_an_integer_in_the_place_of_a_texts_key_is_that_text(checkers: dict[str, fuzz.Checker]) -> None:
    assert written(checkers, '{"id":17}') == {"id": "17"}


@pytest.mark.parametrize("key", ["true", "1.5", "[]", "{}", "NaN", r'"\u0000"', r'"\ud800"'])
def test_a_record_whose_key_is_no_key_is_left_out_with_a_line(
    checkers: dict[str, fuzz.Checker], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert list(checkers["leads"].lines([decode(f'{{"id":{key}}}'.encode())])) == []
    assert sum("was left out" in message for message in caplog.messages) == 1


def test_a_record_nested_too_deeply_is_left_out_with_its_key(
    checkers: dict[str, fuzz.Checker], caplog: pytest.LogCaptureFixture
) -> None:
    deep = '{"a":' * 200 + "1" + "}" * 200
    rows = decode(f'[{{"id":"deep","payload":{deep}}},{{"id":"flat","new":{deep}}},{{"id":"good"}}]'.encode())
    assert [record["id"] for record in checkers["leads"].lines(rows)] == ["good"]
    assert [m for m in caplog.messages if "left out" in m] == [
        f"A record that is nested too deeply was left out; the rest of its key: {{'id': '{key}'}}"
        for key in ("deep", "flat")
    ]


def test_a_record_too_deep_for_the_parser_costs_no_other_and_is_counted(
    api: Server, sync: Callable[..., TapRun]
) -> None:
    campaigns = [*api.control.truth("campaigns")]
    body = json.dumps({"items": campaigns}).replace('"status": ', f'"deep": {"[" * 3000}{"]" * 3000}, "status": ', 1)
    api.control.fault("/api/v2/campaigns", "status", status=200, body=body)
    run = sync("campaigns")
    assert [record["id"] for record in run.records("campaigns")] == [row["id"] for row in campaigns[1:]]
    assert run.tap.streams["campaigns"].shaper.oddities["too_deep"] == 1


def test_the_log_stays_short_whatever_the_names_of_fields(
    checkers: dict[str, fuzz.Checker], caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"{number}\n{'x' * 1000}" for number in range(1000)]
    list(checkers["lead_lists"].lines([{"id": "1", **dict.fromkeys(names, 1)}]))
    assert 1 < len(caplog.messages) < 300
    assert all(len(message) < 300 and "\n" not in message for message in caplog.messages)


def test_mutated_pages_come_out_as_good_lines_or_counts() -> None:
    counts = fuzz.fuzz(1500, seed=7)
    assert counts["pages"] == 1500
    assert min(counts[name] for name in ("read", "unreadable", "records", "left_out", "values_moved")) > 0


# The whole tap


def test_a_hostile_page_costs_no_more_than_its_hostile_records(
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
    assert sum("no objects were left out, at [2]" in message for message in caplog.messages) == 1


@pytest.mark.parametrize(
    "body", ["[]", "7", '"text"', "null", "{}", '{"items":{}}', '{"items":[1,2]}', '{"items":null}']
)
def test_a_list_of_another_shape_is_asked_for_again(api: Server, sync: Callable[..., TapRun], body: str) -> None:
    api.control.fault(CAMPAIGNS, "status", status=200, body=body)
    assert len(sync("campaigns").records("campaigns")) == len(list(api.control.truth("campaigns")))


@pytest.mark.parametrize("id_", ["7", "null", "{}", r'"\ud800"', '""'])
@pytest.mark.parametrize("stream", ["campaign_sending_status", "campaign_steps", "campaign_variants"])
def test_a_parent_without_a_good_id_is_passed_over(
    api: Server, sync: Callable[..., TapRun], stream: str, id_: str
) -> None:
    good = next(api.control.truth("campaigns"))
    odd = '"sequences":[{"steps":[7,{"variants":[null,{}]}]}]'
    body = f'{{"items":[{{"id":{id_},{odd}}},{json.dumps(good)}]}}'
    api.control.fault(CAMPAIGNS, "status", status=200, body=body)
    assert good["id"] in {record["campaign_id"] for record in sync(stream).records(stream)}


@pytest.mark.parametrize("day", ["7", "{}", '"2026-02-31"', "NaN"])
def test_a_day_that_is_none_costs_one_record(api: Server, sync: Callable[..., TapRun], day: str) -> None:
    body = f'[{{"date":{day},"sent":1}},{{"date":"2026-10-30","sent":1}}]'
    api.control.fault("/api/v2/campaigns/analytics/daily", "status", status=200, body=body, count=None)
    run = sync("campaign_analytics_daily", start_date="2026-10-29")
    assert {record["date"] for record in run.records("campaign_analytics_daily")} == {"2026-10-30"}


def test_figures_of_warm_up_that_are_none_are_moved(api: Server, sync: Callable[..., TapRun]) -> None:
    body = '{"email_date_data":{"a@example.com":{"2026-10-30":7,"soon":{}},"b@example.com":7}}'
    api.control.fault("/api/v2/accounts/warmup-analytics", "status", status=200, body=body, count=None)
    records = sync("account_warmup_daily").records("account_warmup_daily")
    assert {(r["email"], r["date"]) for r in records} == {("a@example.com", "2026-10-30")}
    assert records[0]["unknown_fields"] == {"figures": 7}


def test_a_cursor_that_no_request_can_carry_ends_the_list_as_incomplete(
    api: Server, sync: Callable[..., TapRun]
) -> None:
    api.control.fault(
        CAMPAIGNS, "status", status=200, body=r'{"items":[{"id":"a"}],"next_starting_after":"\ud800"}', count=None
    )
    run = sync("campaigns", "lead_lists", incomplete=True)
    assert run.records("campaigns")
    assert run.records("lead_lists")
