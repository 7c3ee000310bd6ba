"""What is said when a setting is wrong, and what a configuration holds that must not be said."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, ValidationError
from singer_sdk.exceptions import ConfigurationError

from tap_instantly import environment, timestamps
from tap_instantly.api.transport import DEFAULT_API_URL, DEFAULT_USER_AGENT
from tap_instantly.environment import begins_like_a_setting, shown, spelt
from tap_instantly.quoting import quoted
from tap_instantly.settings import ALL, DROP, EARLIEST_YEAR, ENVIRONMENT_PREFIX, HASH, KEEP, SETTINGS, SHORTEST_SALT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TypeGuard

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
EARLIEST_MIDNIGHT = timedelta(hours=14)
"""Time by which a day begins before UTC's where it begins first."""
CLOCKS_DIFFER = timedelta(minutes=10)


def secrets(config: object) -> Iterator[object]:
    """What a configuration holds of keys, however wrong their type or place within their setting."""
    given = config if isinstance(config, dict) else {}
    for name, setting in SETTINGS["properties"].items():
        if setting.get("secret"):
            yield from _leaves(given.get(name))
    for entry in _entries(given):
        yield from _leaves(key_of(entry))


def key_of(entry: Mapping[str, Any]) -> str | None:
    """The key of an entry of ``workspaces``: its own, or that of the environment variable that it names."""
    key, variable = entry.get("api_key"), entry.get("api_key_env")
    return os.environ.get(variable) if key is None and _is_name(variable) else key


def _is_name(variable: object) -> TypeGuard[str]:
    return isinstance(variable, str) and VARIABLE_NAME.fullmatch(variable) is not None


