"""From what the API sends to what the schema promises."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from jsonschema import Draft202012Validator, ValidationError

from tap_instantly import timestamps
from tap_instantly.api import InstantlyError
from tap_instantly.api.secrecy import MASKED

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping, Sequence

Record = dict[str, Any]

UNKNOWN_FIELDS = "unknown_fields"
WORKSPACE_ID = "workspace_id"


SECRET_NAME = re.compile(
    r"passw|secret|token|credential|authori[sz]ation|cookie|api_?key|private_?key|(^|_)(key|auth|otp|headers?)$",
    re.IGNORECASE,
)
"""What a field is called that may well hold a secret."""


class InvalidRecordError(InstantlyError):
    """A record does not match its schema, and ``validate_records`` is ``fail``."""


def schema_directory() -> Path:
    """Where the schemas lie: inside the package once it is a wheel, beside it in a checkout."""
    package = Path(str(resources.files("tap_instantly")))
    inside = package / "schemas"
    return inside if inside.is_dir() else package.parent / "schemas"


class RecordShaper:
    """Shapes the records of one stream, and keeps count of what was odd about them.

    * Fields that the schema does not know, and values in the place of a timestamp that are none, move to the object
      ``unknown_fields``, so that nothing is lost and no loader fails. Of one that is called like a secret, and is no
      number or boolean, the name alone is kept.
    * Timestamps leave as UTC in one form.
    * Records without a value for their key cannot be loaded: they are left out, with a line in the log each.

    Args:
        schema: JSON Schema of the stream.
        keys: Names of the key properties.
        validate: ``off``, ``warn`` or ``fail``, for :meth:`check`.
        logger: Of the stream.
    """

    def __init__(self, schema: Mapping[str, Any], keys: Sequence[str], validate: str, logger: logging.Logger) -> None:
        properties: Mapping[str, Mapping[str, Any]] = schema["properties"]
        self._keys = tuple(keys)
        self._known = properties.keys() - {UNKNOWN_FIELDS}
        self._timestamps = tuple(name for name, kind in properties.items() if kind.get("format") == "date-time")
        self._fail = validate == "fail"
        self._validator = None if validate == "off" else Draft202012Validator(schema)
        self._logger = logger
        self._reported: set[tuple[str, str]] = set()
        self.keyless = 0
        self.invalid = 0

    def shape(self, record: Record, workspace_id: str) -> Record | None:
        """The record in its schema's shape (changed in place), or None if it has no key."""
        if not record.keys() <= self._known:
            for name in record.keys() - self._known:
                self._set_aside(record, name, "the schema does not know this field")
        if record.get(WORKSPACE_ID) not in (None, workspace_id):
            self._set_aside(record, WORKSPACE_ID, "it names another workspace than the key's")
        record[WORKSPACE_ID] = workspace_id
        for name in self._timestamps:
            if name in record and (value := record[name]) is not None:
                try:
                    if not timestamps.is_canonical(value):
                        record[name] = timestamps.canonical(value)
                except (ValueError, TypeError):
                    self._set_aside(record, name, "its value is no timestamp")
                    record[name] = None
        for name in self._keys:
            if record.get(name) is None:
                self._leave_out(record)
                return None
        return record

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
                self._refuse(record, error)
            self._report_once(_place(error), f"it {_breach(error)}")

    def _leave_out(self, record: Record) -> None:
        self.keyless += 1
        missing = [name for name in self._keys if record.get(name) is None]
        present = {name: record[name] for name in self._keys if record.get(name) is not None}
        self._logger.error("A record without %s was left out; the rest of its key: %s", missing, present)

    def _set_aside(self, record: Record, name: str, reason: str) -> None:
        value = record.pop(name)
        if name not in self._known and SECRET_NAME.search(name) and isinstance(value, (str, list, dict)):
            value, reason = MASKED, f"{reason}, and it may be a secret, so that its value is masked"
        record.setdefault(UNKNOWN_FIELDS, {})[name] = value
        self._report_once(name, f"{reason}; it is kept in the column {UNKNOWN_FIELDS}")

    def _report_once(self, place: str, message: str) -> None:
        if (place, message) not in self._reported:
            self._reported.add((place, message))
            self._logger.warning("Field '%s': %s", place, message)

    def _refuse(self, record: Record, error: ValidationError) -> NoReturn:
        key = {name: record.get(name) for name in self._keys}
        message = (
            f"{self._logger.name.rpartition('.')[2]}: the record {key} does not match its schema: field "
            f"'{_place(error)}' {_breach(error)}. With validate_records 'warn' it would be loaded all the same."
        )
        raise InvalidRecordError(message)


def _breach(error: ValidationError) -> str:
    """What rule was broken, without the value: it may be personal."""
    return f"breaks the rule {error.validator} = {error.validator_value}"


def _place(error: ValidationError) -> str:
    return ".".join(str(step) for step in error.path if not isinstance(step, int)) or "(record)"
