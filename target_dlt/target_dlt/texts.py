"""Repairs JSON text that a strict parser or a database refuses."""

from __future__ import annotations

import re

NUL = rb"\u0000"

SURROGATES = range(0xD800, 0xE000)

_ESCAPE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([0-9a-fA-F]{4})|\\.")
"""One escape of a JSON text; a surrogate pair counts as one. An escaped backslash starts none."""


def repair(text: bytes, *, nul: bool) -> bytes:
    """Replace characters that cannot be stored with U+FFFD: lone surrogates and, with ``nul``, NUL.

    Args:
        text: JSON. Everything else stays unchanged, byte by byte.
        nul: True if the destination refuses NUL in text, as Postgres does.
    """

    def replaced(match: re.Match[bytes]) -> bytes:
        code = match[1]
        unfit = code is not None and ((nul and code == b"0000") or int(code, 16) in SURROGATES)
        return rb"\ufffd" if unfit else match[0]

    return _ESCAPE.sub(replaced, text)
