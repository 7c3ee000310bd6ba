"""The dbt package compiles for BigQuery and Redshift, and a parser knows all of its SQL; no account has been used."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tap_instantly.streams import STREAMS
from tests.transform.package import ROOT, contract
from tests.transform.test_united import VARIABLES

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.dialects

PYTHON = ROOT / ".venv-dbt-dialects" / "bin" / "python"
OUTPUTS: dict[str, dict[str, Any]] = {
    "bigquery": {
        "type": "bigquery",
        "method": "oauth-secrets",
        "token": "none",
        "project": "p",
    },
    "redshift": {"type": "redshift", "host": "nowhere.invalid", "port": 1, "user": "u", "password": "p", "dbname": "d"},
}
SETTINGS = {
    "instantly__union_schemas": ["acme", "globex"],
    "instantly__streams_on": [stream.name for stream in STREAMS if stream.why_deselected is not None],
    "instantly__custom_variables": VARIABLES,
}
KNOWN = {
    "bigquery": set[str](),
    "redshift": {"json_serialize", "json_typeof"},
}
"""Functions of the database that the parser does not know."""


@pytest.mark.parametrize("target", sorted(OUTPUTS))
def test_every_query_is_valid_in_the_dialect(target: str, tmp_path: Path) -> None:
    output = {"schema": "analytics", "threads": 1, **OUTPUTS[target]}
    profiles = {"instantly": {"target": target, "outputs": {target: output}}}
    (tmp_path / "profiles.yml").write_text(json.dumps(profiles), encoding="utf-8")  # JSON is YAML
    (tmp_path / "vars.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    program = [PYTHON, ROOT / "tests" / "transform" / "compiled.py", target, tmp_path]
    done = subprocess.run(
        program, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, list[str]] = json.loads((tmp_path / "compiled.json").read_text(encoding="utf-8"))
    assert contract().keys() | {f"stg_instantly__{stream.name}" for stream in STREAMS} <= found.keys()
    unknown = {f"unknown: {name}" for name in KNOWN[target]}
    assert {name: wrong for name, said in found.items() if (wrong := {*said} - unknown)} == {}
