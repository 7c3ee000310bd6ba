"""Read the files named on the command line: one JSON object each."""

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

IF_EMPTY: Mapping[str, str] = {
    "state": "for a first run, omit --state or write {} into the file",
    "catalog": "create one with --discover",
    "config": "it needs at least an api_key",
}


def read(path: str, what: str) -> str:
    """Return the text of a file that contains one JSON object; ``-`` is standard input.

    Raises:
        ConfigurationError: The file is missing, unreadable, or not one JSON object. The message is one line.
    """
    if path.lstrip().startswith("{"):
        message = f"--{what} takes the path of a file, but got the content of one."  # not quoted: may be keys
        raise ConfigurationError(message)
    name = f"The {what} {path}"
    try:
        text = (sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()).decode()
        if not text.strip():
            message = f"{name} is empty: {IF_EMPTY[what]}."
            raise ConfigurationError(message)
        found = simplejson.loads(text)
    except OSError as error:
        message = f"{name} cannot be read: {error.strerror}."
    except UnicodeDecodeError:
        message = f"{name} is not UTF-8 text."
    except RecursionError:
        message = f"{name} is nested too deeply."
    except ValueError as error:  # for a state, usually the STATE lines of several runs
        message = f"{name} is not JSON, or has more than one JSON document: {error}."
    else:
        if isinstance(found, dict):
            return text
        message = f"{name} is not a JSON object."
    raise ConfigurationError(message) from None


class ObjectFile(click.ParamType):  # type: ignore[type-arg] # older versions of click do not take any
    """Replacement for ``click.File``, which does not read the file and answers an error with the usage text.

    Args:
        what: Kind of file, for messages.
    """

    name = "filename"

    def __init__(self, what: str) -> None:
        self.what = what

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> IO[str]:
        return io.StringIO(read(str(value), self.what))
