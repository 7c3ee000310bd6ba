"""Flattening of records: names of the columns, and fields without a column."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk import Stream
    from singer_sdk.mapper import StreamMap

    Properties = Mapping[str, Mapping[str, Any]]

ADVICE = "Set another flattening_separator or a larger flattening_max_key_length."


def levels_of(config: Mapping[str, Any]) -> int:
    """Number of levels of objects that the settings flatten; 0 if flattening is off."""
    return int(config.get("flattening_max_depth") or 0) if config.get("flattening_enabled") else 0


def narrowed(own: Mapping[str, Any], catalogs: Mapping[str, Any], levels: int) -> Mapping[str, Any]:
    """Return a schema whose flattened objects have only the properties that the catalog has too.

    Args:
        own: Schema of the stream.
        catalogs: Schema of the catalog, which may be older. An object without properties in it stays whole.
        levels: Number of flattened levels.
    """
    if not levels:
        return own
    theirs: Properties = catalogs["properties"]
    properties = {name: _within(kind, theirs.get(name, {}), levels) for name, kind in own["properties"].items()}
    return {**own, "properties": properties}


def _within(own: Mapping[str, Any], catalogs: Mapping[str, Any], levels: int) -> Mapping[str, Any]:
    if "properties" not in own or not levels:
        return own
    rest = {key: value for key, value in own.items() if key != "properties"}
    known: Properties | None = catalogs.get("properties")
    if not known:
        return rest
    properties = {
        name: _within(kind, known[name], levels - 1) for name, kind in own["properties"].items() if name in known
    }
    return {**rest, "properties": properties}


def taken_out(value: object, kind: Mapping[str, Any], place: str, levels: int) -> Iterator[tuple[str, str, Any]]:
    """Remove the unknown fields of an object, in place: flattening gives them no column.

    Fields nested more deeply than ``levels``, or in an array, stay: their column contains them as JSON.

    Returns:
        The place of each field, as in ``warmup.advanced.new``, its name and its value.
    """
    properties: Properties | None = kind.get("properties")
    if not levels or not properties or not isinstance(value, dict):
        return
    for name in list(value):
        where = f"{place}.{name}"
        if name in properties:
            yield from taken_out(value[name], properties[name], where, levels - 1)
        else:
            yield where, str(name), value.pop(name)


def refusal(error: ValueError, config: Mapping[str, Any]) -> Exception:
    """Turn the SDK's error about two flattened columns of one name into one with advice."""
    return ConfigurationError(f"Cannot flatten records: {error}. {ADVICE}") if levels_of(config) else error


def check(streams: Iterable[Stream]) -> None:
    """Check that all flattened columns of the selected streams have distinct names.

    Raises:
        ConfigurationError: Two columns would have one name, or a key would have no column.
    """
    for stream in streams:
        for each in stream.stream_maps if stream.selected else ():
            for problem in _problems(each) if each.flattening_enabled else ():
                message = f"Cannot flatten records: stream {stream.name} {problem} {ADVICE}"
                raise ConfigurationError(message)


def _problems(stream_map: StreamMap) -> Iterator[str]:
    names = list(stream_map.transformed_schema["properties"])
    # Column names are case-insensitive in most warehouses.
    for name, count in Counter(map(str.lower, names)).items():
        if count > 1:
            yield f"would have {count} columns named {name}."
    for key in stream_map.transformed_key_properties or ():
        if key not in names:
            yield f"would not have its key {key}, because the name is shortened."
