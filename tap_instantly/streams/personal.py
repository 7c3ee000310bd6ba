"""Hash or drop personal data in records, as marked in the schemas."""

from __future__ import annotations

import hashlib
import hmac
import re
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    Hide = Callable[[Any], Any]

MARK = "x-personal"
"""Schema keyword of a personal property; its value is a :class:`Kind`."""

MOST_REMEMBERED, SHORT = 2**14, 100
"""Size of the cache of hashes, since most texts recur, and the greatest length of a cached text."""

DIGITS = 32
"""Hexadecimal digits of a hash: 128 bits, which rules out accidental collisions in a warehouse."""

_ADDRESS = re.compile(r"[^\s@<>()\",;:]+@(?:[\w-]+\.)+[\w-]+")
_NAMED = re.compile(r"[^<>]*<([^<>]+)>")
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_BETWEEN = re.compile(r"\s*[,;]\s*")


class Kind(str, Enum):
    """Kinds of personal data in schemas."""

    ACCOUNT = "account"
    """Address of a sending account, used in keys and joins. A value that is not an address is not personal."""
    ADDRESS = "address"
    """E-mail address, or several separated by commas."""
    TEXT = "text"
    """Text that is about a person or may name one."""
    ANY = "any"
    """Any JSON value, personal throughout."""
    NONE = "none"
    """Any JSON value, none of it personal."""


class Salted:
    """Hash texts with HMAC-SHA-256.

    Args:
        salt: Key of the HMAC.
    """

    def __init__(self, salt: str) -> None:
        # Copying a keyed HMAC is faster than creating one each time (measured).
        self._keyed = hmac.new(salt.encode(), digestmod=hashlib.sha256)
        self._remembered = lru_cache(maxsize=MOST_REMEMBERED)(self._hash)

    def text(self, text: str) -> str:
        """Hash a text; an empty text stays empty."""
        if not text:
            return text
        return self._remembered(text) if len(text) <= SHORT else self._hash(text)

    def _hash(self, text: str) -> str:
        keyed = self._keyed.copy()
        keyed.update(text.encode("utf-8", "surrogatepass"))
        return keyed.hexdigest()[:DIGITS]

    def address(self, text: str) -> str:
        """Hash an address to ``<hash>@<domain>``, ignoring case; hash several addresses one by one."""
        if "," in text or ";" in text:
            return ",".join(map(self._one_address, _BETWEEN.split(text)))
        return self._one_address(text)

    def account(self, text: str) -> str:
        """Hash an address like :meth:`address`; return any other text unchanged."""
        return self.address(text) if "@" in text else text

    def anything(self, value: Any) -> Any:  # noqa: ANN401 (any JSON)
        """Hash texts, numbers and names that are addresses in a value. Booleans, null and other names stay."""
        if isinstance(value, str):
            return self.address(value) if _ADDRESS.fullmatch(value.strip()) else self.text(value)
        if isinstance(value, dict):
            return {self.account(name): self.anything(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self.anything(part) for part in value]
        if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
            return self.text(str(value))
        return value

    def _one_address(self, text: str) -> str:
        text = text.strip()
        named = _NAMED.fullmatch(text)
        address = (named[1].strip() if named else text).lower()
        local, _, domain = address.rpartition("@")
        return f"{self.text(address)}@{domain}" if local and _DOMAIN.fullmatch(domain) else self.text(address)


class Hider:
    """Hash or drop the personal and the unknown fields of records.

    Compiled once per stream, so that unmarked fields cost nothing.

    Args:
        properties: Schema of each property.
        keys: Names of the key properties, which are always hashed, never dropped.
        salt: Salt of the hashes.
        drop: True to replace personal values with null, except keys and addresses of sending accounts.
    """

    def __init__(
        self, properties: Mapping[str, Mapping[str, Any]], keys: Collection[str], salt: str, *, drop: bool
    ) -> None:
        salted = _salted(salt)
        self._hashes: dict[Kind, Hide] = {
            Kind.ACCOUNT: _of_text(salted.account, salted),
            Kind.ADDRESS: _of_text(salted.address, salted),
            Kind.TEXT: _of_text(salted.text, salted),
            Kind.ANY: salted.anything,
        }
        kept = {Kind.ACCOUNT: self._hashes[Kind.ACCOUNT]}
        self._kinds = {**dict.fromkeys(self._hashes, _dropped), **kept} if drop else self._hashes
        self._name = salted.account
        hides = {
            name: self._of(kind, self._hashes if name in keys else self._kinds) for name, kind in properties.items()
        }
        self._by_name = {name: hide for name, hide in hides.items() if hide is not None}

    def hide(self, record: dict[str, Any]) -> None:
        """Hide the personal data of a shaped record, in place."""
        for name, hide in self._by_name.items():
            if (value := record.get(name)) is not None:
                record[name] = hide(value)

    def _of(self, kind: Mapping[str, Any], kinds: Mapping[Kind, Hide]) -> Hide | None:
        if MARK in kind:
            return kinds.get(Kind(kind[MARK]))
        if "properties" in kind:
            return self._of_object({name: self._of(part, kinds) for name, part in kind["properties"].items()}, kinds)
        if isinstance(kind.get("items"), dict) and (of_item := self._of(kind["items"], kinds)):
            return of_item if of_item is _dropped else _of_list(of_item, kinds[Kind.ANY])
        return None

    def _of_object(self, known: Mapping[str, Hide | None], kinds: Mapping[Kind, Hide]) -> Hide:
        anything, rename = kinds[Kind.ANY], self._name

        def hide(value: Any) -> Any:  # noqa: ANN401 (any JSON)
            if not isinstance(value, dict):
                return anything(value)
            whole = {}
            for name, part in value.items():
                of_part = known.get(name, anything)
                place = name if name in known else rename(name)
                whole[place] = part if of_part is None or part is None else of_part(part)
            return whole

        return hide


@lru_cache(maxsize=1)
def _salted(salt: str) -> Salted:
    """Return one instance for all streams, so that they share its cache."""
    return Salted(salt)


def marks(schema: Mapping[str, Any], place: str = "") -> dict[str, Kind]:
    """Return the kind of personal data by place, such as ``steps[].body``."""
    found = {}
    if MARK in schema:
        found[place] = Kind(schema[MARK])
    for name, part in schema.get("properties", {}).items():
        found |= marks(part, f"{place}.{name}" if place else name)
    if isinstance(schema.get("items"), dict):
        found |= marks(schema["items"], f"{place}[]")
    return found


def _dropped(_value: object) -> None:
    return None


def _of_text(hide: Callable[[str], str], salted: Salted) -> Hide:
    return lambda value: hide(value) if isinstance(value, str) else salted.anything(value)


def _of_list(of_item: Hide, anything: Hide) -> Hide:
    return lambda value: (
        [None if item is None else of_item(item) for item in value] if isinstance(value, list) else anything(value)
    )
