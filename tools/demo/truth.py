"""Expected rows of the tables, derived from the API's data."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sandbox.control import Control
from tools.demo.tables import UNKNOWN_FIELDS, WORKSPACE_ID, WORKSPACE_NAME, Key, Row, Table
from tools.demo.texts import carried

NAMES = {
    "account_warmup": "warmup_analytics",
    "account_warmup_daily": "warmup_analytics_daily",
    "accounts": "accounts_with_tags",
    "campaign_analytics_steps": "campaign_analytics_steps_with_opportunities",
    "lead_list_verification_stats": "verification_stats",
    "workspaces": "workspace",
}
"""Resource names of the sandbox that differ from the tap's."""

FORGOTTEN_BY_THE_API = frozenset({"account_warmup_daily"})
"""Tables with rows that the API no longer returns: it keeps only the last seven days of warm-up."""

UNATTRIBUTED = "unknown"
"""Value for an unknown step, variant or account, since a key cannot be null."""


class Truth:
    """The workspace of a running sandbox.

    Args:
        control: Control-plane client.
        name: The workspace's name in the tap's settings, if set.
    """

    def __init__(self, control: Control, name: str | None = None) -> None:
        self._control = control
        self._history: dict[Key, Row] = {}
        workspace = next(control.truth("workspace"))
        self.workspace_id: str = workspace["id"]
        self.workspace_name: str | None = name or workspace.get("name")

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield the API's rows of a table, with the key columns that the tap adds."""
        for row in self._source(table.name):
            if table.name.endswith("_analytics_steps"):
                row |= {name: UNATTRIBUTED for name in ("step", "variant") if row[name] is None}
            if row.get("email_account") == "":
                row["email_account"] = UNATTRIBUTED
            row |= {WORKSPACE_ID: self.workspace_id, WORKSPACE_NAME: self.workspace_name}
            yield row

    def _source(self, name: str) -> Iterator[Row]:
        if name == "campaign_steps":
            return (step | {"variant_count": len(step.pop("variants"))} for step in self._steps())
        if name == "campaign_variants":
            return (
                variant | {"campaign_id": step["campaign_id"], "step": step["step"], "variant": str(number)}
                for step in self._steps()
                for number, variant in enumerate(step["variants"])
            )
        return self._control.truth(NAMES.get(name, name))

    def _steps(self) -> Iterator[Row]:
        """Yield the steps of each campaign's first sequence, the only one that counts."""
        for campaign in self._control.truth("campaigns"):
            for sequence in campaign.get("sequences", [])[:1]:
                for number, step in enumerate(sequence["steps"], start=1):
                    yield step | {"campaign_id": campaign["id"], "step": str(number)}

    def expected(
        self, table: Table, added_fields: Collection[str] = (), carriers: Collection[Key] = ()
    ) -> Iterator[Row]:
        """Yield the rows that the table has to hold.

        Args:
            table: The table.
            added_fields: Fields that were added to the API and that no schema declares.
            carriers: Keys of the rows read since then. Only these can have the fields.
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
