"""From what the API sends to what the schema promises."""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING, Any, NoReturn

from jsonschema import Draft202012Validator, ValidationError

from tap_instantly import timestamps
from tap_instantly.api import InstantlyError
from tap_instantly.api.decode import Odd
from tap_instantly.api.secrecy import MASKED, without_addresses, without_secrets
from tap_instantly.settings import DROP, HASH, KEEP
from tap_instantly.streams import flattening
from tap_instantly.streams.forms import NOT_TO_CARRY, Form, TooDeepError, carried, mask_unknown, mended
from tap_instantly.streams.personal import MARK

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Mapping, Sequence

Record = dict[str, Any]

UNKNOWN_FIELDS = "unknown_fields"
WORKSPACE_ID = "workspace_id"
WORKSPACE_NAME = "workspace_name"

DESTINY = {
    KEEP: f"it is kept in the column {UNKNOWN_FIELDS}",
    HASH: f"its hash is kept in the column {UNKNOWN_FIELDS}",
    DROP: "it is dropped like personal data, of which it may be",
}
"""Words of the log for a value that does not fit its schema, by the choice for personal data."""

UNKNOWN = "the schema does not know this field"
UNKNOWN_SECRET = f"{UNKNOWN}, and it may hold a secret, which is masked"

LOST = f"it is lost, as the catalog has no column {UNKNOWN_FIELDS}, or leaves it out: select it"

MOST_REPORTED = 200
"""Fields of a stream, or oddities of them, that have a line in the log."""

MOST_SHOWN = 100
"""Characters of a name or key in the log."""


class InvalidRecordError(InstantlyError):
    """A record does not match its schema, and ``validate_records`` is ``fail``."""


