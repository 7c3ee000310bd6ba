"""What CONTRIBUTING.md says of adding a stream is done in a copy of the project, and the stream is read there."""

from __future__ import annotations

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
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".*_cache", ".meltano", "__pycache__", "build", "dist", "output")


def added(text: str, change: str) -> str:
    """The text with the lines of a change that have a plus where its other lines are, of which there is one place."""
    lines = [(line[:1], line[1:]) for line in change.splitlines(keepends=True)]
    before = "".join(line for mark, line in lines if mark != "+")
    assert text.count(before) == 1, f"there is no one place for this:\n{change}"
    return text.replace(before, "".join(line for _, line in lines))


@pytest.fixture
def copy() -> Iterator[Path]:
    """The project with the stream that the page adds."""
    # Not in pytest's folders, where keys of the sandbox are looked for, which the tests and the sandbox name.
    with tempfile.TemporaryDirectory(prefix="contributing-") as name:
        shutil.copytree(".", folder := Path(name, "project"), ignore=LEFT_OUT)
        add_the_stream(folder)
        yield folder


def add_the_stream(folder: Path) -> None:
    blocks = BLOCK.findall(PAGE)
    assert {"json", "python", "diff"} == {language for language, _, _ in blocks}
    for language, name, text in blocks:
        path = folder / name
        assert path.exists() == (language == "diff"), name
        path.write_text(added(path.read_text(encoding="utf-8"), text) if language == "diff" else text, encoding="utf-8")


def test_a_stream_that_is_added_as_the_page_says_is_read_and_held_against_the_sandbox(copy: Path) -> None:
    def python(*arguments: str) -> str:
        # The interpreter looks into the working directory first, and so finds the copy before the project.
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
    assert "test_a_stream_holds_exactly_what_the_api_has[snippets] PASSED" in printed
    assert "test_the_next_run_goes_on_from_the_state[snippets] PASSED" in printed
    assert "test_every_stream_is_in_the_list_under_the_endpoint_that_it_reads PASSED" in printed
