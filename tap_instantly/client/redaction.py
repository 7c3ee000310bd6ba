"""Redaction of API keys in all output, and of e-mail addresses in the log."""

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
"""Names of fields that may contain a secret."""

SECRET_NUMBER = re.compile("passw|secret|(^|_)(otp|pin)$", re.IGNORECASE)
"""Names of fields whose number may be a secret. Most other numbers are counts, such as used tokens or a length."""

_ADDRESS = re.compile(r"[^\s/?&=<>()\[\]{}\"'\\,;:@]{1,254}(?:@|%40)[\w-]+(?:\.[\w-]+)*")

SHORTEST = 8
"""Minimum length of a key to mask. Shorter texts occur by chance in other data."""


class Mask:
    """Masks keys in plain text, with escapes (JSON, URL, HTML, Python), and in base64, alone or inside other data.

    Args:
        keys: Keys to mask; keys shorter than :data:`SHORTEST` are ignored.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        long = [key for key in keys if len(key) >= SHORTEST]
        forms = [form for key in long for form in _forms(key)]
        # Without keys, the pattern matches nothing.
        self._pattern = re.compile("|".join(sorted(forms, key=len, reverse=True)) or r"(?!)")
        self._bytes = re.compile(_encoded(self._pattern.pattern))
        # Longest part of each key that no encoding escapes. Searching for it takes a hundredth of the pattern's time.
        texts = [text for key in long for text in (key, *_inner(key), *_in_base64(_encoded(key)))]
        self._traces = tuple({max(re.findall(r"[0-9A-Za-z]*", text), key=len).encode() for text in texts})

    def text(self, text: str) -> str:
        """Replace each key with ``***``."""
        return self._pattern.sub(MASKED, text)

    def content(self, content: bytes) -> bytes:
        """Replace each key in UTF-8 bytes with ``***``."""
        return self._bytes.sub(MASKED.encode(), content)

    def may_be_in(self, content: bytes) -> bool:
        """Return True if ``content`` may contain a key; fast enough for every response."""
        return any(trace in content for trace in self._traces)


def _forms(key: str) -> Iterator[str]:
    for text in (key, *_inner(key)):
        yield "".join(map(_spellings, text))
    for digits in _in_base64(_encoded(key)):
        yield digits.replace("+", "[+-]").replace("/", "[/_]")


def _inner(key: str) -> tuple[str, ...]:
    """Decode the id and secret of a key, which is often their base64."""
    try:
        inner = base64.b64decode(key, validate=True).decode("ascii")
    except ValueError:
        return ()
    return (inner,) if inner.isprintable() and len(inner) >= SHORTEST else ()


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # JSON can contain an unpaired surrogate


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
    """Yield the base64 digits that depend on the key alone, for each of its three possible alignments."""
    for before in range(3):
        digits = base64.b64encode(bytes(before) + key).decode()
        yield digits[-(-before * 8 // 6) : (before + len(key)) * 8 // 6]


_known: set[str] = set()


def remember(secrets: Iterable[object]) -> None:
    """Register keys, of any type, for :func:`guard_logs`."""
    _known.update(str(secret) for secret in secrets)


def guard_logs() -> None:
    """Mask the registered keys in everything that this process's log handlers write, including tracebacks."""
    for handler in log_handlers():
        if not isinstance(handler.formatter, _MaskingFormatter):
            handler.setFormatter(_MaskingFormatter(handler.formatter or logging.Formatter()))


def log_handlers() -> Iterator[logging.Handler]:
    """Yield the log handlers of this process."""
    others = (one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger))
    for logger in (logging.root, *others):
        yield from logger.handlers


def masked(text: str) -> str:
    """Mask the registered keys and all e-mail addresses."""
    return without_addresses(without_keys(text))


def without_keys(text: str) -> str:
    """Replace each registered key with ``***``."""
    return _mask(frozenset(_known)).text(text)


def without_addresses(text: str) -> str:
    """Replace each e-mail address, also a URL-quoted one, with ``{email}``."""
    return _ADDRESS.sub("{email}", text) if "@" in text or "%40" in text else text


class _MaskingFormatter(logging.Formatter):
    """Masks the complete output of another formatter: message, arguments and exception."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    @override
    def format(self, record: logging.LogRecord) -> str:
        return masked(self._inner.format(record))


@lru_cache(maxsize=1)
def _mask(keys: frozenset[str]) -> Mask:
    return Mask(keys)


@lru_cache(maxsize=1024)
def masked_types(name: str) -> tuple[type, ...]:
    """Return the value types to mask in a field of this name; numbers only if the name allows no harmless ones."""
    texts = (str, list, dict) if SECRET_NAME.search(name) else ()
    return texts + ((int, float, Decimal) if SECRET_NUMBER.search(name) else ())


def without_secrets(value: Any, name: str) -> Any:  # noqa: ANN401 (any JSON)
    """Replace values of fields that are named like secrets with ``***``, at any depth."""
    if isinstance(value, masked_types(name)) and not isinstance(value, bool):
        return MASKED
    if isinstance(value, dict):
        return {key: without_secrets(part, str(key)) for key, part in value.items()}
    if isinstance(value, list):
        return [without_secrets(part, "") for part in value]
    return value
