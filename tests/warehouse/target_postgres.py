"""The program of target-postgres; runs in its environment."""

from __future__ import annotations

from target_postgres.target import TargetPostgres

main = TargetPostgres.cli
