"""Records, state and log of a run contain no personal text: all streams, every way to set it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tap_instantly.settings import DROP, HASH, KEEP
from tests.personal.conftest import SALT
from tests.personal.texts import ADDRESS, found_in, leaves
from tests.support import catalog_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.forking import Forks


def run(forks: Forks, folder: Path, *arguments: str, **variables: str) -> tuple[str, str]:
    """Run the program at log level DEBUG and return its output and log."""
    environment = {**clean_environment(), "TAP_INSTANTLY_LOGLEVEL": "DEBUG", **variables}
    done = forks.run(*arguments, environment=environment, folder=folder)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, done.stderr


def look(written: tuple[str, str], personal: set[str], *, in_clear: bool) -> None:
    """Search for personal texts; expect many in records, or none."""
    output, log = written
    messages = [json.loads(line) for line in output.splitlines()]
    # Each text once, and without schemas: their descriptions use such words too.
    texts = {text for one in messages if one["type"] == "RECORD" for _, text in leaves(one["record"], "")}
    others = [
        log,
        *(json.dumps(one, ensure_ascii=False) for one in messages if one["type"] not in {"RECORD", "SCHEMA"}),
    ]
    assert found_in("\n".join(others), personal) == []
    assert [line for line in others if "@" in line and ADDRESS.search(line)] == []
    assert SALT not in output + log
    found = found_in("\n".join(texts), personal)
    if in_clear:
        assert len(found) > len(personal) // 2
    else:
        assert found == []


@pytest.mark.parametrize(
    ("choice", "source"),
    [(KEEP, "file"), (HASH, "environment"), pytest.param(DROP, "file", marks=pytest.mark.long)],
    ids=str,
)
def test_full_run_writes_no_personal_text(
    settings: dict[str, Any], personal: set[str], forks: Forks, tmp_path: Path, choice: str, source: str
) -> None:
    given = {**settings, "personal_data": choice} | ({} if choice == KEEP else {"personal_data_salt": SALT})
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    catalog.write_text(json.dumps(catalog_of(settings)), encoding="utf-8")
    variables = {}
    if source == "file":
        config.write_text(json.dumps(given), encoding="utf-8")
    else:
        variables = {f"TAP_INSTANTLY_{name.upper()}": str(value) for name, value in given.items()}
    written = run(
        forks, tmp_path, f"--config={config if source == 'file' else 'ENV'}", f"--catalog={catalog}", **variables
    )
    look(written, personal, in_clear=choice == KEEP)


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(("TAP_INST", "NO_PR"))}
