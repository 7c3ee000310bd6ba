"""Texts and JSON arrive unchanged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from loading import load, record, schema, value_of
from target_dlt.errors import RejectedError

from target_dlt import values

if TYPE_CHECKING:
    from loading import Pg, Warehouse

    from tests.warehouse.postgres import Postgres

HOSTILE = [
    r"EMEA\DACH, Q4",
    '"EMEA"',
    "'APAC'",
    r"¯\_(ツ)_/¯",
    "",
    " ",
    "  both sides  ",
    "tab\tand\r\nlines\n",
    "NULL",
    "null",
    r"\N",
    "None",
    "nan",
    "007",
    "1e5",
    "true",
    "2026-01-31",
    "2026-01-31T00:00:00Z",
    '{"a": 1}',
    "[1, 2]",
    "$1 {0} %s :name ? ;--",
    "'; drop table x; --",
    "a,b;c|d\te",
    "\ufeffbom",
    "👩‍👩‍👧 שלום مرحبا \u202eevil\u202c",
    "e\u0301 \u2028 \u2029 \x01\x1f\x7f",
    "\\u0000 \\ud800",
    "x" * 3_000_000,
]

TEXT = {"type": ["string", "null"]}
JSON = {"type": ["object", "array", "null"]}

LOSSLESS = settings(
    max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)

# Lone surrogates and NUL cannot be stored: other tests cover them.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=4) | st.lists(VALUES, max_size=4)


def test_texts_that_look_like_other_types_stay_texts(warehouse: Warehouse) -> None:
    rows = [
        record("t", {"id": at, "text": text, "json": {"key": text, text[:50]: [text]}})
        for at, text in enumerate(HOSTILE)
    ]
    load(warehouse, schema("t", {"id": {"type": "integer"}, "text": TEXT, "json": JSON}), *rows)
    found = warehouse.query("select text, json from {}.t order by id")
    assert [text for text, _ in found] == HOSTILE
    assert [value_of(value) for _, value in found] == [{"key": text, text[:50]: [text]} for text in HOSTILE]


def test_text_key_is_stored_unchanged(warehouse: Warehouse) -> None:
    texts = [text for text in HOSTILE if len(text) < 1000]
    for _ in range(2):
        load(
            warehouse,
            schema("t", {"key": {"type": "string"}}, ["key"]),
            *(record("t", {"key": text}) for text in texts),
        )
    assert sorted(text for (text,) in warehouse.query("select key from {}.t")) == sorted(texts)


@LOSSLESS
@given(
    rows=st.lists(st.tuples(TEXTS | st.none(), OBJECTS | st.none(), VALUES), min_size=1, max_size=60), data=st.data()
)
def test_any_text_and_json_round_trip_in_any_batches(
    warehouse: Warehouse, rows: list[tuple[str | None, Any, Any]], data: st.DataObject
) -> None:
    table = f"t{data.draw(st.integers(0, 10**12))}"
    form = schema(table, {"id": {"type": "integer"}, "text": TEXT, "json": JSON, "anything": {}})
    sent = [record(table, {"id": at, "text": a, "json": b, "anything": c}) for at, (a, b, c) in enumerate(rows)]
    ends = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=2)))
    for start, end in zip([0, *ends], [*ends, len(sent)], strict=True):
        load(warehouse, form, *sent[max(start - 1, 0) : end])  # repeats the last message of the previous load
    found = warehouse.query(f"select text, json, anything from {{}}.{table} order by id")
    assert [(a, value_of(b), value_of(c)) for a, b, c in found] == rows


ESCAPES = [r"\u0000", r"a\u0000b", r"\\\u0000", r"\ud800", r"\udc00 \ud83d", r"\ud83dx"]


def test_characters_that_cannot_be_stored_become_the_replacement_character(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [
        f'{{"type": "RECORD", "stream": "t", "record": {{"id": {at}, "text": "{text}", "json": {{"k": "{text}"}}}}}}'
        for at, text in enumerate(ESCAPES)
    ]
    form = schema("t", {"id": {"type": "integer"}, "text": TEXT, "json": JSON})
    load(warehouse, form, *(line.encode() for line in lines))
    kept = "" if "postgres" in warehouse.config.values() else "\x00"
    expected = [
        "".join(each if each in kept or each not in "\x00\ud800\udc00\ud83d" else "\ufffd" for each in sent)
        for sent in (json.loads(f'"{text}"') for text in ESCAPES)
    ]
    found = warehouse.query("select text, json from {}.t order by id")
    assert [text for text, _ in found] == expected
    assert [value_of(value) for _, value in found] == [{"k": text} for text in expected]
    assert "with U+FFFD" in caplog.text


def test_storable_characters_are_not_reported_as_replaced(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    text = r"\u0000" if "postgres" in warehouse.config.values() else "\x00"
    load(warehouse, schema("t", {"id": {"type": "integer"}, "text": TEXT}), record("t", {"id": 1, "text": text}))
    assert warehouse.query("select text from {}.t") == [(text,)]
    assert "with U+FFFD" not in caplog.text


NUMBERS = st.tuples(
    st.sampled_from(["", "-"]),
    st.sampled_from(["0", "1", "12", "9" * 131_072, "9" * 131_073]),
    st.sampled_from(["", ".0", ".05", "." + "1" * 16_383, "." + "1" * 16_384]),
    st.just("") | st.sampled_from([-16_384, -16_383, 0, 131_071, 131_072, 2**31]).map(lambda at: f"e{at}"),
).map("".join)


@settings(LOSSLESS, max_examples=60)
@given(number=NUMBERS)
def test_rejected_numbers_are_exactly_those_that_postgres_cannot_store(server: Postgres, number: str) -> None:
    try:
        server.execute(f"select '{number}'::jsonb", "loads")
        stored = True
    except AssertionError:
        stored = False
    try:
        values.check_jsonb(pa.array(["[]", f'{{"a": ["1e99999, ", {number}]}}']))
        taken = True
    except ValueError:
        taken = False
    assert taken == stored


def test_numbers_that_postgres_cannot_store_reject_only_their_records(
    postgres: Pg, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = ["1e200000", "-1E+131072", "0.5e-99999", "1" * 131_073, "1e" + "9" * 5000]
    odd = [
        f'{{"type": "RECORD", "stream": "t", "record": {{"id": {at}, "json": {{"a": [{number}]}}}}}}'.encode()
        for at, number in enumerate(numbers, start=70)
    ]
    text = record("t", {"id": 2, "json": {"a": "1e200000, "}})
    form = schema("t", {"id": {"type": "integer"}, "json": JSON})
    load(postgres, form, record("t", {"id": 1}), *odd, text)
    assert postgres.query("select id from {}.t order by id") == [(1,), (2,)]
    for at in range(70, 70 + len(numbers)):
        assert f"Cannot load a record of t (id='{at}'): json: Postgres cannot store the number" in caplog.text
    for line in odd:
        with pytest.raises(RejectedError, match=r"a record of t .id='7\d'.: json"):
            load(postgres, form, line, rejects="fail")


def test_numbers_keep_every_digit_that_their_type_has(warehouse: Warehouse) -> None:
    wholes = [0, -1, 2**53 + 1, 2**63 - 1, -(2**63)]
    numbers = [0.1, -0.0, 1e308, 5e-324, 123456789.123456789, 3]
    form = schema(
        "t", {"id": {"type": "integer"}, "whole": {"type": ["null", "integer"]}, "number": {"type": "number"}}
    )
    pairs = list(zip([*wholes, None], numbers, strict=True))
    load(warehouse, form, *(record("t", {"id": at, "whole": a, "number": b}) for at, (a, b) in enumerate(pairs)))
    assert warehouse.query("select whole, number from {}.t order by id") == pairs
