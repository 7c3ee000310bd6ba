from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_instantly.streams import STREAMS
from tap_instantly.tap import TapInstantly
from tests.listeners import Answer, answering
from tests.openapi_documents import document_of, known_document
from tools import drift
from tools.openapi import DOCUMENT, UnreadableError, facts, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.openapi import Facts

    Drift = Callable[[Any], tuple[int, str, str]]

Document = dict[str, Any]

KNOWN = drift.known_facts()
A_FEW = {name: KNOWN[name] for name in (DOCUMENT, "GET /accounts", "GET /campaigns", "POST /leads/list", "POST /leads")}


@pytest.fixture
def document() -> Document:
    """A document with exactly the facts that this project keeps."""
    return known_document()


def told(document: Document, elsewhere: Facts | None = None) -> list[str]:
    return sorted(drift.differences(facts(document), KNOWN, elsewhere or {}))


def operation(document: Document, name: str) -> Document:
    method, _, path = name.partition(" ")
    found: Document = document["paths"][f"/api/v2{path}"][method.lower()]
    return found


def answer(document: Document, name: str) -> Document:
    found: Document = operation(document, name)["responses"]["200"]["content"]["application/json"]
    return found


def fields_of_accounts(document: Document) -> Document:
    found: Document = answer(document, "GET /accounts")["schema"]["properties"]["items"]["items"]["properties"]
    return found


# Reported differences


def test_new_and_removed_operations_are_reported_as_reads_or_not(document: Document) -> None:
    document["paths"]["/api/v2/moods"] = {"get": {}, "patch": {}}
    document["paths"]["/api/v2/moods/list"] = {"post": {"description": "Requires one of: `moods:read`, `moods:all`"}}
    del document["paths"]["/api/v2/accounts"]["get"]
    assert told(document) == [
        "operation added: GET /moods",
        "operation added: PATCH /moods (not known to be a read)",
        "operation added: POST /moods/list",
        "operation gone: GET /accounts (accounts)",
    ]


def test_contents_of_a_new_or_removed_field_are_not_reported_again(document: Document) -> None:
    fields_of_accounts(document)["mood"] = {"type": "object", "properties": {"pace": {"type": "number"}}}
    del fields_of_accounts(document)["warmup"]
    assert told(document) == [
        "answer field added: GET /accounts answer/items/*/mood (object) (accounts)",
        "answer field gone: GET /accounts answer/items/*/warmup (accounts)",
    ]


def test_write_operations_are_compared_without_their_details(document: Document) -> None:
    write = operation(document, "POST /leads")
    write["requestBody"] = {"content": {"application/json": {"schema": {"type": "array"}}}}
    assert told(document) == []
    write["deprecated"] = True
    assert told(document) == ["deprecated added: POST /leads true"]


def test_server_and_version_changes_are_reported(document: Document) -> None:
    document["info"]["version"] = "2.1.0"
    document["servers"] = [{"url": "https://elsewhere.example"}]
    assert told(document) == [
        'servers added: document {"url": "https://elsewhere.example"}',
        'servers gone: document {"url": "https://api.instantly.ai"}',
        "version changed: document 2.0.0 -> 2.1.0",
    ]


# Differences that are not reported


def arranged_differently(node: Any) -> Any:
    """Return the same document with other descriptions, in another order."""
    if isinstance(node, list):
        return [arranged_differently(part) for part in reversed(node)]
    if not isinstance(node, dict):
        return node
    prose = {"title": "Title", "summary": "Summary", "example": 7, "examples": [8], "x-order": 9, "deprecated": False}
    turned = {key: arranged_differently(value) for key, value in reversed(node.items())}
    return {**prose, **turned} if "type" in node and isinstance(node["type"], (str, list)) else turned


def by_reference(node: Any, schemas: Document) -> Any:
    """Return the same schema with each part in the components, split in two."""
    if not isinstance(node, dict):
        return [by_reference(part, schemas) for part in node] if isinstance(node, list) else node
    inner = {key: by_reference(value, schemas) for key, value in node.items()}
    if "properties" not in node or "type" not in node:
        return inner
    name = f"a/b~{len(schemas)}"
    schemas[name] = (
        {"allOf": [inner, {"type": "object", "description": "Twice"}]} if "object" in node["type"] else inner
    )
    return {"$ref": f"#/components/schemas/{name.replace('~', '~0').replace('/', '~1')}", "description": "Elsewhere"}


