"""The SDK's stream maps, checked before anything is read."""

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

from tap_instantly.configuration import did_you_mean
from tap_instantly.quoting import quoted

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
"""Names within the map of a stream that are no columns."""

EXPRESSIONS = (MAPPER_ALIAS_OPTION, MAPPER_FILTER_OPTION)
"""Options that are expressions."""

NEARLY_THE_SAME = 0.8
"""Likeness of the name of a new column to that of another, from which on it is taken for a slip."""

REMOVED = (None, NULL_STRING)

TELLING = (AttributeError, TypeError)
"""Errors of Python whose texts have names and types, and no values."""


class StreamMaps(PluginMapper):
    """The stream maps of the configuration; those of streams that nobody selected stop nothing.

    Args:
        config: The settings.
        logger: Of the tap.
        columns: The columns of each stream, selected or not.
        selected: Names of the streams that are selected.

    Raises:
        StreamMapConfigError: One cannot be meant as it is; the text is one line that names stream and column.
    """

    def __init__(
        self, config: Mapping[str, Any], logger: logging.Logger, columns: Columns, selected: Collection[str]
    ) -> None:
        given = config.get("stream_maps") or {}
        if found := list(problems(given, columns)):
            raise _invalid("; ".join(found))
        for line in slips(given, columns):
            logger.warning(line)
        # A copy, since the SDK takes __else__ out of it.
        super().__init__({**config, "stream_maps": dict(given)}, logger)
        self._selected = selected
        self.unmapped: list[str] = []
        """Streams that are not selected and that their maps cannot be applied to; nothing of them is written."""

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
        maps[:] = [Told(each, stream_name, definitions) if isinstance(each, CustomStreamMap) else each for each in maps]

    @override
    def register_raw_streams_from_catalog(self, catalog: Catalog) -> None:
        super().register_raw_streams_from_catalog(catalog)
        sources: dict[str, list[str]] = defaultdict(list)
        for stream in sorted(self._selected):
            for each in self.stream_maps.get(stream, ()):
                if not isinstance(each, RemoveRecordTransform):
                    # Most warehouses do not tell capitals from small letters.
                    sources[each.stream_alias.lower()].append(stream)
        for name, streams in sources.items():
            if len(streams) > 1:
                message = f"{' and '.join(streams)} would be written under one name, {name}: give each its own"
                raise _invalid(message)

    def _maps_of(self, stream: str) -> Iterator[Mapping[str, Any]]:
        return (map_ for key, map_ in _maps(self.stream_maps_dict) if fnmatch(stream, _source(key, map_)))

    def _advice(self, stream: str) -> str:
        else_ = any(MAPPER_ELSE_OPTION in map_ for map_ in self._maps_of(stream))
        return f' With {MAPPER_ELSE_OPTION}, keep each column of the key by name, such as "id": "id".' if else_ else ""


class Told(StreamMap):
    """A stream map whose failures are told in one line, without values of the record.

    Args:
        made: By the SDK.
        stream: Name of the stream that it maps.
        definitions: Columns and expressions of the maps of that stream.
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
            "Change the expression in 'stream_maps' so that it holds where a value is null or missing too."
        )
        return MapExpressionError(message)


def _reason(error: Exception, expression: str) -> str:
    """Give the reason why an expression failed, without anything that may come from a record."""
    cause = error.__cause__ or error  # the SDK's own quotes the expression, and a salt may be in it
    if isinstance(cause, TELLING):
        return f"{type(cause).__name__}, {quoted(str(cause))}"
    said = (*cause.args, *(getattr(cause, name, None) for name in ("name", "attr", "func_name")))
    named = [word for word in said if isinstance(word, str) and word.isidentifier() and word in expression]
    return f"{type(cause).__name__}{''.join(f', {word}' for word in named[:1])}"


def mend(schema: dict[str, Any]) -> None:
    """Take out of a schema, in place, the alternatives that are no schemas, over which the validator falls.

    The SDK's own for ``__else__`` has the bare word ``null`` among them.
    """
    if "anyOf" in schema:
        schema["anyOf"] = [part for part in schema["anyOf"] if isinstance(part, dict)]
    below = (*schema.get("anyOf", ()), *schema.get("properties", {}).values(), schema.get("additionalProperties"))
    for part in below:
        if isinstance(part, dict):
            mend(part)


def problems(given: Mapping[str, Any], columns: Columns) -> Iterator[str]:
    """Find mistakes in the setting ``stream_maps``, one text each.

    Args:
        given: The setting.
        columns: The columns of each stream that there is.
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
        return f": it is within {whole}, and maps come before flattening; map the whole of {whole}"
    return did_you_mean(name, known)


def _problems_of_expression(text: str) -> Iterator[str]:
    # The text is not quoted: a salt may be in it.
    try:
        body = ast.parse(text).body
    except SyntaxError as error:
        yield f"is no expression: {error.msg}, at character {error.offset}"
    except (ValueError, RecursionError, MemoryError):
        yield "is no expression"
    else:
        if len(body) != 1 or not isinstance(body[0], ast.Expr):
            yield "is not one expression"


def slips(given: Mapping[str, Any], columns: Columns) -> Iterator[str]:
    """Warn of new columns whose name is nearly that of an existing one, one line each."""
    for key, map_ in _maps(given):
        matching = [name for name in columns if fnmatch(name, _source(key, map_))]
        known = {column for name in matching for column in columns[name]}
        for name in map_.keys() - known - set(OPTIONS):
            if near := did_you_mean(name, known - map_.keys(), NEARLY_THE_SAME):
                yield f"The stream map of {key} makes a new column {name}{near}"


def _maps(given: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((key, map_) for key, map_ in given.items() if isinstance(map_, dict))


def _source(key: str, map_: object) -> str:
    """The name or pattern of the streams that a map is for."""
    return str(map_.get(MAPPER_SOURCE_OPTION, key)) if isinstance(map_, dict) else key


def _invalid(why: str) -> StreamMapConfigError:
    message = f"setting 'stream_maps' is not valid: {why}"
    return StreamMapConfigError(message)
