"""Each kind of change to the API's document is reported at every place where it is possible, and nothing else is."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import pytest

from tests.openapi_documents import known_document
from tools import drift
from tools.changes import kind_of
from tools.openapi import DOCUMENT, PREFIX, facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tools.openapi import Facts

    Node = dict[str, Any]
    Change = Callable[[Node], "str | None"]
    """Changes a schema or an operation and returns the start of its report line, or None if that is impossible."""

KNOWN = drift.known_facts()
READS = [name for name, places in KNOWN.items() if len(places) > 1 and name != DOCUMENT]


def lines(document: Node, known: Facts = KNOWN) -> list[str]:
    return sorted(drift.differences(facts(document), known, {}))


# Changes replace the parts of a schema or an operation instead of modifying them, so that it can be restored.


def gone(name: str, line: str) -> Change:
    """Remove a part."""
    return lambda node: line if node.pop(name, None) else None


def put(name: str, value: Any, line: str) -> Change:
    """Set a part, whatever it was; ``was`` stands for the kind of change."""

    def change(node: Node) -> str:
        was = "changed" if name in node else "added"
        node[name] = value
        return line.replace("{was}", was)

    return change


def altered(name: str, new: Callable[[Any], Any], line: str) -> Change:
    """Replace a part by another that is made of it."""

    def change(node: Node) -> str | None:
        if name not in node or (value := new(node[name])) == node[name]:
            return None
        node[name] = value
        return line

    return change


def new(name: str, value: Any, line: str) -> Change:
    """Set a part that was not there."""
    return lambda node: None if node.get(name) else node.update({name: value}) or line


def types_of(schema: Node) -> set[str]:
    types = schema.get("type", [])
    return {types} if isinstance(types, str) else set(types)


def field_gone(schema: Node) -> str | None:
    if not schema.get("properties"):
        return None
    name = next(iter(schema["properties"]))
    schema["properties"] = {key: value for key, value in schema["properties"].items() if key != name}
    schema["required"] = [key for key in schema.get("required", ()) if key != name]
    return "{field} gone: {place}/" + name


def field_renamed(schema: Node) -> str | None:
    if not schema.get("properties"):
        return None
    name, *_ = schema["properties"]
    schema["properties"] = {f"{key}_2" if key == name else key: value for key, value in schema["properties"].items()}
    return "{field} added: {place}/" + f"{name}_2"


def required_changed(schema: Node) -> str | None:
    if not schema.get("properties"):
        return None
    name, required = next(iter(schema["properties"])), schema.get("required", [])
    schema["required"] = [key for key in required if key != name] if name in required else [*required, name]
    return f"required {'gone' if name in required else 'added'}: " + "{place}/" + name


def nullable_changed(schema: Node) -> str | None:
    if "type" not in schema:
        return None
    types = types_of(schema)
    schema["type"] = sorted(types ^ {"null"})
    return f"nullable {'gone' if 'null' in types else 'added'}: " + "{place}"


def value_gone(schema: Node) -> str | None:
    if "enum" not in schema:
        return None
    *schema["enum"], last = schema["enum"]
    text = last if isinstance(last, str) else json.dumps(last)
    return "value gone: {place} " + text if schema["enum"] else "value gone: {place}"


def limit_changed(schema: Node) -> str | None:
    for name in ("maxItems", "minItems", "minimum", "minLength", "maxLength"):
        if name in schema:
            schema[name] += 1
            return "limit changed: {place} " + name
    return None


def wrapped(schema: Node) -> str | None:
    """Wrap an array in an envelope, a text in an object, and so on."""
    whole, types = dict(schema), types_of(schema)
    schema.clear()
    schema.update(type="object", properties={"contents": whole})
    return "type changed: {place}" if types - {"object", "null"} else "{field} added: {place}/contents"


def of_two_kinds(schema: Node) -> str | None:
    if "anyOf" in schema:
        return None
    whole = dict(schema)
    schema.clear()
    schema["anyOf"] = [whole, {"type": "string", "format": "of another kind"}]
    return "{field} added: {place}|2"


SCHEMA_CHANGES: dict[str, Change] = {
    "a field added": altered(
        "properties", lambda fields: {**fields, "mood": {"type": "string"}}, "{field} added: {place}/mood (string)"
    ),
    "a field gone": field_gone,
    "a field renamed": field_renamed,
    "required or not": required_changed,
    "another type": altered("type", lambda _: "mood", "type changed: {place}"),
    "no type": gone("type", "type gone: {place}"),
    "nullable or not": nullable_changed,
    "a value added": altered("enum", lambda values: [*values, "another"], "value added: {place} another"),
    "a value gone": value_gone,
    "no values": gone("enum", "value gone: {place}"),
    "values": new("enum", ["this", "that"], "value added: {place}"),
    "another meaning": altered(
        "x-enumDescriptions", lambda old: {**old, next(iter(old)): "something else"}, "meaning changed: {place}"
    ),
    "a maximum": put("maximum", 7, "limit {was}: {place} maximum"),
    "another limit": limit_changed,
    "no maximum": gone("maximum", "limit gone: {place} maximum"),
    "deprecated": new("deprecated", value=True, line="deprecated added: {place}"),
    "a default": put("default", "something else", "default {was}: {place}"),
    "a format": put("format", "something else", "format {was}: {place}"),
    "wrapped": wrapped,
    "of two kinds": of_two_kinds,
}

STRUCTURAL = {"a field gone", "a field renamed", "wrapped", "of two kinds"}
DEEPEST = 11

# Changes of an operation.


def parameter_gone(operation: Node) -> str | None:
    if not operation["parameters"]:
        return None
    first, *operation["parameters"] = operation["parameters"]
    return "parameter gone: {operation} " + f"{first['in']}/{first['name']}"


def parameter_required(operation: Node) -> str | None:
    if not operation["parameters"]:
        return None
    first, *rest = operation["parameters"]
    was = "gone" if first.get("required") else "added"
    operation["parameters"] = [{**first, "required": was == "added"}, *rest]
    return f"required {was}: " + "{operation} " + f"{first['in']}/{first['name']}"


def answer_gone(operation: Node) -> str | None:
    if not any("content" in answer for answer in operation["responses"].values()):
        return None
    operation["responses"] = {status: {} for status in operation["responses"]}
    return "answer field gone: {operation} answer"


def described(new: Callable[[str], str], line: str) -> Change:
    return altered("description", new, line)


MOMENT = {"in": "query", "name": "min_timestamp_updated", "schema": {"type": "string"}}
BODY = {"content": {"application/json": {"schema": {"type": "object"}}}}
HEADER = {"429": {"headers": {"Retry-After": {}}}}

OPERATION_CHANGES: dict[str, Change] = {
    "deprecated": new("deprecated", value=True, line="deprecated added: {operation} true"),
    "renamed": put("operationId", "listMoods", "id changed: {operation}"),
    "a scope": described(lambda text: f"{text}, `moods:read`", "scope added: {operation}"),
    "no scope": described(lambda text: text.replace("`all:read`", ""), "scope gone: {operation} all:read"),
    "a rate": described(lambda text: f"{text}\n\nRate limit: 3 requests per minute.", "rate limit added: {operation}"),
    "another rate": described(
        lambda text: text.replace(" requests per ", "0 requests per "), "rate limit added: {operation}"
    ),
    "a status": altered("responses", lambda old: {**old, "418": {}}, "status added: {operation} 418"),
    "a header": altered("responses", lambda old: {**old, **HEADER}, "header added: {operation}"),
    "a parameter": altered(
        "parameters",
        lambda old: [*old, MOMENT],
        "parameter added: {operation} query/min_timestamp_updated (string)",
    ),
    "a parameter gone": parameter_gone,
    "a parameter required or not": parameter_required,
    "a body": new("requestBody", BODY, "body field added: {operation} body"),
    "no body": gone("requestBody", "body field gone: {operation} body"),
    "no answer": answer_gone,
}


def schemas_of(operation: Node) -> Iterator[tuple[str, Node]]:
    """Yield every schema of an operation with its place."""
    for parameter in operation["parameters"]:
        yield from schemas_in(parameter["schema"], f"{parameter['in']}/{parameter['name']}")
    holders = [("body", operation.get("requestBody", {}))]
    holders += [("answer", answer) for answer in operation["responses"].values()]
    for place, holder in holders:
        if schema := holder.get("content", {}).get("application/json", {}).get("schema"):
            yield from schemas_in(schema, place)


def schemas_in(schema: Node, place: str) -> Iterator[tuple[str, Node]]:
    yield place, schema
    for name, part in schema.get("properties", {}).items():
        yield from schemas_in(part, f"{place}/{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from schemas_in(schema[name], f"{place}/*")
    alternatives = [part for part in schema.get("anyOf", ()) if part != {"type": "null"}]
    for number, part in enumerate(alternatives, start=1):
        yield from schemas_in(part, place if len(alternatives) == 1 else f"{place}|{number}")


def reads_of(document: Node) -> Iterator[tuple[str, Node]]:
    """Yield the operations of a document that are fully compared."""
    for name in READS:
        method, _, path = name.partition(" ")
        yield name, document["paths"][PREFIX + path][method.lower()]


def untold(expected: Iterable[str], document: Node) -> list[str]:
    """Return the expected lines that start no reported line."""
    found = lines(document)
    return [line for line in expected if not "".join(found[(at := bisect_left(found, line)) : at + 1]).startswith(line)]


def test_unchanged_document_gives_no_report() -> None:
    document = known_document()
    assert facts(document) == KNOWN
    assert lines(document) == []


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.long if name in STRUCTURAL else ()) for name in SCHEMA_CHANGES],
)
def test_every_schema_change_is_reported_wherever_it_occurs(name: str) -> None:
    change, made = SCHEMA_CHANGES[name], 0
    # Structural changes move the places below them: change one depth at a time.
    for depth in range(DEEPEST) if name in STRUCTURAL else (None,):
        document = known_document()
        expected = []
        for read, place, schema in [(read, *at) for read, node in reads_of(document) for at in schemas_of(node)]:
            if depth in (None, len(re.findall(r"[/|]", place))) and (line := change(schema)):
                expected.append(line.format(place=f"{read} {place}", field=kind_of(place)))
        assert untold(expected, document) == []
        made += len(expected)
    assert made > 10


@pytest.mark.parametrize("change", OPERATION_CHANGES.values(), ids=OPERATION_CHANGES)
def test_operation_change_is_reported_for_each_operation(change: Change) -> None:
    document = known_document()
    expected = [line.format(operation=name) for name, operation in reads_of(document) if (line := change(operation))]
    assert expected
    assert untold(expected, document) == []
