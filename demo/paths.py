"""Where things are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "schemas"
PIPELINE = ROOT / "meltano.yml"
TRANSFORM = ROOT / "transform"


def short(path: Path) -> str:
    """Give a path as one would type it in the project's folder."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
