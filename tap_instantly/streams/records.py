"""Shape records of the API to their schema."""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING, Any, NoReturn

from jsonschema import Draft202012Validator, ValidationError

from tap_instantly import timestamps
from tap_instantly.client import InstantlyError
from tap_instantly.client.decode import Odd
from tap_instantly.client.redaction import MASKED, without_addresses, without_secrets
from tap_instantly.settings import DROP, HASH, KEEP
from tap_instantly.streams import flattening
from tap_instantly.streams.conformance import NOT_STORABLE, Form, TooDeepError, mask_unknown, mended, storable
from tap_instantly.streams.personal import MARK
from tap_instantly.streams.widening import Widening, put
from tap_instantly.sync.state import WORKSPACE_ID

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Mapping, Sequence

Record = dict[str, Any]

UNKNOWN_FIELDS = "unknown_fields"
WORKSPACE_NAME = "workspace_name"

DESTINY = {
    KEEP: f"the value is kept in the column {UNKNOWN_FIELDS}",
    HASH: f"its hash is kept in the column {UNKNOWN_FIELDS}",
    DROP: "the value is dropped, because it may be personal data",
}
"""Log text for a moved value, by the setting ``personal_data``."""

UNKNOWN = "not in the schema"
UNKNOWN_SECRET = f"{UNKNOWN}, and masked because it may be a secret"

LOST = f"the value is lost: select the column {UNKNOWN_FIELDS} in the catalog"

MOST_REPORTED = 200
"""Most lines in the log about odd fields, per stream."""

MOST_SHOWN = 100
"""Longest name or key in the log, in characters."""


class InvalidRecordError(InstantlyError):
    """A record does not match its schema, and ``validate_records`` is ``fail``."""


