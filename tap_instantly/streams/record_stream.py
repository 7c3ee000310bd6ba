"""Base class of streams: shapes each record, and writes it by the shortest path that its catalog allows."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream
from singer_sdk.mapper import SameRecordTransform
from typing_extensions import override

from tap_instantly.settings import DROP, KEEP
from tap_instantly.streams import flattening
from tap_instantly.streams.personal import Hider
from tap_instantly.streams.records import UNKNOWN_FIELDS, Record, RecordShaper
from tap_instantly.streams.schemas import MARKED
from tap_instantly.sync.state import PartitionStates
from tap_instantly.sync.writer import RecordLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from singer_sdk import Tap

    from tap_instantly.sync.partition import Partition


class RecordStream(Stream):
    """A stream that shapes its records to the schema, hides personal data as the settings say, and writes them.

    For each property of each record, the SDK checks the selection and the conformance to the schema. That takes three
    quarters of a record's time (measured). A record decoded from JSON, with only the fields and types of its schema,
    needs this only if the catalog deselects parts of an object.
    """

    excluded: ClassVar[tuple[str, ...]] = ()
    """Fields that are never extracted: secrets, and data of another stream."""

    time_extracted: datetime | None = None
    """Time at which the current records were received; None means the time of writing."""

    def __init__(self, tap: Tap, **settings: Any) -> None:
        super().__init__(tap, **settings)
        self._write = tap.message_writer.write_message

    @override
    def generate_child_contexts(
        self, record: dict[str, Any], context: Mapping[str, Any] | None
    ) -> Iterable[Mapping[str, Any] | None]:
        return ()  # without child streams, this saves work for each record

    @cached_property
    @override
    def state_manager(self) -> PartitionStates:
        return PartitionStates(
            tap_name=self.tap_name,
            stream_name=self.name,
            tap_state=self.tap_state,
            state_partitioning_keys=self.state_partitioning_keys,
            by_page=self.is_sorted,
            check_sorted=self.check_sorted,
        )

    # Shape

    @cached_property
    def shaper(self) -> RecordShaper:
        """Shaper of the stream's records."""
        levels = flattening.levels_of(self.config)
        schema = flattening.narrowed(MARKED.get_schema(self.name), self.effective_schema, levels)
        validate, personal = self.config["validate_records"], self.config["personal_data"]
        written = UNKNOWN_FIELDS in self.effective_schema["properties"] and self.mask["properties", UNKNOWN_FIELDS]
        return RecordShaper(schema, self.primary_keys, validate, self.logger, levels, personal, written=written)

    @cached_property
    def _hider(self) -> Hider | None:
        """Hider of personal data; None if the settings keep it."""
        choice = self.config["personal_data"]
        if choice == KEEP:
            return None
        properties, salt = MARKED.get_schema(self.name)["properties"], self.config["personal_data_salt"]
        return Hider(properties, self.primary_keys, salt, drop=choice == DROP)

    def shaped(self, row: Record, partition: Partition) -> Record | None:
        """Shape a row in place. Return it, or None if it cannot be loaded."""
        for name in self.excluded:
            row.pop(name, None)
        record = self.shaper.shape(row, partition.workspace.id, partition.workspace.name)
        if record is not None:
            self.shaper.check(record)
            if self._hider is not None:
                self._hider.hide(record)
        return record

    # Write

    @cached_property
    def takes_fast_path(self) -> bool:
        """True if the stream's records can take the fast path."""
        known = self.effective_schema["properties"]
        selects_within = any(
            not selected and len(breadcrumb) > len(root := breadcrumb[:2]) and self.mask[root]
            for breadcrumb, selected in self.mask.items()
        )
        if selects_within or not known.keys() >= self.schema["properties"].keys() or not _is_open(known):
            return False
        # The SDK converts every value of a boolean property. With booleans only, that changes nothing.
        own = _booleans(self.schema)
        return all(own.get(place) for place in _booleans(self.effective_schema))

    @cached_property
    def _deselected(self) -> tuple[str, ...]:
        return tuple(name for name in self.schema["properties"] if not self.mask["properties", name])

    @cached_property
    def _maps(self) -> list[tuple[str, Callable[[dict[str, Any]], dict[str, Any] | None] | None]]:
        """Names of the stream maps with their transformations; None for an unchanged record."""
        return [
            (
                each.stream_alias,
                None if type(each) is SameRecordTransform and not each.flattening_enabled else each.transform,
            )
            for each in self.stream_maps
        ]

    @override
    def _write_record_message(self, record: dict[str, Any]) -> None:
        # Private in the SDK, which has no hook here. Tests compare the messages of both paths, and check that the SDK
        # calls this method.
        if not self.takes_fast_path:
            super()._write_record_message(record)
            return
        for name in self._deselected:
            record.pop(name, None)
        now = self.time_extracted or datetime.now(timezone.utc)
        for alias, transform in self._maps:
            if transform is None:
                self._write(RecordLine(alias, record, self._stream_version, now))
            elif (mapped := transform(record)) is not None:
                self._write(RecordLine(alias, _as_written(mapped), self._stream_version, now))
        self.state_manager.is_flushed = False


def _as_written(value: Any) -> Any:  # noqa: ANN401 (whatever a stream map makes)
    """Convert values to the SDK writers' form, if msgspec's form differs."""
    if isinstance(value, dict):
        return {name: _as_written(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_written(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, (str, int, float, Decimal)) else str(value)


def _booleans(kind: Mapping[str, Any], place: tuple[str, ...] = ()) -> dict[tuple[str, ...], bool]:
    """Find the booleans of a schema; the value is True if only null is allowed beside them."""
    types = kind.get("type", ())
    if "boolean" in types:
        return {place: types == "boolean" or set(types) <= {"boolean", "null"}}
    parts = {**kind.get("properties", {}), **({"[]": kind["items"]} if isinstance(kind.get("items"), dict) else {})}
    return {at: sole for name, part in parts.items() for at, sole in _booleans(part, (*place, name)).items()}


def _is_open(properties: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return True if all nested objects allow additional properties. The SDK drops those of objects that do not."""
    for kind in properties.values():
        part = kind["items"] if isinstance(kind.get("items"), dict) else kind
        if "properties" in part and not (part.get("additionalProperties") and _is_open(part["properties"])):
            return False
    return True
