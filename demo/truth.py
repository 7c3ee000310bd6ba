"""What the API holds, as rows of the tables that a pipeline has to make of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import requests

from demo.tables import UNKNOWN_FIELDS, WORKSPACE_ID, Key, Row, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from sandbox.control import Control

UNATTRIBUTED = "unknown"
"""What the tap writes for a step or variant that the API does not know, since null can be part of no key."""


class Truth:
    """The workspace of a running sandbox.

    Args:
        control: Its control plane.
        api_url: Base address of the API.
        api_key: Key for the API.
    """

    def __init__(self, control: Control, api_url: str, api_key: str) -> None:
        self._control = control
        self._api_url = api_url
        self._api_key = api_key
        self.workspace_id: str = next(control.truth("workspace"))["id"]

    def rows(self, table: Table) -> Iterator[Row]:
        """Give the rows of a table as the API has them, with the id of the workspace."""
        special = {
            "accounts": self._accounts,
            "campaign_analytics_overview": self._overviews,
            "campaign_analytics_steps": self._steps,
        }
        rows = special[table.name]() if table.name in special else self._control.truth(table.name)
        for row in rows:
            row[WORKSPACE_ID] = self.workspace_id
            yield row

    def _steps(self) -> Iterator[Row]:
        for row in self._control.truth("campaign_analytics_steps_with_opportunities"):
            yield row | {name: UNATTRIBUTED for name in ("step", "variant") if row[name] is None}

    def _accounts(self) -> Iterator[Row]:
        """Give the accounts with their tags, which lists show on demand only and so the control plane does not."""
        tags: dict[str, Row] = {}
        with self._api() as ask:
            query = {"include_tags": "true", "limit": "100"}
            while True:
                page = ask("/accounts", **query)
                tags |= {row["email"]: {"tags": row["tags"]} for row in page["items"]}
                if not page.get("next_starting_after"):
                    break
                query["starting_after"] = page["next_starting_after"]
        for row in self._control.truth("accounts"):
            yield row | tags[row["email"]]

    def _overviews(self) -> Iterator[Row]:
        """Give the overviews, which the control plane lacks: each is an answer about one campaign."""
        with self._api() as ask:
            for campaign in self._control.truth("campaign_analytics"):
                found = ask("/campaigns/analytics/overview", id=campaign["campaign_id"])
                yield {**found, "campaign_id": campaign["campaign_id"]}

    @contextmanager
    def _api(self) -> Iterator[Callable[..., Row]]:
        """Ask the API itself."""
        with requests.Session() as session:
            # Proxies are for the world outside.
            session.trust_env = False
            session.headers.update({"Authorization": f"Bearer {self._api_key}", "User-Agent": "tap-instantly demo"})

            def ask(path: str, **query: str) -> Row:
                answer = session.get(f"{self._api_url}{path}", params=query, timeout=60)
                answer.raise_for_status()
                row: Row = answer.json()
                return row

            yield ask

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
