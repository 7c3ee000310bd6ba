"""Fail each test that writes one of the sandbox's keys.

Checks captured output and log, the tap's messages, the output of child processes, and the files that a test leaves.
A pytest plugin, loaded by conftest.py.
"""

from __future__ import annotations

import subprocess
from functools import wraps
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.keys import found, look

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

MAY_HOLD_KEYS = ("config*.json", "log", ".env")
"""Files by which tests pass keys to programs (the benchmarks' peers too), and the sandbox's log."""

MAY_PRINT_KEYS = ("sandbox",)
"""Modules that print their keys on purpose."""


def _prints_keys(arguments: object) -> bool:
    command = [str(part) for part in arguments] if isinstance(arguments, (list, tuple)) else []
    return any(before == "-m" and module in MAY_PRINT_KEYS for before, module in pairwise(command))


def _watched(communicate: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(communicate)
    def watched(process: subprocess.Popen[Any], *arguments: Any, **settings: Any) -> Any:
        streams = communicate(process, *arguments, **settings)
        if not _prints_keys(process.args):
            for name, written in zip(("standard output", "standard error"), streams, strict=True):
                look(written, f"{name} of a process")
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
            look(path.read_bytes(), f"the file {path.name}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that wrote a key."""
    report = yield
    if "pytester" in getattr(item, "fixturenames", ()):  # runs this plugin on tests that write keys
        found.clear()
    elif report.when == "teardown":
        for title, content in report.sections:
            look(content, title)
        folder = getattr(item, "funcargs", {}).get("tmp_path")
        if folder is not None:
            _look_through(folder)
    if found:
        report.outcome, report.longrepr = "failed", "\n".join(found)
        found.clear()
    return report
