"""Areas of the API: one as the README adds it, and one that is refused."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import sandbox
from sandbox import SandboxConfig, areas
from sandbox.world import World

README = Path(sandbox.__file__).with_name("README.md").read_text(encoding="utf-8")
FILES = re.findall(r'^```\w+ title="sandbox/areas/([^"]+)"\n(.*?)^```$', README, re.DOTALL | re.MULTILINE)
IMPORTS = """
from sandbox.api import changes, get, resource, update
from sandbox.clock import DAY_MS
from sandbox.lists import Listing
from sandbox.records import Data
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(areas, "__path__", [str(tmp_path)])
    yield tmp_path
    sys.modules.pop("sandbox.areas.notes", None)


def test_documented_area_has_records_endpoints_and_changes(folder):
    for name, text in FILES:
        (folder / name).write_text(
            f"from __future__ import annotations\n{IMPORTS}{text}" if name.endswith(".py") else text, encoding="utf-8"
        )
    area = areas._area("notes")
    assert [(one.path, one.scope) for one in area.endpoints] == [
        ("/notes", "notes:read"),
        ("/notes/{key}", "notes:read"),
        ("/notes/{key}/uses", "notes:read"),
    ]
    world = World(SandboxConfig(leads=0, until="2026-06-30"), "main", {**areas.API.tables, **area.tables})
    rows = list(area.truth["notes"](world))
    assert len(rows) == len({row["id"] for row in rows}) == 30
    assert sum("text" in row for row in rows) == 15
    assert ({row["kind"] for row in rows}, {row["uses"] for row in rows}) == ({"call", "visit"}, set(range(1, 10)))
    assert area.mutations["rename_note"](world, id=rows[0]["id"], text="New") == {"note": {**rows[0], "text": "New"}}


def test_module_without_an_area_is_refused(folder):
    (folder / "notes.py").write_text("AREAS = ()\n", encoding="utf-8")
    with pytest.raises(TypeError, match=r"sandbox\.areas\.notes has no AREA"):
        areas._area("notes")
