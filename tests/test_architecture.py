"""The walls between the parts of the project: who may import whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest


def imports(path: Path) -> set[str]:
    """Every module that a file imports, also for type checking alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


WALLS = [
    ("tap_instantly/api", ("tap_instantly.streams", "tap_instantly.tap", "singer_sdk.streams", "singer_sdk.Stream")),
    (
        "tap_instantly/streams",
        ("tap_instantly.tap", "requests.Session", "tap_instantly.api.client", "singer_sdk.streams.core"),
    ),
    ("tap_instantly/singer", ("tap_instantly.api", "tap_instantly.streams", "tap_instantly.tap")),
    ("sandbox", ("tap_instantly",)),
    ("target_dlt/target_dlt", ("tap_instantly", "sandbox", "demo")),
    ("demo", ("tap_instantly",)),
    ("benchmarks", ("tap_instantly",)),
    ("report", ("tap_instantly", "sandbox", "demo")),
]


@pytest.mark.parametrize(("folder", "forbidden"), WALLS)
def test_walls_stand(folder: str, forbidden: tuple[str, ...]) -> None:
    for path in Path(folder).rglob("*.py"):
        crossed = {name for name in imports(path) for wall in forbidden if name == wall or name.startswith(f"{wall}.")}
        assert not crossed, path


def test_streams_never_sleep() -> None:
    for path in Path("tap_instantly/streams").rglob("*.py"):
        assert "sleep" not in path.read_text(encoding="utf-8"), path


def test_modules_stay_a_comfortable_read() -> None:
    folders = ("tap_instantly", "target_dlt/target_dlt", "sandbox", "demo", "benchmarks", "report")
    files = [path for folder in folders for path in Path(folder).rglob("*.py")]
    assert {str(path): n for path in files if (n := len(path.read_text(encoding="utf-8").splitlines())) > 300} == {}
