"""What a run has done: records, requests and seconds of each stream and workspace, and what was not read and why."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_instantly.streams.part import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_instantly.api import InstantlyError
    from tap_instantly.streams.part import Part
    from tap_instantly.streams.tally import Tally

MOST_ROWS = 60
"""Rows of a table that has each stream of each workspace; with more of them, one has each stream over all."""

MOST_WORKSPACES = 20
"""Workspaces that have a line each; of more of them only those of which something is missing have one."""

HEADINGS = ("records", "requests", "seconds")


@dataclass
class Total:
    """What was read of a workspace, over all streams."""

    name: str
    records: int = 0
    requests: int = 0
    seconds: float = 0.0
    missing: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The counts on one line."""
        missing = f" missing=[{', '.join(self.missing)}]" if self.missing else ""
        return f"records={self.records} requests={self.requests} seconds={self.seconds:.1f}{missing}"


class Summary:
    """Of a run, or of what there is of one that was stopped.

    Args:
        tallies: Of the selected streams.
        left_out: Why workspaces were not opened, or given up, by what messages call them.
        seconds: Since its beginning.
    """

    def __init__(self, tallies: Mapping[str, Tally], left_out: Mapping[str, InstantlyError], seconds: float) -> None:
        self._tallies = tallies
        self._left_out = left_out
        self._seconds = seconds
        self._unread = [name for name, tally in tallies.items() if not tally.was_read]
        self._parts = [
            (name, tally, part) for name, tally in tallies.items() if tally.was_read for part in tally.parts.values()
        ]

    @property
    def fields(self) -> dict[str, Any]:
        """The counts, for a structured log."""
        tallies = self._tallies.values()
        outcomes = [part.outcome for _, _, part in self._parts]
        return {
            "records": sum(tally.records for tally in tallies),
            "requests": sum(tally.requests for tally in tallies),
            "seconds": round(self._seconds, 1),
            "streams": len(self._tallies) - len(self._unread),
            "workspaces": len({part.workspace.id for _, _, part in self._parts}),
            "skipped": outcomes.count(Outcome.SKIPPED),
            "incomplete": outcomes.count(Outcome.INCOMPLETE) + outcomes.count(Outcome.READING),
            "left_out": len(self._left_out),
            "streams_unread": len(self._unread),
        }

    @property
    def line(self) -> str:
        """The counts on one line, those of what is missing only where something is."""
        counts = self.fields.items()
        needed = ("records", "requests", "seconds", "streams", "workspaces")
        return " ".join(f"{name}={value}" for name, value in counts if value or name in needed)

    def workspaces(self) -> list[Total]:
        """The workspaces, if there are several and they are not too many or something of them is missing."""
        totals: dict[str, Total] = {}
        spans: dict[str, list[tuple[float, float]]] = {}
        for name, tally, part in self._parts:
            total = totals.setdefault(part.workspace.id, Total(part.workspace.label))
            total.records += tally.records_of(part)
            total.requests += part.requests
            if part.began is not None:
                spans.setdefault(part.workspace.id, []).append((part.began, part.began + part.seconds))
            if note := _note(part):
                total.missing.append(f"{name}: {note}")
        for workspace, times in spans.items():  # of its streams, which are read side by side
            totals[workspace].seconds = max(end for _, end in times) - min(began for began, _ in times)
        several = list(totals.values()) if len(totals) > 1 else []
        return several if len(several) <= MOST_WORKSPACES else [total for total in several if total.missing]

    def reasons(self) -> Iterator[str]:
        """What was not read, and why, one line for each reason."""
        found: dict[tuple[str, str, str], list[str]] = {}
        for stream, _, part in self._parts:
            if note := _note(part):
                found.setdefault((note, stream, part.why), []).append(part.workspace.label)
        for (note, stream, why), workspaces in found.items():
            yield f"{stream} {note} in {', '.join(workspaces)}" + (f": {why}" if why else "")
        for name, error in self._left_out.items():
            yield f"workspace {name} was left out: {error}"
        if self._unread:
            yield f"not come to: {', '.join(self._unread)}"

    def table(self) -> list[tuple[str, ...]]:
        """Rows of a table with a heading: workspace, stream, counts, and what there is to remark.

        Without the workspaces where they would be too many, and without their column where there is but one.
        """
        parts = self._parts
        counts = self.fields
        bottom = ("in all", *_cells(counts["records"], counts["requests"], self._seconds), "")
        workspaces = {part.workspace.id for _, _, part in parts}
        if len(workspaces) <= 1 or len(parts) > MOST_ROWS:
            rows = [(name, *_of_stream(tally, several=len(workspaces) > 1)) for name, tally in self._tallies.items()]
            return [("", *HEADINGS, ""), *rows, bottom]
        order = {id_: place for place, id_ in enumerate(dict.fromkeys(part.workspace.id for _, _, part in parts))}
        found = [
            (part.workspace.label, name, *_cells(tally.records_of(part), part.requests, part.seconds), _note(part))
            for name, tally, part in sorted(parts, key=lambda row: order[row[2].workspace.id])
        ]
        return [("", "", *HEADINGS, ""), *_each_once(found), ("", *bottom)]


def _of_stream(tally: Tally, *, several: bool) -> tuple[str, ...]:
    if not tally.was_read:
        return ("", "", "", "not come to")
    parts = tally.parts.values()
    notes = [note for part in parts if (note := _note(part))]
    remarks = [f"{note} in {notes.count(note)} of {len(parts)}" if several else note for note in dict.fromkeys(notes)]
    return (*_cells(tally.records, tally.requests, tally.seconds), ", ".join(remarks))


def _cells(records: int, requests: int, seconds: float) -> tuple[str, str, str]:
    return f"{records:,}", f"{requests:,}", f"{seconds:.1f}"


def _note(part: Part) -> str:
    """What became of it, in a word or two; nothing where all of it was read."""
    if part.outcome is Outcome.COMPLETE:
        return "passed over some" if part.why else ""
    return str(part.outcome.value)


def _each_once(rows: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Rows whose first cell is empty where it is that of the row before."""
    before = ""
    for first, *rest in rows:
        yield ("" if first == before else first, *rest)
        before = first


def wrapped(text: str, width: int) -> list[str]:
    """A paragraph, in lines that take no more than so many columns, hanging."""
    return textwrap.wrap(text, max(width, 8), subsequent_indent="  ", break_on_hyphens=False)
