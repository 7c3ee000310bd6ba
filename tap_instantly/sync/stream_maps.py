"""Validation of the SDK's stream maps, before anything is read."""

from __future__ import annotations

import ast
from collections import defaultdict
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import MapExpressionError, MappingError, StreamMapConfigError
from singer_sdk.mapper import (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
    NULL_STRING,
    CustomStreamMap,
    PluginMapper,
    RemoveRecordTransform,
    StreamMap,
)
from typing_extensions import override

from tap_instantly.text import did_you_mean, excerpt

if TYPE_CHECKING:
    import logging
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from singer_sdk.singerlib import Catalog

    Columns = Mapping[str, Collection[str]]

OPTIONS = (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
)
"""Keys in a stream's map that are not columns."""

EXPRESSIONS = (MAPPER_ALIAS_OPTION, MAPPER_FILTER_OPTION)
"""Options with an expression as value."""

NEARLY_THE_SAME = 0.8
"""Similarity of a new column's name to an existing one's, from which on it counts as a typo."""

REMOVED = (None, NULL_STRING)

TELLING = (AttributeError, TypeError)
"""Python errors whose messages contain names and types, but no values."""


class StreamMaps(PluginMapper):
    """Stream maps of the configuration. A map that cannot be applied is not fatal if its stream is deselected.

    Args:
        config: Settings.
        logger: Logger of the tap.
        columns: Columns of all streams, selected or not.
        selected: Names of the selected streams.

    Raises:
        StreamMapConfigError: A map is invalid. The message is one line that names stream and column.
    """

    def __init__(
        self, config: Mapping[str, Any], logger: logging.Logger, columns: Columns, selected: Collection[str]
    ) -> None:
        given = config.get("stream_maps") or {}
        if found := list(problems(given, columns)):
            raise _invalid("; ".join(found))
        for line in probable_typos(given, columns):
            logger.warning(line)
        # A copy, because the SDK removes __else__ from it.
        super().__init__({**config, "stream_maps": dict(given)}, logger)
        self._selected = selected
        self.unmapped: list[str] = []
        """Deselected streams whose maps cannot be applied; their records are not written."""

    @override
    def register_raw_stream_schema(
        self, stream_name: str, schema: dict[str, Any], key_properties: Sequence[str] | None
    ) -> None:
        try:
            super().register_raw_stream_schema(stream_name, schema, key_properties)
        except MappingError as error:
            reason = f"{error}{self._advice(stream_name)}"
            if stream_name in self._selected:
                raise _invalid(reason) from None
            self.unmapped.append(stream_name)
            self.stream_maps[stream_name] = [
                RemoveRecordTransform(stream_name, schema, key_properties, self.flattening_options)
            ]
        maps = self.stream_maps[stream_name]
        definitions = [item for map_ in self._maps_of(stream_name) for item in map_.items()]
        maps[:] = [
            OneLineStreamMap(each, stream_name, definitions) if isinstance(each, CustomStreamMap) else each
            for each in maps
        ]

    @override
    def register_raw_streams_from_catalog(self, catalog: Catalog) -> None:
        super().register_raw_streams_from_catalog(catalog)
        sources: dict[str, list[str]] = defaultdict(list)
        for stream in sorted(self._selected):
            for each in self.stream_maps.get(stream, ()):
                if not isinstance(each, RemoveRecordTransform):
                    # Most warehouses ignore the case of names.
                    sources[each.stream_alias.lower()].append(stream)
        for name, streams in sources.items():
            if len(streams) > 1:
                message = f"{' and '.join(streams)} would be written under one name, {name}: give each a different name"
                raise _invalid(message)

    def _maps_of(self, stream: str) -> Iterator[Mapping[str, Any]]:
        return (map_ for key, map_ in _maps(self.stream_maps_dict) if fnmatch(stream, _source(key, map_)))

    def _advice(self, stream: str) -> str:
        else_ = any(MAPPER_ELSE_OPTION in map_ for map_ in self._maps_of(stream))
        return f' With {MAPPER_ELSE_OPTION}, keep each column of the key by name, such as "id": "id".' if else_ else ""


