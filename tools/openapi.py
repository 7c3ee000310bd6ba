"""Reads an OpenAPI document into facts about each operation and its fields, without the prose.

A fact has an operation (``GET /accounts``), a place in it (``query/limit``, ``answer/items/*/status``), a name
(``type``, ``enum``, ``maximum``) and a value. References are resolved, so that a rearranged document has the same
facts.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import yaml

Place = dict[str, Any]
Operation = dict[str, Place]
Facts = dict[str, Operation]

PREFIX = "/api/v2"
ITSELF = "operation"
"""Place of the facts about an operation as a whole."""
DOCUMENT = "document"
"""Operation of the facts about the document as a whole."""
METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace", "query")
MOST_SCHEMAS = 50_000
"""Maximum number of schemas after resolving references; the official document has 10,000."""

_LEFT_OUT = {"title", "description", "summary", "example", "examples", "externalDocs", "xml", "$comment", "tags"}
_LEFT_OUT |= {"readOnly", "writeOnly"}  # irrelevant to a reader
_STRUCTURE = {"$ref", "allOf", "anyOf", "oneOf", "properties", "required", "items", "type", "enum", "const", "nullable"}
_PARAMETER = {"name", "in", "schema", "content", "required", "$ref"}
_SCOPE = re.compile(r"`([\w-]+:[\w-]+)`")
_RATE = re.compile(r"\d[\d,]* (?:requests?|calls?) (?:per|every|an?) (?:[\d,]+ )?\w+(?: per \w+)?")
_ESCAPES = str.maketrans({"~": "~0", "/": "~1", "|": "~2", "*": "~3"})


class UnreadableError(Exception):
    """The input is not an OpenAPI 3 document; the message says why."""


def parse(text: bytes) -> Mapping[str, Any]:
    """Parse a document, JSON or YAML.

    Raises:
        UnreadableError: It is neither, or not an OpenAPI 3 document with operations.
    """
    try:
        try:
            document = json.loads(text)
        except ValueError:
            document = _texts(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506
    except RecursionError as error:
        message = "nested too deeply"
        raise UnreadableError(message) from error
    except (ValueError, yaml.YAMLError) as error:
        message = "neither JSON nor YAML"
        raise UnreadableError(message) from error
    if not isinstance(document, Mapping) or not isinstance(document.get("openapi"), str):
        message = "not an OpenAPI document: nothing in it says `openapi`"
        raise UnreadableError(message)
    if not document["openapi"].startswith("3."):
        message = f"OpenAPI {document['openapi'][:20]!r}; this reads version 3"
        raise UnreadableError(message)
    return document


def _texts(node: object) -> object:
    """Convert values that only YAML has, such as dates and numeric keys, to JSON's."""
    if isinstance(node, dict):
        return {str(key): _texts(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_texts(value) for value in node]
    return node if node is None or isinstance(node, (str, int, float)) else str(node)


def facts(document: Mapping[str, Any]) -> Facts:
    """Return all facts of a document, by operation and place.

    Raises:
        UnreadableError: It has no operations, or too many schemas after resolving references.
    """
    reader = _Reader(document)
    found: Facts = {}
    try:
        for path, item in _mapping(document.get("paths")).items():
            whole = _mapping(reader.target(item))
            for method in METHODS:
                if method in whole:
                    short = f"{method.upper()} {path.removeprefix(PREFIX)}"
                    name = short if short not in found else f"{method.upper()} {path}"
                    found[name] = reader.operation(_mapping(whole[method]), _list(whole.get("parameters")))
    except RecursionError as error:
        message = "nested too deeply"
        raise UnreadableError(message) from error
    if not found:
        message = "no operations in its `paths`"
        raise UnreadableError(message)
    about = {"openapi": document["openapi"], "version": _mapping(document.get("info")).get("version")}
    about |= {name: _without_prose(document[name]) for name in ("servers", "security") if name in document}
    return {DOCUMENT: {ITSELF: about}, **found}


def schema_facts(schema: Mapping[str, Any]) -> Operation:
    """Return the facts of a single schema, by place below ``answer``."""
    reader = _Reader({})
    reader.places = {}
    reader.read(schema, "answer", ())
    return reader.places


class _Reader:
    """Collects the places of one operation after another; ``places`` are those of the current one."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._visits = 0
        self.places: Operation = {}

    def operation(self, operation: Mapping[str, Any], shared: list[Any]) -> Operation:
        """Read an operation; ``shared`` are the parameters of its path."""
        self.places = {ITSELF: _about(operation)}
        parameters = {}
        for parameter in map(self.target, [*shared, *_list(operation.get("parameters"))]):
            said = _mapping(parameter)
            parameters[f"{said.get('in')}/{_escaped(said.get('name'))}"] = said
        for place, said in parameters.items():
            self._note(place, {k: _without_prose(v) for k, v in said.items() if _is_fact(k) and k not in _PARAMETER})
            self._note(place, {"required": True} if said.get("required") is True else {})
            self.read(said.get("schema", {}), place, ())
            self._media(said, place)
        if "requestBody" in operation:
            body = _mapping(self.target(operation["requestBody"]))
            self._note("body", {"required": True} if body.get("required") is True else {})
            self._media(body, "body")
        self._answers(_mapping(operation.get("responses")))
        return self.places

    def _answers(self, responses: Mapping[str, Any]) -> None:
        about = self.places[ITSELF]
        about["statuses"] = sorted(map(str, responses))
        whole = {status: _mapping(self.target(answer)) for status, answer in responses.items()}
        if headers := {f"{s} {name}" for s, answer in whole.items() for name in _mapping(answer.get("headers"))}:
            about["headers"] = sorted(headers)
        good = sorted(status for status in whole if status.startswith("2")) or [s for s in whole if s == "default"]
        for status in good:
            self._media(whole[status], "answer" if status == good[0] else f"answer:{status}")

    def _media(self, holder: Mapping[str, Any], place: str) -> None:
        """Read the content of a body, answer or parameter, by media type; JSON is left unnamed."""
        for media, content in _mapping(holder.get("content")).items():
            name = place if media.partition(";")[0] == "application/json" else f"{place}:{_escaped(media)}"
            self.read(_mapping(content).get("schema", {}), name, ())

    def target(self, node: object) -> object:
        """Resolve references; return an unresolvable one as it is."""
        seen: list[object] = []
        while node not in seen and (found := self._pointed_at(node)) is not None:
            seen.append(node)
            node = found
        return node

    def _pointed_at(self, node: object) -> object:
        reference = _mapping(node).get("$ref")
        if not isinstance(reference, str):
            return None
        found: object = self._document
        for step in unquote(reference).removeprefix("#/").split("/"):
            found = _member(found, step.replace("~1", "/").replace("~0", "~"))
        return found

    def read(self, schema: object, place: str, above: tuple[int, ...]) -> None:
        """Collect the facts of a schema at a place, and of its parts below; ``above`` are the schemas around it."""
        self._visits += 1
        if self._visits > MOST_SCHEMAS:
            message = f"it unfolds to more than {MOST_SCHEMAS:,} schemas"
            raise UnreadableError(message)
        if not isinstance(schema, Mapping):
            self._note(place, {} if schema is True else {"malformed": json.dumps(schema)[:40]})
            return
        if id(schema) in above:
            self._note(place, {"recursive": True})
            return
        inside = (*above, id(schema))
        self._note(place, _constraints(schema))
        self._reference(schema, place, inside)
        for part in _list(schema.get("allOf")):
            self.read(part, place, inside)
        self._alternatives(schema, place, inside)
        for part in (schema.get("items"), schema.get("additionalProperties")):
            if isinstance(part, Mapping):
                self.read(part, f"{place}/*", inside)
        fields, required = _mapping(schema.get("properties")), _list(schema.get("required"))
        for name, part in fields.items():
            self.read(part, f"{place}/{_escaped(name)}", inside)
            self._note(f"{place}/{_escaped(name)}", {"required": True} if name in required else {})
        if others := [name for name in required if name not in list(fields)]:
            self._note(place, {"requires": _sorted(others)})

    def _reference(self, schema: Mapping[str, Any], place: str, inside: tuple[int, ...]) -> None:
        if isinstance(schema.get("$ref"), str):
            target = self._pointed_at(schema)
            if target is None:
                self._note(place, {"unresolved": schema["$ref"]})
            else:
                self.read(target, place, inside)

    def _alternatives(self, schema: Mapping[str, Any], place: str, inside: tuple[int, ...]) -> None:
        every = [part for key in ("anyOf", "oneOf") for part in _list(schema.get(key))]
        rest = [part for part in every if not isinstance(part, Mapping) or part.get("type") not in ("null", ["null"])]
        if len(rest) < len(every):
            self._note(place, {"nullable": True})
        for number, part in enumerate(rest, start=1):
            self.read(part, place if len(rest) == 1 else f"{place}|{number}", inside)

    def _note(self, place: str, said: Mapping[str, Any]) -> None:
        """Add facts to a place, merged with those that it has."""
        noted = self.places.setdefault(place, {})
        for name, value in said.items():
            before = noted.get(name, value)
            if isinstance(before, list) and isinstance(value, list):
                noted[name] = _sorted([*before, *value])
            elif isinstance(before, Mapping) and isinstance(value, Mapping):
                noted[name] = {**before, **value}
            else:
                noted[name] = value if before == value else " and ".join(map(str, _sorted([before, value])))


def _about(operation: Mapping[str, Any]) -> Place:
    """Return the facts of an operation as a whole; scopes and rates come from its description."""
    text = operation.get("description")
    about = {"id": operation.get("operationId")}
    for name, pattern in (("scopes", _SCOPE), ("rates", _RATE)):
        if found := sorted(set(pattern.findall(text))) if isinstance(text, str) else []:
            about[name] = found
    for name in ("security", "servers"):
        if name in operation:
            about[name] = _without_prose(operation[name])
    return about | ({"deprecated": True} if operation.get("deprecated") is True else {})


def _constraints(schema: Mapping[str, Any]) -> Place:
    """Return a schema's own facts, without prose and nested schemas."""
    said = {name: _without_prose(value) for name, value in schema.items() if _is_fact(name) and name not in _STRUCTURE}
    if isinstance(said.get("additionalProperties"), Mapping):
        del said["additionalProperties"]
    types = sorted({str(kind) for kind in _list(schema.get("type"), single=True)})
    if plain := [kind for kind in types if kind != "null"] or types:
        said["type"] = "/".join(plain)
    if len(plain) < len(types) or schema.get("nullable") is True:
        said["nullable"] = True
    values = _list(schema.get("enum")) + ([schema["const"]] if "const" in schema else [])
    if values:
        said["enum"] = _sorted(values)
    if meanings := _mapping(schema.get("x-enumDescriptions")):
        said["meanings"] = {str(value): str(meaning) for value, meaning in meanings.items()}
    return {name: value for name, value in said.items() if (name, value) != ("deprecated", False)}


def _is_fact(name: str) -> bool:
    return name not in _LEFT_OUT and not name.startswith("x-")


def _without_prose(node: object) -> object:
    if isinstance(node, Mapping):
        said = {name: _without_prose(value) for name, value in node.items() if _is_fact(name)}
        return {name: value for name, value in said.items() if (name, value) != ("deprecated", False)}
    return [_without_prose(part) for part in node] if isinstance(node, list) else node


def _escaped(name: object) -> str:
    return str(name).translate(_ESCAPES)


def _mapping(node: object) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}


def _member(node: object, key: str) -> object:
    if isinstance(node, list):
        return node[int(key)] if key.isdecimal() and int(key) < len(node) else None
    return _mapping(node).get(key)


def _list(node: object, *, single: bool = False) -> list[Any]:
    if isinstance(node, list):
        return node
    return [node] if single and node is not None else []


def _sorted(values: list[Any]) -> list[Any]:
    """Return the values without duplicates, in an order independent of theirs."""
    texts = sorted(json.dumps(value, sort_keys=True) for value in values)
    return [json.loads(text) for text, _ in itertools.groupby(texts)]
