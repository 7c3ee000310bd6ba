"""Repair of JSON texts that a strict reader or a database refuses."""

from __future__ import annotations

import re

NUL = rb"\u0000"

SURROGATES = range(0xD800, 0xE000)

_ESCAPE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([0-9a-fA-F]{4})|\\.")
"""One escape of a JSON text, a pair of surrogates counting as one: a backslash that is escaped begins none."""


def repair(text: bytes, *, nul: bool) -> bytes:
    """Replace what cannot be stored by U+FFFD: halves of surrogate pairs, and with ``nul`` the character NUL.

    Args:
        text: JSON, in which all else stays as it is, byte by byte.
        nul: Whether the destination refuses NUL within texts, as Postgres does.
    """

    def replaced(match: re.Match[bytes]) -> bytes:
        code = match[1]
        unfit = code is not None and ((nul and code == b"0000") or int(code, 16) in SURROGATES)
        return rb"\ufffd" if unfit else match[0]

    return _ESCAPE.sub(replaced, text)
