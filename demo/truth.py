"""What the API holds, as rows of the tables that a pipeline has to make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo.tables import UNKNOWN_FIELDS, WORKSPACE_ID, WORKSPACE_NAME, Key, Row, Table
from demo.texts import carried

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sandbox.control import Control

NAMES = {
    "account_warmup": "warmup_analytics",
    "account_warmup_daily": "warmup_analytics_daily",
    "accounts": "accounts_with_tags",
    "campaign_analytics_steps": "campaign_analytics_steps_with_opportunities",
    "lead_list_verification_stats": "verification_stats",
    "workspaces": "workspace",
}
"""What the sandbox calls rows by another name than the tap."""

FORGOTTEN_BY_THE_API = frozenset({"account_warmup_daily"})
"""Tables that keep what the API no longer tells: of warm-up it has the last seven days alone."""

UNATTRIBUTED = "unknown"
"""What the tap writes for a step, variant or account that the API does not know, since null can be part of no key."""


class Truth:
    """The workspace of a running sandbox.

    Args:
        control: Its control plane.
        name: What the settings of the tap call it, if anything.
    """

    def __init__(self, control: Control, name: str | None = None) -> None:
        self._control = control
        self._history: dict[Key, Row] = {}
        workspace = next(control.truth("workspace"))
        self.workspace_id: str = workspace["id"]
        self.workspace_name: str | None = name or workspace.get("name")

    def rows(self, table: Table) -> Iterator[Row]:
        """Give the rows of a table as the API has them, with what the tap adds to be able to name them."""
        for row in self._source(table.name):
            if table.name.endswith("_analytics_steps"):
                row |= {name: UNATTRIBUTED for name in ("step", "variant") if row[name] is None}
            if row.get("email_account") == "":
                row["email_account"] = UNATTRIBUTED
            row |= {WORKSPACE_ID: self.workspace_id, WORKSPACE_NAME: self.workspace_name}
            yield row

    def _source(self, name: str) -> Iterator[Row]:
        if name == "campaign_steps":
            return (_without(step, "variants") | {"variant_count": len(step["variants"])} for step in self._steps())
        if name == "campaign_variants":
            return (
                variant | {"campaign_id": step["campaign_id"], "step": step["step"], "variant": str(number)}
                for step in self._steps()
                for number, variant in enumerate(step["variants"])
            )
        return self._control.truth(NAMES.get(name, name))

    def _steps(self) -> Iterator[Row]:
        """Give the steps of each campaign's first sequence, which is the one that counts."""
        for campaign in self._control.truth("campaigns"):
            for sequence in campaign.get("sequences", [])[:1]:
                for number, step in enumerate(sequence["steps"], start=1):
                    yield step | {"campaign_id": campaign["id"], "step": str(number)}

    def expected(
        self, table: Table, added_fields: Collection[str] = (), carriers: Collection[Key] = ()
    ) -> Iterator[Row]:
        """Give the rows that the table has to hold.

        Args:
            table: Which.
            added_fields: Fields that no schema knows and that were added to the API on purpose.
            carriers: Keys of the rows that were read since then: only these can carry them.
        """
        current = set()
        for row in self.rows(table):
            added = {name: row.pop(name) for name in added_fields if name in row}
            held, moved = carried(row)
            held[UNKNOWN_FIELDS] = {**moved, **(added if table.key_of(row) in carriers else {})} or None
            yield held
            if table.name in FORGOTTEN_BY_THE_API:
                current.add(table.key_of(held))
                self._history[table.key_of(held)] = held
        if table.name in FORGOTTEN_BY_THE_API:
            yield from (row for key, row in self._history.items() if key not in current)


def _without(row: Row, name: str) -> Row:
    return {key: value for key, value in row.items() if key != name}
