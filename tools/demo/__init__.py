"""Demonstrate the whole pipeline without an account: sandbox API, tap, Meltano, DuckDB.

``python -m tools.demo`` loads a generated workspace, changes it and loads it again. After each run it compares every
row and column with the API. It never imports the tap.
"""

from __future__ import annotations
