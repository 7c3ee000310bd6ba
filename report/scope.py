"""Workspaces in the marts: all of them, or one that the user names."""

from __future__ import annotations

import difflib
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from report.database import Database, Row
from report.errors import ReportError
from report.trust import FRESHNESS

UNNAMED = "Unnamed workspace"
LISTED = 5
"""Maximum number of workspaces in a message."""

LONGEST_STEM = 40
"""Maximum characters of a workspace's name in the name of its file."""

_MART = re.compile(r"\{marts\}\.(\w+)( as \w+)?")


@dataclass(frozen=True)
class Scope:
    """The part of the marts that a page is about."""

    schema: str  # schema of the marts, as SQL
    workspace: str | None = None  # the workspace's ID; None for all

    def query(self, template: str, **values: str) -> str:
        """Fill in a query that names each mart as ``{marts}.name``, so that it reads these workspaces only."""
        if self.workspace is not None:
            template = _MART.sub(self._part, template)
            values["workspace"] = "'{}'".format(self.workspace.replace("'", "''"))
        return template.format(marts=self.schema, **values)

    @staticmethod
    def _part(found: re.Match[str]) -> str:
        alias = found[2] or f" as {found[1]}"
        return f"(select * from {{marts}}.{found[1]} where workspace_id = {{workspace}}){alias}"  # noqa: S608 - a template


def workspaces(database: Database, schema: str) -> list[Row]:
    """Return the workspaces, by name.

    Raises:
        ReportError: The marts are missing.
    """
    return database.rows(Scope(database.qualified(schema)).query(FRESHNESS))


def id_of(workspace: Row) -> str:
    """Return the ID of a workspace; never None, which would mean all of them."""
    return str(workspace["workspace_id"] or "")


def name_of(workspace: Row) -> str:
    """Return the name of a workspace."""
    return str(workspace["workspace_name"] or UNNAMED)


def chosen(found: Sequence[Row], name: str | None) -> Row:
    """Return the workspace of this name or ID, or the only one if none is given.

    Raises:
        ReportError: None has that name, or several have. The message does not repeat it, as it may be a misplaced
            address.
    """
    if name is None:
        if len(found) == 1:
            return found[0]
        message = f"choose a workspace with --workspace, or write all with --overview; there are {_listed(found)}"
        raise ReportError(message)
    for test in (str, str.casefold):
        alike = [row for row in found if test(name) in {test(id_of(row)), test(name_of(row))}]
        if len(alike) == 1:
            return alike[0]
        if alike:
            ids = ", ".join(repr(id_of(row)) for row in alike)
            message = f"{len(alike)} workspaces have the name that --workspace gives: give an ID instead, of {ids}"
            raise ReportError(message)
    names = {name_of(row).casefold(): name_of(row) for row in found}
    close = difflib.get_close_matches(name.casefold(), names, n=1)
    hint = f"did you mean {names[close[0]]!r}?" if close else f"there are {_listed(found)}"
    message = f"no workspace has the name that --workspace gives; {hint}"
    raise ReportError(message)


def _listed(found: Sequence[Row]) -> str:
    more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
    return (", ".join(repr(name_of(row)) for row in found[:LISTED]) or "none") + more


def file_of(workspace: Row) -> str:
    """Return the name of a workspace's file: letters of its name, and a digest of its ID, which no other has."""
    plain = unicodedata.normalize("NFKD", name_of(workspace)).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_STEM].rstrip("-") or "workspace"
    digest = hashlib.sha256(id_of(workspace).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{stem}-{digest[:12]}.html"