class OneLineStreamMap(StreamMap):
    """A stream map that reports failures in one line, without values of the record.

    Args:
        made: Map created by the SDK.
        stream: Name of the mapped stream.
        definitions: Columns and expressions in the maps of that stream.
    """

    def __init__(self, made: CustomStreamMap, stream: str, definitions: Sequence[tuple[str, Any]]) -> None:
        super().__init__(made.stream_alias, made.raw_schema, made.raw_key_properties, None)
        self.transformed_schema = made.transformed_schema
        self.transformed_key_properties = made.transformed_key_properties
        self._made = made
        self._stream = stream
        self._definitions = definitions

    @override
    def transform(self, record: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return self._made.transform(record)
        except Exception as error:  # noqa: BLE001 (whatever an expression may raise)
            raise self._failure(error) from None

    @override
    def get_filter_result(self, record: dict[str, Any]) -> bool:
        try:
            return self._made.get_filter_result(record)
        except Exception as error:  # noqa: BLE001 (whatever an expression may raise)
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> MapExpressionError:
        expression = self._made.expr_evaluator.expr
        names = dict.fromkeys(name for name, text in self._definitions if text == expression)
        message = (
            f"the stream map of {self._stream} failed for {' or '.join(names)}: {_reason(error, expression)}. "
            "Change the expression in 'stream_maps' so that it handles null and missing values."
        )
        return MapExpressionError(message)


def _reason(error: Exception, expression: str) -> str:
    """Describe an expression's failure, without data from the record."""
    cause = error.__cause__ or error  # the SDK's error quotes the expression, which may contain a salt
    if isinstance(cause, TELLING):
        return f"{type(cause).__name__}, {excerpt(str(cause))}"
    said = (*cause.args, *(getattr(cause, name, None) for name in ("name", "attr", "func_name")))
    named = [word for word in said if isinstance(word, str) and word.isidentifier() and word in expression]
    return f"{type(cause).__name__}{''.join(f', {word}' for word in named[:1])}"


def mend(schema: dict[str, Any]) -> None:
    """Remove invalid alternatives from the SDK's JSON schema, in place, because they crash the validator.

    The SDK's schema for ``__else__`` contains the bare word ``null``.
    """
    if "anyOf" in schema:
        schema["anyOf"] = [part for part in schema["anyOf"] if isinstance(part, dict)]
    below = (*schema.get("anyOf", ()), *schema.get("properties", {}).values(), schema.get("additionalProperties"))
    for part in below:
        if isinstance(part, dict):
            mend(part)


def problems(given: Mapping[str, Any], columns: Columns) -> Iterator[str]:
    """Yield the mistakes in the setting ``stream_maps``, one message each.

    Args:
        given: Setting.
        columns: Columns of all streams.
    """
    for key, map_ in given.items():
        if key == MAPPER_ELSE_OPTION:
            continue
        source = _source(key, map_)
        of = key if source == key else f"{source}, the {MAPPER_SOURCE_OPTION} of {key},"
        if not (matching := [name for name in columns if fnmatch(name, source)]):
            yield f"no stream is called {of}{did_you_mean(source, columns)}"
        elif isinstance(map_, dict):
            known = {column for name in matching for column in columns[name]}
            yield from (f"{key}: {problem}" for problem in _problems_of_map(map_, known))


def _problems_of_map(map_: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    if MAPPER_SOURCE_OPTION in map_ and MAPPER_ALIAS_OPTION in map_:
        yield f"give {MAPPER_SOURCE_OPTION} or {MAPPER_ALIAS_OPTION}, not both"
    made = {name for name, text in map_.items() if name not in OPTIONS and text not in REMOVED}
    for name in map_.get(MAPPER_KEY_PROPERTIES_OPTION) or ():
        if name not in known | made:
            yield f"{MAPPER_KEY_PROPERTIES_OPTION}: there is no column {name}{did_you_mean(name, known | made)}"
    for name, text in map_.items():
        if name.startswith("__") and name.endswith("__") and name not in OPTIONS:
            yield f"there is no option {name}{did_you_mean(name, OPTIONS)}"
        elif name not in OPTIONS and text in REMOVED and name not in known:
            yield f"there is no column {name}{_nearest(name, known)}"
        elif (name not in OPTIONS or name in EXPRESSIONS) and text not in REMOVED:
            yield from (f"{name} {problem}" for problem in _problems_of_expression(text))


def _nearest(name: str, known: Collection[str]) -> str:
    whole = max((column for column in known if name.startswith(column)), key=len, default="")
    if name[len(whole) :].startswith((".", "__")):
        return f": it is inside {whole}, and maps apply before flattening; map all of {whole}"
    return did_you_mean(name, known)


def _problems_of_expression(text: str) -> Iterator[str]:
    # The expression is not quoted: it may contain a salt.
    try:
        body = ast.parse(text).body
    except SyntaxError as error:
        yield f"is not a valid expression: {error.msg}, at character {error.offset}"
    except (ValueError, RecursionError, MemoryError):
        yield "is not a valid expression"
    else:
        if len(body) != 1 or not isinstance(body[0], ast.Expr):
            yield "is not a single expression"


def probable_typos(given: Mapping[str, Any], columns: Columns) -> Iterator[str]:
    """Yield a warning for each new column with nearly the name of an existing one."""
    for key, map_ in _maps(given):
        matching = [name for name in columns if fnmatch(name, _source(key, map_))]
        known = {column for name in matching for column in columns[name]}
        for name in map_.keys() - known - set(OPTIONS):
            if near := did_you_mean(name, known - map_.keys(), NEARLY_THE_SAME):
                yield f"The stream map of {key} adds a new column {name}{near}"


def _maps(given: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((key, map_) for key, map_ in given.items() if isinstance(map_, dict))


def _source(key: str, map_: object) -> str:
    """Return the name or pattern of a map's streams."""
    return str(map_.get(MAPPER_SOURCE_OPTION, key)) if isinstance(map_, dict) else key


def _invalid(why: str) -> StreamMapConfigError:
    message = f"setting 'stream_maps' is not valid: {why}"
    return StreamMapConfigError(message)
