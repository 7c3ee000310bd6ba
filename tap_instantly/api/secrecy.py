"""Keeping API keys out of whatever is written, and e-mail addresses out of the log."""

from __future__ import annotations

import base64
import json
import logging
import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASKED = "***"

SECRET_NAME = re.compile(
    r"passw|secret|token|credential|authori[sz]ation|cookie|api_?key|private_?key|(^|_)(key|auth|otp|headers?)$",
    re.IGNORECASE,
)
"""What a field is called that may well hold a secret."""

SECRET_NUMBER = re.compile("passw|secret|(^|_)(otp|pin)$", re.IGNORECASE)
"""What one is called whose number may be a secret too; most others count, as tokens used or the length of a key."""

_ADDRESS = re.compile(r"[^\s/?&=<>()\[\]{}\"'\\,;:@]{1,254}(?:@|%40)[\w-]+(?:\.[\w-]+)*")

SHORTEST = 8
"""Characters of the shortest text that is taken for a key: to mask less would deface whatever holds it by chance."""


class Mask:
    """Replaces keys, also where they are escaped (JSON, URL, HTML, Python) or in base64, alone or within something.

    Args:
        keys: Those to mask; ones shorter than :data:`SHORTEST` are not.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        long = [key for key in keys if len(key) >= SHORTEST]
        forms = [form for key in long for form in _forms(key)]
        # A pattern that matches nothing, where there is no key.
        self._pattern = re.compile("|".join(sorted(forms, key=len, reverse=True)) or r"(?!)")
        self._bytes = re.compile(_encoded(self._pattern.pattern))
        # What no encoding escapes: to look for it takes a hundredth of the time of the pattern.
        texts = [text for key in long for text in (key, *_inner(key), *_in_base64(_encoded(key)))]
        self._traces = tuple({max(re.findall(r"[0-9A-Za-z]*", text), key=len).encode() for text in texts})

    def text(self, text: str) -> str:
        """``text`` with ``***`` in the place of each key."""
        return self._pattern.sub(MASKED, text)

    def content(self, content: bytes) -> bytes:
        """The same for UTF-8."""
        return self._bytes.sub(MASKED.encode(), content)

    def may_be_in(self, content: bytes) -> bool:
        """Whether ``content`` may hold a key; quick enough to ask for every answer."""
        return any(trace in content for trace in self._traces)


def _forms(key: str) -> Iterator[str]:
    for text in (key, *_inner(key)):
        yield "".join(map(_spellings, text))
    for digits in _in_base64(_encoded(key)):
        yield digits.replace("+", "[+-]").replace("/", "[/_]")


def _inner(key: str) -> tuple[str, ...]:
    """The id and secret of which keys are often themselves the base64."""
    try:
        inner = base64.b64decode(key, validate=True).decode("ascii")
    except ValueError:
        return ()
    return (inner,) if inner.isprintable() and len(inner) >= SHORTEST else ()


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # half of a character, which JSON can hold, is no reason to fail


def _spellings(character: str) -> str:
    code = ord(character)
    plain = {re.escape(text) for text in (character, json.dumps(character)[1:-1], repr(character)[1:-1])}
    if character.isalnum() and character.isascii():
        return re.escape(character)
    escaped = {
        rf"(?i:{re.escape(text)})" for text in (quote(_encoded(character), safe=""), f"\\u{code:04x}", f"&#x{code:x};")
    }
    named = {re.escape(f"\\{character}"), f"&#{code};"}
    entities = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
    return f"(?:{'|'.join(sorted({*plain, *escaped, *named, entities.get(character, re.escape(character))}))})"


def _in_base64(key: bytes) -> Iterator[str]:
    """The digits that only the key decides, for each of the three places at which it can begin in what is encoded."""
    for before in range(3):
        digits = base64.b64encode(bytes(before) + key).decode()
        yield digits[-(-before * 8 // 6) : (before + len(key)) * 8 // 6]


_known: set[str] = set()


def remember(secrets: Iterable[object]) -> None:
    """Take note of keys, of whatever type, for :func:`guard_logs`."""
    _known.update(str(secret) for secret in secrets)


def guard_logs() -> None:
    """Mask the remembered keys in all that the log handlers of this process write, tracebacks included."""
    loggers = [
        logging.getLogger(),
        *(x for x in logging.root.manager.loggerDict.values() if isinstance(x, logging.Logger)),
    ]
    for logger in loggers:
        for handler in logger.handlers:
            if not isinstance(handler.formatter, _MaskingFormatter):
                handler.setFormatter(_MaskingFormatter(handler.formatter or logging.Formatter()))


def masked(text: str) -> str:
    """``text`` with ``***`` in the place of each of the remembered keys, and without addresses."""
    return without_addresses(without_keys(text))


def without_keys(text: str) -> str:
    """``text`` with ``***`` in the place of each of the remembered keys."""
    return _mask(frozenset(_known)).text(text)


def without_addresses(text: str) -> str:
    """``text`` with ``{email}`` in the place of each e-mail address, also where it is quoted for a URL."""
    return _ADDRESS.sub("{email}", text) if "@" in text or "%40" in text else text


class _MaskingFormatter(logging.Formatter):
    """Masks what another formatter made: message, arguments, exception and all."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    @override
    def format(self, record: logging.LogRecord) -> str:
        return masked(self._inner.format(record))


@lru_cache(maxsize=1)
def _mask(keys: frozenset[str]) -> Mask:
    return Mask(keys)


def without_secrets(value: Any, name: str) -> Any:  # noqa: ANN401 (any JSON)
    """``value`` with ``***`` for what is called like a secret, at any depth; numbers only where none is harmless."""
    if SECRET_NAME.search(name) and isinstance(value, (str, list, dict)):
        return MASKED
    if SECRET_NUMBER.search(name) and isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return MASKED
    if isinstance(value, dict):
        return {key: without_secrets(part, str(key)) for key, part in value.items()}
    if isinstance(value, list):
        return [without_secrets(part, "") for part in value]
    return value
