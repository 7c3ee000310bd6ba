"""Prints the section of CHANGELOG.md on a release; run by `make release-notes RELEASE=v1.2.3`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).parent.parent / "CHANGELOG.md"


def notes(version: str, changelog: str) -> str:
    """Return the section on ``version``, with or without a ``v``, of a changelog in the form of Keep a Changelog.

    Raises:
        ValueError: There is none, or it is empty.
    """
    heading = rf"^## \[{re.escape(version.removeprefix('v'))}\] - \d{{4}}-\d\d-\d\d$"
    found = re.search(heading + r"\n(.*?)(?=^## |^\[[^\]]+\]: |\Z)", changelog, flags=re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        message = f"CHANGELOG.md says nothing of {version}: give what is under [Unreleased] its version and day"
        raise ValueError(message)
    return found[1].strip() + "\n"


if __name__ == "__main__":
    try:
        sys.stdout.write(notes(sys.argv[1], CHANGELOG.read_text(encoding="utf-8")))
    except ValueError as error:
        sys.exit(str(error))