def with_null_as_an_alternative(node: Any) -> Any:
    if not isinstance(node, dict):
        return [with_null_as_an_alternative(part) for part in node] if isinstance(node, list) else node
    inner = {key: with_null_as_an_alternative(value) for key, value in node.items()}
    if isinstance(types := inner.get("type"), list) and "null" in types and "anyOf" not in inner:
        rest = [kind for kind in types if kind != "null"]
        return {"oneOf": [{"type": "null"}, {**inner, "type": rest[0] if len(rest) == 1 else rest}]}
    return inner


def test_prose_and_order_changes_are_not_reported(document: Document) -> None:
    assert told(arranged_differently(document)) == []
    operation(document, "GET /accounts")["description"] = (
        "In other words. Scopes: `all:all`, `all:read`, `accounts:all` or `accounts:read`."
    )
    assert told(document) == []


def test_references_and_parts_are_followed(document: Document) -> None:
    schemas: Document = {}
    paths = by_reference(document["paths"], schemas)
    assert len(schemas) > 100
    assert told({**document, "paths": paths, "components": {"schemas": schemas}}) == []


def test_null_as_an_alternative_is_the_same_as_among_the_types(document: Document) -> None:
    assert told(with_null_as_an_alternative(document)) == []


def test_new_alternative_is_reported_without_shifting_later_ones(document: Document) -> None:
    agent = answer(document, "GET /ai-agents/deliverability")["schema"]["properties"]["agent"]
    payloads = agent["properties"]["payload"]["anyOf"]
    payloads.insert(1, {"type": "object", "properties": {"voice_id": {"type": "string"}}})
    place = "GET /ai-agents/deliverability answer/agent/payload"
    assert told(document) == [f"answer field added: {place}|5 (object)"]
    payloads[3]["properties"]["mood"] = {"type": "string"}
    assert told(document) == [f"answer field added: {place}|3/mood (string)", f"answer field added: {place}|5 (object)"]
    del payloads[:2]
    assert told(document) == [f"answer field added: {place}|3/mood (string)", f"answer field gone: {place}|1"]


def test_facts_known_from_elsewhere_are_neither_added_nor_gone(document: Document) -> None:
    status, field = "answer/items/*/status", "answer/items/*/mood"
    elsewhere: Facts = {
        "GET /accounts": {field: {"type": "string"}, status: {"enum": [9], "meanings": {"9": "Asleep"}}},
        "GET /moods": {},
    }
    assert told(document, elsewhere) == []
    fields = fields_of_accounts(document)
    fields["mood"] = {"type": "string", "format": "date-time"}
    fields["status"]["enum"].append(9)
    fields["status"]["x-enumDescriptions"]["9"] = "Asleep"
    document["paths"]["/api/v2/moods"] = {"get": {}}
    assert told(document, elsewhere) == []
    fields["mood"]["type"] = "number"
    fields["status"]["x-enumDescriptions"]["9"] = "Awake"
    fields["status"]["enum"].append(10)
    assert told(document, elsewhere) == [
        f"meaning changed: GET /accounts {status} 9: Asleep -> Awake (accounts)",
        f"type changed: GET /accounts {field} string -> number (accounts)",
        f"value added: GET /accounts {status} 10 (accounts)",
    ]


