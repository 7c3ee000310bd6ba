from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_instantly import timestamps
from tap_instantly.client.decode import decode
from tap_instantly.streams.records import InvalidRecordError, RecordShaper

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "count": {"type": ["integer", "null"]},
        "changed": {"type": ["string", "null"], "format": "date-time"},
        "workspace_id": {"type": "string"},
        "workspace_name": {"type": ["string", "null"]},
        "unknown_fields": {"type": ["object", "null"]},
    },
    "required": ["id"],
}


def shaper(validate: str = "off") -> RecordShaper:
    return RecordShaper(SCHEMA, ["id"], validate, logging.getLogger("tap-instantly.things"))


def shaped(record: dict[str, Any], shape: RecordShaper | None = None) -> dict[str, Any] | None:
    """Return the shaped record without the workspace's fields."""
    result = (shape or shaper()).shape(record, "home", "At home")
    assert result is None or (result.pop("workspace_id"), result.pop("workspace_name")) == ("home", "At home")
    return result


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("2026-01-31T10:00:00.000Z", "2026-01-31T10:00:00.000Z"),
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00.000Z"),
        ("2026-01-31T10:00:00+05:30", "2026-01-31T04:30:00.000Z"),
        ("2026-01-31T10:00:00.123456Z", "2026-01-31T10:00:00.123456Z"),
        ("2026-01-31 10:00:00", "2026-01-31T10:00:00.000Z"),
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        # As long as the canonical form
        ("2026-01-31T10:00:00+0530", "2026-01-31T04:30:00.000Z"),
        ("2026-01-31 10:00:00.000Z", "2026-01-31T10:00:00.000Z"),
        ("2026-01-31t10:00:00.000z", "2026-01-31T10:00:00.000Z"),
        ("2026-01-31T10:00:00.0000", "2026-01-31T10:00:00.000Z"),
        ("2028-02-29T10:00:00.000Z", "2028-02-29T10:00:00.000Z"),
    ],
)
def test_timestamps_are_emitted_in_utc_in_one_form(given_text: str, expected: str) -> None:
    assert shaped({"id": "1", "changed": given_text}) == {"id": "1", "changed": expected}


