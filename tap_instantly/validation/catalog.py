"""Validate the catalog before the sync."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigurationError
from singer_sdk.mapper import SameRecordTransform

from tap_instantly.text import did_you_mean, excerpt

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from singer_sdk import Stream
    from singer_sdk.singerlib import Catalog, CatalogEntry

FULL_TABLE, INCREMENTAL = "FULL_TABLE", "INCREMENTAL"

DEEPEST = 50
"""Greatest depth of objects and arrays in a schema. The tap's own schemas are less than ten deep."""

ADVICE = "Start from the catalog that --discover writes, and change only what is selected."


class CatalogError(ConfigurationError):
    """Invalid catalog. The message is one line: the location, the problem and the remedy."""


def check_form(catalog: object) -> None:
    """Validate the structure of a catalog, on which the SDK relies without checking it.

    Raises:
        CatalogError: The structure is invalid.
    """
    streams = catalog.get("streams") if isinstance(catalog, dict) else None
    if not isinstance(streams, list):
        message = f"Invalid catalog: it has no list of streams. {ADVICE}"
        raise CatalogError(message)
    try:
        _check_entries(streams)
    except RecursionError:
        message = f"Invalid catalog: a schema is nested too deeply. {ADVICE}"
        raise CatalogError(message) from None


def _check_entries(streams: list[Any]) -> None:
    seen: set[str] = set()
    for number, entry in enumerate(streams):
        where = f"streams[{number}]"
        name = entry.get("tap_stream_id") if isinstance(entry, dict) else None
        if isinstance(name, str) and name:
            where = f"stream {excerpt(name)}"
        for problem in _problems(entry):
            message = f"Invalid catalog: {where} {problem}. {ADVICE}"
            raise CatalogError(message)
        if name in seen:
            message = f"Invalid catalog: {where} appears twice. Keep one of them."
            raise CatalogError(message)
        seen.add(str(name))


def _problems(entry: object) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "is not an object"
        return
    if not isinstance(entry.get("tap_stream_id"), str) or not entry["tap_stream_id"]:
        yield "has no tap_stream_id"
    schema = entry.get("schema")
    if not isinstance(schema, dict) or not _is_object_schema(schema) or not isinstance(schema.get("properties"), dict):
        yield "has no schema with properties"
    for name in ("stream", "stream_alias", "replication_key", "replication_method"):
        if not isinstance(entry.get(name), (str, type(None))):
            yield f"has a {name} that is not a string"
    if not _are_texts(entry.get("key_properties") or []):
        yield "has key_properties that are not a list of names"
    metadata = entry.get("metadata")
    if not isinstance(metadata, list) or not metadata:
        yield "has no metadata, which says what is selected"
        return
    for item in metadata:
        yield from _problems_of_metadata(item)


def _problems_of_metadata(item: object) -> Iterator[str]:
    breadcrumb = item.get("breadcrumb") if isinstance(item, dict) else None
    values = item.get("metadata") if isinstance(item, dict) else None
    if not _are_texts(breadcrumb) or not isinstance(values, dict):
        yield "has metadata without a breadcrumb or without values"
        return
    for name in ("selected", "selected-by-default"):
        if not isinstance(values.get(name), (bool, type(None))):
            yield f"has metadata in which {name} is neither true nor false"
    if not _are_texts(values.get("table-key-properties") or []):
        yield "has table-key-properties that are not a list of names"
    for name in ("replication-key", "forced-replication-method"):
        if not isinstance(values.get(name), (str, type(None))):
            yield f"has a {name} that is not a string"


def _is_object_schema(schema: Mapping[str, Any], depth: int = 0) -> bool:
    """Return true if the schema has the structure that the SDK expects.

    Raises:
        RecursionError: The schema is too deeply nested for the SDK.
    """
    if depth > DEEPEST:
        raise RecursionError
    kind, properties, items = schema.get("type"), schema.get("properties", {}), schema.get("items", {})
    return (
        (kind is None or isinstance(kind, str) or _are_texts(kind))
        and isinstance(properties, dict)
        and all(
            isinstance(part, dict) and (not part or _is_object_schema(part, depth + 1))
            for part in [*properties.values(), items]
        )
    )


