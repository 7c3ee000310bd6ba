"""Validate the settings before the sync."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, ValidationError

from tap_instantly import timestamps
from tap_instantly.client.transport import DEFAULT_API_URL, DEFAULT_USER_AGENT
from tap_instantly.settings import DROP, EARLIEST_YEAR, HASH, KEEP, SHORTEST_SALT
from tap_instantly.text import did_you_mean
from tap_instantly.validation import keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
EARLIEST_MIDNIGHT = timedelta(hours=14)
"""Greatest offset ahead of UTC of any time zone."""
CLOCKS_DIFFER = timedelta(minutes=10)


def problems(config: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Return the problems of a configuration, one sentence each, without secret values.

    The SDK's own messages quote a secret of the wrong type.
    """
    errors = Draft202012Validator(schema).iter_errors(dict(config))
    found = [
        *keys.problems(config),
        *_personal_data(config),
        *(text for error in errors for text in _describe(error, schema)),
    ]
    return found or [*_nulls(config, schema), *_implausible(config)]


def _personal_data(config: Mapping[str, Any]) -> Iterator[str]:
    choice, salt = config.get("personal_data", KEEP), config.get("personal_data_salt")
    if choice in (HASH, DROP) and salt is None:
        yield (
            f"setting 'personal_data_salt' is missing: personal_data '{choice}' needs it; set a secret of at least "
            f"{SHORTEST_SALT} characters, such as the output of openssl rand -hex 32"
        )
    if isinstance(salt, str) and len(salt.strip()) < SHORTEST_SALT:
        yield f"setting 'personal_data_salt' is not valid: it must have at least {SHORTEST_SALT} characters"


def _describe(error: ValidationError, schema: Mapping[str, Any]) -> Iterator[str]:
    known: Mapping[str, Any] = schema["properties"]
    given: Mapping[str, Any] = cast("Mapping[str, Any]", error.instance)
    if error.validator == "additionalProperties" and not error.path:
        for name in sorted(given.keys() - known.keys()):
            yield f"unknown setting '{name}'{did_you_mean(name, known)}"
    elif error.validator != "additionalProperties" or error.path[0] != "workspaces":  # keys.problems() has named it
        name = str(error.path[0]) if error.path else "config"
        if error.validator == "anyOf":  # a stream map: not quoted, it may contain a salt
            place, forms = _allowed(error)
            yield f"setting '{name}' is not valid: {place} must be {' or '.join(forms)}"
            return
        # Never quote a value of the wrong type: it may be a misplaced API key.
        unquoted = known.get(name, {}).get("secret") or error.validator == "type"
        reason = f"it must be of type {_types(error)}" if unquoted else error.message
        yield f"setting '{name}' is not valid: {reason}"


def _allowed(error: ValidationError) -> tuple[str, list[str]]:
    """Return the most deeply nested place of an ``anyOf`` error, the most specific one, and the forms allowed there."""
    causes = list(_causes(error))
    deepest = max(causes, key=lambda each: len(each.absolute_path)).absolute_path
    failed = [each for each in causes if each.absolute_path == deepest and not each.context]
    forms = [repr(each.validator_value) if each.validator == "const" else _types(each) for each in failed]
    return ".".join(map(str, deepest)), list(dict.fromkeys(forms))


def _causes(error: ValidationError) -> Iterator[ValidationError]:
    yield error
    for cause in error.context or ():
        yield from _causes(cause)


def _types(error: ValidationError) -> str:
    if error.validator != "type":
        return "non-empty string"
    types = cast("str | list[str]", error.validator_value)
    return types if isinstance(types, str) else " or ".join(type_ for type_ in types if type_ != "null")


def _start_date(config: Mapping[str, Any]) -> Iterator[str]:
    if (start := config.get("start_date")) is not None:
        try:
            plausible = timestamps.parse(start).year >= EARLIEST_YEAR
        except ValueError:
            plausible = False
        if not plausible:
            yield f"setting 'start_date' is not valid: '{start}' is not an ISO 8601 date, such as 2026-01-31"
        elif timestamps.parse(start) > (latest := latest_start(start, datetime.now(timezone.utc))):
            yield (
                f"setting 'start_date' is not valid: '{start}' is in the future, so nothing would be read; "
                f"it can be {latest.date() if DAY.fullmatch(start) else timestamps.text(latest)} at the latest"
            )


def _nulls(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Reject null for a setting with a default: null is ambiguous there (the default, or no value)."""
    for name, setting in schema["properties"].items():
        if setting.get("default") is not None and name in config and config[name] is None:
            yield f"setting '{name}' is not valid: it is null; set a value, or omit it for {setting['default']!r}"


def _implausible(config: Mapping[str, Any]) -> Iterator[str]:
    yield from _start_date(config)
    if config.get("flattening_enabled") and (config.get("flattening_max_depth") or 0) < 1:
        yield "setting 'flattening_enabled' needs a flattening_max_depth of 1 or more, the number of levels to flatten"
    agent = config.get("user_agent") or DEFAULT_USER_AGENT
    if not re.fullmatch(r"[ -~]+", agent) or agent != agent.strip():
        yield "setting 'user_agent' is not valid: it must be one line of printable ASCII characters"
    try:
        url = urlsplit(config.get("api_url") or DEFAULT_API_URL)
        _port = url.port  # raises ValueError for an invalid port
    except ValueError:
        yield "setting 'api_url' is not valid: it is not a URL"
        return
    if url.scheme not in {"http", "https"} or not url.hostname:
        yield "setting 'api_url' is not valid: it must be an https URL"
    elif "@" in url.netloc or url.query or url.fragment:
        yield "setting 'api_url' is not valid: it must not contain a user, password, query or fragment"
    elif url.scheme == "http" and not _is_loopback(url.hostname) and not config.get("allow_http"):
        yield "setting 'api_url' is not valid: http sends the key in clear; use https, or set allow_http"


def latest_start(start: str, now: datetime) -> datetime:
    """Return the latest valid start date, for the form of ``start``: a date or a timestamp.

    People write the date of their own time zone, so a date is valid once it has begun anywhere in the world.
    A timestamp may be ahead by the tolerated clock skew.
    """
    return now + (EARLIEST_MIDNIGHT if DAY.fullmatch(start) else CLOCKS_DIFFER)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
