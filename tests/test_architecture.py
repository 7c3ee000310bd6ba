"""Boundaries between the parts of the project, checked by imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest


def imports(path: Path) -> set[str]:
    """Return every module that a file imports, also those for type checking only."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


WALLS = [
    (
        "tap_instantly/client",
        (
            *("tap_instantly.streams", "tap_instantly.sync", "tap_instantly.workspaces", "tap_instantly.tap"),
            *("singer_sdk.streams", "singer_sdk.Stream"),
        ),
    ),
    (
        "tap_instantly/streams",
        ("tap_instantly.tap", "requests", "backoff", "tap_instantly.client.client", "tap_instantly.client.transport"),
    ),
    (
        "tap_instantly/sync",
        ("tap_instantly.tap", "requests", "tap_instantly.streams.readers", "tap_instantly.streams.slicers"),
    ),
    ("tap_instantly/validation", ("tap_instantly.tap", "requests", "singer_sdk.streams")),
    ("sandbox", ("tap_instantly",)),
    ("target_dlt/target_dlt", ("tap_instantly", "sandbox", "tools")),
    ("tools/demo", ("tap_instantly",)),
    ("tools/benchmarks", ("tap_instantly",)),
    ("report", ("tap_instantly", "sandbox", "tools")),
    ("orchestrate/image", ("tap_instantly", "sandbox", "tools", "report", "duckdb")),
]


@pytest.mark.parametrize(("folder", "forbidden"), WALLS)
def test_forbidden_imports_are_absent(folder: str, forbidden: tuple[str, ...]) -> None:
    for path in Path(folder).rglob("*.py"):
        crossed = {name for name in imports(path) for wall in forbidden if name == wall or name.startswith(f"{wall}.")}
        assert not crossed, path


def test_modules_of_the_sandbox_do_not_import_each_other_in_circles() -> None:
    paths = {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in Path("sandbox").rglob("*.py")
    }
    waiting = {name: imports(path) & paths.keys() - {name} for name, path in paths.items()}
    while ready := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        for name in ready:
            del waiting[name]
    assert waiting == {}


def test_streams_never_sleep_and_keep_nothing_by_workspace() -> None:
    for path in Path("tap_instantly/streams").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "sleep" not in text, path
        assert not re.search(r"self\._\w+(: [^=]+)? = (\{\}|set\(\)|defaultdict)", text) or path.name in KEEPERS, path


KEEPERS = {"records.py": "fields that have had their line in the log"}
"""Stream modules that keep sets or dictionaries, and their contents."""


def test_members_of_classes_on_the_page_exist() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in Path("tap_instantly").rglob("*.py")]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    members = {
        (kind.name, node.name if isinstance(node, ast.FunctionDef) else ast.unparse(node).partition(":")[0])
        for kind in classes
        for node in kind.body
    }
    page = Path("docs/architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b([A-Z][a-z]\w*)\.(\w+)", page))
    assert len(named) > 15
    assert {(kind, name) for kind, name in named - members if kind not in {"Stream", "Tap"}} == set()


def test_modules_have_at_most_300_lines() -> None:
    folders = (
        "tap_instantly",
        "target_dlt/target_dlt",
        "sandbox",
        "tools/demo",
        "tools/benchmarks",
        "report",
        "orchestrate",
    )
    files = [path for folder in folders for path in Path(folder).rglob("*.py")]
    assert {str(path): n for path in files if (n := len(path.read_text(encoding="utf-8").splitlines())) > 300} == {}