FORMS = ["%Y-%m-%dT%H:%M:%S.{ms}Z", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S.{ms}Z", "%Y-%m-%dT%H:%M:%S.{ms}z"]
FORMS += ["%Y-%m-%dT%H:%M:%S+0000", "%Y-%m-%dT%H:%M:%S.{ms}000Z", "%Y-%m-%dT%H:%M:%S.{ms}+00:00", "%Y-%m-%dT%H:%M:%S"]
SEVERAL = [f"at_{number}" for number in range(4)]


@given(
    moments=st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), min_size=4, max_size=4),  # noqa: DTZ001
    forms=st.lists(st.sampled_from([*FORMS, FORMS[0], FORMS[0], None]), min_size=4, max_size=4),
)
def test_all_timestamps_of_a_record_have_that_form(moments: list[datetime], forms: list[str | None]) -> None:
    moments = [moment.replace(microsecond=0 if moment.second % 2 else 7000) for moment in moments]
    properties = SCHEMA["properties"] | dict.fromkeys(SEVERAL, SCHEMA["properties"]["changed"])
    of_several = RecordShaper({**SCHEMA, "properties": properties}, ["id"], "off", logging.getLogger("things"))
    texts = {
        name: form and moment.strftime(form).replace("{ms}", f"{moment.microsecond // 1000:03}")
        for name, moment, form in zip(SEVERAL, moments, forms, strict=True)
    }
    result = of_several.shape({"id": "1", **texts}, "home") or {}
    for name, moment, form in zip(SEVERAL, moments, forms, strict=True):
        exact = form and ("ms" in form or not moment.microsecond)
        kept = moment if exact else moment.replace(microsecond=0)
        assert result[name] == (form and timestamps.text(kept.replace(tzinfo=timezone.utc)))


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 (made aware below)
    st.integers(-14 * 60, 14 * 60),
)
def test_the_canonical_form_keeps_the_instant(moment: datetime, offset: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert timestamps.parse(timestamps.canonical(aware.isoformat())) == aware


@given(st.lists(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), min_size=2, max_size=2))  # noqa: DTZ001
def test_timestamps_of_millisecond_precision_compare_as_text(moments: list[datetime]) -> None:
    first, second = (m.replace(microsecond=m.microsecond // 1000 * 1000, tzinfo=timezone.utc) for m in moments)
    assert (timestamps.text(first) < timestamps.text(second)) == (first < second)


def test_bookmark_comparison_truncates_to_milliseconds() -> None:
    bookmark = timestamps.floor_text(timestamps.parse("2026-01-31T10:00:00.123456Z"))
    assert bookmark == "2026-01-31T10:00:00.123"
    assert timestamps.canonical("2026-01-31T10:00:00.123Z") >= bookmark
    assert timestamps.canonical("2026-01-31T10:00:00.123001Z") >= bookmark
    assert timestamps.canonical("2026-01-31T10:00:00.122999Z") < bookmark


def test_unknown_fields_are_set_aside_and_nothing_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    shape = shaper()
    record = {"id": "1", "new": [1, 2], "newer": None}
    assert shaped(dict(record), shape) == {"id": "1", "unknown_fields": {"new": [1, 2], "newer": None}}
    shaped(dict(record), shape)
    assert sorted(caplog.messages) == [
        "Field 'new': not in the schema; the value is kept in the column unknown_fields",
        "Field 'newer': not in the schema; the value is kept in the column unknown_fields",
    ]


@pytest.mark.parametrize(
    "value", ["9999-99-99T99:99:99.000Z", "0001-01-01T00:00:00+01:00", "soon", "", 17, {"a": 1}, "2026-13-45T00:00:00Z"]
)
def test_invalid_timestamp_is_moved_to_unknown_fields(value: object) -> None:
    assert shaped({"id": "1", "changed": value}) == {
        "id": "1",
        "changed": None,
        "unknown_fields": {"changed": value},
    }


@pytest.mark.parametrize("name", ["imap_password", "refreshToken", "x_api_key", "key", "client_secret", "headers"])
def test_unknown_field_with_a_secret_name_keeps_only_its_name(caplog: pytest.LogCaptureFixture, name: str) -> None:
    for value in ("hidden", ["hidden"], {"within": "hidden"}):
        assert shaped({"id": "1", name: value}) == {"id": "1", "unknown_fields": {name: "***"}}
    assert "it may be a secret" in caplog.text
    assert "hidden" not in caplog.text


def test_secret_names_within_an_unknown_field_are_masked() -> None:
    smtp = {"host": "mail.example", "password": "hidden", "ports": [25, {"auth_token": "hidden", "number": 587}]}
    masked = {"host": "mail.example", "password": "***", "ports": [25, {"auth_token": "***", "number": 587}]}
    assert shaped({"id": "1", "smtp": smtp}) == {"id": "1", "unknown_fields": {"smtp": masked}}


NESTED: dict[str, Any] = {
    **SCHEMA["properties"],
    "smtp": {
        "type": ["object", "null"],
        "properties": {
            "host": {"type": ["string", "null"]},
            "login": {"type": ["object", "null"], "properties": {"user": {"type": ["string", "null"]}}},
        },
    },
    "steps": {
        "type": ["array", "null"],
        "items": {"type": ["object", "null"], "properties": {"delay": {"type": ["integer", "null"]}}},
    },
    "payload": {"type": ["object", "null"]},
}


def trees(leaf: str) -> st.SearchStrategy[Any]:
    """Generate values with text leaves; text below a field named like a secret is ``hidden``."""
    leaves = st.lists(st.just("hidden"), min_size=1) | st.dictionaries(st.sampled_from("ab"), st.just("hidden"))
    secret = st.dictionaries(st.sampled_from(["password", "x_api_key", "refreshToken"]), st.just("hidden") | leaves)
    plain = st.just(leaf)
    return st.recursive(
        plain | secret,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "user", "b.c"]), inner),
        max_leaves=6,
    )


