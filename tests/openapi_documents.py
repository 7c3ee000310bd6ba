"""Generate OpenAPI documents from facts, the reverse of ``tools.openapi``: the project keeps facts only."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from tools.drift import known_facts
from tools.openapi import DOCUMENT, ITSELF, PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.openapi import Facts, Operation, Place

Document = dict[str, Any]
Schema = dict[str, Any]

_STEP = re.compile(r"([/|])([^/|]*)")


def document_of(known: Facts) -> Document:
    """Generate a document with exactly these facts."""
    known = copy.deepcopy(known)  # callers may change the document
    about = known[DOCUMENT][ITSELF]
    paths: Document = {}
    for name, operation in known.items():
        if name != DOCUMENT:
            method, _, path = name.partition(" ")
            paths.setdefault(PREFIX + path, {})[method.lower()] = _operation(operation)
    rest = {name: value for name, value in about.items() if name in {"servers", "security"}}
    return {"openapi": about["openapi"], "info": {"version": about["version"]}, "paths": paths, **rest}


def known_document() -> Document:
    """Return a document with exactly the facts that this project keeps."""
    document: Document = json.loads(_known())
    return document


@cache
def _known() -> str:
    return json.dumps(document_of(known_facts()))


def _operation(places: Operation) -> Document:
    said = places[ITSELF]
    prose = [f"Requires one of the following scopes: {', '.join(f'`{scope}`' for scope in said.get('scopes', ()))}"]
    prose += [f"This endpoint has a rate limit of {rate}." for rate in said.get("rates", ())]
    operation: Document = {"operationId": said["id"], "description": "\n\n".join(prose), "parameters": []}
    operation |= {name: said[name] for name in ("deprecated", "security") if name in said}
    operation["responses"] = {status: {"description": "An answer"} for status in said["statuses"]}
    for place in places:
        if re.fullmatch(r"(query|path|header)/[^/|]*", place):
            parameter = {"in": place.partition("/")[0], "name": _named(place.partition("/")[2])}
            parameter["schema"] = schema_at(places, place)
            required = {"required": True} if places[place].get("required") else {}
            operation["parameters"].append(parameter | required)
        elif re.fullmatch(r"(body|answer)(:[^/|]*)?", place):
            media = _named(place.partition(":")[2]) or "application/json"
            content = {"content": {media: {"schema": schema_at(places, place)}}}
            if place.startswith("answer"):
                operation["responses"][min(said["statuses"])] |= content
            else:
                operation["requestBody"] = content | ({"required": True} if places[place].get("required") else {})
    return operation


def schema_at(places: Operation, root: str) -> Schema:
    """Return the schema of a place and everything below it."""
    whole: dict[str, Any] = {"said": places[root], "below": {}}
    for place, said in places.items():
        if place.startswith((f"{root}/", f"{root}|")):
            node = whole
            for step in _STEP.findall(place.removeprefix(root)):
                node = node["below"].setdefault(step, {"said": {}, "below": {}})
            node["said"] = said
    return _schema(whole)


def _schema(node: Mapping[str, Any]) -> Schema:
    said: Place = node["said"]
    schema = {name: value for name, value in said.items() if name not in {"required", "requires", "meanings"}}
    types = said["type"].split("/") if "type" in said else []
    if schema.pop("nullable", False):
        types.append("null")
    if types:
        schema["type"] = types if len(types) > 1 else types[0]
    if "meanings" in said:
        schema["x-enumDescriptions"] = dict(said["meanings"])
    fields = {_named(name): part for (mark, name), part in node["below"].items() if mark == "/" and name != "*"}
    if fields:
        schema["properties"] = {name: _schema(part) for name, part in fields.items()}
    required = [name for name, part in fields.items() if part["said"].get("required")] + said.get("requires", [])
    if required:
        schema["required"] = required
    if elements := node["below"].get(("/", "*")):
        schema["items" if "array" in types else "additionalProperties"] = _schema(elements)
    if alternatives := [_schema(part) for (mark, _), part in node["below"].items() if mark == "|"]:
        schema["anyOf"] = alternatives
    if schema.get("type") == "null" and "type" not in said:
        del schema["type"]
        schema["anyOf"] = [*schema.get("anyOf", ()), {"type": "null"}]
    return schema


def _named(escaped: str) -> str:
    return escaped.replace("~3", "*").replace("~2", "|").replace("~1", "/").replace("~0", "~")