def _are_texts(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def unknown_streams(named: Iterable[str], known: Collection[str]) -> str | None:
    """Return a message that lists the catalog's unknown streams, or None if it has none."""
    unknown = [f"'{excerpt(name)}'{did_you_mean(name, known)}" for name in named if name not in known]
    return f"The catalog has unknown streams, which are ignored: {'; '.join(unknown)}" if unknown else None


def columns_of(streams: Iterable[Stream], catalog: Catalog | None) -> dict[str, set[str]]:
    """Return the columns of each stream: those of its schema, plus those that the catalog adds."""
    entries = {name: entry.schema.properties or {} for name, entry in (catalog or {}).items()}
    return {stream.name: {*stream.schema["properties"], *entries.get(stream.name, ())} for stream in streams}


def check_selected(streams: Iterable[Stream], catalog: Catalog) -> None:
    """Check that the catalog lets each selected stream be loaded and resumed.

    Raises:
        CatalogError: The catalog selects no stream, or a selected stream is invalid.
    """
    selected = [stream for stream in streams if stream.selected]
    if not selected:
        message = "Nothing to read: the catalog selects no stream of this tap. Select one, or omit --catalog."
        raise CatalogError(message)
    for stream in selected:
        entry = catalog.get(stream.name)
        for problem in _problems_of_stream(stream, entry) if entry else ():
            message = f"Invalid catalog: stream {stream.name} {problem}"
            raise CatalogError(message)


def _problems_of_types(stream: Stream, columns: Mapping[str, Any]) -> Iterator[str]:
    """Find objects and arrays that the catalog declares as another type. Database loaders fail on them."""
    if any(each.flattening_enabled or type(each) is not SameRecordTransform for each in stream.stream_maps):
        return  # stream maps and flattening serialise objects and arrays
    for name in columns.keys() & stream.schema["properties"].keys():
        own, theirs = stream.schema["properties"][name].get("type", ()), columns[name].get("type", ())
        for kind in ("object", "array"):
            if kind in own and theirs and kind not in theirs:
                yield (
                    f"changes the type of {name}, whose values have the type {kind}: restore its schema; "
                    f'to load text, set stream_maps: {{"{stream.name}": {{"{name}": "json.dumps({name})"}}}}.'
                )


def _problems_of_name(stream: Stream, entry: CatalogEntry) -> Iterator[str]:
    if (entry.stream or stream.name) != stream.name:
        # The SDK registers stream maps under one name and looks them up under the other.
        yield f"has different names in stream and tap_stream_id. {ADVICE}"


def _problems_of_stream(stream: Stream, entry: CatalogEntry) -> Iterator[str]:
    yield from _problems_of_name(stream, entry)
    if entry.key_properties is None and entry.metadata.root.table_key_properties is None:
        yield "has no key_properties, so loaders would append every record: restore those of --discover."
    given, keys = entry.metadata.root.table_key_properties, list(stream.primary_keys or ())
    kind: Any = type(stream)  # the class has the original keys
    if given is not None and set(given) != set(keys) == set(kind.primary_keys):
        yield (
            f"has table-key-properties, which are ignored; the key is {keys}. "
            "To change the key, set __key_properties__ in stream_maps."
        )
    columns: Mapping[str, Any] = stream.effective_schema["properties"]
    yield from _problems_of_types(stream, columns)
    method, key = stream.replication_method, stream.replication_key
    needed = {
        "key property": stream.primary_keys or (),
        "replication key": [key] if key and method == INCREMENTAL else (),
    }
    for what, names in needed.items():
        for name in names:
            if name not in columns or name not in stream.schema["properties"]:
                yield f"has no column {excerpt(name)}, which is a {what}: add it to the schema."
            elif not stream.mask["properties", name]:
                yield f"deselects {name}, which is a {what}: select it."
    if method not in {FULL_TABLE, INCREMENTAL}:
        yield f"has the replication method {excerpt(method)}: use {FULL_TABLE} or {INCREMENTAL}."
    elif method == INCREMENTAL and not key:
        yield f"is {INCREMENTAL} without a replication key: use {FULL_TABLE}."
    elif key and method == INCREMENTAL and stream.schema["properties"][key].get("format") not in {"date", "date-time"}:
        yield f"has the replication key {key}, which is not the time of a change: use {FULL_TABLE}."
