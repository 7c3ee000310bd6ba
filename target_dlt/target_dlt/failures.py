"""Classification of errors of dlt and of drivers."""

from __future__ import annotations

import re

from dlt.common.configuration.exceptions import ConfigFieldMissingException
from dlt.common.exceptions import DltException, MissingDependencyException
from dlt.destinations.exceptions import DatabaseException

from target_dlt.errors import one_line

REFUSED = {"23502", "23514", "ConversionException", "ConstraintException", "OutOfRangeException"}
"""Postgres codes (null value, failed check) and DuckDB errors that mean a table refuses a row."""

UNIQUE = "23505"


def cause(error: BaseException) -> BaseException:
    """Return the original error of a failed dlt step: dlt's own or the driver's."""
    while (inner := getattr(error, "exception", None) or error.__cause__) is not None:
        error = inner
    return error


def table_of(error: BaseException) -> str:
    """Return the table that dlt was loading; "?" if it was loading none."""
    at: BaseException | None = error
    while at is not None:
        if job := getattr(at, "job_id", None):
            return str(job).rsplit(".", 2)[0]
        at = getattr(at, "exception", None) or at.__cause__
    return "?"


def is_refused(error: BaseException) -> bool:
    """Return whether a table refuses a row, so that a retry cannot help."""
    code = str(getattr(error, "pgcode", None) or getattr(error, "sqlstate", None) or "")
    if code == UNIQUE:  # in a Postgres system table, a concurrent load created the same schema first
        return '"pg_' not in str(error)
    return code.startswith("22") or not REFUSED.isdisjoint({code, type(error).__name__})


def said(error: BaseException) -> str:
    """Return the message of a load error without Postgres' DETAIL, which quotes the row."""
    return re.split(" (?:DETAIL|CONTEXT): ", one_line(error))[0]


def plain(error: BaseException) -> str:
    """Return the message of an error without dlt's list of the places it searched for settings."""
    if isinstance(error, MissingDependencyException):
        return f"a package is missing: pip install {' '.join(map(repr, error.dependencies))}"
    if isinstance(error, ConfigFieldMissingException):
        return f"{', '.join(error.fields)} missing; check the settings credentials and destination_options"
    if isinstance(error, DatabaseException) or not isinstance(error, DltException):
        return one_line(error)
    return f"{type(error).__name__}; check the settings destination, credentials and destination_options"
