"""Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def writer(path: Path, schema: pa.Schema, *, packed: bool) -> pq.ParquetWriter:
    """Create a writer for a file, compressed or not."""
    plain: dict[str, Any] = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    return pq.ParquetWriter(path, schema, store_schema=True, **({} if packed else plain))


def rewrite(
    path: Path, change: Callable[[pa.Table], pa.Table], schema: pa.Schema | None = None, *, packed: bool
) -> None:
    """Rewrite a file, with one row group in memory at a time.

    Args:
        path: The file.
        change: Returns the replacement of a row group; called in order.
        schema: Schema of the new file; None keeps the old one.
        packed: True to compress the new file.
    """
    before = path.rename(path.with_suffix(".before"))
    with pq.ParquetFile(before) as file, writer(path, schema or file.schema_arrow, packed=packed) as new:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            new.write_table(change(table), row_group_size=max(len(table), 1))
    before.unlink()
