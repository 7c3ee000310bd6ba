"""The whole pipeline at work, without an account: sandbox API, tap, Meltano, DuckDB.

``python -m demo`` loads a made-up workspace, changes it, loads it again, and after each run compares every row
and every column with what the API holds. It looks at the tap from outside only: it never imports it.
"""

from __future__ import annotations
