"""Each kind of change to the API's document is reported at every place where it is possible, and nothing else is."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import pytest

from tests.openapi_documents import document_of
from tools import drift
from tools.changes import kind_of
from tools.openapi import DOCUMENT, PREFIX, facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tools.openapi import Facts

    Node = dict[str, Any]
    Change = Callable[[Node], "str | None"]
    """Changes a schema or an operation and returns the start of its report line; None if not applicable."""

KNOWN = drift.known_facts()
READS = [name for name, places in KNOWN.items() if len(places) > 1 and name != DOCUMENT]


def lines(document: Node, known: Facts = KNOWN) -> list[str]:
    return sorted(drift.differences(facts(document), known, {}))


# Changes of a schema replace its parts instead of modifying them, so that the schema itself can be restored.


def field_added(schema: Node) -> str | None:
    if "properties" not in schema:
        return None
    schema["properties"] = {**schema["properties"], "mood": {"type": "string"}}
    return "{field} added: {place}/mood (string)"


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


def type_changed(schema: Node) -> str | None:
    if "type" not in schema:
        return None
    schema["type"] = "mood"
    return "type changed: {place}"


def type_gone(schema: Node) -> str | None:
    return "type gone: {place}" if schema.pop("type", None) else None


def nullable_changed(schema: Node) -> str | None:
    if "type" not in schema:
        return None
    types = types_of(schema)
    schema["type"] = types - {"null"} if "null" in types else types | {"null"}
    schema["type"] = sorted(schema["type"])
    return f"nullable {'gone' if 'null' in types else 'added'}: " + "{place}"


def value_added(schema: Node) -> str | None:
    if "enum" not in schema:
        return None
    schema["enum"] = [*schema["enum"], "another"]
    return "value added: {place} another"


def value_gone(schema: Node) -> str | None:
    if "enum" not in schema:
        return None
    *schema["enum"], last = schema["enum"]
    text = last if isinstance(last, str) else json.dumps(last)
    return "value gone: {place} " + text if schema["enum"] else "value gone: {place}"


def values_gone(schema: Node) -> str | None:
    return "value gone: {place}" if schema.pop("enum", None) else None


def values_set(schema: Node) -> str | None:
    if "enum" in schema:
        return None
    schema["enum"] = ["this", "that"]
    return "value added: {place}"


def meaning_changed(schema: Node) -> str | None:
    meanings = schema.get("x-enumDescriptions")
    if meanings is None:
        return None
    schema["x-enumDescriptions"] = {**meanings, next(iter(meanings)): "something else"}
    return "meaning changed: {place}"


def limit_set(schema: Node) -> str | None:
    change = "changed" if "maximum" in schema else "added"
    schema["maximum"] = 7
    return f"limit {change}: " + "{place} maximum"


def limit_changed(schema: Node) -> str | None:
    for name in ("maxItems", "minItems", "minimum", "minLength", "maxLength"):
        if name in schema:
            schema[name] += 1
            return "limit changed: {place} " + name
    return None


def limit_gone(schema: Node) -> str | None:
    return "limit gone: {place} maximum" if schema.pop("maximum", None) else None


def deprecated(schema: Node) -> str | None:
    return None if schema.get("deprecated") else schema.update(deprecated=True) or "deprecated added: {place}"


def default_changed(schema: Node) -> str | None:
    change = "changed" if "default" in schema else "added"
    schema["default"] = "something else"
    return f"default {change}: " + "{place}"


def format_changed(schema: Node) -> str | None:
    change = "changed" if "format" in schema else "added"
    schema["format"] = "something else"
    return f"format {change}: " + "{place}"


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


def types_of(schema: Node) -> set[str]:
    types = schema.get("type", [])
    return {types} if isinstance(types, str) else set(types)


SCHEMA_CHANGES: list[Change] = [
    *(field_added, field_gone, field_renamed, required_changed, type_changed, type_gone, nullable_changed),
    *(value_added, value_gone, values_gone, values_set, meaning_changed, limit_set, limit_changed, limit_gone),
    *(deprecated, default_changed, format_changed, wrapped, of_two_kinds),
]

STRUCTURAL = {field_gone, field_renamed, wrapped, of_two_kinds}
DEEPEST = 11

# Changes of an operation.


def operation_deprecated(operation: Node) -> str | None:
    operation["deprecated"] = True
    return "deprecated added: {operation} true"


def operation_renamed(operation: Node) -> str | None:
    operation["operationId"] = "listMoods"
    return "id changed: {operation}"


def scope_added(operation: Node) -> str | None:
    operation["description"] += ", `moods:read`"
    return "scope added: {operation}"


def scope_gone(operation: Node) -> str | None:
    if "all:read" not in operation["description"]:
        return None
    operation["description"] = operation["description"].replace("`all:read`", "")
    return "scope gone: {operation} all:read"


def rate_set(operation: Node) -> str | None:
    operation["description"] += "\n\nRate limit: 3 requests per minute."
    return "rate limit added: {operation}"


def rate_changed(operation: Node) -> str | None:
    if " requests per " not in operation["description"]:
        return None
    operation["description"] = operation["description"].replace(" requests per ", "0 requests per ")
    return "rate limit added: {operation}"


def status_added(operation: Node) -> str | None:
    operation["responses"] = {**operation["responses"], "418": {}}
    return "status added: {operation} 418"


def header_added(operation: Node) -> str | None:
    operation["responses"] = {**operation["responses"], "429": {"headers": {"Retry-After": {}}}}
    return "header added: {operation}"


def parameter_added(operation: Node) -> str | None:
    new = {"in": "query", "name": "min_timestamp_updated", "schema": {"type": "string"}}
    operation["parameters"] = [*operation["parameters"], new]
    return "parameter added: {operation} query/min_timestamp_updated (string)"


def parameter_gone(operation: Node) -> str | None:
    if not operation["parameters"]:
        return None
    first, *operation["parameters"] = operation["parameters"]
    return "parameter gone: {operation} " + f"{first['in']}/{first['name']}"


def parameter_required(operation: Node) -> str | None:
    if not operation["parameters"]:
        return None
    first, *rest = operation["parameters"]
    operation["parameters"] = [{**first, "required": not first.get("required", False)}, *rest]
    return (
        f"required {'gone' if first.get('required') else 'added'}: " + "{operation} " + f"{first['in']}/{first['name']}"
    )


def body_added(operation: Node) -> str | None:
    if "requestBody" in operation:
        return None
    operation["requestBody"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
    return "body field added: {operation} body"


def body_gone(operation: Node) -> str | None:
    return "body field gone: {operation} body" if operation.pop("requestBody", None) else None


def answer_gone(operation: Node) -> str | None:
    if not any("content" in answer for answer in operation["responses"].values()):
        return None
    operation["responses"] = {status: {} for status in operation["responses"]}
    return "answer field gone: {operation} answer"


OPERATION_CHANGES: list[Change] = [
    *(operation_deprecated, operation_renamed, scope_added, scope_gone, rate_set, rate_changed, status_added),
    *(header_added, parameter_added, parameter_gone, parameter_required, body_added, body_gone, answer_gone),
]


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
    document = document_of(KNOWN)
    assert facts(document) == KNOWN
    assert lines(document) == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, marks=pytest.mark.long if change in STRUCTURAL - {field_gone} else ())
        for change in SCHEMA_CHANGES
    ],
)
def test_every_schema_change_is_reported_wherever_it_occurs(change: Change) -> None:
    made = 0
    # Structural changes move the places below them: change one depth at a time.
    for depth in range(DEEPEST) if change in STRUCTURAL else (None,):
        document = document_of(KNOWN)
        expected = []
        for name, place, schema in [(name, *at) for name, read in reads_of(document) for at in schemas_of(read)]:
            if depth in (None, len(re.findall(r"[/|]", place))) and (line := change(schema)):
                expected.append(line.format(place=f"{name} {place}", field=kind_of(place)))
        assert untold(expected, document) == []
        made += len(expected)
    assert made > 10


@pytest.mark.parametrize("change", OPERATION_CHANGES)
def test_operation_change_is_reported_for_each_operation(change: Change) -> None:
    document = document_of(KNOWN)
    expected = [line.format(operation=name) for name, operation in reads_of(document) if (line := change(operation))]
    assert expected
    assert untold(expected, document) == []
