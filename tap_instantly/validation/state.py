"""Validate the state that a run receives.

An invalid state is an error. It belongs to another tap, or somebody has edited it, and a full resync may take hours.
Unknown streams, partitions and properties stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.exceptions import ConfigurationError

from tap_instantly import timestamps
from tap_instantly.settings import EARLIEST_YEAR
from tap_instantly.sync.state import (
    BOOKMARKS,
    CONTEXT,
    KEY,
    OF_ONE_RUN,
    PARTITIONS,
    VALUE,
    WORKSPACE_ID,
    WORKSPACES,
)
from tap_instantly.text import did_you_mean, excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_instantly.sync.state import State

ADVICE = "Pass the state that the last run wrote, or {} to read everything again."

_encode = msgspec.json.Encoder(decimal_format="number").encode


class StateError(ConfigurationError):
    """Invalid state. The message is one line: the location, the problem and the remedy."""


def check_state(given: object, keys: Mapping[str, str | None]) -> tuple[dict[str, Any], list[str]]:
    """Validate a state. Return a copy for the run, and warnings, one line each.

    Args:
        given: The value of a STATE message.
        keys: The replication key of each stream; None for a full-refresh stream.

    Raises:
        StateError: The state is invalid.
    """
    state = _copy(given)
    if not state:
        return {}, []
    if not isinstance(state.get(BOOKMARKS), dict):
        message = f"Invalid state: {_instead_of_bookmarks(state)} {ADVICE}"
        raise StateError(message)
    if not isinstance(state.get(WORKSPACES, {}), dict):
        message = f"Invalid state: {WORKSPACES} is {_kind(state[WORKSPACES])}, not an object. Remove it."
        raise StateError(message)
    notes: list[str] = []
    for name, stream in state[BOOKMARKS].items():
        _check_form(name, stream)
        if name in keys:
            notes += _look_through(name, stream, keys[name])
    if unknown := [f"'{excerpt(name)}'{did_you_mean(name, keys)}" for name in state[BOOKMARKS] if name not in keys]:
        notes.append(f"The state has bookmarks of unknown streams, which are kept unchanged: {'; '.join(unknown)}")
    return state, notes


def changed_workspaces(state: Mapping[str, Any], opened: Mapping[str, str], *, complete: bool) -> Iterator[str]:
    """Report keys that open another workspace than in the previous run, one line each.

    Args:
        state: A state that :func:`check_state` returned.
        opened: Ids of the opened workspaces, by their names in the settings, or by their ids.
        complete: True if these are all workspaces of the settings.
    """
    before = state.get(WORKSPACES, {})
    others = [name for name, id_ in opened.items() if before.get(name, id_) != id_]
    for name in others:
        yield (
            f"The key of workspace {excerpt(name)} opened workspace {excerpt(str(before[name]))} in the last run "
            f"and now opens {opened[name]}, whose rows get that name. If this is a mistake, restore the earlier key "
            f"and delete the rows of {opened[name]} with that name."
        )
    known = {
        part[CONTEXT][WORKSPACE_ID]: None
        for stream in state.get(BOOKMARKS, {}).values()
        for part in stream.get(PARTITIONS, [])
        if isinstance(part.get(CONTEXT), dict) and isinstance(part[CONTEXT].get(WORKSPACE_ID), str)
    }
    if known and opened and complete and not others and known.keys().isdisjoint(opened.values()):
        yield (
            f"No key opens a workspace of the state ({excerpt(', '.join(known))}), so the run reads everything from "
            f"the beginning. If this is a mistake, restore the earlier key, or keep a separate state for each key."
        )


def _copy(given: object) -> dict[str, Any]:
    """Copy a state, since the tap modifies it. A state that cannot be serialised again is an error."""
    if not isinstance(given, dict):
        message = f"Invalid state: it is {_kind(given)}, not an object. {ADVICE}"
        raise StateError(message)
    try:
        copy: dict[str, Any] = msgspec.json.decode(_encode(given))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        message = f"Invalid state: it cannot be serialised ({error}). {ADVICE}"
        raise StateError(message) from None
    return copy


def _instead_of_bookmarks(state: Mapping[str, Any]) -> str:
    if state.get("type") == "STATE" and "value" in state:
        return "it is a whole STATE message, not its value."
    if "singer_state" in state:
        return "it is in Meltano's format, not the content of singer_state."
    if BOOKMARKS in state:
        return f"{BOOKMARKS} is {_kind(state[BOOKMARKS])}, not an object."
    return f"it has no {BOOKMARKS}, so it is not a state of this tap."


def _check_form(name: str, stream: object) -> None:
    """Validate the structure of a stream's state, for unknown streams too: the SDK reads them all.

    Raises:
        StateError: The structure is invalid.
    """
    where = f"{BOOKMARKS}.{excerpt(name)}"
    if not isinstance(stream, dict):
        raise _unusable(name, where, f"is {_kind(stream)}, not an object")
    parts = stream.get(PARTITIONS, [])
    if not isinstance(parts, list):
        raise _unusable(name, f"{where}.{PARTITIONS}", f"is {_kind(parts)}, not a list")
    for number, part in enumerate(parts):
        if not isinstance(part, dict):
            raise _unusable(name, f"{where}.{PARTITIONS}[{number}]", f"is {_kind(part)}, not an object")
    for part in (stream, *parts):
        for transient in OF_ONE_RUN:
            part.pop(transient, None)


def _look_through(name: str, stream: dict[str, Any], key: str | None) -> Iterator[str]:
    """Validate the state of one of the tap's streams, and warn about unused parts.

    Raises:
        StateError: The state is invalid.
    """
    parts: list[State] = stream.get(PARTITIONS, [])
    seen: set[str] = set()
    finer: dict[str, None] = {}
    for number, part in enumerate(parts):
        where = f"{BOOKMARKS}.{name}.{PARTITIONS}[{number}]"
        context = part.get(CONTEXT)
        workspace = context.get(WORKSPACE_ID) if isinstance(context, dict) else None
        if not isinstance(context, dict) or not isinstance(workspace, str) or not workspace:
            raise _unusable(name, f"{where}.{CONTEXT}", f"has no {WORKSPACE_ID}")
        if len(context) > 1:
            finer.update(dict.fromkeys(context))
            continue
        if workspace in seen:
            raise _unusable(name, where, f"is a second entry of workspace {excerpt(workspace)}")
        seen.add(workspace)
        _check_bookmark(name, where, part, key)
    if finer:
        yield f"The state of {name} has partitions by {excerpt(', '.join(finer))}, which are kept but not used"
    if stream.get(VALUE) is not None and not parts and key:
        yield f"The state of {name} has a bookmark without a workspace, which is ignored: the stream is read again"


def _check_bookmark(name: str, where: str, part: State, key: str | None) -> None:
    value = part.get(VALUE)
    if key is None or value is None or part.get(KEY) != key:
        return
    if not timestamps.is_valid(value) or (moment := timestamps.parse(value)).year < EARLIEST_YEAR:
        workspace = part[CONTEXT][WORKSPACE_ID]
        raise _unusable(
            name,
            f"{where}.{VALUE}",
            f"is not a valid timestamp in workspace {excerpt(workspace)}: {excerpt(str(value))}",
        )
    if "T" in value.upper() or " " in value:
        part[VALUE] = timestamps.text(moment)  # canonical, so that it compares as text with those of records


def _unusable(stream: str, where: str, what: str) -> StateError:
    advice = f"Correct it, or remove that entry to read {excerpt(stream)} again."
    return StateError(f"Invalid state: {where} {what}. {advice}")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}.get(type(value), "a number")
