"""What the API holds, as rows of the tables that a pipeline has to make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo.tables import UNKNOWN_FIELDS, WORKSPACE_ID, Key, Row, Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sandbox.control import Control

NAMES = {
    "accounts": "accounts_with_tags",
    "campaign_analytics_steps": "campaign_analytics_steps_with_opportunities",
}
"""What the sandbox calls rows that the API completes on demand, which the tap makes."""

UNATTRIBUTED = "unknown"
"""What the tap writes for a step or variant that the API does not know, since null can be part of no key."""


class Truth:
    """The workspace of a running sandbox.

    Args:
        control: Its control plane.
    """

    def __init__(self, control: Control) -> None:
        self._control = control
        self.workspace_id: str = next(control.truth("workspace"))["id"]

    def rows(self, table: Table) -> Iterator[Row]:
        """Give the rows of a table as the API has them, with what the tap adds to be able to name them."""
        for row in self._control.truth(NAMES.get(table.name, table.name)):
            if table.name == "campaign_analytics_steps":
                row |= {name: UNATTRIBUTED for name in ("step", "variant") if row[name] is None}
            row[WORKSPACE_ID] = self.workspace_id
            yield row

    def expected(
        self, table: Table, added_fields: Collection[str] = (), carriers: Collection[Key] = ()
    ) -> Iterator[Row]:
        """Give the rows that the table has to hold.

        Args:
            table: Which.
            added_fields: Fields that no schema knows and that were added to the API on purpose.
            carriers: Keys of the rows that were read since then: only these can carry them.
        """
        for row in self.rows(table):
            added = {name: row.pop(name) for name in added_fields if name in row}
            row[UNKNOWN_FIELDS] = added if added and table.key_of(row) in carriers else None
            yield row
