"""Writes parts of the reference from the code: settings, command line, log, modules and the client."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from typing import Any

from tap_instantly.client import InstantlyClient
from tap_instantly.client.errors import NEVER_PROCESSED, RETRYABLE, ErrorKind, InstantlyAPIError
from tap_instantly.tap import TapInstantly

Row = tuple[str, ...]
LINE = 80
"""Longest signature that goes on one line, in characters."""

_JSON = {"string": "text", "integer": "integer", "boolean": "true or false", "object": "object", "array": "list"}


def setting_rows() -> Iterator[Row]:
    """Yield name, type and description of each setting, the SDK's after the tap's."""
    for name, setting in TapInstantly.config_jsonschema["properties"].items():
        yield f"`{name}`", _type(setting), _line(setting["description"])


def _type(setting: Mapping[str, Any]) -> str:
    if "enum" in setting:
        return "one of " + ", ".join(f"`{value}`" for value in setting["enum"] if value is not None)
    names = setting["type"] if isinstance(setting["type"], list) else [setting["type"]]
    kinds = [_JSON[name] for name in names if name != "null"]
    if setting.get("format") == "date-time":
        kinds = ["date or timestamp"]
    between = (setting.get("minimum"), setting.get("maximum"))
    if None not in between:
        kinds.append("{:,} to {:,}".format(*between))
        return ", ".join(kinds)
    return " or ".join(kinds)


def option_rows() -> Iterator[Row]:
    """Yield each command-line option."""
    for option in TapInstantly.get_singer_command().params:
        yield ", ".join(f"`{name}`" for name in option.opts), _line(getattr(option, "help", "") or "")


def error_rows() -> Iterator[Row]:
    """Yield each kind of error, its retries, and the user's remedy."""
    for kind in ErrorKind:
        error = InstantlyAPIError(None, "GET", "/", kind=kind)
        again = "reads and writes" if kind in NEVER_PROCESSED else "reads" if kind in RETRYABLE else "no"
        yield f"`{kind.name}`", kind.value, again, error.advice


def client() -> str:
    """Describe the client: its arguments and each public method."""
    parts = [_code(f"InstantlyClient{_signature(InstantlyClient)}"), _docstring(InstantlyClient)]
    for name, method in _public(InstantlyClient):
        if name not in HIDDEN:
            parts += [f"### {name}", _code(f"{name}{_signature(method)}"), _docstring(method)]
    return "\n\n".join(parts)


HIDDEN = frozenset({"ask", "counted_by", "note_unusable", "prepare", "prepare_call", "send"})
"""Methods for the streams' use only."""


def _public(kind: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield public methods in the order of the code, those of the class before those of its bases."""
    seen = set()
    for base in kind.__mro__[:-1]:
        for name, member in vars(base).items():
            if inspect.isfunction(member) and not name.startswith("_") and name not in seen:
                seen.add(name)
                yield name, member


class _Bare(str):
    """An annotation that is shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _signature(of: Callable[..., Any]) -> str:
    """Return the signature on one line, or with one line per argument if it is long."""
    signature = inspect.signature(of)
    parameters = [
        parameter.replace(annotation=_Bare(parameter.annotation))
        for name, parameter in signature.parameters.items()
        if name != "self"
    ]
    returned = inspect.Signature.empty if isinstance(of, type) else _Bare(signature.return_annotation)
    text = str(inspect.Signature(parameters, return_annotation=returned))
    # A release must not change the page.
    text = text.replace(metadata.version("tap-instantly"), "<version>")
    if len(text) <= LINE:
        return text
    arguments, _, after = text[1:].rpartition(")")
    return "(\n    " + re.sub(r", (?=\*|\w+: )", ",\n    ", arguments) + f",\n){after}"


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


def _docstring(of: Any) -> str:  # noqa: ANN401 (a class or function)
    """Convert a Google-style docstring to Markdown."""
    parts = []
    for part in (inspect.getdoc(of) or "").split("\n\n"):
        title, _, body = part.partition("\n")
        if title == "Example:":
            code = "\n".join(re.sub(r"^(>>>|\.\.\.) ?", "", line) for line in inspect.cleandoc(body).splitlines())
            parts.append(f"Example:\n\n{_code(code)}")
        elif title in {"Args:", "Raises:"}:
            entries = re.split(r"\n(?=\S)", inspect.cleandoc(body))
            items = "\n".join("- `{}`: {}".format(*_prose(entry).split(": ", 1)) for entry in entries)
            parts.append(f"{title}\n\n{items}")
        else:
            parts.append(_prose(part))
    return "\n\n".join(parts)


def _prose(text: str) -> str:
    """Put the text of a docstring on one line, with Markdown's code quotes."""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", _line(text))
    return text.replace("``", "`")


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
