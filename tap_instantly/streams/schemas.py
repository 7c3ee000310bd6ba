"""Load the schemas of the streams, with and without marks of personal data."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singer_sdk.schema.source import SchemaDirectory
from typing_extensions import override

from tap_instantly.streams.personal import MARK

if TYPE_CHECKING:
    from collections.abc import Mapping


def schema_directory() -> Path:
    """Return the directory of the schemas: inside the package in a wheel, beside it in a checkout."""
    package = Path(str(resources.files("tap_instantly")))
    inside = package / "schemas"
    return inside if inside.is_dir() else package.parent / "schemas"


def unmarked(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without marks of personal data, for loaders."""
    plain = {name: part for name, part in schema.items() if name != MARK}
    if "properties" in plain:
        plain["properties"] = {name: unmarked(part) for name, part in plain["properties"].items()}
    if isinstance(plain.get("items"), dict):
        plain["items"] = unmarked(plain["items"])
    return plain


class _Unmarked(SchemaDirectory):
    @override
    def fetch_schema(self, key: str) -> dict[str, Any]:
        return unmarked(super().fetch_schema(key))


MARKED = SchemaDirectory(schema_directory())
"""Schemas with marks, as in their files."""

UNMARKED = _Unmarked(schema_directory())
"""Schemas without marks, for catalogs and loaders."""