# Command line


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Drift:
    """Run the command on a document; return its exit code and output."""

    def run(document: Any) -> tuple[int, str, str]:
        path = tmp_path / "document"
        path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
        code = drift.main([str(path)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err.replace(str(path), "document")

    return run


def test_difference_is_printed_on_one_line_and_sets_the_exit_code(run: Drift, document: Document) -> None:
    assert run(document) == (0, "", "")
    fields_of_accounts(document)["mo\nod"] = {"type": "string"}
    line = r"answer field added: GET /accounts answer/items/*/mo\nod (string) (accounts)"
    assert run(document) == (1, f"{line}\n", "")


def test_number_that_becomes_text_is_reported(document: Document) -> None:
    status = fields_of_accounts(document)["status"]
    status["enum"] = [str(value) if value == 1 else value for value in status["enum"]]
    place = "GET /accounts answer/items/*/status 1 (accounts)"
    assert told(document) == [f"value added: {place}", f"value gone: {place}"]


def test_reads_yaml(run: Drift, document: Document) -> None:
    assert run(yaml.safe_dump(document_of(A_FEW)).encode())[1:] == run(document_of(A_FEW))[1:]


def test_reads_from_a_url(document: Document, capsys: pytest.CaptureFixture[str]) -> None:
    answers = {"/openapi.json": Answer(body=json.dumps(document))}
    with answering(lambda path: answers.get(path, Answer(404))) as server:
        assert drift.main([f"{server.url}/openapi.json"]) == 0
        assert drift.main([f"{server.url}/nothing"]) == 2
    assert capsys.readouterr().err.startswith(f"{server.url}/nothing cannot be read: 404 Client Error")


DEEP = b"[" * 100_000
BOMB = {f"s{n}": {"allOf": [{"$ref": f"#/components/schemas/s{n + 1}"}] * 2} for n in range(40)}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "not an OpenAPI document: nothing in it says `openapi`"),
        (b"<html>", "not an OpenAPI document: nothing in it says `openapi`"),
        (b"\xff\xfe\x00", "neither JSON nor YAML"),
        (b"{", "neither JSON nor YAML"),
        (b"a: b: c", "neither JSON nor YAML"),
        (DEEP, "nested too deeply"),
        ([], "not an OpenAPI document: nothing in it says `openapi`"),
        ({"swagger": "2.0", "paths": {}}, "not an OpenAPI document: nothing in it says `openapi`"),
        ({"openapi": "4.0.0", "paths": {"/x": {"get": {}}}}, "OpenAPI '4.0.0'; this reads version 3"),
        ({"openapi": "3.1.0"}, "no operations in its `paths`"),
        ({"openapi": "3.1.0", "paths": [{"get": {}}]}, "no operations in its `paths`"),
        ({"openapi": "3.1.0", "paths": {"/x": []}}, "no operations in its `paths`"),
        (
            {
                "openapi": "3.1.0",
                "paths": {"/x": {"get": {"parameters": [{"schema": {"$ref": "#/components/schemas/s0"}}]}}},
                "components": {"schemas": BOMB},
            },
            "it unfolds to more than 50,000 schemas",
        ),
    ],
)
def test_unreadable_document_is_one_line_and_exit_code_2(run: Drift, document: Any, why: str) -> None:
    assert run(document) == (2, "", f"document cannot be read: {why}\n")


