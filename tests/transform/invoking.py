"""Run dbt and write the result of each node; runs in dbt's environment.

dbt's own files hold the whole project too, and writing them takes three seconds of CPU.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner

RESULTS = "results.json"  # as in package.py, which dbt's environment cannot import


def main() -> int:
    """Run the command line, and exit as dbt does."""
    arguments = sys.argv[1:]
    done = dbtRunner().invoke([*arguments, "--no-write-json"])
    if done.exception:
        sys.stderr.write(f"{done.exception}\n")
        return 2
    if results := getattr(done.result, "results", None):
        found = {row.node.unique_id: [row.status, row.failures or 0, str(row.message)] for row in results}
        folder = Path(arguments[arguments.index("--target-path") + 1])
        (folder / RESULTS).write_text(json.dumps(found), encoding="utf-8")
    return int(not done.success)
