"""Find keys of the sandbox in the output of a test."""

from __future__ import annotations

import re

KEYS = re.compile(r"sandbox-key-|not-a-real-key-|sandbox%2Dkey%2D|c2FuZGJveC1rZXkt|NhbmRib3gta2V5L|zYW5kYm94LWtleS")
"""The sandbox's keys, the keys in its list of API keys, and the quoted and base64 forms of the first."""

found: list[str] = []
"""Keys found since the last check."""


def look(text: object, where: str) -> None:
    """Fail the current test if ``text`` contains a key."""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if isinstance(text, str) and (match := KEYS.search(text)):
        found.append(f"{where} holds a key: ...{text[max(0, match.start() - 60) : match.end()]}")
