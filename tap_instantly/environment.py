"""Settings from environment variables and from a file ``.env`` in the working directory."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import load_dotenv
from dotenv.parser import parse_stream
from singer_sdk.exceptions import ConfigurationError

from tap_instantly.settings import ENVIRONMENT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DOTENV = ".env"

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


def _add_dotenv() -> Path | None:
    """Add the variables of the ``.env`` that are not in the environment yet; None where there is no such file."""
    # A folder of that name is a virtual environment. A link that leads nowhere is a file that should be there.
    if not os.path.lexists(DOTENV) or Path(DOTENV).is_dir():
        return None
    path = Path(DOTENV).absolute()
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors write a mark at the beginning
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}. Let the tap read it, or remove it."
        raise ConfigurationError(message) from None
    except UnicodeDecodeError:
        message = f"{path} is no text in UTF-8. Save it as such, or remove it."
        raise ConfigurationError(message) from None
    if (line := _malformed(text)) is not None:
        message = (
            f"Line {line} of {path} is no NAME=value. Correct it, or take it out."  # not repeated: it may be a key
        )
        raise ConfigurationError(message)
    try:
        load_dotenv(stream=io.StringIO(text), override=False)
    except ValueError:
        message = f"{path} holds a variable that no environment can hold, such as one with a NUL. Take it out."
        raise ConfigurationError(message) from None
    return path


def _malformed(text: str) -> int | None:
    """The number of the first line that python-dotenv would pass over: one it cannot read, or a name alone."""
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            statement = binding.original.string
            blank = statement[: len(statement) - len(statement.lstrip())]
            return binding.original.line + blank.count("\n")
    return None