def test_missing_file_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert drift.main(["nowhere.json"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_circular_or_dangling_references_are_reported(run: Drift, document: Document) -> None:
    fields = fields_of_accounts(document)
    document["components"] = {
        "schemas": {
            "Tree": {"type": "object", "properties": {"leaves": {"$ref": "#/components/schemas/Tree"}}},
            "Here": {"$ref": "#/components/schemas/There"},
            "There": {"$ref": "#/components/schemas/Here"},
        }
    }
    fields["tree"] = {"$ref": "#/components/schemas/Tree"}
    fields["first_name"] = {"$ref": "#/components/schemas/Here"}
    fields["last_name"] = {"$ref": "https://elsewhere.example/schema.json"}
    code, printed, _ = run(document)
    assert code == 1
    place = "GET /accounts answer/items/*"
    assert f"answer field added: {place}/tree (object) (accounts)" in printed
    assert f"recursive added: {place}/first_name true (accounts)" in printed
    assert f"unresolved added: {place}/last_name https://elsewhere.example/schema.json (accounts)" in printed


NONSENSE: tuple[Any, ...] = (
    *(None, True, False, 0, -1.5, "", "x", [], {}, [[]], [None], [{}], [{"type": "object"}], {"x": []}, {"type": {}}),
    *(
        {"$ref": 7},
        {"$ref": "#"},
        {"$ref": "#/nowhere/0"},
        {"$ref": "#/paths"},
        {"allOf": {}},
        {"anyOf": [None, [], 7]},
    ),
    *({"enum": "x", "required": [{}, 1], "x-enumDescriptions": []}, {"properties": [1], "items": [{}]}),
)


def places_of(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a document as its container and key."""
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], (dict, list)):
            yield from places_of(node[key])


@pytest.mark.parametrize("values", [NONSENSE[::5], pytest.param(NONSENSE, marks=pytest.mark.long)], ids=["some", "all"])
def test_no_document_causes_a_crash(values: tuple[Any, ...]) -> None:
    known = {name: KNOWN[name] for name in (DOCUMENT, "GET /custom-tag-mappings", "POST /accounts/warmup-analytics")}
    document = document_of(known)
    document["paths"]["/api/v2/custom-tag-mappings"]["parameters"] = [
        {"in": "query", "name": "x", "schema": {"type": "string"}}
    ]
    for holder, key in list(places_of(document)):
        before = holder[key]
        for nonsense in values:
            for value in (nonsense, [*before, nonsense]) if isinstance(before, list) else (nonsense,):
                holder[key] = value
                try:
                    found = facts(parse(json.dumps(document).encode()) if holder is document else document)
                except UnreadableError:
                    continue
                list(drift.differences(found, known, {}))
        holder[key] = before


def test_accepted_document_is_known_afterwards(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("operations.json", "known-elsewhere.json"):
        (tmp_path / name).write_bytes((drift.DOCS / name).read_bytes())
    monkeypatch.setattr(drift, "DOCS", tmp_path)
    source = tmp_path / "document.json"
    source.write_text(json.dumps(document), encoding="utf-8")
    assert drift.main([str(source), "--accept"]) == 0
    kept = Path("docs", "openapi-facts.json").read_text(encoding="utf-8")
    assert (tmp_path / "openapi-facts.json").read_text(encoding="utf-8") == kept
    fields_of_accounts(document)["mood"] = {"type": "string"}
    source.write_text(json.dumps(document), encoding="utf-8")
    assert drift.main([str(source), "--accept"]) == 1
    assert capsys.readouterr().out == "not in schemas/accounts.json: mood (string)\n"
    assert drift.main([str(source)]) == 0


# Stored facts


def test_streams_and_schemas_follow_everything_known_of_the_api() -> None:
    assert sorted(drift.undecided(KNOWN, drift.known_elsewhere())) == []


def test_deviations_of_the_schemas_are_listed() -> None:
    known = copy.deepcopy(KNOWN)
    accounts = known["GET /accounts"]
    accounts["answer/items/*/mood"] = {"type": "string"}
    accounts["answer/items/*/warmup/pace"] = {"type": "number", "nullable": True}
    accounts["answer/items/*/daily_limit"]["type"] = "string"
    del accounts["answer/items/*/signature"]
    known["GET /moods"] = {"operation": {"id": "listMoods"}}
    del known["GET /custom-tags"]
    known["GET /lead-lists"]["answer/items/*/mood"] = {"type": "string"}
    elsewhere: Facts = {"GET /lead-lists": {"answer/items/*/mood": {"type": "string"}}}
    assert sorted(drift.undecided(known, drift.known_elsewhere() | elsewhere)) == [
        "in docs/known-elsewhere.json, and documented by now: GET /lead-lists answer/items/*/mood",
        "in docs/operations.json, but documented nowhere: GET /custom-tags",
        "in schemas/accounts.json, but documented nowhere: signature",
        "not in docs/operations.json: GET /moods",
        "not in schemas/accounts.json: mood (string)",
        "not in schemas/accounts.json: warmup/pace (number)",
        "not in schemas/lead_lists.json: mood (string)",
        "of another type in schemas/accounts.json: daily_limit is string, not integer",
    ]


def test_facts_known_from_elsewhere_have_a_source() -> None:
    for entry in json.loads(Path("docs", "known-elsewhere.json").read_text(encoding="utf-8")):
        assert entry["source"]
        assert entry["at"]
        assert isinstance(entry["fact"], dict)


def test_every_operation_is_decided_once_and_for_a_reason() -> None:
    operations = drift.known_operations()
    assert len({(o["method"], o["path"]) for o in operations}) == len(operations)
    names = [o["id"] for o in operations if "id" in o]
    assert len(set(names)) == len(names)
    for operation in operations:
        assert bool(operation.get("streams")) != bool(operation.get("why_not")), operation["path"]


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
        # Names in braces are placeholders.
        assert [p if "{" not in p else "{}" for p in stream.path.split("/")] == [
            p if "{" not in p else "{}" for p in path.split("/")
        ]


def test_there_is_a_schema_for_every_stream_and_no_other() -> None:
    assert {path.stem for path in Path("schemas").glob("*.json")} == {stream.name for stream in STREAMS}
