"""Paths of the project."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
PIPELINE = ROOT / "meltano.yml"
TRANSFORM = ROOT / "transform"


def short(path: Path) -> str:
    """Return a path relative to the project's folder."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
