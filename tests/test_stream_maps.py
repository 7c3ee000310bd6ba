"""Invalid stream maps stop a run before it reads anything; valid ones are applied."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import MapExpressionError, MappingError, SingerSDKError

from tap_instantly.tap import TapInstantly
from tests.support import run_tap, traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server
    from tests.support import TapRun

    Sync = Callable[..., TapRun]

SALT = "a-salt-that-is-no-secret"

CANNOT_BE_MEANT: dict[str, tuple[dict[str, Any], str]] = {
    "a stream that there is not": ({"lead": {"email": None}}, "no stream is called lead: did you mean 'leads'?"),
    "a removed stream that there is not": ({"email": None}, "no stream is called email: did you mean 'emails'?"),
    "a pattern that no stream matches": ({"campain*": {"name": None}}, "no stream is called campain*: did you mean"),
    "a source that there is not": (
        {"copies": {"__source__": "laeds"}},
        "no stream is called laeds, the __source__ of copies,: did you mean 'leads'?",
    ),
    "a column that there is not": (
        {"leads": {"emial": None}},
        "leads: there is no column emial: did you mean 'email'?",
    ),
    "a column that there is not, as Meltano writes it": (
        {"leads": {"emial": "__NULL__"}},
        "leads: there is no column emial: did you mean 'email'?",
    ),
    "a column that no stream of a pattern has": (
        {"campaign*": {"emial_list": None}},
        "campaign*: there is no column emial_list: did you mean 'email_list'?",
    ),
    "a column of a copy that its source has not": (
        {"copies": {"__source__": "leads", "emial": None}},
        "copies: there is no column emial: did you mean 'email'?",
    ),
    "something within a column": (
        {"leads": {"payload.firstName": None}},
        "there is no column payload.firstName: it is inside payload, and maps apply before flattening",
    ),
    "a column as flattening makes it": (
        {"leads": {"payload__firstName": None}},
        "there is no column payload__firstName: it is inside payload, and maps apply before flattening",
    ),
    "a key that there is not": (
        {"leads": {"__key_properties__": ["workspaceid"]}},
        "leads: __key_properties__: there is no column workspaceid: did you mean 'workspace_id'?",
    ),
    "a key without which nothing can be loaded": ({"leads": {"id": None}}, "Removing key property 'id'"),
    "a key that is not kept": (
        {"leads": {"__else__": None, "email": "email"}},
        'With __else__, keep each column of the key by name, such as "id": "id".',
    ),
    "an option that there is not": (
        {"leads": {"__filters__": "True"}},
        "leads: there is no option __filters__: did you mean '__filter__'?",
    ),
    "another value for what is not named": (
        {"leads": {"__else__": "null", "id": "id"}},
        "stream_maps.leads.__else__ must be '__NULL__' or null",
    ),
    "another value for all other streams": (
        {"leads": {}, "__else__": False},
        "stream_maps.__else__ must be '__NULL__' or null",
    ),
    "the name of another stream": (
        {"leads": {"__alias__": "'Accounts'"}},
        "accounts and leads would be written under one name, accounts: give each a different name",
    ),
    "a copy under the name of another stream": (
        {"accounts": {"__source__": "leads"}},
        "accounts and leads would be written under one name, accounts",
    ),
    "one name for the streams of a pattern": ({"*": {"__alias__": "'all_of_it'"}}, "under one name, all_of_it"),
    "two names for one map": ({"leads": {"__source__": "leads", "__alias__": "l"}}, "not both"),
    "an expression that is none": (
        {"leads": {"email": f"md5('{SALT}' + email"}},
        "leads: email is not a valid expression: '(' was never closed, at character 4",
    ),
    "an empty expression": ({"leads": {"email": ""}}, "leads: email is not a single expression"),
    "a statement": ({"leads": {"email": f"x = '{SALT}'"}}, "leads: email is not a single expression"),
    "a filter that is no expression": (
        {"leads": {"__filter__": "status ="}},
        "leads: __filter__ is not a valid expression",
    ),
    "a name that is none": ({"leads": {"__alias__": "my leads"}}, "leads: __alias__ is not a valid expression"),
    "a number in the place of an expression": ({"leads": {"email": 5, "phone": f"'{SALT}'"}}, "leads.email"),
    "a text in the place of a map": ({"leads": "drop"}, "leads"),
}


@pytest.mark.parametrize("case", CANNOT_BE_MEANT)
def test_meaningless_stream_maps_are_refused_in_one_line(config: dict[str, Any], api: Server, case: str) -> None:
    maps, expected = CANNOT_BE_MEANT[case]
    api.control.reset()
    with pytest.raises(SingerSDKError) as caught:
        TapInstantly(config={**config, "stream_maps": maps})
    told = str(caught.value)
    assert told.startswith("setting 'stream_maps' is not valid: ")
    assert expected in told
    assert "\n" not in told
    assert SALT not in told
    assert api.control.counts()["total"] == 0


def test_column_of_a_deselected_stream_is_checked(config: dict[str, Any]) -> None:
    with pytest.raises(MappingError, match="emails: there is no column subjekt: did you mean 'subject'"):
        run_tap({**config, "stream_maps": {"emails": {"subjekt": None}}}, streams=("leads",))


def test_meaningless_stream_map_ends_the_process_with_one_critical_line(
    debug_tap: Callable[..., Any], config: dict[str, Any]
) -> None:
    run = debug_tap(**config, stream_maps={"leads": {"emial": None}})
    assert run.returncode == 2
    assert [line for line in run.stderr.splitlines() if "CRITICAL" in line] == run.stderr.splitlines()[-1:]
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


FAILS: dict[str, tuple[str, str]] = {
    "a column that there is not": (f"sha256('{SALT}' + record['emial'])", "KeyError, emial"),
    "a name that there is not": ("emial", "NameNotDefined, emial"),
    "a function that there is not": ("sha265(email)", "FunctionNotDefined, sha265"),
    "a method that there is not": ("email.lover()", "AttributeDoesNotExist, lover"),
    "a value of another type": ("email + 1", "TypeError, "),
    "a value that cannot be read": ("int(email)", "ValueError. "),
    "a key that is a value": ("{}[email]", "KeyError. "),
    "a setting that there is not": ("sha256(config['salt'] + email)", "KeyError, salt"),
}


@pytest.mark.parametrize("case", FAILS)
def test_failing_expression_names_stream_and_column_without_a_value(sync: Sync, case: str) -> None:
    expression, reason = FAILS[case]
    with pytest.raises(MapExpressionError) as caught:
        sync("leads", stream_maps={"leads": {"email": expression, "phone": None}})
    assert str(caught.value).startswith(f"the stream map of leads failed for email: {reason}")
    assert "@" not in str(caught.value)
    assert SALT not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("where", ["__filter__", "score"])
def test_failing_option_or_new_column_is_named(sync: Sync, where: str) -> None:
    with pytest.raises(MapExpressionError, match=f"the stream map of lead_lists failed for {where}: ValueError"):
        sync("lead_lists", stream_maps={"lead_*": {where: "int(name)"}})


@pytest.mark.parametrize("settings", [{}, {"flattening_enabled": True, "flattening_max_depth": 2}])
def test_failing_expression_ends_the_process_with_one_critical_line(
    debug_tap: Callable[..., Any], config: dict[str, Any], api: Server, settings: dict[str, Any]
) -> None:
    run = debug_tap(**config, stream_maps={"leads": {"email": "int(email)"}}, **settings)
    assert run.returncode == 1
    critical = [line for line in run.stderr.splitlines() if "CRITICAL" in line]
    assert len(critical) == 1
    assert "the stream map of leads failed for email: ValueError. " in critical[0]
    assert "Traceback" not in run.stderr
    assert not [lead["email"] for lead in api.control.truth("leads") if (lead.get("email") or "@") in run.stderr]
    assert {json.loads(line)["type"] for line in run.stdout.splitlines()} <= {"SCHEMA", "RECORD", "STATE"}


# Forms that the SDK allows


ALLOWED: dict[str, Any] = {
    "nothing": {},
    "no other streams": {"__else__": None, "lead_lists": {}},
    "no other streams, as Meltano writes it": {"__else__": "__NULL__", "lead_lists": {}},
    "a stream removed": {"lead_lists": None, "leads": "__NULL__"},
    "streams removed by a pattern": {"lead*": None},
    "a new column": {"lead_lists": {"size": "md5(name)"}},
    "a new column that is the key": {
        "lead_lists": {"key": "workspace_id + id", "__key_properties__": ["key"], "id": None, "workspace_id": None}
    },
    "a copy by a pattern": {"copies": {"__source__": "lead_l*", "workspace_name": None}},
    "another name": {"lead_lists": {"__alias__": "lists-of-leads"}},
    "another name by an expression": {"lead_*": {"__alias__": "'my_' + __stream_name__"}},
    "only what is named": {"lead_lists": {"__else__": None, "id": "id", "name": "record.get('name')"}},
    "a filter": {"lead_lists": {"__filter__": "name is not None"}},
    "a column that some of a pattern have": {"*": {"email": None}},
}


@pytest.mark.parametrize("case", ALLOWED)
def test_stream_maps_allowed_by_the_sdk_are_accepted(sync: Sync, case: str) -> None:
    run = sync("lead_lists", stream_maps=ALLOWED[case])
    assert any(message["type"] == "RECORD" for message in run.messages) is ("removed" not in case)


def test_copied_stream_has_its_own_columns(sync: Sync) -> None:
    run = sync("lead_lists", stream_maps={"copies": {"__source__": "lead_lists", "name": None}})
    assert all("name" in record for record in run.records("lead_lists"))
    assert len(run.records("copies")) == len(run.records("lead_lists"))
    assert not any("name" in record for record in run.records("copies"))


def test_stream_maps_setting_can_be_reused_by_a_second_tap(config: dict[str, Any]) -> None:
    maps = {"__else__": None, "lead_lists": {}}
    for _ in range(2):
        run = run_tap({**config, "stream_maps": maps}, streams=("lead_lists", "campaigns"))
        assert {message["stream"] for message in run.messages if message["type"] == "RECORD"} == {"lead_lists"}


# Streams that are not selected


def test_pattern_applies_to_selected_streams(config: dict[str, Any]) -> None:
    streams = ("accounts", "campaign_analytics", "campaigns", "lead_lists")
    run = run_tap({**config, "stream_maps": {"campaign*": {"workspace_name": None}}}, streams=streams)
    found = {message["stream"]: message["record"] for message in run.messages if message["type"] == "RECORD"}
    assert found.keys() == {*streams}
    without = {name for name, record in found.items() if "workspace_name" not in record}
    assert without == {"campaign_analytics", "campaigns"}


@pytest.mark.parametrize("map_", [{"subject": None}, {"id": None}, {"__alias__": "mails"}, {"__else__": None}])
def test_map_of_a_deselected_stream_is_harmless(
    sync: Sync, caplog: pytest.LogCaptureFixture, map_: dict[str, Any]
) -> None:
    caplog.set_level(logging.INFO)
    run = sync("lead_lists", stream_maps={"emails": map_})
    assert run.records("lead_lists")
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_deselected_column_may_be_removed_by_a_map(config: dict[str, Any], sync: Sync) -> None:
    run = sync("lead_lists", stream_maps={"lead_lists": {"has_enrichment_task": None}})
    assert not any("has_enrichment_task" in record for record in run.records("lead_lists"))


def test_connection_test_shows_only_records_unaffected_by_maps_and_no_key(
    config: dict[str, Any], debug_tap: Callable[..., Any]
) -> None:
    run = debug_tap("--test", **config, stream_maps={"*": {"workspace_name": None}})
    assert run.returncode == 0
    records = [message for message in map(json.loads, run.stdout.splitlines()) if message["type"] == "RECORD"]
    assert records
    assert not any("workspace_name" in message["record"] for message in records)
    (line,) = [line for line in run.stderr.splitlines() if "Streams not listed" in line]
    assert "emails" in line
    assert "emails" not in {message["stream"] for message in records}
    assert traces(config["api_key"], run.stdout + run.stderr) == []


# Likely mistakes that are valid


@pytest.mark.parametrize(("name", "expected"), [("emial", 1), ("e_mail", 1), ("email", 0), ("email_hash", 0), ("x", 0)])
def test_new_column_with_a_similar_name_gets_a_warning(
    sync: Sync, caplog: pytest.LogCaptureFixture, name: str, expected: int
) -> None:
    run = sync("leads", stream_maps={"leads": {name: "md5(record.get('email') or '')"}})
    assert all(record[name] for record in run.records("leads"))
    line = f"The stream map of leads adds a new column {name}: did you mean 'email'?"
    assert caplog.messages.count(line) == expected
