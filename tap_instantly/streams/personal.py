"""Personal data: what the schemas mark, and what becomes of it in records."""

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
"""Keyword of a property in a schema; its value is one of :class:`Kind`."""

MOST_REMEMBERED, SHORT = 2**14, 100
"""Hashes that are kept, as most texts come more than once, and characters of a text of which they are."""

DIGITS = 32
"""Hexadecimal digits of a hash: 128 bits, so that no two texts of a warehouse share one by chance."""

_ADDRESS = re.compile(r"[^\s@<>()\",;:]+@(?:[\w-]+\.)+[\w-]+")
_NAMED = re.compile(r"[^<>]*<([^<>]+)>")
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_BETWEEN = re.compile(r"\s*[,;]\s*")


class Kind(str, Enum):
    """The kinds of personal data that a schema marks."""

    ACCOUNT = "account"
    """An address of a sending account, on which keys and joins rest; what is no address there is not personal."""
    ADDRESS = "address"
    """An e-mail address, or several with commas between them."""
    TEXT = "text"
    """A text that is about a person or may name one."""
    ANY = "any"
    """Values of any form and name."""
    NONE = "none"
    """Values of any form and name, none of them personal."""


class Salted:
    """Hashes texts with HMAC-SHA-256.

    Args:
        salt: The key of the HMAC.
    """

    def __init__(self, salt: str) -> None:
        # Copying what has taken up the key is quicker than to begin with it each time (measured).
        self._keyed = hmac.new(salt.encode(), digestmod=hashlib.sha256)
        self._remembered = lru_cache(maxsize=MOST_REMEMBERED)(self._hash)

    def text(self, text: str) -> str:
        """The hash of a text; an empty text stays empty."""
        if not text:
            return text
        return self._remembered(text) if len(text) <= SHORT else self._hash(text)

    def _hash(self, text: str) -> str:
        keyed = self._keyed.copy()
        keyed.update(text.encode("utf-8", "surrogatepass"))
        return keyed.hexdigest()[:DIGITS]

    def address(self, text: str) -> str:
        """``<hash>@<domain>``, equal for an address whatever its case; several are hashed one by one."""
        if "," in text or ";" in text:
            return ",".join(map(self._one_address, _BETWEEN.split(text)))
        return self._one_address(text)

    def account(self, text: str) -> str:
        """Like :meth:`address`; what is none stays as it is."""
        return self.address(text) if "@" in text else text

    def anything(self, value: Any) -> Any:  # noqa: ANN401 (any JSON)
        """The value with each text and number in it hashed; booleans and null stay, and names unless of an address."""
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


class Hidden:
    """Hashes or drops what a schema marks as personal, and what it does not know, in records of that schema.

    Made once per stream: what has no mark costs nothing.

    Args:
        properties: Schema of each property.
        keys: Names of the key properties, which are hashed even where the rest is dropped.
        salt: For the hashes.
        drop: Whether to leave null of what is neither a key nor the address of a sending account.
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
        """Change a record that has been brought into the shape of its schema, in place."""
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
    """One for all streams, so that they share what is remembered."""
    return Salted(salt)


def marks(schema: Mapping[str, Any], place: str = "") -> dict[str, Kind]:
    """Collect the marks of a schema: places, such as ``steps[].body``, and their kinds."""
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
