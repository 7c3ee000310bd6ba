"""Whether what a test wrote holds a key of the sandbox."""

from __future__ import annotations

import re

KEYS = re.compile(r"sandbox-key-|not-a-real-key-|sandbox%2Dkey%2D|c2FuZGJveC1rZXkt|NhbmRib3gta2V5L|zYW5kYm94LWtleS")
"""Keys of the sandbox, those that its list of API keys holds, and both of what quoting and base64 make of the first."""

found: list[str] = []
"""What has been found since it was last looked at."""


def look(text: object, where: str) -> None:
    """Have the test fail that wrote ``text``, if it holds a key."""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if isinstance(text, str) and (match := KEYS.search(text)):
        found.append(f"{where} holds a key: ...{text[max(0, match.start() - 60) : match.end()]}")
