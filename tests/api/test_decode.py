"""Decode bodies of any content."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_instantly.client.decode import DEEPEST, UNREADABLE, Odd, decode


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
def test_single_odd_value_is_decoded_as_its_own_type(body: bytes, value: object) -> None:
    found = decode(body)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"items":[{"id"', b"[1,]", b"01", b"{} x", b"[" * 5000, b"[" * 5000 + b"}" * 5000]
)
def test_invalid_json_is_unreadable(body: bytes) -> None:
    assert decode(body) is UNREADABLE


def decoded_in_a_small_stack(body: bytes) -> Any:
    """Decode in a thread with a stack of 1 MB: since Python 3.14 nothing else bounds the nesting."""
    usual = threading.stack_size(1 << 20)
    try:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(decode, body).result()
    finally:
        threading.stack_size(usual)


DEEP = [b"1", b'"]}"', b'"\\\\"', rb'"\ud800"', b'{"b":[]}', b"NaN", b'"\xff"']


@pytest.mark.parametrize("within", DEEP)
def test_too_deep_nesting_discards_only_that_value(within: bytes) -> None:
    deep = b'[{"a":' * 50_000 + within + b"}]" * 50_000
    first, found, last = decoded_in_a_small_stack(b'["first ]",' + deep + b',{"last":[' + within + b"]}]")
    assert first == "first ]"
    levels = 0
    while found is not None:
        (found,) = found if isinstance(found, list) else found.values()
        levels += 1
    assert levels == DEEPEST - 1
    assert last == {"last": [decode(within)]}


@pytest.mark.parametrize("within", DEEP)
@pytest.mark.parametrize("levels", [DEEPEST, 400, 900, 1_100, 5_000, 20_000])
def test_values_around_deep_nesting_are_kept(within: bytes, levels: int) -> None:
    first, _, last = decode(b'["first ]",' + b"[" * levels + within + b"]" * levels + b',{"last":[' + within + b"]}]")
    assert (first, last) == ("first ]", {"last": [decode(within)]})


@given(
    st.recursive(
        st.integers() | st.text() | st.none() | st.booleans(),
        lambda part: st.lists(part) | st.dictionaries(st.text(), part),
    )
)
def test_ordinary_values_decode_as_with_the_standard_library(value: Any) -> None:
    body = json.dumps(value).encode()
    found = decode(body)
    assert found == value or b"\\u0000" in body


def test_truncated_deep_page_full_of_quotes_is_quickly_unreadable() -> None:
    assert decode(b'{"items":[{"id":' + b"[" * 3000 + b'"' + b'\\"' * 500_000) is UNREADABLE
    assert decode(b"[" * 3000 + b'"\\') is UNREADABLE


def test_ten_megabytes_in_one_text_are_read() -> None:
    assert decode(b'["' + b"x" * 10_000_000 + rb'\u0000"]')[0].text[-1] == "\ufffd"
