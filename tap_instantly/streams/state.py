"""What a state has to be like to go on from: the one place where it is looked at before anything is read.

What cannot be understood is an error, since the state is then not the tap's own, or somebody has edited it, and reading
everything anew may take hours. What can be understood but does not tell what has been read is forgotten, with a line
in the log, and the list is read anew. What belongs to others is kept as it is: other streams, other partitions, and
whatever is beside them.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.exceptions import ConfigurationError

from tap_instantly import timestamps
from tap_instantly.configuration import did_you_mean
from tap_instantly.quoting import quoted
from tap_instantly.settings import EARLIEST_YEAR
from tap_instantly.streams.records import WORKSPACE_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Part = dict[str, Any]

BOOKMARKS = "bookmarks"
PARTITIONS = "partitions"
CONTEXT = "context"
KEY = "replication_key"
VALUE = "replication_key_value"
MARKERS = "progress_markers"
SIGNPOST = "replication_key_signpost"
SCAN = "scan"
"""What remains of a list that was cut off; ``streams/scanned.py`` writes and checks it."""

WORKSPACES = "workspaces"
"""Beside the bookmarks: the id of each workspace by its name in the settings."""

OF_ONE_RUN = (MARKERS, SIGNPOST, "starting_replication_value")
"""What the SDK writes for the run that is under way; it trips over what is there in another form."""

_encode = msgspec.json.Encoder(decimal_format="number").encode

ANEW = "Give the state that the last run wrote, or {} to read everything anew."


class StateError(ConfigurationError):
    """The state is not one to go on from; the text is one line that says where it is wrong and what to do."""


def read(given: object, keys: Mapping[str, str | None]) -> tuple[dict[str, Any], list[str]]:
    """The state that a tap goes on with, and what to warn of, one line each.

    Args:
        given: The value of a STATE message.
        keys: The replication key of each stream; None where the list is read whole each time.

    Raises:
        StateError: It cannot be understood.
    """
    state = _copy(given)
    if not state:
        return {}, []
    if not isinstance(state.get(BOOKMARKS), dict):
        message = f"The state cannot be used: {_instead_of_bookmarks(state)} {ANEW}"
        raise StateError(message)
    if not isinstance(state.get(WORKSPACES, {}), dict):
        message = f"The state cannot be used: {WORKSPACES} is {_kind(state[WORKSPACES])} and no object. Remove it."
        raise StateError(message)
    notes: list[str] = []
    for name, stream in state[BOOKMARKS].items():
        _check_form(name, stream)
        if name in keys:
            notes += _look_through(name, stream, keys[name])
    if unknown := [f"'{quoted(name)}'{did_you_mean(name, keys)}" for name in state[BOOKMARKS] if name not in keys]:
        notes.append(
            f"The state has bookmarks of streams that this tap does not have; they are kept as they are: "
            f"{'; '.join(unknown)}"
        )
    return state, notes


def exchanged(state: Mapping[str, Any], opened: Mapping[str, str], *, complete: bool) -> Iterator[str]:
    """Tell where a key opens another workspace than the one that the state goes on from, one line each.

    Args:
        state: One that :func:`read` returned.
        opened: The ids of the workspaces that are read, by their names in the settings, or by their ids.
        complete: Whether these are all that the settings name.
    """
    before = state.get(WORKSPACES, {})
    others = [name for name, id_ in opened.items() if before.get(name, id_) != id_]
    for name in others:
        yield (
            f"The key of workspace {quoted(name)} opened workspace {quoted(str(before[name]))} in the run before, and "
            f"opens {opened[name]} now, which gets that name. If that is not meant, give the earlier key and delete "
            f"the rows of {opened[name]} that have the name."
        )
    known = {
        part[CONTEXT][WORKSPACE_ID]: None
        for stream in state.get(BOOKMARKS, {}).values()
        for part in stream.get(PARTITIONS, [])
        if isinstance(part.get(CONTEXT), dict) and isinstance(part[CONTEXT].get(WORKSPACE_ID), str)
    }
    if known and opened and complete and not others and known.keys().isdisjoint(opened.values()):
        yield (
            f"No key opens a workspace of the state, which has {quoted(', '.join(known))}: what is read is read from "
            f"the beginning. If that is not meant, give the earlier key, or a state of its own for each key."
        )


def note_names(state: dict[str, Any], opened: Mapping[str, str]) -> None:
    """Keep for the next run which workspace each name was; earlier versions of the tap pass it on and do not look."""
    if BOOKMARKS in state:  # a state without any would be none
        state[WORKSPACES] = {**state.get(WORKSPACES, {}), **opened}


def parts_of(state: Mapping[str, Any], stream: str) -> dict[str, Part]:
    """A copy of what a state that :func:`read` returned has of a stream, by workspace."""
    parts = state.get(BOOKMARKS, {}).get(stream, {}).get(PARTITIONS, [])
    contexts = [(part, part.get(CONTEXT)) for part in parts]
    return {c[WORKSPACE_ID]: {**part} for part, c in contexts if isinstance(c, dict) and c.keys() == {WORKSPACE_ID}}


def keep_only(part: Part, found: Part) -> None:
    """Forget what the run does not go on from."""
    for name in (KEY, VALUE, SCAN):
        if name not in found:
            part.pop(name, None)


def why_anew(part: Part, key: str | None, server_time: Callable[[], datetime | None]) -> str | None:
    """Why a workspace's bookmark does not tell what has been read; None if it does, or there is none.

    Args:
        part: The state of a stream in a workspace, of one that :func:`read` returned.
        key: The stream's replication key, if it goes by one.
        server_time: Tells the server's time, where it is known; asked where there is a bookmark.
    """
    if key is None or part.get(VALUE) is None:
        return None
    if part.get(KEY) != key:
        return f"its bookmark is one of {quoted(str(part.get(KEY)))}, and the stream goes by {key} now"
    now = server_time() or datetime.now(timezone.utc)
    if timestamps.parse(part[VALUE]) > now:
        return f"its bookmark {part[VALUE]} lies in the future of the server, where it is {timestamps.text(now)}"
    return None


def forget(part: Part) -> None:
    """See to it that a stream is read from its beginning in a workspace, by this run and by the next one."""
    keep_only(part, {})


def keep_start(part: Part) -> None:
    """See to it that the next run starts where this one did in a workspace, as it did not see everything."""
    part.pop(MARKERS, None)


def next_start(part: Part, key: str | None, before: object) -> str:
    """Say where the next run starts with a stream that was not read to its end in a workspace.

    Args:
        part: The state of the stream in the workspace.
        key: The stream's replication key, if it goes by one.
        before: The bookmark at the start of this run.
    """
    if SCAN in part:
        return "the next run reads what remains of it"
    if key is None:
        return "the next run reads it whole again"
    if (now := part.get(VALUE)) is None:
        return "there is no bookmark yet and the next run starts anew"
    return f"its bookmark stays at {now}" if now == before else f"its bookmark has moved on to {now}"


def _copy(given: object) -> dict[str, Any]:
    """A copy of a state, which the tap writes into; it has to be one that can be written again."""
    if not isinstance(given, dict):
        message = f"The state cannot be used: it is {_kind(given)} and no object. {ANEW}"
        raise StateError(message)
    try:
        copy: dict[str, Any] = msgspec.json.decode(_encode(given))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        message = f"The state cannot be used: it could not be written again ({error}). {ANEW}"
        raise StateError(message) from None
    return copy


def _instead_of_bookmarks(state: Mapping[str, Any]) -> str:
    if state.get("type") == "STATE" and "value" in state:
        return "it is a whole STATE message, of which the value is the state."
    if "singer_state" in state:
        return "it is as Meltano keeps it, and what is in singer_state is the state."
    if BOOKMARKS in state:
        return f"{BOOKMARKS} is {_kind(state[BOOKMARKS])} and no object."
    return f"it has no {BOOKMARKS}, and so is none of this tap's."


def _check_form(name: str, stream: object) -> None:
    """Check what has to hold for streams of others too, since the SDK looks into all of them.

    Raises:
        StateError: It does not hold.
    """
    where = f"{BOOKMARKS}.{quoted(name)}"
    if not isinstance(stream, dict):
        raise _unusable(name, where, f"is {_kind(stream)} and no object")
    parts = stream.get(PARTITIONS, [])
    if not isinstance(parts, list):
        raise _unusable(name, f"{where}.{PARTITIONS}", f"is {_kind(parts)} and no list")
    for number, part in enumerate(parts):
        if not isinstance(part, dict):
            raise _unusable(name, f"{where}.{PARTITIONS}[{number}]", f"is {_kind(part)} and no object")
    for part in (stream, *parts):
        for transient in OF_ONE_RUN:
            part.pop(transient, None)


def _look_through(name: str, stream: dict[str, Any], key: str | None) -> Iterator[str]:
    """Check one of the tap's own streams, and tell what of its state is not used.

    Raises:
        StateError: It cannot be understood.
    """
    parts: list[Part] = stream.get(PARTITIONS, [])
    seen: set[str] = set()
    finer: dict[str, None] = {}
    for number, part in enumerate(parts):
        where = f"{BOOKMARKS}.{name}.{PARTITIONS}[{number}]"
        context = part.get(CONTEXT)
        workspace = context.get(WORKSPACE_ID) if isinstance(context, dict) else None
        if not isinstance(context, dict) or not isinstance(workspace, str) or not workspace:
            raise _unusable(name, f"{where}.{CONTEXT}", f"names no {WORKSPACE_ID}")
        if len(context) > 1:
            finer.update(dict.fromkeys(context))
            continue
        if workspace in seen:
            raise _unusable(name, where, f"is a second entry of workspace {quoted(workspace)}")
        seen.add(workspace)
        _check_bookmark(name, where, part, key)
    if finer:
        yield f"The state of {name} has parts that go by {quoted(', '.join(finer))}; they are kept but not used"
    if stream.get(VALUE) is not None and not parts and key:
        yield f"The state of {name} has a bookmark of no workspace, which is not used: the stream is read anew"


def _check_bookmark(name: str, where: str, part: Part, key: str | None) -> None:
    value = part.get(VALUE)
    if key is None or value is None or part.get(KEY) != key:
        return
    if not timestamps.is_day(value) or (moment := timestamps.parse(value)).year < EARLIEST_YEAR:
        workspace = part[CONTEXT][WORKSPACE_ID]
        raise _unusable(
            name,
            f"{where}.{VALUE}",
            f"is no timestamp to go on from in workspace {quoted(workspace)}: {quoted(str(value))}",
        )
    if "T" in value.upper() or " " in value:
        part[VALUE] = timestamps.text(moment)  # one form, so that it compares as text with those of records


def _unusable(stream: str, where: str, what: str) -> StateError:
    advice = f"Correct it, or remove that entry to read {quoted(stream)} anew."
    return StateError(f"The state cannot be used: {where} {what}. {advice}")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return {dict: "an object", list: "a list", str: "a text", bool: "a boolean"}.get(type(value), "a number")
