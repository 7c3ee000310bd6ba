"""Tables that the pipeline fills. Their columns come from `schemas/`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

import yaml

from tools.demo.errors import DemoError
from tools.demo.paths import PIPELINE, SCHEMAS

UNKNOWN_FIELDS = "unknown_fields"
WORKSPACE_ID = "workspace_id"
WORKSPACE_NAME = "workspace_name"

Row = dict[str, Any]
Key = tuple[Any, ...]


class Kind(Enum):
    """Kind of a column, with the DuckDB types that can hold it."""

    TEXT = ("VARCHAR",)
    TIMESTAMP = ("TIMESTAMP",)
    DATE = ("DATE",)
    INTEGER = ("BIGINT",)
    NUMBER = ("DOUBLE",)
    BOOLEAN = ("BOOLEAN",)
    JSON = ("JSON",)


FORMATS = {"date-time": Kind.TIMESTAMP, "date": Kind.DATE}


def kind_of(schema: Row) -> Kind:
    """Return the kind of column for the schema of a property."""
    declared = schema["type"]
    types = {declared} if isinstance(declared, str) else set(declared)
    if types & {"object", "array"}:
        return Kind.JSON
    if "format" in schema:
        return FORMATS.get(schema["format"], Kind.TEXT)
    kinds = {"number": Kind.NUMBER, "integer": Kind.INTEGER, "boolean": Kind.BOOLEAN}
    return next((kind for name, kind in kinds.items() if name in types), Kind.TEXT)


@dataclass(frozen=True)
class Table:
    """A table."""

    name: str  # name of the table, its stream, its schema and the sandbox's resource
    keys: tuple[str, ...]  # key columns
    replication_key: str | None = None

    @cached_property
    def columns(self) -> dict[str, Kind]:
        """The columns by name, as the schema declares them."""
        schema = json.loads((SCHEMAS / f"{self.name}.json").read_text(encoding="utf-8"))
        return {name: kind_of(column) for name, column in sorted(schema["properties"].items())}

    def key_of(self, row: Row) -> Key:
        """Return the key of a row."""
        return tuple(row[name] for name in self.keys)


TABLES = (
    Table("account_analytics_daily", (WORKSPACE_ID, "email_account", "date"), "date"),
    Table("account_warmup", (WORKSPACE_ID, "email")),
    Table("account_warmup_daily", (WORKSPACE_ID, "email", "date")),
    Table("accounts", (WORKSPACE_ID, "email"), "timestamp_updated"),
    Table("campaign_analytics", ("campaign_id",)),
    Table("campaign_analytics_daily", ("campaign_id", "date"), "date"),
    Table("campaign_analytics_overview", ("campaign_id",)),
    Table("campaign_analytics_steps", ("campaign_id", "step", "variant")),
    Table("campaign_steps", ("campaign_id", "step")),
    Table("campaign_variants", ("campaign_id", "step", "variant")),
    Table("campaigns", ("id",), "timestamp_updated"),
    Table("custom_tags", ("id",), "timestamp_updated"),
    Table("lead_labels", ("id",)),
    Table("lead_list_verification_stats", ("list_id",)),
    Table("lead_lists", ("id",)),
    Table("leads", ("id",), "timestamp_updated"),
    Table("subsequence_analytics", ("subsequence_id",)),
    Table("subsequence_analytics_steps", ("subsequence_id", "step", "variant")),
    Table("subsequences", ("id",)),
    Table("workspace_members", ("id",)),
    Table("workspaces", ("id",)),
)


def check_that_none_is_forgotten() -> None:
    """Check that every stream of the pipeline has a table here, so that none goes unchecked.

    Raises:
        DemoError: The streams that `meltano.yml` selects are not the tables listed here.
    """
    extractors = yaml.safe_load(PIPELINE.read_text(encoding="utf-8"))["plugins"]["extractors"]
    extractor = next(each for each in extractors if each["name"] == "tap-instantly")
    selected, known = {str(rule).partition(".")[0] for rule in extractor["select"]}, {table.name for table in TABLES}
    if selected != known:
        names = ", ".join(sorted(selected ^ known))
        message = f"meltano.yml and tools/demo/tables.py name different streams ({names}): update tools/demo/tables.py"
        raise DemoError(message)
