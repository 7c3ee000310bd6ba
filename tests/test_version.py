"""Sources of the version."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

import tap_instantly

if TYPE_CHECKING:
    from pathlib import Path


GIT = shutil.which("git")


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "tag.gpgsign=false")
    subprocess.run([str(GIT), *who, *arguments], cwd=folder, check=True, capture_output=True)


def built(folder: Path) -> str:
    """Return the version of a build."""
    command = [sys.executable, "-m", "hatchling", "version"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of a build's inputs, outside of git."""
    (tmp_path / "tools").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "tools/readme.py"):
        shutil.copy(name, tmp_path / name)
    return tmp_path


def test_source_files_without_git_can_be_built(tree: Path) -> None:
    assert built(tree) == "1.0.dev0"


@pytest.mark.skipif(GIT is None, reason="there is no git")
def test_clone_is_versioned_by_its_tag_or_as_next_dev_release(tree: Path) -> None:
    git(tree, "init", "--quiet")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "-m", "one")
    assert built(tree) == "1.0.dev1"  # no tag yet
    git(tree, "tag", "-m", "v1.2.3", "v1.2.3")
    assert built(tree) == "1.2.3"
    git(tree, "commit", "--quiet", "--allow-empty", "-m", "two")
    assert built(tree) == "1.2.4.dev1"


def test_package_reports_its_installed_version() -> None:
    assert tap_instantly.__version__ == metadata.version("tap-instantly")
