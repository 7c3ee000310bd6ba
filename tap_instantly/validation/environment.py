"""Read settings from environment variables and ``.env``, and report those that would be ignored."""

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

from tap_instantly.settings import ENVIRONMENT_PREFIX, KEEP, SETTINGS
from tap_instantly.text import did_you_mean
from tap_instantly.validation import keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

DOTENV = ".env"
NEWLINE = "\n"

BOOLEANS = {**dict.fromkeys(("true", "1", "yes", "on"), True), **dict.fromkeys(("false", "0", "no", "off"), False)}


def read(schema: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Read the settings from the environment, after adding the variables of ``.env`` in the working directory.

    Exported variables take precedence. A value that does not parse as its setting's type stays a string, which the
    validation rejects.

    Args:
        schema: JSON Schema of the configuration.

    Returns:
        The settings, and a log line that names the source of each setting.

    Raises:
        ConfigurationError: ``.env`` exists but cannot be read or parsed.
    """
    exported = frozenset(os.environ)
    path = _add_dotenv()
    variables = {name: f"{ENVIRONMENT_PREFIX}{name.upper()}" for name in schema["properties"]}
    given = {name: os.environ[variable] for name, variable in variables.items() if variable in os.environ}
    settings = {name: _converted(text, schema["properties"][name]["type"]) for name, text in given.items()}
    from_environment = [name for name in given if variables[name] in exported]
    if path is None:
        where = "the environment (no .env in the working directory)"
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


def _unread_dotenv() -> tuple[dict[str, str], list[str]]:
    """Find this tap's variables in a ``.env`` that has no effect, since the tap runs without ``--config=ENV``.

    Returns:
        The variables with the prefix of the settings that are not exported as well (Meltano exports them), and lines
        for the log.
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
    return own, [f"{path} is ignored without --config=ENV. It sets {names}."]


def begins_like_a_setting(name: str) -> bool:
    """Return true if the name has the prefix of the settings, in any case and with any sign instead of ``_``.

    Names with two underscores are Meltano's own.
    """
    return spelt(name).startswith(ENVIRONMENT_PREFIX) and not name.startswith(f"{ENVIRONMENT_PREFIX}_")


def spelt(name: str) -> str:
    """Return the name in upper case, with ``_`` for each sign that a shell does not allow."""
    return re.sub(r"\W", "_", name).upper()


def shown(name: str) -> str:
    """Return the name for messages, cut at the first odd sign: a key may follow it, as in ``NAME:key==``."""
    return re.split(r"[^\w.-]", name, maxsplit=1)[0]


def _dotenv() -> tuple[Path, str] | None:
    """Return the path and text of ``.env``, or None without such a file.

    Raises:
        ConfigurationError: The file cannot be read.
    """
    # A directory of that name is a virtual environment. A broken link is an error: the file should exist.
    if not os.path.lexists(DOTENV) or Path(DOTENV).is_dir():
        return None
    path = Path(DOTENV).absolute()
    try:
        return path, path.read_bytes().decode("utf-8-sig")  # some editors write a BOM
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}. Make it readable, or remove it."
        raise ConfigurationError(message) from None
    except UnicodeDecodeError:
        message = f"{path} is not UTF-8 text. Save it as UTF-8, or remove it."
        raise ConfigurationError(message) from None


def _add_dotenv() -> Path | None:
    """Add the variables of ``.env`` to the environment, except exported ones; return its path, or None without it."""
    if (found := _dotenv()) is None:
        return None
    path, text = found
    if objection := _objection(text, path):
        raise ConfigurationError(objection)
    try:
        load_dotenv(stream=io.StringIO(text), override=False)
    except ValueError:
        message = f"{path} has a variable that no environment can hold, such as one with a NUL. Remove it."
        raise ConfigurationError(message) from None
    return path


def _objection(text: str, path: Path) -> str | None:
    """Describe the first line that python-dotenv would skip or change; return None if there is none.

    The message does not quote the line: it may be a key.
    """
    known = set(os.environ)
    for binding in parse_stream(io.StringIO(text)):
        name, value = binding.key, binding.value
        blank = len(binding.original.string) - len(binding.original.string.lstrip())
        line = f"Line {binding.original.line + binding.original.string[:blank].count(NEWLINE)} of {path}"
        if binding.error or (name is not None and value is None):
            return f"{line} is not NAME=value. Correct it, or remove it."
        if name is not None and begins_like_a_setting(name) and not name.isidentifier():
            return f"{line} has a name with characters other than letters, digits and _. Correct it, or remove it."
        if name is None:
            continue
        if name not in os.environ and _loses_something(value or "", known):
            return (
                f"{line} has a ${{...}} of an undefined variable. Remove it, or export the variable that the line sets."
            )
        known.add(name)
    return None


def _loses_something(value: str, known: Collection[str]) -> bool:
    """Return true if the value refers to an undefined variable, which python-dotenv replaces with nothing."""
    references = [atom for atom in parse_variables(value) if isinstance(atom, Variable)]
    return any(reference.default is None and reference.name not in known for reference in references)


def unknown_variables(variables: Iterable[str], schema: Mapping[str, Any]) -> Iterator[str]:
    """Report environment variables with the prefix of the settings that match no setting, one line each.

    A name that extends the name of an object setting is valid: the object may refer to it.
    """
    known = {f"{ENVIRONMENT_PREFIX}{name.upper()}": setting for name, setting in schema["properties"].items()}
    within = tuple(f"{name}_" for name, setting in known.items() if "object" in str(setting.get("type")))
    for name in sorted(variables):
        others = (f"{ENVIRONMENT_PREFIX}LOGLEVEL", *within)
        if begins_like_a_setting(name) and name not in known and not name.startswith(others):
            own = spelt(shown(name))[len(ENVIRONMENT_PREFIX) :]
            near = did_you_mean(own, map(str.upper, schema["properties"]), before=ENVIRONMENT_PREFIX)
            yield f"environment variable {shown(name)} is not a setting{near}"


def unread_choices(config: Mapping[str, Any], variables: Mapping[str, str]) -> Iterator[str]:
    """Report each variable about personal data that has no effect, one line each: the data would stay in clear."""
    own = f"{ENVIRONMENT_PREFIX}PERSONAL"
    known = {f"{own}_DATA", f"{own}_DATA_SALT"}
    for name in sorted(variables):
        if spelt(name).startswith(own) and name not in known:
            yield f"environment variable {shown(name)} is not a setting{did_you_mean(spelt(shown(name)), known)}"
    wanted, choice = variables.get(f"{own}_DATA"), config.get("personal_data")
    if wanted is not None and wanted != choice:
        yield (
            f"environment variable {own}_DATA differs from the setting 'personal_data', which is '{choice}': set both "
            "to the same value, or read the environment with --config=ENV"
        )


def unread(config: Mapping[str, Any]) -> list[str]:
    """Report a ``.env`` and exported variables without effect (the config comes from files only), as log lines.

    Meltano exports the settings that it writes into the file, so only a setting that the file lacks counts.

    Raises:
        ConfigurationError: A variable of ``.env`` or of the environment contradicts the config on personal data.
    """
    variables, lines = _unread_dotenv()
    if found := list(unread_choices({"personal_data": KEEP, **config}, {**variables, **os.environ})):
        raise ConfigurationError("; ".join(found))
    lacking = {f"{ENVIRONMENT_PREFIX}{name.upper()}" for name in SETTINGS["properties"] if name not in config}
    if exported := sorted(name for name in lacking - keys.variables(config) if os.environ.get(name)):
        lines.append(f"Not read without --config=ENV: {', '.join(exported)}.")
    return lines