class RecordShaper:
    """Shape the records of one stream, and count the anomalies.

    * Unknown fields, and values that their column cannot store (another type, an invalid timestamp, text that databases
      reject), move to the object ``unknown_fields``. So nothing is lost and no loader fails. The column gets null, or
      the text with U+FFFD. If the value is nested in an object, only it moves.
    * Unknown fields whose name suggests a secret keep their name but not their value, at any depth
      (:func:`~tap_instantly.client.redaction.without_secrets`).
    * With flattening, unknown fields nested in a known object move too, since they would have no column.
    * Timestamps get one canonical form in UTC. An integer in a text column of the key becomes text.
    * Records with an invalid key, or nested too deeply, cannot be loaded. The tap logs and skips each of them.

    Args:
        schema: JSON Schema of the stream.
        keys: Names of the key properties.
        validate: ``off``, ``warn`` or ``fail``, for :meth:`check`.
        logger: Logger of the stream.
        flattened: Number of levels that the SDK will flatten.
        personal: ``keep``, ``hash`` or ``drop``: later treatment of ``unknown_fields``, for log messages.
        written: True if the column ``unknown_fields`` is written, for log messages.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        keys: Sequence[str],
        validate: str,
        logger: logging.Logger,
        flattened: int = 0,
        personal: str = KEEP,
        *,
        written: bool = True,
    ) -> None:
        properties: Mapping[str, Mapping[str, Any]] = schema["properties"]
        self._flattened = flattened
        self._keys = tuple(keys)
        self._personal = {name for name, kind in properties.items() if MARK in kind}
        self._destiny = DESTINY[personal] if written else LOST
        self._properties = {name: kind for name, kind in properties.items() if name != UNKNOWN_FIELDS}
        self._nested = {name: kind for name, kind in self._properties.items() if kind.keys() & {"properties", "items"}}
        self._widening = Widening(self._properties, flattened)
        self._open_form = Form({**self._properties, UNKNOWN_FIELDS: {"type": ("object", "null")}}, closed=False)
        self._timestamps = tuple(name for name, kind in properties.items() if kind.get("format") == "date-time")
        self._days = tuple(name for name, kind in properties.items() if kind.get("format") == "date")
        # A record must have a value for each column that is not nullable.
        self._needed = self._keys + tuple(
            name for name, kind in self._properties.items() if kind.get("type") == "string" and name not in keys
        )
        self._fail = validate == "fail"
        self._validator = None if validate == "off" else Draft202012Validator(schema)
        self._logger = logger
        self._reported: set[tuple[str, str]] = set()
        self.keyless = 0
        self.invalid = 0
        self.moved = 0
        self.too_deep = 0
        self.no_records = 0
        self._counting = threading.Lock()

    def shape(self, record: Record, workspace_id: str, workspace_name: str | None = None) -> Record | None:
        """Shape a record in place. Return it, or None if it cannot be loaded.

        Raises:
            InvalidRecordError: A value does not fit its column, and ``validate`` is ``fail``.
        """
        aside: dict[str, Any] = {}
        try:
            if record.get(WORKSPACE_ID) not in (None, workspace_id):
                theirs = storable(record[WORKSPACE_ID])
                self._set_aside(aside, WORKSPACE_ID, theirs, "it is not the workspace of the key")
            if record.get(WORKSPACE_NAME) not in (None, workspace_name):
                self._set_aside(
                    aside, WORKSPACE_NAME, storable(record[WORKSPACE_NAME]), "it is not the name of the workspace"
                )
            record[WORKSPACE_ID] = workspace_id
            record[WORKSPACE_NAME] = workspace_name
            if self._widening.fits(record):
                self._widening.set_aside(record, aside)
            else:
                self._widening.learn(record)
                self._look_closely(record, aside)
                self._order_times(record, aside)
        except TooDeepError:
            self.too_deep += 1
            self._discard(record, "that is nested too deeply")
            return None
        if aside:
            record[UNKNOWN_FIELDS] = aside
        for name in self._needed:
            if record.get(name) is None:
                self.keyless += 1
                self._discard(record, f"without {[name for name in self._needed if record.get(name) is None]}")
                return None
        return record

    @property
    def oddities(self) -> dict[str, int]:
        """Counts of skipped records (the first three), of moved values, and of schema violations."""
        return {
            "without_key": self.keyless,
            "too_deep": self.too_deep,
            "no_records": self.no_records,
            "moved": self.moved,
            "invalid": self.invalid,
        }

    def count_rejected(self, items: int) -> None:
        """Count items of answers that are not records; the caller has logged them. Thread-safe."""
        with self._counting:
            self.no_records += items

    def check(self, record: Record) -> None:
        """Validate a record against the schema, unless validation is off.

        Raises:
            InvalidRecordError: The record does not match, and ``validate`` is ``fail``.
        """
        if self._validator is None:
            return
        for error in self._validator.iter_errors(record):
            self.invalid += 1
            if self._fail:
                self._refuse(record, _place(error), _breach(error))
            self._report_once(_place(error), f"it {_breach(error)}")

    def _order_times(self, record: Record, aside: dict[str, Any]) -> None:
        for name in self._timestamps:
            if name in record and (value := record[name]) is not None:
                try:
                    record[name] = timestamps.canonical(value)
                except (ValueError, TypeError):
                    self._move(record, aside, name, "it is not a timestamp")
        for name in self._days:
            if (value := record.get(name)) is not None and not timestamps.is_valid(value):
                self._move(record, aside, name, "it is not a date")

    def _look_closely(self, record: Record, aside: dict[str, Any]) -> None:
        """Move unknown fields, and values that their column cannot store.

        Raises:
            TooDeepError: A value is too deeply nested.
        """
        for place, name, sent in self._unknown(record):
            given = storable(sent)
            value = without_secrets(given, name)
            self._set_aside(aside, place, value, UNKNOWN if value == given else UNKNOWN_SECRET)
        if self._widening.fits(record):
            return  # the usual case for a field that the API has added
        self._mask(record)
        if self._open_form.fits(record):
            return
        for name in self._keys:
            value, kind = record.get(name), self._properties[name]
            if isinstance(value, int) and not isinstance(value, bool) and kind["type"] == "string":
                record[name] = str(value)
                self._report_once(name, "received an integer; its digits are loaded as text")
            elif isinstance(value, Odd):
                # With U+FFFD, it might equal the key of another record.
                self._move(record, aside, name, NOT_STORABLE)

        def note(place: str, value: Any, reason: str) -> None:  # noqa: ANN401 (any JSON)
            self._count_moved(record, place, reason)
            self._set_aside(aside, place, value, reason)

        for name, value in record.items():
            record[name] = mended(value, self._properties[name], name, note)

    def _mask(self, record: Record) -> None:
        """Mask possible secrets in the unknown fields that stay in their object."""
        for name, kind in self._nested.items():
            for place in mask_unknown(record.get(name), kind, name):
                self._report_once(place, UNKNOWN_SECRET)

    def _unknown(self, record: Record) -> Iterator[tuple[str, str, Any]]:
        """Remove the unknown fields of a record, and yield place, name and value of each."""
        for name in [name for name in record if name not in self._properties]:
            yield str(name), str(name), record.pop(name)
        for name, kind in self._properties.items():
            yield from flattening.taken_out(record.get(name), kind, name, self._flattened)

    def _discard(self, record: Record, why: str) -> None:
        present = {name: self._shown(name, value) for name in self._keys if (value := record.get(name)) is not None}
        aside = record.get(UNKNOWN_FIELDS) or {}
        wrong = {name: self._shown(name, aside[name]) for name in self._needed if name in aside}
        also = f"; received instead: {wrong}" if wrong else ""
        self._logger.error("Discarded a record %s; the rest of its key: %s%s", why, present, also)

    def _shown(self, name: str, value: object) -> str:
        """Return a value for the log, masked if it may be personal."""
        return MASKED if name in self._personal or isinstance(value, (dict, list)) else _short(value)

    def _move(self, record: Record, aside: dict[str, Any], name: str, reason: str) -> None:
        self._count_moved(record, name, reason)
        self._set_aside(aside, name, storable(record[name]), reason)
        record[name] = None

    def _count_moved(self, record: Record, place: str, reason: str) -> None:
        self.moved += 1
        if self._fail:
            self._refuse(record, place, f"does not fit its column: {reason}")

    def _set_aside(self, aside: dict[str, Any], place: str, value: Any, reason: str) -> None:  # noqa: ANN401 (any JSON)
        put(aside, place, without_secrets(value, ""))
        self._report_once(re.sub(r"\[[0-9]+\]", "", place), f"{reason}; {self._destiny}")

    def _report_once(self, place: str, message: str) -> None:
        name = _short(place)
        if (name, message) in self._reported or len(self._reported) > MOST_REPORTED:
            return
        self._reported.add((name, message))
        if len(self._reported) > MOST_REPORTED:
            self._logger.warning(
                "More than %d fields do not match the schema; the others are not listed.", MOST_REPORTED
            )
        else:
            self._logger.warning("Field '%s': %s", name, message)

    def _refuse(self, record: Record, place: str, breach: str) -> NoReturn:
        key = {name: MASKED if name in self._personal else record.get(name) for name in self._keys}
        message = (
            f"{self._logger.name.rpartition('.')[2]}: the record {key} does not match its schema: field "
            f"'{_short(place)}' {breach}. To load it anyway, set validate_records to 'warn'."
        )
        raise InvalidRecordError(message)


def _breach(error: ValidationError) -> str:
    """Describe the violated rule, without the value, which may be personal."""
    return f"violates {error.validator} = {error.validator_value}"


def _place(error: ValidationError) -> str:
    return ".".join(str(step) for step in error.path if not isinstance(step, int)) or "(record)"


def _short(value: object) -> str:
    """Return a value as one line of ASCII, of at most :data:`MOST_SHOWN` characters."""
    text = value if isinstance(value, str) else repr(value)[:MOST_SHOWN]
    return without_addresses(json.dumps(text[:MOST_SHOWN])[1:-1][:MOST_SHOWN])
