"""Run the documents' commands as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in a language, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run(commands: str, folder: Path, *programs: Path) -> None:
    """Run commands as one script, with the tap and other folders in PATH."""
    places = [str(Path(sys.executable).parent), *map(str, programs), os.environ["PATH"]]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TAP_", "TARGET_"))}
    done = subprocess.run(
        ["/bin/bash", "-c", commands],
        cwd=folder,
        env={**clean, "PATH": os.pathsep.join(places)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-5000:]
