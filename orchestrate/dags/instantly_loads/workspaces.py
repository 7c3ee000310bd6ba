"""Workspaces that the Airflow Variable lists."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
from typing import TYPE_CHECKING, Any

from airflow.sdk import Variable
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "instantly_workspaces"
"""Airflow Variable that lists the workspaces and the environment variables that hold their keys."""

NEEDED = {"name", "api_key_env"}
POSSIBLE = NEEDED | {"id", "strict"}

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHORTEST_KEY = 8
WORD = re.compile(r"[A-Za-z0-9+/_-]{16,}")
RANDOM = re.compile(r"(?=[^0-9]*[0-9])(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])[A-Za-z0-9+/]{40,}")


def known_workspaces() -> dict[str, dict[str, Any]]:
    """Return the entries of the Variable `instantly_workspaces` by name.

    Each has a ``name`` and an ``api_key_env``. It may have an ``id``, which names its state instead of the name,
    and ``strict``, which replaces the tap's setting.

    Raises:
        AirflowFailException: The Variable is invalid. The message does not repeat its value, which could be a key.
    """
    try:
        given: Any = json.loads(Variable.get(VARIABLE))
    except (ValueError, RecursionError):
        given = None
    if objection := next(objections(given), None):
        raise AirflowFailException(objection)
    return {entry["name"]: entry for entry in given}


def objections(given: Any) -> Iterator[str]:  # noqa: ANN401 - user input
    """List the errors in a list of workspaces, by position. Errors after the first may be consequences of it."""
    if not isinstance(given, list) or not given:
        yield f"the variable {VARIABLE} must be a JSON list of objects"
    for number, entry in enumerate(given, start=1):
        where = f"workspace {number} of {VARIABLE}"
        if not isinstance(entry, dict) or not NEEDED <= set(entry) <= POSSIBLE:
            yield f"{where} needs a name and an api_key_env, may have an id and strict, and nothing else"
        for part in ("name", "id"):
            if part in entry and (odd := oddity(entry[part])):
                yield f"{where} has {'an' if part == 'id' else 'a'} {part} that {odd}"
        if not isinstance(entry.get("strict", False), bool):
            yield f"{where} has a strict that is neither true nor false"
        if not isinstance(entry["api_key_env"], str) or not VARIABLE_NAME.fullmatch(entry["api_key_env"]):
            yield f"{where} has an api_key_env that is not a variable's name: put the name there, not the key"
    if len({entry["name"] for entry in given}) < len(given):
        yield f"two workspaces of {VARIABLE} have the same name"
    if len({entry.get("id", entry["name"]) for entry in given}) < len(given):
        yield f"two workspaces of {VARIABLE} have the same id, or one has the name of another as its id"
    yield from objections_to_keys(given)


def objections_to_keys(given: list[dict[str, Any]]) -> Iterator[str]:
    """List the workspaces that share a key, or whose key is in a name or an id."""
    first: dict[str, int] = {}
    for number, entry in enumerate(given, start=1):
        # The keys can be compared only if tasks run in this environment. Keys read from files often end with a newline.
        key = os.environ.get(entry["api_key_env"], "").strip()
        if len(key) >= SHORTEST_KEY and any(
            key in text for other in given for text in (other["name"], other.get("id", ""))
        ):
            yield f"the key of workspace {number} of {VARIABLE} appears in a name or id: remove it and replace the key"
        same = first.setdefault(key or entry["api_key_env"], number)
        if same != number:
            yield f"workspaces {same} and {number} of {VARIABLE} have the same key"


def oddity(name: Any) -> str:  # noqa: ANN401 - as above
    """Describe the error in a name; empty if the name is valid."""
    if not isinstance(name, str) or not name:
        return "is not a non-empty string"
    if not name.isprintable():
        return "is not one line of text"
    return "looks like a key: names are shown, and stored where no key may be" if looks_like_a_key(name) else ""


def looks_like_a_key(text: str) -> bool:
    """Return True if part of a text looks like a key: base64 of a text, as the API's keys are, or long and random."""
    for word in WORD.findall(text):
        padded = word.translate(str.maketrans("-_", "+/")) + "=" * (-len(word) % 4)
        with contextlib.suppress(ValueError):
            if base64.b64decode(padded, validate=True).decode("ascii").isprintable():
                return True
    return RANDOM.search(text) is not None
