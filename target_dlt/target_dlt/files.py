"""Parquet files that are written anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table], schema: pa.Schema | None = None) -> None:
    """Write a file anew, one row group in memory at a time.

    Args:
        path: The file.
        change: Returns what takes the place of a row group; called for one after the other.
        schema: Schema of the new file; that of the old one if there is none.
    """
    before = path.rename(path.with_suffix(".before"))
    with (
        pq.ParquetFile(before) as file,
        pq.ParquetWriter(path, schema or file.schema_arrow, store_schema=True) as writer,
    ):
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            writer.write_table(change(table), row_group_size=max(len(table), 1))
    before.unlink()
