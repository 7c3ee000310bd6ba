"""Settings from environment variables and from a file ``.env`` in the working directory."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import load_dotenv
from dotenv.parser import parse_stream
from dotenv.variables import Variable, parse_variables
from singer_sdk.exceptions import ConfigurationError

from tap_instantly.settings import ENVIRONMENT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

DOTENV = ".env"
NEWLINE = "\n"

BOOLEANS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


def read(schema: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Read the settings that the environment gives; add to it what only a ``.env`` in the working directory has.

    A value that is not of its setting's type stays a text, for the validation to refuse.

    Args:
        schema: JSON Schema of the configuration.

    Returns:
        The settings, and a line for the log that says which of them came from where.

    Raises:
        ConfigurationError: There is a ``.env`` and it cannot be read or understood.
    """
    exported = frozenset(os.environ)
    path = _add_dotenv()
    variables = {name: f"{ENVIRONMENT_PREFIX}{name.upper()}" for name in schema["properties"]}
    given = {name: os.environ[variable] for name, variable in variables.items() if variable in os.environ}
    settings = {name: _converted(text, schema["properties"][name]["type"]) for name, text in given.items()}
    from_environment = [name for name in given if variables[name] in exported]
    if path is None:
        where = "the environment alone, without a .env in the working directory"
        return settings, f"Settings come from {where}: {_listed(from_environment)}."
    from_file = [name for name in given if variables[name] not in exported]
    line = f"Settings come from the environment: {_listed(from_environment)}; and from {path}: {_listed(from_file)}."
    return settings, line


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _converted(text: str, type_: str | list[str]) -> object:
    types = [type_] if isinstance(type_, str) else type_
    try:
        if "integer" in types:
            return int(text)
        if "array" in types or "object" in types:
            value = json.loads(text)
            return value if isinstance(value, (list, dict)) else text
    except (ValueError, RecursionError):
        return text
    return BOOLEANS.get(text.lower(), text) if "boolean" in types else text


def unread() -> tuple[dict[str, str], list[str]]:
    """Look into the ``.env`` where the environment is not read, which would pass over what it holds for this tap.

    Returns:
        The variables in it that begin like a setting's and are not exported too, as Meltano exports them; and lines for
        the log.
    """
    try:
        found = _dotenv()
    except ConfigurationError as error:
        return {}, [str(error)]
    path, text = found or (None, "")
    bindings = {binding.key: binding.value or "" for binding in parse_stream(io.StringIO(text)) if binding.key}
    own = {name: value for name, value in bindings.items() if begins_like_a_setting(name) and name not in os.environ}
    if not own:
        return {}, []
    names = ", ".join(map(shown, own))
    return own, [f"{path} is not read without --config=ENV, and has no effect: it gives {names}."]


def begins_like_a_setting(name: str) -> bool:
    """Tell whether a variable is called like one of this tap, but for capitals and signs in the place of ``_``.

    Those with two underscores are Meltano's own.
    """
    return spelt(name).startswith(ENVIRONMENT_PREFIX) and not name.startswith(f"{ENVIRONMENT_PREFIX}_")


def spelt(name: str) -> str:
    """The name in capitals, with ``_`` for each sign that a shell does not allow in one."""
    return re.sub(r"\W", "_", name).upper()


def shown(name: str) -> str:
    """The name as messages have it: up to the first odd sign, behind which may be a key, as in ``NAME:key==``."""
    return re.split(r"[^\w.-]", name, maxsplit=1)[0]


def _dotenv() -> tuple[Path, str] | None:
    """The ``.env`` and what is written in it; None where there is no such file.

    Raises:
        ConfigurationError: It cannot be read.
    """
    # A folder of that name is a virtual environment. A link that leads nowhere is a file that should be there.
    if not os.path.lexists(DOTENV) or Path(DOTENV).is_dir():
        return None
    path = Path(DOTENV).absolute()
    try:
        return path, path.read_bytes().decode("utf-8-sig")  # some editors write a mark at the beginning
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}. Let the tap read it, or remove it."
        raise ConfigurationError(message) from None
    except UnicodeDecodeError:
        message = f"{path} is no text in UTF-8. Save it as such, or remove it."
        raise ConfigurationError(message) from None


def _add_dotenv() -> Path | None:
    """Add the variables of the ``.env`` that are not in the environment yet; None where there is no such file."""
    if (found := _dotenv()) is None:
        return None
    path, text = found
    if objection := _objection(text, path):
        raise ConfigurationError(objection)
    try:
        load_dotenv(stream=io.StringIO(text), override=False)
    except ValueError:
        message = f"{path} holds a variable that no environment can hold, such as one with a NUL. Take it out."
        raise ConfigurationError(message) from None
    return path


def _objection(text: str, path: Path) -> str | None:
    """Say what is wrong with the first line that python-dotenv would pass over or change; None if there is none.

    Nothing of the line is repeated: it may be a key.
    """
    known = set(os.environ)
    for binding in parse_stream(io.StringIO(text)):
        name, value = binding.key, binding.value
        blank = len(binding.original.string) - len(binding.original.string.lstrip())
        line = f"Line {binding.original.line + binding.original.string[:blank].count(NEWLINE)} of {path}"
        if binding.error or (name is not None and value is None):
            return f"{line} is no NAME=value. Correct it, or take it out."
        if name is not None and begins_like_a_setting(name) and not name.isidentifier():
            return f"{line} has a name with other signs than letters, digits and _. Correct it, or take it out."
        if name is None:
            continue
        if name not in os.environ and _loses_something(value or "", known):
            return f"{line} has a ${{...}} that names no variable. Take it out, or export what the line gives instead."
        known.add(name)
    return None


def _loses_something(value: str, known: Collection[str]) -> bool:
    """Tell whether the value refers to a variable that is not there, for which python-dotenv puts nothing."""
    references = [atom for atom in parse_variables(value) if isinstance(atom, Variable)]
    return any(reference.default is None and reference.name not in known for reference in references)
