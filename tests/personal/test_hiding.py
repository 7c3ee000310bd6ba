"""Hash and drop each kind of personal data."""

from __future__ import annotations

import hashlib
import hmac
import logging
from typing import TYPE_CHECKING, Any

import pytest

from tap_instantly.streams.personal import MARK, Hider
from tap_instantly.streams.records import InvalidRecordError
from tests.personal.conftest import SALT

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server
    from tests.support import TapRun


def digest(text: str) -> str:
    return hmac.new(SALT.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


def hidden(value: Any, *, drop: bool = False, key: bool = False, **schema: Any) -> Any:
    """Hide a value of a schema's property."""
    record = {"it": value}
    Hider({"it": schema}, ["it"] if key else [], SALT, drop=drop).hide(record)
    return record["it"]


ANNA = f"{digest('anna@x.example')}@x.example"

HASHED: list[tuple[str, Any, Any]] = [
    ("address", "anna@x.example", ANNA),
    ("address", "  Anna@X.Example ", ANNA),
    ("address", "Anna A. <anna@x.example>", ANNA),
    ("address", "bo@y.example, anna@x.example", f"{digest('bo@y.example')}@y.example,{ANNA}"),
    ("address", "anna", digest("anna")),
    ("address", "@x.example", digest("@x.example")),
    ("address", "anna@not a domain", digest("anna@not a domain")),
    ("account", "ANNA@x.example", ANNA),
    ("account", "campaign", "campaign"),
    ("account", "unknown", "unknown"),
    ("text", "Anna", digest("Anna")),
    ("text", "Żaneta\ud83d\n", hmac.new(SALT.encode(), b"\xc5\xbbaneta\xed\xa0\xbd\n", "sha256").hexdigest()[:32]),
    ("text", "a" * 5000, digest("a" * 5000)),
    ("any", "anna@x.example", ANNA),
    ("any", "write to anna@x.example", digest("write to anna@x.example")),
    ("any", {"n": 12, "b": True, "x": None}, {"n": digest("12"), "b": True, "x": None}),
    ("any", {"a": [{"b": "Anna"}]}, {"a": [{"b": digest("Anna")}]}),
    ("any", {"anna@x.example": {}}, {ANNA: {}}),
    *((kind, empty, empty) for kind in ("address", "account", "text", "any") for empty in ("", None)),
]


@pytest.mark.parametrize(("kind", "value", "expected"), HASHED)
def test_marked_values_are_hashed(kind: str, value: Any, expected: Any) -> None:
    assert hidden(value, **{MARK: kind}) == expected


@pytest.mark.parametrize(("kind", "value", "expected"), HASHED)
def test_marked_values_are_dropped_except_keys_and_accounts(kind: str, value: Any, expected: Any) -> None:
    assert hidden(value, drop=True, **{MARK: kind}) == (expected if kind == "account" else None)
    assert hidden(value, drop=True, key=True, **{MARK: kind}) == expected


NESTED = {
    "properties": {
        "from": {"type": ["string", "null"], MARK: "account"},
        "body": {"type": ["object", "null"], "properties": {"text": {"type": ["string", "null"], MARK: "text"}}},
        "list": {"type": ["array", "null"], "items": {"type": ["string", "null"], MARK: "address"}},
        "count": {"type": ["integer", "null"]},
        "days": {"type": ["object", "null"], MARK: "none"},
    }
}


def test_within_objects_only_marked_or_unknown_values_are_hidden() -> None:
    value = {
        "from": "anna@x.example",
        "body": {"text": "Hi", "lang": "en"},
        "list": ["anna@x.example", None],
        "count": 3,
        "days": {"1": "Mon"},
        "surprise": {"who": "Anna", "age": 40},
        "anna@x.example": "Anna",
    }
    unknown = {"surprise": {"who": digest("Anna"), "age": digest("40")}, ANNA: digest("Anna")}
    assert hidden(value, **NESTED) == {
        "from": ANNA,
        "body": {"text": digest("Hi"), "lang": digest("en")},
        "list": [ANNA, None],
        "count": 3,
        "days": {"1": "Mon"},
        **unknown,
    }
    assert hidden(value, drop=True, **NESTED) == {
        "from": ANNA,
        "body": {"text": None, "lang": None},
        "list": None,
        "count": 3,
        "days": {"1": "Mon"},
        "surprise": None,
        ANNA: None,
    }


@pytest.mark.parametrize(("choice", "columns"), [("hash", {"id": digest("7"), "who": digest("Anna")}), ("drop", None)])
def test_unknown_fields_are_hidden(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture, choice: str, columns: Any
) -> None:
    api.control.add_field("lead_lists", "owner", {"id": 7, "who": "Anna"})
    run = sync("lead_lists", personal_data=choice, personal_data_salt=SALT)
    assert [row["unknown_fields"] for row in run.records("lead_lists")] == [columns and {"owner": columns}] * 5
    assert "Anna" not in caplog.text
    assert "kept in the column unknown_fields" not in caplog.text or choice == "hash"


@pytest.mark.parametrize("choice", ["keep", "hash", "drop"])
def test_key_of_a_discarded_or_refused_record_is_not_logged(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture, choice: str
) -> None:
    email = "anna.secret@x.example"
    body = {"items": [{"first_name": "Anna"}, {"email": email, "daily_limit": "many"}, {"email": {"was": email}}]}
    api.control.fault("/api/v2/accounts", "status", status=200, body=body, count=None)
    caplog.set_level(logging.DEBUG)
    settings = {"personal_data": choice, "personal_data_salt": SALT}
    run = sync("accounts", **settings)
    assert len(run.records("accounts")) == 1
    assert "Discarded a record without ['email']" in caplog.text
    with pytest.raises(InvalidRecordError) as refused:
        sync("accounts", validate_records="fail", **settings)
    assert "anna.secret" not in caplog.text + str(refused.value)


def test_object_in_place_of_a_key_is_not_logged(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture
) -> None:
    body = {"items": [{"id": {"name": "Anna"}}, {"id": ["Anna"]}]}
    api.control.fault("/api/v2/lead-lists", "status", status=200, body=body, count=None)
    caplog.set_level(logging.DEBUG)
    assert not sync("lead_lists", personal_data="hash", personal_data_salt=SALT).records("lead_lists")
    assert caplog.text.count("received instead: {'id': '***'}") == 2
    assert "Anna" not in caplog.text


def test_server_messages_and_skipped_parents_are_logged_without_addresses(
    api: Server, sync: Callable[..., TapRun], caplog: pytest.LogCaptureFixture
) -> None:
    (email, *_) = (row["email"] for row in api.control.truth("accounts"))
    answer = {"statusCode": 404, "message": f"Account {email} is gone"}
    api.control.fault(f"/api/v2/accounts/{email}", "status", status=404, body=answer, count=None)
    caplog.set_level(logging.DEBUG, logger="tap-instantly")
    sync("account_details")
    assert "Skipped email {email}" in caplog.text
    assert "Account {email} is gone" in caplog.text
    assert email not in "\n".join(caplog.messages)


def test_hashed_addresses_are_equal_in_all_streams_and_letter_cases(api: Server, sync: Callable[..., TapRun]) -> None:
    accounts = list(api.control.truth("accounts"))
    shouted = [{**row, "email": row["email"].upper()} for row in accounts]
    quiet = sync("accounts", personal_data="hash", personal_data_salt=SALT)
    api.control.fault("/api/v2/accounts", "status", status=200, body={"items": shouted}, count=None)
    loud = sync("accounts", personal_data="drop", personal_data_salt=SALT)
    assert loud.by_key("accounts").keys() == quiet.by_key("accounts").keys()
    assert len(quiet.by_key("accounts")) == len(accounts)


def test_stream_maps_receive_hidden_values(sync: Callable[..., TapRun]) -> None:
    maps = {"accounts": {"copy": "record['email']"}}
    run = sync("accounts", personal_data="hash", personal_data_salt=SALT, stream_maps=maps)
    assert all(row["copy"] == row["email"] for row in run.records("accounts"))
    assert {len(row["copy"].partition("@")[0]) for row in run.records("accounts")} == {32}
