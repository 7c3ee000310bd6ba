"""The short way of a record through the SDK."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream
from singer_sdk.streams._state import StreamStateManager
from typing_extensions import override

from tap_instantly.singer.writer import RecordLine

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping

    from singer_sdk.singerlib import RecordMessage


class PartitionStates(StreamStateManager):
    """The states of a stream's partitions, where one partition comes in several turns.

    It finds them at once; the SDK searches the list of partitions for each record.

    Args:
        partition_keys: What of a context its state goes by; all if None.
        settings: Those of the SDK's class.
    """

    def __init__(self, *, partition_keys: Collection[str] | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self._partition_keys = partition_keys
        self._found: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._started: set[int] = set()

    @override
    def get_state_partition_context(self, context: Any) -> Any:
        # Not the SDK's state_partitioning_keys: a stream that has them cannot be taken up where it was cut off.
        if not context or self._partition_keys is None:
            return context
        return {name: value for name, value in context.items() if name in self._partition_keys}

    @override
    def increment_state(
        self, latest_record: dict[str, Any], *, context: Mapping[str, Any] | None = None, replication_key: str
    ) -> None:
        # Of a list in no order, nearly all records change nothing.
        markers = self.get_context_state(context).get("progress_markers") or {}
        latest, value = markers.get("replication_key_value"), latest_record.get(replication_key)
        if self._is_sorted or not (isinstance(latest, str) and isinstance(value, str) and value < latest):
            super().increment_state(latest_record, context=context, replication_key=replication_key)

    @override
    def write_starting_replication_value(self, context: Mapping[str, Any] | None, *args: Any, **settings: Any) -> None:
        state = id(self.get_context_state(context))
        if state not in self._started:
            self._started.add(state)
            super().write_starting_replication_value(context, *args, **settings)

    @override
    def get_context_state(self, context: Mapping[str, Any] | None) -> dict[str, Any]:
        key = tuple((context or {}).items())
        if key not in self._found:
            self._found[key] = super().get_context_state(context)
        return self._found[key]


class ShortRecordPath(Stream):
    """A stream whose records are looked through only as far as its catalog and schema ask for.

    The SDK looks up for each property of each record whether it is selected and whether its value conforms to the
    schema: three quarters of the time that a record takes (measured). A record decoded from JSON, with no other fields
    than its schema has, needs that only where the catalog selects within an object, or where a boolean is given as
    something else.
    """

    partition_keys: ClassVar[Collection[str] | None] = None
    """What of a context its state goes by; all if None."""

    time_extracted: datetime | None = None
    """When the records at hand were received; the time that each is written at if None."""

    @override
    def generate_child_contexts(
        self, record: dict[str, Any], context: Mapping[str, Any] | None
    ) -> Iterable[Mapping[str, Any] | None]:
        return ()  # no stream has child streams, and the SDK asks for each record

    @property
    @override
    def state_manager(self) -> StreamStateManager:
        return self._partition_states

    @cached_property
    def _partition_states(self) -> PartitionStates:
        return PartitionStates(
            partition_keys=self.partition_keys,
            tap_name=self.tap_name,
            stream_name=self.name,
            tap_state=self.tap_state,
            state_partitioning_keys=self.state_partitioning_keys,
            is_sorted=self.is_sorted,
            check_sorted=self.check_sorted,
        )

    @cached_property
    def short_way(self) -> bool:
        """Whether records of this stream can take the short way."""
        known = self.effective_schema["properties"]
        selects_within = any(
            not selected and len(breadcrumb) > len(root := breadcrumb[:2]) and self.mask[root]
            for breadcrumb, selected in self.mask.items()
        )
        return not selects_within and known.keys() >= self.schema["properties"].keys() and _is_open(known)

    @cached_property
    def _deselected(self) -> tuple[str, ...]:
        return tuple(name for name in self.schema["properties"] if not self.mask["properties", name])

    @cached_property
    def _booleans(self) -> dict[str, _Booleans]:
        return _booleans_of(self.effective_schema["properties"])

    @override
    def _generate_record_messages(  # type: ignore[override] # others that are written alike
        self, record: dict[str, Any]
    ) -> Generator[RecordMessage | RecordLine, None, None]:
        # Private in the SDK, which has no hook at this place. Tests compare the messages of both ways, and that this
        # method is what the SDK calls.
        if not self.short_way or not _are_booleans(record, self._booleans):
            yield from super()._generate_record_messages(record)
            return
        for name in self._deselected:
            record.pop(name, None)
        for stream_map in self.stream_maps:
            mapped = stream_map.transform(record)
            if mapped is not None:
                if mapped is not record:
                    mapped = {name: _as_text(value) for name, value in mapped.items()}
                now = self.time_extracted or datetime.now(timezone.utc)
                yield RecordLine(stream_map.stream_alias, mapped, self._stream_version, now)


def _as_text(value: object) -> object:
    """A moment that a stream map added in the form of the SDK's own writers; msgspec has another."""
    return value.isoformat() if isinstance(value, datetime) else value


_Booleans = Any
"""Where a value has booleans: True if it is one, a dictionary by property for an object, a list of one for an array."""


def _booleans_of(properties: Mapping[str, Mapping[str, Any]]) -> dict[str, _Booleans]:
    return {name: found for name, kind in properties.items() if (found := _booleans_in(kind))}


def _booleans_in(kind: Mapping[str, Any]) -> _Booleans:
    if "boolean" in kind.get("type", ()):
        return True
    if isinstance(kind.get("items"), dict):
        return [found] if (found := _booleans_in(kind["items"])) else None
    return _booleans_of(kind.get("properties", {}))


def _are_booleans(value: object, booleans: _Booleans) -> bool:
    """Whether a value has booleans, or nothing, wherever its schema does."""
    if value is None or value is True or value is False:
        return True
    if isinstance(value, dict) and isinstance(booleans, dict):
        for name, part in booleans.items():
            if (inner := value.get(name)) is not None and not _are_booleans(inner, part):
                return False
        return True
    if isinstance(value, list) and isinstance(booleans, list):
        return all(_are_booleans(item, booleans[0]) for item in value)
    return booleans is not True


def _is_open(properties: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the objects within may have other properties than those of their schema, which the SDK would drop."""
    for kind in properties.values():
        part = kind["items"] if isinstance(kind.get("items"), dict) else kind
        if "properties" in part and not (part.get("additionalProperties") and _is_open(part["properties"])):
            return False
    return True
