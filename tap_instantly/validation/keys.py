"""Resolve and validate the API keys and workspaces of a configuration."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from tap_instantly.settings import ALL, ENVIRONMENT_PREFIX, SETTINGS
from tap_instantly.text import did_you_mean, excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeGuard

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ENTRY = frozenset(SETTINGS["properties"]["workspaces"]["items"]["properties"])
"""Names in an entry of ``workspaces``."""


def secrets(config: object) -> Iterator[object]:
    """Find all secrets of a configuration, of any type and at any depth of their setting."""
    given = config if isinstance(config, dict) else {}
    for name, setting in SETTINGS["properties"].items():
        if setting.get("secret"):
            yield from _leaves(given.get(name))
    for entry in _entries(given):
        yield from _leaves(key_of(entry))


def key_of(entry: Mapping[str, Any]) -> str | None:
    """Return the key of an entry of ``workspaces``: its own, or that of the environment variable it names."""
    key, variable = entry.get("api_key"), entry.get("api_key_env")
    return os.environ.get(variable) if key is None and _is_name(variable) else key


def _is_name(variable: object) -> TypeGuard[str]:
    return isinstance(variable, str) and VARIABLE_NAME.fullmatch(variable) is not None


def variables(config: Mapping[str, Any]) -> set[str]:
    """Return the names of the environment variables that hold keys."""
    return {entry["api_key_env"] for entry in _entries(config) if _is_name(entry.get("api_key_env"))}


def _named(name: str) -> str:
    near = did_you_mean(name, ENTRY)
    return f"'{name}'{near}" if near else "name in it"  # another name may be a misplaced key


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
    elif value is not None and not isinstance(value, bool):
        yield value


def problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the problems of keys and workspaces, one sentence each. No sentence quotes a key."""
    names = [entry.get("name") for entry in _entries(config)]
    for name in sorted({name for name in names if isinstance(name, str) and names.count(name) > 1}):
        yield f"setting 'workspaces' is not valid: two of them are named '{name}'"
    for odd in (name for name in names if isinstance(name, str) and not name.isprintable()):
        yield f"setting 'workspaces' is not valid: a name must be one line of text: {odd!a}"
    for entry in _entries(config):
        where = f"setting 'workspaces' is not valid: '{entry.get('name')}'"
        if unknown := sorted(entry.keys() - ENTRY):
            yield from (f"{where} has an unknown {_named(name)}" for name in unknown)
        elif ("api_key" in entry) == ("api_key_env" in entry):
            yield f"{where} needs either api_key or api_key_env"
        # Neither message quotes the value: it may be the key itself.
        elif "api_key_env" in entry and not _is_name(entry["api_key_env"]):
            yield f"{where} has an api_key_env that is not a variable name; put the key itself into api_key"
        elif "api_key_env" in entry and not key_of(entry):
            yield f"{where} has an api_key_env that names an unset or empty variable"
    yield from _shared_keys(config)
    yield from _sub_workspaces(config)
    if not config.get("workspaces") and config.get("api_key") is None:
        yield f"setting 'api_key' is missing: set it in the config, or as {ENVIRONMENT_PREFIX}API_KEY"
    if config.get("workspaces") and config.get("api_key") is not None:
        yield "settings 'api_key' and 'workspaces' are both set: set only one of them"


def _shared_keys(config: Mapping[str, Any]) -> Iterator[str]:
    """Report workspaces that share a key: one of them would get no rows."""
    names: dict[str, list[str]] = {}
    for entry in _entries(config):
        if isinstance(key := key_of(entry), str) and key:
            names.setdefault(key, []).append(f"'{excerpt(str(entry.get('name')))}'")
    for alike in (alike for alike in names.values() if len(alike) > 1):
        yield f"setting 'workspaces' is not valid: {' and '.join(alike)} have the same key; keep one of them"


def _sub_workspaces(config: Mapping[str, Any]) -> Iterator[str]:
    given = config.get("sub_workspaces")
    for odd in (id_ for id_ in (given if isinstance(given, list) else ()) if not str(id_).isprintable()):
        yield f"setting 'sub_workspaces' is not valid: an id must be one line of text: {odd!a}"
    if isinstance(given, str) and given != ALL:
        yield f"setting 'sub_workspaces' is not valid: it must be {ALL}, or a list of ids"
    if given and config.get("workspaces"):
        yield "settings 'sub_workspaces' and 'workspaces' are both set: sub_workspaces need an api_key"
