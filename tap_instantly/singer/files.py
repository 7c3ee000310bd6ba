"""Files that the command line names: one JSON object each."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
import simplejson
from singer_sdk.exceptions import ConfigurationError
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

WHAT_IF_EMPTY: Mapping[str, str] = {
    "state": "for a first run, leave --state out or put {} into it",
    "catalog": "--discover writes one",
    "config": "it needs an api_key at least",
}


def read(path: str, what: str) -> str:
    """The text of a file that holds one JSON object; of standard input if it is called ``-``.

    Raises:
        ConfigurationError: There is no such file, it cannot be read, or it holds something else; in one line.
    """
    if path.lstrip().startswith("{"):
        message = f"--{what} takes the path of a file, and was given what belongs into it."  # keys perhaps: not quoted
        raise ConfigurationError(message)
    name = f"The {what} {path}"
    try:
        text = (sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()).decode()
        if not text.strip():
            message = f"{name} is empty: {WHAT_IF_EMPTY[what]}."
            raise ConfigurationError(message)
        found = simplejson.loads(text)
    except OSError as error:
        message = f"{name} cannot be read: {error.strerror}."
    except UnicodeDecodeError:
        message = f"{name} is no text in UTF-8."
    except RecursionError:
        message = f"{name} is nested too deep."
    except ValueError as error:  # JSON; of a state, the usual reason is that the lines of several runs are in it
        message = f"{name} is not JSON, or more than one line of it: {error}."
    else:
        if isinstance(found, dict):
            return text
        message = f"{name} holds no JSON object."
    raise ConfigurationError(message) from None


class ObjectFile(click.ParamType):  # type: ignore[type-arg] # older versions of click do not take any
    """In the place of ``click.File``, which does not look into the file and ends with the text of how to call the tap.

    Args:
        what: What the file is, for messages.
    """

    name = "filename"

    def __init__(self, what: str) -> None:
        self.what = what

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> IO[str]:
        return io.StringIO(read(str(value), self.what))
