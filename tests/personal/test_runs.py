"""No personal text is in what a run writes, wherever it was told so: records, state and log, all streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tap_instantly.settings import DROP, HASH, KEEP
from tests.personal.conftest import SALT
from tests.personal.texts import ADDRESS, found_in, leaves
from tests.support import catalog_of

ROOT = Path(__file__).parents[2]


def run(folder: Path, *arguments: str, **variables: str) -> tuple[str, str]:
    """Run the program at the level DEBUG, and give its output and its log."""
    done = subprocess.run(
        [sys.executable, "-m", "tap_instantly", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=folder,
        env={**clean_environment(), "PYTHONPATH": str(ROOT), "TAP_INSTANTLY_LOGLEVEL": "DEBUG", **variables},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, done.stderr


def look(written: tuple[str, str], personal: set[str], *, in_clear: bool) -> None:
    """Look for personal texts; in records there have to be many, or none."""
    output, log = written
    messages = [json.loads(line) for line in output.splitlines()]
    # Each text once; and without schemas, which have descriptions, and those words of any kind.
    texts = {text for one in messages if one["type"] == "RECORD" for _, text in leaves(one["record"], "")}
    others = [
        log,
        *(json.dumps(one, ensure_ascii=False) for one in messages if one["type"] not in {"RECORD", "SCHEMA"}),
    ]
    assert found_in("\n".join(others), personal) == []
    assert [line for line in others if ADDRESS.search(line)] == []
    assert SALT not in output + log
    found = found_in("\n".join(texts), personal)
    if in_clear:
        assert len(found) > len(personal) // 2
    else:
        assert found == []


@pytest.mark.parametrize("choice", [KEEP, HASH, DROP])
def test_no_personal_text_is_in_what_a_run_of_all_streams_writes(
    settings: dict[str, Any], personal: set[str], tmp_path: Path, choice: str
) -> None:
    salt = {} if choice == KEEP else {"personal_data_salt": SALT}
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps({**settings, "personal_data": choice, **salt}), encoding="utf-8")
    catalog.write_text(json.dumps(catalog_of(settings)), encoding="utf-8")
    written = run(tmp_path, f"--config={config}", f"--catalog={catalog}")
    look(written, personal, in_clear=choice == KEEP)


@pytest.mark.parametrize("choice", [HASH, DROP])
def test_the_same_by_variables_of_the_environment(
    settings: dict[str, Any], personal: set[str], tmp_path: Path, choice: str
) -> None:
    given = {**settings, "personal_data": choice, "personal_data_salt": SALT}
    written = run(tmp_path, "--config=ENV", **{f"TAP_INSTANTLY_{name.upper()}": text for name, text in given.items()})
    look(written, personal, in_clear=False)


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(("TAP_INST", "NO_PR"))}
