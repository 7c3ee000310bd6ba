"""Parts of the reference, written from the code: settings, command line, log, modules and the client."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_instantly.api import InstantlyClient
from tap_instantly.api.errors import NEVER_PROCESSED, RETRYABLE, ErrorKind, InstantlyAPIError
from tap_instantly.settings import ENVIRONMENT_PREFIX, SETTINGS
from tap_instantly.tap import TapInstantly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Row = tuple[str, ...]

PACKAGE = Path(__file__).parent.parent / "tap_instantly"
LEVELS = ("critical", "error", "warning", "info")
LINE = 80
"""Characters of a signature that go on one line."""

_JSON = {"string": "text", "integer": "integer", "boolean": "true or false", "object": "object", "array": "list"}


def setting_rows() -> Iterator[Row]:
    """Setting, variable and type of each setting, the SDK's own behind ours; what those do is for the SDK to say."""
    for name, setting in TapInstantly.config_jsonschema["properties"].items():
        of_the_sdk = "" if name in SETTINGS["properties"] else _line(setting["description"])
        yield f"`{name}`", f"`{ENVIRONMENT_PREFIX}{name.upper()}`", _type(setting), of_the_sdk


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
    """Each option of the command line."""
    for option in TapInstantly.get_singer_command().params:
        yield ", ".join(f"`{name}`" for name in option.opts), _line(getattr(option, "help", "") or "")


def log_rows() -> Iterator[Row]:
    """Level, text and module of each line of the log whose text is in the code; what is filled in is ``…``."""
    found = [line for path in sorted(PACKAGE.rglob("*.py")) for line in _lines_of(path)]
    return iter(sorted(found, key=lambda row: LEVELS.index(row[0])))


def _lines_of(path: Path) -> Iterator[Row]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        level, text = node.func.attr, node.args[0]
        if level in LEVELS and isinstance(text, ast.Constant) and isinstance(text.value, str):
            shown = re.sub(r"%[-.0-9]*[a-z]", "…", text.value)
            yield level, shown, f"`{path.relative_to(PACKAGE).as_posix()}`"


def module_rows() -> Iterator[Row]:
    """Each module of the package, and the first sentence of what it says of itself."""
    for path in sorted(PACKAGE.rglob("*.py"), key=lambda path: (len(path.parts), path.name != "__init__.py", path)):
        name = path.relative_to(PACKAGE.parent).as_posix()
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        yield f"`{name}`", _prose(text.split("\n\n")[0])


def error_rows() -> Iterator[Row]:
    """Each kind of error, whether reads and writes are tried again, and what the user can do."""
    for kind in ErrorKind:
        error = InstantlyAPIError(None, "GET", "/", kind=kind)
        again = "reads and writes" if kind in NEVER_PROCESSED else "reads" if kind in RETRYABLE else "no"
        yield f"`{kind.name}`", kind.value, again, error.advice


def client() -> str:
    """The client: how it is made, and each method of its own and of what it is built on."""
    parts = [_code(f"InstantlyClient{_signature(InstantlyClient)}"), _docstring(InstantlyClient)]
    for name, method in _public(InstantlyClient):
        if name not in HIDDEN:
            parts += [f"### {name}", _code(f"{name}{_signature(method)}"), _docstring(method)]
    return "\n\n".join(parts)


HIDDEN = frozenset({"prepare", "send", "note_unusable"})
"""Methods that the streams need and nobody else."""


def _public(kind: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Public methods in the order of the code, those of the class before those of its bases."""
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
    """How it is called, on one line or, where that would be long, on one for each argument."""
    signature = inspect.signature(of)
    parameters = [
        parameter.replace(annotation=_Bare(parameter.annotation))
        for name, parameter in signature.parameters.items()
        if name != "self"
    ]
    returned = inspect.Signature.empty if isinstance(of, type) else _Bare(signature.return_annotation)
    text = str(inspect.Signature(parameters, return_annotation=returned))
    # The version is left out, so that a release does not change the page.
    text = text.replace(metadata.version("tap-instantly"), "<version>")
    if len(text) <= LINE:
        return text
    arguments, _, after = text[1:].rpartition(")")
    return "(\n    " + re.sub(r", (?=\*|\w+: )", ",\n    ", arguments) + f",\n){after}"


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


def _docstring(of: Any) -> str:  # noqa: ANN401 (a class or function)
    """A docstring of Google's style as Markdown."""
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
    """Text of a docstring on one line, with Markdown's quotes."""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", _line(text))
    return text.replace("``", "`")


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
