"""Compares an OpenAPI document of the API with the project's knowledge of it; run by `make drift SPEC=path-or-url`.

The API changes about twice a week without notice: its document had 114 different versions in 14 months. Three files of
``docs/`` record the current knowledge:

* ``openapi-facts.json``: the last accepted document, reads in full and other operations as a whole;
* ``known-elsewhere.json``: facts from other sources;
* ``operations.json``: each read operation, with its streams or the reason why it has none.

Prints one line per difference, sorted, and nothing if there is none. Exits with 1 if there are differences, and with 2
if the document cannot be read. With ``--accept`` it records the document, and prints only undecided differences.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import requests

from tap_instantly.client.transport import DEFAULT_USER_AGENT
from tap_instantly.streams import InstantlyStream
from tap_instantly.streams.schemas import schema_directory
from tap_instantly.tap import TapInstantly
from tools.changes import places_differ, same, without
from tools.openapi import DOCUMENT, ITSELF, Facts, Operation, Place, UnreadableError, facts, parse, schema_facts

DOCS = Path(__file__).parent.parent / "docs"
ADDED = "dded by the tap."
"""Ends the description of a column that the tap adds."""
WRITTEN_BY_HAND = frozenset({"supersearch_enrichment_history"})
"""Streams of operations whose records the document does not describe."""
RENAMED = {("workspace_group_admin", "workspace_name"): "admin_workspace_name"}
"""Renamed columns, by stream and field, whose original name is that of a column that the tap adds."""

BELOW = "below"
"""In the file of facts, refers to an earlier place with the same facts below it."""
SHARED = 4
"""Number of places below another that make a reference worthwhile."""
NEXT = ",\n"


def known_operations() -> list[dict[str, Any]]:
    """Return the read operations that the project has decided on."""
    operations: list[dict[str, Any]] = json.loads((DOCS / "operations.json").read_text(encoding="utf-8"))
    return operations


def known_facts() -> Facts:
    """Return the facts of the last accepted document."""
    known: Facts = json.loads((DOCS / "openapi-facts.json").read_text(encoding="utf-8"))
    for operation in known.values():
        for place, said in list(operation.items()):
            if reference := said.pop(BELOW, None):
                method, path, there = reference.split(" ", 2)
                below = _below(known[f"{method} {path}"], there)
                operation |= {place + rest: dict(part) for rest, part in below.items()}
    return known


def known_elsewhere() -> Facts:
    """Return the facts from sources other than the last accepted document."""
    known: Facts = {}
    for entry in json.loads((DOCS / "known-elsewhere.json").read_text(encoding="utf-8")):
        for name, place in entry["at"]:
            known.setdefault(name, {})[place] = entry["fact"]
    return known


def load(source: str) -> Facts:
    """Read the facts of the document at a path or URL.

    Raises:
        UnreadableError: There is no readable document.
    """
    try:
        if re.match(r"https?://", source):
            answer = requests.get(source, headers={"User-Agent": DEFAULT_USER_AGENT}, timeout=60)
            answer.raise_for_status()
            text = answer.content
        else:
            text = Path(source).read_bytes()
    except (OSError, ValueError) as error:  # the errors of requests are OSErrors
        raise UnreadableError(error) from error
    return facts(parse(text))


def accept(found: Facts) -> None:
    """Save the facts of a document, one a line: reads in full, other operations as a whole.

    Facts below a place that repeat, such as the fields of a campaign, are saved once.
    """
    kept: dict[str, str] = {}
    lines = []
    for name in sorted(found, key=lambda name: name.split(" ")[::-1]):
        places = found[name] if _is_read(name, found[name]) else {ITSELF: found[name][ITSELF]}
        shared = ""
        said = []
        for place in sorted(places, key=lambda place: re.split(r"([/|])", place)):
            if shared and place.startswith((f"{shared}/", f"{shared}|")):
                continue
            below = _below(places, place)
            reference = kept.setdefault(json.dumps(below, sort_keys=True), f"{name} {place}")
            also = {} if len(below) < SHARED or reference == f"{name} {place}" else {BELOW: reference}
            shared = place if also else shared
            said.append(f"  {json.dumps(place)}: {json.dumps(places[place] | also, sort_keys=True)}")
        lines.append(f" {json.dumps(name)}: {{\n{NEXT.join(said)}\n }}")
    (DOCS / "openapi-facts.json").write_text(f"{{\n{NEXT.join(lines)}\n}}\n", encoding="utf-8")


def _below(operation: Operation, root: str) -> Operation:
    """Return the places below a place, with relative names."""
    return {
        place.removeprefix(root): said
        for place, said in sorted(operation.items())
        if place.startswith((f"{root}/", f"{root}|"))
    }


def differences(found: Facts, known: Facts, elsewhere: Facts) -> Iterator[str]:
    """Yield a line for each difference between a document and the current knowledge.

    Facts known from elsewhere are not new if the document has them, nor gone if it does not.
    """
    decided = _decided()
    for name in known.keys() | found.keys():
        carried = f" ({', '.join(streams)})" if (streams := decided.get(name, {}).get("streams")) else ""
        if name not in found:
            yield f"operation gone: {name}{carried}"
        elif name not in known:
            if name not in elsewhere:
                yield f"operation added: {name}{'' if _is_read(name, found[name]) else ' (not known to be a read)'}"
        else:
            before, after = known[name], found[name]
            if not _is_read(name, before):
                before, after = ({ITSELF: operation.get(ITSELF, {})} for operation in (before, after))
            for kind, place, what in places_differ(before, after, elsewhere.get(name, {})):
                yield " ".join(filter(None, (f"{kind}:", name, place, what))) + carried


@cache
def _decided() -> dict[str, dict[str, Any]]:
    return {f"{operation['method']} {operation['path']}": operation for operation in known_operations()}


def _is_read(name: str, operation: Operation) -> bool:
    """Return whether an operation only reads: it is a GET, a scope `:read` suffices, or a stream uses it."""
    scopes = operation.get(ITSELF, {}).get("scopes", ())
    return name in _decided() or name == DOCUMENT or name.startswith("GET ") or any(s.endswith(":read") for s in scopes)


def undecided(known: Facts, elsewhere: Facts) -> Iterator[str]:
    """Yield a line for each disagreement between the known facts and the streams with their schemas."""
    operations = _decided()
    streams = {stream.name: stream for stream in TapInstantly(config={}, validate_config=False).discover_streams()}
    for name in known.keys() - operations.keys():
        if name != DOCUMENT and _is_read(name, known[name]):
            yield f"not in docs/operations.json: {name}"
    for name, operation in operations.items():
        if name not in known and name not in elsewhere:
            yield f"in docs/operations.json, but documented nowhere: {name}"
            continue
        places = [*known.get(name, {}).items(), *elsewhere.get(name, {}).items()]
        for stream, place in operation.get("streams", {}).items():
            documented = _types_below(places, f"answer{place}")
            if stream not in WRITTEN_BY_HAND and (documented or name in known):
                yield from _fields_differ(streams[stream], documented)
    for name, operation in elsewhere.items():
        for place, said in operation.items():
            if place in known.get(name, {}) and _says(known[name][place], said):
                yield f"in docs/known-elsewhere.json, and documented by now: {name} {place}"


def _says(place: Place, fact: Place) -> bool:
    """Return whether a place has all parts of a fact."""
    for name, value in fact.items():
        said = place.get(name)
        if isinstance(value, list) and isinstance(said, list):
            missing: Any = without(value, said)
        elif isinstance(value, dict) and isinstance(said, dict):
            missing = value.items() - said.items()
        else:
            missing = not same(value, said)
        if missing:
            return False
    return True


def _types_below(places: Iterable[tuple[str, Place]], root: str) -> dict[str, set[str]]:
    """Return the fields below a place with their types, those of alternatives merged."""
    found: dict[str, set[str]] = {}
    for place, said in places:
        plain = re.sub(r"\|\d+", "", place)
        if plain.startswith(f"{root}/"):
            found.setdefault(plain.removeprefix(f"{root}/"), set()).update(said.get("type", "").split("/"))
    return {place: types - {""} for place, types in found.items()}


def _fields_differ(stream: InstantlyStream, documented: dict[str, set[str]]) -> Iterator[str]:
    schema = json.loads((schema_directory() / f"{stream.name}.json").read_text(encoding="utf-8"))
    added = {name for name, said in schema["properties"].items() if said["description"].endswith(ADDED)}
    ours = _types_below(schema_facts(schema).items(), "answer")
    theirs = {RENAMED.get((stream.name, field), field): types for field, types in documented.items()}
    for field in ours.keys() | theirs.keys():
        parent = field.rpartition("/")[0]
        detailed = not parent or any(place.startswith(f"{parent}/") for place in ours)
        if field not in ours:
            if detailed and field not in stream.excluded:
                yield f"not in schemas/{stream.name}.json: {field} ({'/'.join(sorted(theirs[field]))})"
        elif field not in theirs:
            if field.split("/")[0] not in added and (not parent or parent in theirs):
                yield f"in schemas/{stream.name}.json, but documented nowhere: {field}"
        elif theirs[field] and not _agree(ours[field], theirs[field]):
            both = "/".join(sorted(theirs[field])), "/".join(sorted(ours[field]))
            yield f"of another type in schemas/{stream.name}.json: {field} is {both[0]}, not {both[1]}"


def _agree(ours: set[str], theirs: set[str]) -> bool:
    """Return whether types agree. By decision, whole numbers are integers, and text or number is text."""
    return ours == theirs or (ours, theirs) == ({"integer"}, {"number"}) or "string" in ours & theirs


def main(arguments: list[str]) -> int:
    """Report on a document; 1 if it differs, 2 if it cannot be read."""
    parser = argparse.ArgumentParser(prog="make drift", usage="make drift SPEC=path-or-url [ACCEPT=1]")
    parser.add_argument("source")
    parser.add_argument("--accept", action="store_true")
    options = parser.parse_args(arguments)
    try:
        found = load(options.source)
    except UnreadableError as error:
        print(f"{options.source} cannot be read: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    if options.accept:
        accept(found)
        lines = set(undecided(known_facts(), known_elsewhere()))
    else:
        lines = set(differences(found, known_facts(), known_elsewhere()))
    for line in sorted(lines):
        print(line if line.isprintable() else ascii(line)[1:-1])
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
