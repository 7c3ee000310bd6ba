from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tap_instantly.streams import STREAMS
from tap_instantly.tap import TapInstantly
from tools import drift

Document = dict[str, Any]


def wrapped(schema: Any, place: str) -> Any:
    """The schema of an answer that holds ``schema`` at ``place``."""
    for step in reversed(place.split("/")[1:]):
        schema = {"type": "array", "items": schema} if step == "*" else {"type": "object", "properties": {step: schema}}
    return schema


def merged(first: Any, second: Any) -> Any:
    if not isinstance(first, dict) or not isinstance(second, dict):
        return second
    return {**first, **{key: merged(first[key], value) if key in first else value for key, value in second.items()}}


@pytest.fixture(scope="module")
def known() -> Document:
    """An OpenAPI document of exactly what this project knows, made from its own list and schemas."""
    paths: Document = {}
    for operation in drift.known_operations():
        answer: Any = {}
        for stream, place in operation.get("streams", {}).items():
            schema = json.loads(Path("schemas", f"{stream}.json").read_text(encoding="utf-8"))
            sent = {k: v for k, v in schema["properties"].items() if not v["description"].endswith(drift.ADDED)}
            answer = merged(answer, wrapped({"type": "object", "properties": sent}, place))
        documented = {"responses": {"200": {"content": {"application/json": {"schema": answer}}}}}
        paths.setdefault(drift.PREFIX + operation["path"], {})[operation["method"].lower()] = documented
    return {"paths": paths}


@pytest.fixture
def document(known: Document) -> Document:
    return copy.deepcopy(known)


def fields_of_accounts(document: Document) -> Document:
    operation = document["paths"]["/api/v2/accounts"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    found: Document = schema["properties"]["items"]["items"]["properties"]
    return found


def test_what_is_known_is_no_drift(document: Document) -> None:
    assert list(drift.differences(document)) == []


def test_a_new_field_is_found(document: Document) -> None:
    fields_of_accounts(document)["mood"] = {"type": "string"}
    fields_of_accounts(document)["warmup"]["properties"]["pace"] = {"type": ["number", "null"]}
    assert set(drift.differences(document)) == {
        "field new: accounts.mood (string)",
        "field new: accounts.warmup.pace (number/null)",
    }


def test_a_removed_field_is_found(document: Document) -> None:
    del fields_of_accounts(document)["signature"]
    assert list(drift.differences(document)) == ["field gone: accounts.signature"]


def test_a_changed_type_is_found(document: Document) -> None:
    fields_of_accounts(document)["daily_limit"]["type"] = "string"
    fields_of_accounts(document)["signature"]["type"] = ["object", "null"]
    assert list(drift.differences(document)) == [
        "type changed: accounts.daily_limit is string, not integer",
        "type changed: accounts.signature is object, not string",
    ]


def test_numbers_that_are_integers_here_and_nullability_are_no_drift(document: Document) -> None:
    fields_of_accounts(document)["daily_limit"]["type"] = "number"
    assert list(drift.differences(document)) == []


def test_new_and_removed_operations_are_found(document: Document) -> None:
    document["paths"]["/api/v2/moods"] = {"get": {}, "patch": {}}
    document["paths"]["/api/v2/moods/list"] = {"post": {"description": "Requires one of: `moods:read`, `moods:all`"}}
    document["paths"]["/api/v2/moods/add"] = {"post": {"description": "Requires one of: `moods:create`"}}
    del document["paths"]["/api/v2/accounts"]
    assert set(drift.differences(document)) == {
        "operation gone: GET /accounts (accounts)",
        "operation new: GET /moods",
        "operation new: POST /moods/list",
    }


def test_references_and_alternatives_are_followed(document: Document) -> None:
    fields = fields_of_accounts(document)
    document["components"] = {"schemas": {"Limit": {"anyOf": [{"type": "number"}, {"type": "null"}]}}}
    fields["daily_limit"] = {"$ref": "#/components/schemas/Limit"}
    assert list(drift.differences(document)) == []


def test_the_report_is_readable_and_its_exit_code_tells(
    document: Document, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert drift.main(str(path)) == 0
    assert capsys.readouterr().out == "no drift: every operation and field is known\n"
    fields_of_accounts(document)["mood"] = {"type": "string"}
    path.write_text(json.dumps(document), encoding="utf-8")
    assert drift.main(str(path)) == 1
    assert capsys.readouterr().out == "field new: accounts.mood (string)\n1 differences\n"


def test_every_operation_is_decided_once_and_for_a_reason() -> None:
    operations = drift.known_operations()
    assert len({(o["method"], o["path"]) for o in operations}) == len({o["id"] for o in operations}) == len(operations)
    for operation in operations:
        assert bool(operation.get("streams")) != bool(operation.get("why_not")), operation["id"]


def test_every_stream_is_in_the_list_under_the_endpoint_that_it_reads() -> None:
    carried = {
        stream: (operation["method"], operation["path"])
        for operation in drift.known_operations()
        for stream in operation.get("streams", {})
    }
    assert carried.keys() == {stream.name for stream in STREAMS}
    for stream in TapInstantly(config={}, validate_config=False).discover_streams():
        method, path = carried[stream.name]
        assert stream.http_method == method
        # The names in braces are ours.
        assert [p if "{" not in p else "{}" for p in stream.path.split("/")] == [
            p if "{" not in p else "{}" for p in path.split("/")
        ]


def test_there_is_a_schema_for_every_stream_and_none_besides() -> None:
    assert {path.stem for path in Path("schemas").glob("*.json")} == {stream.name for stream in STREAMS}
