"""Follow CONTRIBUTING.md in a copy of the project to add a stream, and read that stream."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path("CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCK = re.compile(r'^```(\w+) title="([^"]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".*_cache", ".meltano", "build", "dist", "output")


def added(text: str, change: str) -> str:
    """Apply a diff to a text: insert its added lines where its context occurs, which must be exactly once."""
    lines = [(line[:1], line[1:]) for line in change.splitlines(keepends=True)]
    before = "".join(line for mark, line in lines if mark != "+")
    assert text.count(before) == 1, f"there is no one place for this:\n{change}"
    return text.replace(before, "".join(line for _, line in lines))


def changed() -> dict[str, str]:
    """Return the files that the page adds or changes, by name."""
    files: dict[str, str] = {}
    for language, name, text in BLOCK.findall(PAGE):
        path = Path(name)
        assert path.exists() == (language == "diff"), name
        files[name] = added(files.get(name) or path.read_text(encoding="utf-8"), text) if path.exists() else text
    return files


@pytest.fixture
def copy() -> Iterator[Path]:
    """A copy of the project with the stream that the page adds."""
    # Not in pytest's folders: these are searched for sandbox keys, and the copied tests contain some.
    with tempfile.TemporaryDirectory(prefix="contributing-") as name:
        shutil.copytree(".", folder := Path(name, "project"), ignore=LEFT_OUT)
        for path, text in changed().items():
            (folder / path).write_text(text, encoding="utf-8")
        yield folder


def test_documented_changes_fit_the_files() -> None:
    files = changed()
    for name, text in files.items():
        ast.parse(text) if name.endswith(".py") else json.loads(text)
    assert {Path(name).suffix for name in files if not Path(name).exists()} == {".json", ".py"}


@pytest.mark.long
def test_documented_steps_to_add_a_stream_work(copy: Path) -> None:
    def python(*arguments: str) -> str:
        # Python searches the working directory first, and so finds the copy before the project.
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", *arguments]
        run = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
        return run.stdout

    python("ruff", "check", "tap_instantly/streams", "sandbox/areas")
    python("tools.tables")
    assert "| `snippets` | `id` |" in (copy / "docs" / "streams.md").read_text(encoding="utf-8")
    named = PAGE.partition(".venv/bin/pytest tests/streams/test_catalogue.py")[2].split("\n")[0].split()
    chosen = "snippets or every_stream or there_is_a_schema or known_of_the_api or tables_of_the_documents"
    printed = python("pytest", "-p", "no:cacheprovider", "-v", "-k", chosen, "tests/streams/test_catalogue.py", *named)
    assert "test_stream_holds_exactly_the_records_of_the_api[snippets] PASSED" in printed
    assert "test_next_run_resumes_from_the_state[snippets] PASSED" in printed
    assert "test_every_stream_is_in_the_list_under_the_endpoint_that_it_reads PASSED" in printed
