"""Decoding an answer, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import requests

UNREADABLE: Any = object()
"""Stands for a body that is not JSON: empty, cut short, HTML, ..."""


def decode(body: bytes) -> Any:  # noqa: ANN401 (any JSON)
    """The JSON value of ``body``, or :data:`UNREADABLE`."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return UNREADABLE


def decoded(response: requests.Response) -> Any:  # noqa: ANN401 (any JSON)
    """The JSON value of an answer's body, kept on the answer.

    Several readers want it (classification, records, cursor), and a page of leads has 180 kB.
    """
    attributes = response.__dict__
    if "_decoded" not in attributes:
        attributes["_decoded"] = decode(response.content)
    return attributes["_decoded"]
