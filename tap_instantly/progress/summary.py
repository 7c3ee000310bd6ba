"""Summarise a run: records, requests and seconds per stream and workspace, and the reasons for gaps."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_instantly.sync.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_instantly.client import InstantlyError
    from tap_instantly.sync.counts import Counts
    from tap_instantly.sync.partition import Partition

MOST_ROWS = 60
"""Most rows of a table by workspace and stream; beyond it, the table is by stream."""

MOST_WORKSPACES = 20
"""Most workspaces with a log line each; beyond it, only incomplete workspaces get one."""

HEADINGS = ("records", "requests", "seconds")


@dataclass
class Total:
    """Totals of a workspace over all streams."""

    name: str
    records: int = 0
    requests: int = 0
    seconds: float = 0.0
    missing: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return the counts on one line."""
        missing = f" missing=[{', '.join(self.missing)}]" if self.missing else ""
        return f"records={self.records} requests={self.requests} seconds={self.seconds:.1f}{missing}"


class Summary:
    """Summary of a complete or interrupted run.

    Args:
        counts_of: Counts of the selected streams.
        failed: Errors of the workspaces that were not opened or were abandoned, by their label.
        seconds: Duration of the run.
    """

    def __init__(self, counts_of: Mapping[str, Counts], failed: Mapping[str, InstantlyError], seconds: float) -> None:
        self._counts_of = counts_of
        self._failed = failed
        self._seconds = seconds
        self._not_reached = [name for name, counts in counts_of.items() if not counts.is_reached]
        self._parts = [
            (name, part)
            for name, counts in counts_of.items()
            if counts.is_reached
            for part in counts.partitions.values()
        ]

    @property
    def fields(self) -> dict[str, Any]:
        """The counts, for a structured log."""
        counts_of = self._counts_of.values()
        outcomes = [part.outcome for _, part in self._parts]
        return {
            "records": sum(counts.sums.records for counts in counts_of),
            "requests": sum(counts.sums.requests for counts in counts_of),
            "seconds": round(self._seconds, 1),
            "streams": len(self._counts_of) - len(self._not_reached),
            "workspaces": len({part.workspace.id for _, part in self._parts}),
            "skipped": outcomes.count(Outcome.SKIPPED),
            "incomplete": outcomes.count(Outcome.INCOMPLETE) + outcomes.count(Outcome.READING),
            "workspaces_failed": len(self._failed),
            "streams_not_started": len(self._not_reached),
        }

    @property
    def line(self) -> str:
        """The counts on one line. Counts of gaps appear only if not zero."""
        counts = self.fields.items()
        needed = ("records", "requests", "seconds", "streams", "workspaces")
        return " ".join(f"{name}={value}" for name, value in counts if value or name in needed)

    def workspaces(self) -> list[Total]:
        """Return the totals per workspace if there are several; if there are many, only those of incomplete ones."""
        totals: dict[str, Total] = {}
        spans: dict[str, list[tuple[float, float]]] = {}
        for name, part in self._parts:
            total = totals.setdefault(part.workspace.id, Total(part.workspace.label))
            total.records += part.records
            total.requests += part.usage.requests
            if part.began is not None:
                spans.setdefault(part.workspace.id, []).append((part.began, part.began + part.seconds))
            if note := _note(part):
                total.missing.append(f"{name}: {note}")
        for workspace, times in spans.items():  # the streams of a workspace are read concurrently
            totals[workspace].seconds = max(end for _, end in times) - min(began for began, _ in times)
        several = list(totals.values()) if len(totals) > 1 else []
        return several if len(several) <= MOST_WORKSPACES else [total for total in several if total.missing]

    def reasons(self) -> Iterator[str]:
        """Yield the gaps of the run and their reasons, one line for each reason."""
        found: dict[tuple[str, str, str], list[str]] = {}
        for stream, part in self._parts:
            if note := _note(part):
                found.setdefault((note, stream, part.why), []).append(part.workspace.label)
        for (note, stream, why), workspaces in found.items():
            yield f"{stream} {note} in {', '.join(workspaces)}" + (f": {why}" if why else "")
        for name, error in self._failed.items():
            yield f"workspace {name} failed: {error}"
        if self._not_reached:
            yield f"not started: {', '.join(self._not_reached)}"

    def findings(self) -> Iterator[str]:
        """Yield the results of checks, one line each."""
        for stream, part in self._parts:
            if part.finding:
                yield f"{stream} in {part.workspace.label}: {part.finding}"

    def table(self) -> list[tuple[str, ...]]:
        """Return the rows of a table with a heading: workspace, stream, counts and remarks.

        With one workspace, or with too many rows, the table has no workspace column.
        """
        parts = self._parts
        counts = self.fields
        bottom = ("total", *_cells(counts["records"], counts["requests"], self._seconds), "")
        workspaces = {part.workspace.id for _, part in parts}
        if len(workspaces) <= 1 or len(parts) > MOST_ROWS:
            rows = [
                (name, *_of_stream(counts, several=len(workspaces) > 1)) for name, counts in self._counts_of.items()
            ]
            return [("", *HEADINGS, ""), *rows, bottom]
        order = {id_: place for place, id_ in enumerate(dict.fromkeys(part.workspace.id for _, part in parts))}
        found = [
            (part.workspace.label, name, *_cells(part.records, part.usage.requests, part.seconds), _note(part))
            for name, part in sorted(parts, key=lambda row: order[row[1].workspace.id])
        ]
        return [("", "", *HEADINGS, ""), *_each_once(found), ("", *bottom)]


def _of_stream(counts: Counts, *, several: bool) -> tuple[str, ...]:
    if not counts.is_reached:
        return ("", "", "", "not started")
    parts = counts.partitions.values()
    notes = [note for part in parts if (note := _note(part))]
    remarks = [f"{note} in {notes.count(note)} of {len(parts)}" if several else note for note in dict.fromkeys(notes)]
    return (*_cells(counts.sums.records, counts.sums.requests, counts.seconds), ", ".join(remarks))


def _cells(records: int, requests: int, seconds: float) -> tuple[str, str, str]:
    return f"{records:,}", f"{requests:,}", f"{seconds:.1f}"


def _note(part: Partition) -> str:
    """Return the outcome of a partition in a word or two; empty if complete."""
    if part.outcome is Outcome.COMPLETE:
        return "possibly incomplete" if part.why else ""
    return str(part.outcome.value)


def _each_once(rows: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Blank the first cell of a row if it repeats that of the previous row."""
    before = ""
    for first, *rest in rows:
        yield ("" if first == before else first, *rest)
        before = first


def wrapped(text: str, width: int) -> list[str]:
    """Wrap a paragraph at a width, with a hanging indent."""
    return textwrap.wrap(text, max(width, 8), subsequent_indent="  ", break_on_hyphens=False)