@given(value=trees("shown"), flattened=st.integers(0, 3), place=st.sampled_from(["smtp", "login", "steps", "count"]))
def test_secret_names_are_masked_wherever_the_schema_has_no_property(value: Any, flattened: int, place: str) -> None:
    records = {
        "smtp": {"smtp": {"host": "mail.example", "login": {}, "new": value}},
        "login": {"smtp": {"login": {"user": "ida", "new": value}}},
        "steps": {"steps": [{"delay": 1}, {"delay": 2, "new": value}]},
        "count": {"count": value},  # of another type, so it moves to the unknown fields
    }
    schema = {**SCHEMA, "properties": NESTED}
    shape = RecordShaper(schema, ["id"], "off", logging.getLogger("tap-instantly.things"), flattened)
    written = json.dumps(shaped({"id": "1", **records[place]}, shape))
    assert "hidden" not in written
    assert written.count("shown") == json.dumps(value).count("shown")


def test_free_form_object_stays_unchanged() -> None:
    schema = {**SCHEMA, "properties": NESTED}
    shape = RecordShaper(schema, ["id"], "off", logging.getLogger("tap-instantly.things"))
    record = {"id": "1", "payload": {"a_token": "of a lead"}}
    assert shaped(dict(record), shape) == record


@pytest.mark.parametrize("name", ["otp", "imap_password", "client_secret", "pin"])
def test_a_number_that_may_be_a_secret_is_masked(name: str) -> None:
    assert shaped({"id": "1", name: 123456}) == {"id": "1", "unknown_fields": {name: "***"}}
    assert shaped({"id": "1", name: True}) == {"id": "1", "unknown_fields": {name: True}}


def test_counts_and_flags_with_secret_names_are_kept() -> None:
    fields = {"tokens_used": 3, "has_password": True, "keyword": "text", "monkey": "text", "author": "text"}
    assert shaped({"id": "1", **fields}) == {"id": "1", "unknown_fields": fields}


def test_api_field_with_a_name_of_ours_is_kept() -> None:
    assert shaped({"id": "1", "unknown_fields": "theirs"}) == {
        "id": "1",
        "unknown_fields": {"unknown_fields": "theirs"},
    }


def test_different_workspace_id_from_the_api_is_kept_as_unknown_field() -> None:
    assert shaped({"id": "1", "workspace_id": "home"}) == {"id": "1"}
    assert shaped({"id": "1", "workspace_id": "away"}) == {"id": "1", "unknown_fields": {"workspace_id": "away"}}


def test_record_without_its_key_is_discarded_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    shape = shaper()
    assert shaped({"count": 1}, shape) is None
    assert shaped({"id": None}, shape) is None
    assert shape.keyless == 2
    assert len(caplog.messages) == 2


def test_validation_off_accepts_everything() -> None:
    shaper("off").check({"id": 1})


def test_validation_warn_counts_all_and_logs_each_kind_once(caplog: pytest.LogCaptureFixture) -> None:
    shape = shaper("warn")
    for value in ("many", "more"):
        shape.check({"id": "1", "count": value})
    assert shape.invalid == 2
    (message,) = caplog.messages
    assert "count" in message
    assert "many" not in message


def test_validation_fail_stops_at_the_first_record_without_its_value() -> None:
    with pytest.raises(InvalidRecordError) as caught:
        shaper("fail").check({"id": "17", "count": "private"})
    assert "things" in str(caught.value)
    assert "17" in str(caught.value)
    assert "private" not in str(caught.value)


def test_name_of_an_invalid_field_is_logged_on_one_line() -> None:
    schema = {**SCHEMA, "properties": {**SCHEMA["properties"], "payload": {"type": ["object", "null"]}}}
    strict = RecordShaper(schema, ["id"], "fail", logging.getLogger("tap-instantly.things"))
    record = decode(b'{"id": "17", "payload": {"of anna@x.example\\nand Bo": "\\u0000"}}')
    with pytest.raises(InvalidRecordError) as caught:
        strict.shape(record, "home", "At home")
    assert "field 'payload.of {email}\\nand Bo' does not fit" in str(caught.value)
    assert "\n" not in str(caught.value)
