"""Compares an OpenAPI document of the API with what this project knows; run by `make drift SPEC=path-or-url`.

The API changes about twice a week without notice (its document had 114 versions with differences in 14 months). What is
known: the read operations in ``docs/operations.json``, each with the streams that carry it or the reason why none does,
and the fields in ``schemas/``. Prints a line for each difference; exits with 1 where there are any.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from tap_instantly.api.transport import DEFAULT_USER_AGENT
from tap_instantly.streams.schemas import schema_directory
from tap_instantly.tap import TapInstantly

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Schema = Mapping[str, Any]

OPERATIONS = Path(__file__).parent.parent / "docs" / "operations.json"
PREFIX = "/api/v2"
ADDED = "dded by the tap."
"""How the description of a column ends that the API does not send."""
WRITTEN_BY_HAND = frozenset({"supersearch_enrichment_history"})
"""Streams of operations whose document does not say what a record holds."""


def load(source: str) -> Schema:
    """The document at a path or URL."""
    if re.match(r"https?://", source):
        answer = requests.get(source, headers={"User-Agent": DEFAULT_USER_AGENT}, timeout=60)
        answer.raise_for_status()
        document: Schema = answer.json()
    else:
        document = json.loads(Path(source).read_text(encoding="utf-8"))
    return document


def known_operations() -> list[dict[str, Any]]:
    """The read operations that this project has decided on."""
    operations: list[dict[str, Any]] = json.loads(OPERATIONS.read_text(encoding="utf-8"))
    return operations


def differences(document: Schema) -> Iterator[str]:
    """A line for each difference between the document and what is known."""
    tap = TapInstantly(config={}, validate_config=False)
    left_out = {stream.name: set(stream.left_out) for stream in tap.discover_streams()}
    found = dict(_read_operations(document))
    for operation in known_operations():
        name = f"{operation['method']} {operation['path']}"
        documented = found.pop(name, None)
        if documented is None:
            yield f"operation gone: {name} ({', '.join(operation.get('streams', {})) or 'carried by no stream'})"
            continue
        for stream, place in operation.get("streams", {}).items():
            if stream not in WRITTEN_BY_HAND:
                theirs = _records(document, documented, place)
                ours = json.loads((schema_directory() / f"{stream}.json").read_text(encoding="utf-8"))
                yield from _fields(stream, ours, theirs, left_out[stream])
    for name in found:
        yield f"operation new: {name}"


def _read_operations(document: Schema) -> Iterator[tuple[str, Schema]]:
    """Every GET, and the POSTs that only read: those that a scope `:read` is enough for, or that are known to."""
    known = {f"{operation['method']} {operation['path']}" for operation in known_operations()}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = f"{method.upper()} {path.removeprefix(PREFIX)}"
            reads = method == "post" and re.search(r"`[\w-]+:read`", operation.get("description", ""))
            if method == "get" or reads or name in known:
                yield name, operation


def _records(document: Schema, operation: Schema, place: str) -> Schema:
    """The schema of the records at ``place`` in the good answer: names and ``*`` for elements, joined by slashes."""
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    for step in place.split("/")[1:]:
        schema = _resolved(document, schema)
        if step != "*":
            schema = schema["properties"][step]
        else:
            schema = schema["items"] if "array" in _types(schema) else schema["additionalProperties"]
    return _whole(document, schema)


def _resolved(document: Schema, schema: Schema) -> Schema:
    """The schema with references followed and alternatives joined."""
    while "$ref" in schema:
        node: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            node = node[step]
        schema = node
    parts = [_resolved(document, p) for k in ("allOf", "anyOf", "oneOf") for p in schema.get(k, ())]
    if not parts:
        return schema
    merged: dict[str, Any] = {"type": sorted({kind for part in parts for kind in _types(part)})}
    if properties := {name: value for part in parts for name, value in part.get("properties", {}).items()}:
        merged["properties"] = properties
    return {**{k: v for k, v in schema.items() if k not in {"allOf", "anyOf", "oneOf"}}, **merged}


def _whole(document: Schema, schema: Schema) -> Schema:
    """The schema resolved at every depth."""
    schema = dict(_resolved(document, schema))
    if "properties" in schema:
        schema["properties"] = {name: _whole(document, value) for name, value in schema["properties"].items()}
    if schema.get("items"):
        schema["items"] = _whole(document, schema["items"])
    return schema


def _fields(place: str, ours: Schema, theirs: Schema, left_out: set[str]) -> Iterator[str]:
    known: Schema = ours.get("properties", {})
    documented: Schema = theirs.get("properties", {})
    for name, schema in documented.items():
        if name not in known:
            if name not in left_out:
                yield f"field new: {place}.{name} ({'/'.join(_types(schema))})"
            continue
        yield from _types_differ(f"{place}.{name}", known[name], schema)
    for name, schema in known.items():
        if name not in documented and not schema["description"].endswith(ADDED):
            yield f"field gone: {place}.{name}"


def _types_differ(place: str, ours: Schema, theirs: Schema) -> Iterator[str]:
    mine, documented = set(_types(ours)) - {"null"}, set(_types(theirs)) - {"null"}
    # Whole numbers are integers here by decision, and what may be text or a number is text.
    agree = mine == documented or (mine, documented) == ({"integer"}, {"number"}) or "string" in mine & documented
    if documented and not agree:
        yield f"type changed: {place} is {'/'.join(sorted(documented))}, not {'/'.join(sorted(mine))}"
    elif ours.get("properties"):
        yield from _fields(place, ours, theirs, set())
    elif ours.get("items") and theirs.get("items"):
        yield from _types_differ(f"{place}[]", ours["items"], theirs["items"])


def _types(schema: Schema) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def main(source: str) -> int:
    """Report on the document at ``source``; 1 where it differs."""
    found = list(differences(load(source)))
    for line in found:
        print(line)
    print(f"{len(found)} differences" if found else "no drift: every operation and field is known")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
