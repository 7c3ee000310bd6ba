"""Pages as a real browser shows them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.transform.package import ROOT
from tests.transform.writing import python

if TYPE_CHECKING:
    from pathlib import Path

BROWSER = ROOT / "tests" / "report" / "browser.py"
VIEWS = ("desktop", "phone", "print")
Seen = dict[str, dict[str, Any]]


def chromium() -> str:
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not found:
        pytest.fail("there is no Chromium: install it (Debian: apt-get install chromium), or name it in CHROMIUM")
    return found


def look(page: Path) -> Seen:
    """Return the contents of a page on a desktop, on a phone and on paper."""
    done = subprocess.run(
        [python(".venv-browser"), BROWSER, chromium(), page], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    found: Seen = json.loads(done.stdout)
    assert tuple(found) == VIEWS
    return found


def luminance(color: str) -> float:
    """Return the luminance of a colour in CSS syntax, by the formula of WCAG 2."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(color: str, behind: str) -> float:
    """Return the contrast of two colours, by the formula of WCAG 2."""
    low, high = sorted((luminance(color), luminance(behind)))
    return (high + 0.05) / (low + 0.05)


def assert_readable(view: dict[str, Any], page: Path) -> None:
    """Check that a page fits its view, has accessible names and the contrast of WCAG, and loads nothing else."""
    assert view["overflow"] <= 0
    assert view["errors"] == []
    assert view["requests"] == [page.as_uri()]
    assert (view["language"], view["unnamed"]) == ("en", 0)
    assert [pair for pair in view["colors"] if contrast(*pair) < 4.5] == []