class RecordShaper:
    """Shapes the records of one stream, and keeps count of what was odd about them.

    * Fields that the schema does not know, and values that their column cannot hold (of another type, no timestamp,
      no text that a database takes), move to the object ``unknown_fields``, so that nothing is lost and no loader
      fails. The column has null, or the text with U+FFFD; values within an object are moved by themselves.
    * Of a field that the schema does not know, or one within it, that is called like a secret, the name alone is kept
      (:func:`~tap_instantly.api.secrecy.without_secrets`), also where it stays within an object of known properties.
    * Where records are flattened, the same becomes of fields within an object that its schema does not know: they would
      have no column.
    * Timestamps leave as UTC in one form. An integer in the place of a text that is part of the key becomes that text.
    * Records without a good value for their key, or nested too deeply, cannot be loaded: they are left out, with a line
      in the log each.

    Args:
        schema: JSON Schema of the stream.
        keys: Names of the key properties.
        validate: ``off``, ``warn`` or ``fail``, for :meth:`check`.
        logger: Of the stream.
        flattened: How many levels of objects the SDK will flatten.
        personal: ``keep``, ``hash`` or ``drop``: what becomes of ``unknown_fields`` afterwards, for the log.
        written: Whether the column ``unknown_fields`` is written at all, for the log.
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
        self._form = Form(self._properties, closed=True)
        self._open_form = Form({**self._properties, UNKNOWN_FIELDS: {"type": ("object", "null")}}, closed=False)
        self._timestamps = tuple(name for name, kind in properties.items() if kind.get("format") == "date-time")
        self._days = tuple(name for name, kind in properties.items() if kind.get("format") == "date")
        # Where a column may not be null, a record cannot be without.
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
        """The record in its schema's shape (changed in place), or None if it cannot be loaded.

        Raises:
            InvalidRecordError: A value does not fit its column, and the setting is ``fail``.
        """
        aside: dict[str, Any] = {}
        try:
            if record.get(WORKSPACE_ID) not in (None, workspace_id):
                theirs = carried(record[WORKSPACE_ID])
                self._set_aside(aside, WORKSPACE_ID, theirs, "it names another workspace than the key's")
            if record.get(WORKSPACE_NAME) not in (None, workspace_name):
                self._set_aside(
                    aside, WORKSPACE_NAME, carried(record[WORKSPACE_NAME]), "the workspace has another name"
                )
            record[WORKSPACE_ID] = workspace_id
            record[WORKSPACE_NAME] = workspace_name
            if not self._form.fits(record):
                self._look_closely(record, aside)
                self._order_times(record, aside)
        except TooDeepError:
            self.too_deep += 1
            self._leave_out(record, "that is nested too deeply")
            return None
        if aside:
            record[UNKNOWN_FIELDS] = aside
        for name in self._needed:
            if record.get(name) is None:
                self.keyless += 1
                self._leave_out(record, f"without {[name for name in self._needed if record.get(name) is None]}")
                return None
        return record

    @property
    def oddities(self) -> dict[str, int]:
        """Counts of records left out (the first three), of values moved, and of breaches of the schema."""
        return {
            "without_key": self.keyless,
            "too_deep": self.too_deep,
            "no_records": self.no_records,
            "moved": self.moved,
            "invalid": self.invalid,
        }

    def leave_out(self, items: int) -> None:
        """Count items of answers that were no records at all; they have their line in the log. In any thread."""
        with self._counting:
            self.no_records += items

    def check(self, record: Record) -> None:
        """Validate the record, where that is on.

        Raises:
            InvalidRecordError: It does not match, and the setting is ``fail``.
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
                    self._move(record, aside, name, "its value is no timestamp")
        for name in self._days:
            if (value := record.get(name)) is not None and not timestamps.is_day(value):
                self._move(record, aside, name, "its value is no date")

    def _look_closely(self, record: Record, aside: dict[str, Any]) -> None:
        """Move what the schema does not know, and what its columns cannot hold.

        Raises:
            TooDeepError: There is something nested too deeply.
        """
        for place, name, sent in self._unknown(record):
            given = carried(sent)
            value = without_secrets(given, name)
            self._set_aside(aside, place, value, UNKNOWN if value == given else UNKNOWN_SECRET)
        if self._form.fits(record):
            return  # as most do whose schema the API is ahead of
        self._mask(record)
        if self._open_form.fits(record):
            return
        for name in self._keys:
            value, kind = record.get(name), self._properties[name]
            if isinstance(value, int) and not isinstance(value, bool) and kind["type"] == "string":
                record[name] = str(value)
                self._report_once(name, "an integer in the place of a text; its digits are the text")
            elif isinstance(value, Odd):
                # With U+FFFD in it, it might be the key of another record.
                self._move(record, aside, name, NOT_TO_CARRY)

        def note(place: str, value: Any, reason: str) -> None:  # noqa: ANN401 (any JSON)
            self._count_moved(record, place, reason)
            self._set_aside(aside, place, value, reason)

        for name, value in record.items():
            record[name] = mended(value, self._properties[name], name, note)

    def _mask(self, record: Record) -> None:
        """Mask what may hold a secret of what the schema does not know and what stays within an object."""
        for name, kind in self._nested.items():
            for place in mask_unknown(record.get(name), kind, name):
                self._report_once(place, UNKNOWN_SECRET)

    def _unknown(self, record: Record) -> Iterator[tuple[str, str, Any]]:
        """Take out of the record what the schema does not know: place, name and value of each."""
        for name in [name for name in record if name not in self._properties]:
            yield str(name), str(name), record.pop(name)
        for name, kind in self._properties.items():
            yield from flattening.taken_out(record.get(name), kind, name, self._flattened)

    def _leave_out(self, record: Record, why: str) -> None:
        present = {name: self._shown(name, value) for name in self._keys if (value := record.get(name)) is not None}
        aside = record.get(UNKNOWN_FIELDS) or {}
        wrong = {name: self._shown(name, aside[name]) for name in self._needed if name in aside}
        also = f"; in the place of it: {wrong}" if wrong else ""
        self._logger.error("A record %s was left out; the rest of its key: %s%s", why, present, also)

    def _shown(self, name: str, value: object) -> str:
        """A value in the log, where nothing personal can be in it."""
        return MASKED if name in self._personal or isinstance(value, (dict, list)) else _short(value)

    def _move(self, record: Record, aside: dict[str, Any], name: str, reason: str) -> None:
        self._count_moved(record, name, reason)
        self._set_aside(aside, name, carried(record[name]), reason)
        record[name] = None

    def _count_moved(self, record: Record, place: str, reason: str) -> None:
        self.moved += 1
        if self._fail:
            self._refuse(record, place, f"does not fit: {reason}")

    def _set_aside(self, aside: dict[str, Any], place: str, value: Any, reason: str) -> None:  # noqa: ANN401 (any JSON)
        while place in aside:  # the API may have a field of that name
            place += "'"
        aside[place] = without_secrets(value, "")
        self._report_once(re.sub(r"\[[0-9]+\]", "", place), f"{reason}; {self._destiny}")

    def _report_once(self, place: str, message: str) -> None:
        name = _short(place)
        if (name, message) in self._reported or len(self._reported) > MOST_REPORTED:
            return
        self._reported.add((name, message))
        if len(self._reported) > MOST_REPORTED:
            self._logger.warning("More fields than %d were odd; the others are not named.", MOST_REPORTED)
        else:
            self._logger.warning("Field '%s': %s", name, message)

    def _refuse(self, record: Record, place: str, breach: str) -> NoReturn:
        key = {name: MASKED if name in self._personal else record.get(name) for name in self._keys}
        message = (
            f"{self._logger.name.rpartition('.')[2]}: the record {key} does not match its schema: field "
            f"'{_short(place)}' {breach}. With validate_records 'warn' it would be loaded all the same."
        )
        raise InvalidRecordError(message)


def _breach(error: ValidationError) -> str:
    """What rule was broken, without the value: it may be personal."""
    return f"breaks the rule {error.validator} = {error.validator_value}"


def _place(error: ValidationError) -> str:
    return ".".join(str(step) for step in error.path if not isinstance(step, int)) or "(record)"


def _short(value: object) -> str:
    """A value on one line of at most a hundred characters of ASCII."""
    text = value if isinstance(value, str) else repr(value)[:MOST_SHOWN]
    return without_addresses(json.dumps(text[:MOST_SHOWN])[1:-1][:MOST_SHOWN])