def _entries(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = config.get("workspaces")
    return [entry for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name != "name":
                yield from _leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    elif value is not None:
        yield value


def did_you_mean(name: str, known: Iterable[str], likeness: float = 0.6, before: str = "") -> str:
    """Suggest the nearest known name, as text to add to a message; empty if none is near.

    Args:
        name: The name.
        known: Those that there are.
        likeness: From which on one counts as near, between 0 and 1.
        before: What all of them begin with, which says nothing of likeness.
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=likeness)
    return f": did you mean '{before}{close[0]}'?" if close else ""


def unknown_variables(variables: Iterable[str], schema: Mapping[str, Any]) -> Iterator[str]:
    """What to say of environment variables that are called like a setting and are none, one line each.

    Those that go on behind an object setting's name are for use
    within it.
    """
    known = {f"{ENVIRONMENT_PREFIX}{name.upper()}": setting for name, setting in schema["properties"].items()}
    within = tuple(f"{name}_" for name, setting in known.items() if "object" in str(setting.get("type")))
    for name in sorted(variables):
        others = (f"{ENVIRONMENT_PREFIX}LOGLEVEL", *within)
        if begins_like_a_setting(name) and name not in known and not name.startswith(others):
            own = spelt(shown(name))[len(ENVIRONMENT_PREFIX) :]
            near = did_you_mean(own, map(str.upper, schema["properties"]), before=ENVIRONMENT_PREFIX)
            yield f"environment variable {shown(name)} is no setting{near}"


def problems(config: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with ``config``, one sentence each, without the value of any secret.

    The SDK's own texts quote the value of a wrongly typed secret.
    """
    errors = Draft202012Validator(schema).iter_errors(dict(config))
    found = [*_keys(config), *(text for error in errors for text in _describe(error, schema))]
    return found or [*_nulls(config, schema), *_implausible(config)]


def _keys(config: Mapping[str, Any]) -> Iterator[str]:
    names = [entry.get("name") for entry in _entries(config)]
    for name in sorted({name for name in names if isinstance(name, str) and names.count(name) > 1}):
        yield f"setting 'workspaces' is not valid: two of them are called '{name}'"
    for odd in (name for name in names if isinstance(name, str) and not name.isprintable()):
        yield f"setting 'workspaces' is not valid: a name has to be one line of text: {odd!a}"
    for entry in _entries(config):
        where = f"setting 'workspaces' is not valid: '{entry.get('name')}'"
        if ("api_key" in entry) == ("api_key_env" in entry):
            yield f"{where} needs an api_key or an api_key_env"
        # In both cases it is not repeated: somebody may have put the key itself in its place.
        elif "api_key_env" in entry and not _is_name(entry["api_key_env"]):
            yield f"{where} has an api_key_env that cannot be the name of a variable; the key itself goes into api_key"
        elif "api_key_env" in entry and not key_of(entry):
            yield f"{where} has an api_key_env that names no environment variable, or an empty one"
    yield from _shared_keys(config)
    yield from _sub_workspaces(config)
    yield from _personal_data(config)
    if not config.get("workspaces") and config.get("api_key") is None:
        yield f"setting 'api_key' is missing: give it in the config, or as {ENVIRONMENT_PREFIX}API_KEY"
    if config.get("workspaces") and config.get("api_key") is not None:
        yield "settings 'api_key' and 'workspaces' are both given: give one of them"


def _shared_keys(config: Mapping[str, Any]) -> Iterator[str]:
    """Say which workspaces have the same key: one of them would have no rows."""
    names: dict[str, list[str]] = {}
    for entry in _entries(config):
        if isinstance(key := key_of(entry), str) and key:
            names.setdefault(key, []).append(f"'{quoted(str(entry.get('name')))}'")
    for alike in (alike for alike in names.values() if len(alike) > 1):
        yield f"setting 'workspaces' is not valid: {' and '.join(alike)} have the same key; leave one of them in"


def _personal_data(config: Mapping[str, Any]) -> Iterator[str]:
    choice, salt = config.get("personal_data", KEEP), config.get("personal_data_salt")
    if choice in (HASH, DROP) and salt is None:
        yield (
            f"setting 'personal_data_salt' is missing: personal_data '{choice}' needs it; give a secret of at least "
            f"{SHORTEST_SALT} characters, such as the output of openssl rand -hex 32"
        )
    if isinstance(salt, str) and len(salt.strip()) < SHORTEST_SALT:
        yield f"setting 'personal_data_salt' is not valid: it must have at least {SHORTEST_SALT} characters"


def unread_choices(config: Mapping[str, Any], variables: Mapping[str, str]) -> Iterator[str]:
    """Name each variable on personal data that has no effect, one line each: data would stay in clear."""
    own = f"{ENVIRONMENT_PREFIX}PERSONAL"
    known = {f"{own}_DATA", f"{own}_DATA_SALT"}
    for name in sorted(variables):
        if spelt(name).startswith(own) and name not in known:
            yield f"environment variable {shown(name)} is no setting{did_you_mean(spelt(shown(name)), known)}"
    wanted, choice = variables.get(f"{own}_DATA"), config.get("personal_data")
    if wanted is not None and wanted != choice:
        yield (
            f"environment variable {own}_DATA differs from the setting 'personal_data', which is '{choice}': give the "
            "same in both; the environment is read with --config=ENV"
        )


def unread(config: Mapping[str, Any]) -> list[str]:
    """Say what a ``.env`` holds beside a config that is given without the environment, in lines for the log.

    Raises:
        ConfigurationError: It says something else of personal data.
    """
    variables, lines = environment.unread()
    if found := list(unread_choices({"personal_data": KEEP, **config}, {**variables, **os.environ})):
        raise ConfigurationError("; ".join(found))
    return lines


def _sub_workspaces(config: Mapping[str, Any]) -> Iterator[str]:
    given = config.get("sub_workspaces")
    for odd in (id_ for id_ in (given if isinstance(given, list) else ()) if not str(id_).isprintable()):
        yield f"setting 'sub_workspaces' is not valid: an id has to be one line of text: {odd!a}"
    if isinstance(given, str) and given != ALL:
        yield f"setting 'sub_workspaces' is not valid: it must be {ALL}, or a list of ids"
    if given and config.get("workspaces"):
        yield "settings 'sub_workspaces' and 'workspaces' are both given: sub_workspaces go with an api_key"


def _describe(error: ValidationError, schema: Mapping[str, Any]) -> Iterator[str]:
    known: Mapping[str, Any] = schema["properties"]
    given: Mapping[str, Any] = cast("Mapping[str, Any]", error.instance)
    if error.validator == "additionalProperties" and not error.path:
        for name in sorted(given.keys() - known.keys()):
            yield f"unknown setting '{name}'{did_you_mean(name, known)}"
    else:
        name = str(error.path[0]) if error.path else "config"
        if error.validator == "anyOf":  # a stream map: what is given for it is not quoted, since a salt may be in it
            place = ".".join(map(str, _deepest(error).absolute_path))
            yield f"setting '{name}' is not valid: {place} has none of the forms that it may have"
            return
        # A value of the wrong type is not quoted anywhere: it may be a key in the wrong place.
        unquoted = known.get(name, {}).get("secret") or error.validator == "type"
        reason = f"it must be of type {_types(error)}" if unquoted else error.message
        yield f"setting '{name}' is not valid: {reason}"


def _deepest(error: ValidationError) -> ValidationError:
    """Of the reasons why none of several forms fits, the one that is furthest within what was given."""
    return max([error, *map(_deepest, error.context or ())], key=lambda each: len(each.absolute_path))


def _types(error: ValidationError) -> str:
    if error.validator != "type":
        return "string, and not empty"
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
                f"setting 'start_date' is not valid: '{start}' lies in the future, so that nothing would be read; "
                f"it can be {latest.date() if DAY.fullmatch(start) else timestamps.text(latest)} at the latest"
            )


def _nulls(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Refuse null where there is a default: it could be meant as the default, or as none at all."""
    for name, setting in schema["properties"].items():
        if setting.get("default") is not None and name in config and config[name] is None:
            yield f"setting '{name}' is not valid: it is null; give a value, or leave it out for {setting['default']!r}"


def _implausible(config: Mapping[str, Any]) -> Iterator[str]:
    yield from _start_date(config)
    if config.get("flattening_enabled") and (config.get("flattening_max_depth") or 0) < 1:
        yield "setting 'flattening_enabled' needs a flattening_max_depth of 1 or more: how many levels to flatten"
    agent = config.get("user_agent") or DEFAULT_USER_AGENT
    if not re.fullmatch(r"[ -~]+", agent) or agent != agent.strip():
        yield "setting 'user_agent' is not valid: it must be one line of plain letters, digits and signs"
    try:
        url = urlsplit(config.get("api_url") or DEFAULT_API_URL)
        _port = url.port  # raises where it is no number
    except ValueError:
        yield "setting 'api_url' is not valid: it is no URL"
        return
    if url.scheme not in {"http", "https"} or not url.hostname:
        yield "setting 'api_url' is not valid: it must be an https URL"
    elif "@" in url.netloc or url.query or url.fragment:
        yield "setting 'api_url' is not valid: no user, password, query or fragment belongs in it"
    elif url.scheme == "http" and not _is_loopback(url.hostname) and not config.get("allow_http"):
        yield "setting 'api_url' is not valid: http would send the key in clear; use https, or else set allow_http"


def latest_start(start: str, now: datetime) -> datetime:
    """The latest that a start date can be which has the form of ``start``, a day or a moment.

    The day may have begun anywhere in the world, since people write the date of their own zone; a moment may be ahead
    by what clocks differ.
    """
    return now + (EARLIEST_MIDNIGHT if DAY.fullmatch(start) else CLOCKS_DIFFER)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
