"""Writes pages: one page, or an agency's overview with a page for each workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from report import marts, month, page
from report.database import Database, Row
from report.errors import NoFiguresError
from report.figures import Change, Figure, Verdict, day
from report.page import filled
from report.scope import chosen, file_of, id_of, name_of, workspaces
from report.sections import Tile, tiles
from report.threads import threads


@dataclass(frozen=True)
class Request:
    """A request for pages."""

    schema: str  # schema of the marts
    days: int | None  # length of the period; None for a month
    title: str | None = None  # title of the page; the workspace's name by default


@dataclass(frozen=True)
class Page:
    """A page, with what the overview shows of it."""

    text: str
    as_of: date
    tiles: Sequence[Tile]
    waiting: Figure


@dataclass(frozen=True)
class Line:
    """A row of the overview; without a file if the workspace has no figures yet."""

    key: str
    name: str
    file: str
    as_of: str
    tiles: Sequence[Tile]
    waiting: Figure


def one(database: Database, request: Request, name: str | None = None) -> Page:
    """Return the page of the workspace with a name; without a name that of all, but months have one.

    Raises:
        ReportError: No workspace has the name, or the marts hold no figures.
    """
    if name is None and request.days is not None:
        return _page(database, request, None)
    return _page(database, request, chosen(workspaces(database, request.schema), name))


def _page(database: Database, request: Request, workspace: Row | None) -> Page:
    if request.days is None and workspace is not None:
        months = month.read(database, request.schema, workspace)
        text = month.render(months, request.title)
        return Page(text, months.as_of, months.tiles(), threads(months.talks).waiting)
    identity = id_of(workspace) if workspace else None
    found = marts.read(database, request.schema, request.days or 0, identity)
    waiting = threads(found.rows).waiting
    return Page(page.render(found, request.title), found.period.end, tiles(found), waiting)


def overview(database: Database, request: Request, folder: Path) -> list[Line]:
    """Write a page for each workspace into a folder, and then its index.

    Raises:
        ReportError: No workspace has figures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [_line(database, request, folder, workspace) for workspace in workspaces(database, request.schema)]
    shown = next((line.tiles for line in lines if line.file), None)
    if shown is None:
        message = f"the marts in the schema {request.schema} hold no figures yet; was anything sent and loaded?"
        raise NoFiguresError(message)
    text = filled(
        "overview.html",
        title=request.title or f"{len(lines)} workspace{'s' if len(lines) > 1 else ''}",
        period="the last whole month" if request.days is None else f"{request.days} days",
        columns=[tile.title for tile in shown],
        lines=lines,
    )
    (folder / "index.html").write_text(text, encoding="utf-8")
    return lines


def _line(database: Database, request: Request, folder: Path, workspace: Row) -> Line:
    key = f"workspace.{id_of(workspace)}"
    name, file = name_of(workspace), file_of(workspace)
    try:
        made = _page(database, replace(request, title=None), workspace)
    except NoFiguresError:
        return Line(key, name, "", "", (), Figure(f"{key}.waiting", None))
    (folder / file).write_text(made.text, encoding="utf-8")
    own = [
        replace(
            tile,
            now=_renamed(tile.now, key),
            before=_renamed(tile.before, key),
            # Of a hundred verdicts beside each other, several would be wrong by chance.
            change=Change(_renamed(tile.change.figure, key), Verdict.PLAIN),
        )
        for tile in made.tiles
    ]
    return Line(key, name, file, day(made.as_of), own, replace(made.waiting, name=f"{key}.waiting"))


def _renamed(figure: Figure, key: str) -> Figure:
    return replace(figure, name=f"{key}.{figure.name}")
