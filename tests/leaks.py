"""Looks for the sandbox's keys in whatever a test run writes, and fails the test that wrote one.

Seen are each test's captured output and log, what processes that it ran wrote, and the files that it left. A plugin of
pytest, named in conftest.py.
"""

from __future__ import annotations

import re
import subprocess
from functools import wraps
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

KEYS = re.compile(r"sandbox-key-|not-a-real-key-|sandbox%2Dkey%2D|c2FuZGJveC1rZXkt|NhbmRib3gta2V5L|zYW5kYm94LWtleS")
"""Keys of the sandbox, those that its list of API keys holds, and both of what quoting and base64 make of the first."""

MAY_HOLD_KEYS = ("config*.json", "sdk.json", "floor.json", "log", ".env")
"""Files by which tests give keys to what they run (the benchmarks' peers too), and what the sandbox prints."""

MAY_PRINT_KEYS = ("sandbox",)
"""Modules that print their keys, since somebody has to learn them."""

_found: list[str] = []


def _look(text: object, where: str) -> None:
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if isinstance(text, str) and (match := KEYS.search(text)):
        _found.append(f"{where} holds a key: ...{text[max(0, match.start() - 60) : match.end()]}")


def _prints_keys(arguments: object) -> bool:
    command = [str(part) for part in arguments] if isinstance(arguments, (list, tuple)) else []
    return any(before == "-m" and module in MAY_PRINT_KEYS for before, module in pairwise(command))


def _watched(communicate: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(communicate)
    def watched(process: subprocess.Popen[Any], *arguments: Any, **settings: Any) -> Any:
        streams = communicate(process, *arguments, **settings)
        if not _prints_keys(process.args):
            for name, written in zip(("standard output", "standard error"), streams, strict=True):
                _look(written, f"{name} of a process")
        return streams

    return watched


@pytest.fixture(scope="session", autouse=True)
def _watch_processes() -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "communicate", _watched(subprocess.Popen.communicate))
        yield


def _look_through(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and not any(map(path.match, MAY_HOLD_KEYS)):
            _look(path.read_bytes(), f"the file {path.name}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that wrote a key."""
    report = yield
    if "pytester" in getattr(item, "fixturenames", ()):  # runs this plugin on tests that write keys
        _found.clear()
    elif report.when == "teardown":
        for title, content in report.sections:
            _look(content, title)
        folder = getattr(item, "funcargs", {}).get("tmp_path")
        if folder is not None:
            _look_through(folder)
    if _found:
        report.outcome, report.longrepr = "failed", "\n".join(_found)
        _found.clear()
    return report
