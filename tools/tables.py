"""Writes the generated tables of the documents from the code; run by `make docs`, and checked by the tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from tap_instantly.settings import SETTINGS
from tap_instantly.streams import InstantlyStream
from tap_instantly.streams.personal import Kind, marks
from tap_instantly.streams.records import UNKNOWN_FIELDS
from tap_instantly.streams.schemas import MARKED
from tap_instantly.tap import TapInstantly
from tests.reliability import table as reliability
from tests.state import table as state
from tools import reference
from tools.benchmarks.candidates import CANDIDATES
from tools.benchmarks.figures import figures, peer_figures
from tools.benchmarks.report import number
from tools.benchmarks.results import LATEST, Results
from tools.benchmarks.scenarios import PEERS, TAP
from tools.parts import put, table

ROOT = Path(__file__).parent.parent
NAMES = ("client", "command-line", "privacy", "reliability", "settings", "streams")
PAGES = (ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in NAMES))

COMPARED = (
    ("100,000 leads without latency", "leads-0ms-100k"),
    ("300,000 leads at 0.3 s a request, within the API's limits", "leads-300ms-300k"),
)
"""Benchmark scenarios that the README shows, with their descriptions there."""

OUTCOME = ("The tap", "Faults", "Records of the stream", "Its bookmark", "Other streams", "Exit code")

FEWEST_FOR_A_TABLE = 5
"""Minimum number of deselected streams with a common reason for a table of their own."""


def streams() -> str:
    """Write a table of the streams selected by default, and tables of the others by reason."""
    reasons: dict[str, list[InstantlyStream]] = {}
    for stream in _streams():
        reasons.setdefault(stream.why_deselected or "", []).append(stream)
    head = ("Stream", "Key", "Replication", "Endpoint", "Scope")
    parts = ["### Selected by default\n", table(head, map(_stream_row, reasons.pop("")))]
    rest: list[tuple[str, ...]] = []
    for reason, group in reasons.items():
        if len(group) < FEWEST_FOR_A_TABLE:
            rest += [(*_stream_row(stream), reason) for stream in group]
        else:
            parts += [f"### Off by default: {reason}\n", table(head, map(_stream_row, group))]
    return "\n".join([*parts, "### Off by default for other reasons\n", table((*head, "Reason"), rest)])


def settings() -> str:
    """Write one row per setting of the tap."""
    types = {row[0]: row[1] for row in reference.setting_rows()}
    rows = [
        (f"`{name}`", types[f"`{name}`"], _default(setting), setting["description"])
        for name, setting in SETTINGS["properties"].items()
    ]
    return table(("Setting", "Type", "Default", "Description"), rows)


def fault_streams() -> str:
    """Write one row per kind of stream that the faults are tested on."""
    rows = ((kind.name, f"`{kind.stream}`", f"`{kind.path}`") for kind in reliability.KINDS)
    return table(("Kind of stream", "Tried on", "Path of the fault"), rows)


def compared() -> str:
    """Write one line per scenario: the latest measured rates of this tap and of the others."""
    results = Results.load(LATEST)
    lines = [f"- **{what}:** {_rates(results, scenario)}." for what, scenario in COMPARED]
    measured = f"Measured without a loader on {results.day}, on a machine with {results.machine}."
    return "\n".join([*lines, "", f"{measured} \\* The rate over 10,000 leads."])


def _rates(results: Results, scenario: str) -> str:
    """List each tool's leads a second; a star marks a smaller scenario."""
    parts = []
    for who in (TAP, *PEERS):
        own = figures(results, scenario, who)
        found = own or peer_figures(results, scenario, who)
        if found:
            name = "tap-instantly" if who == TAP else CANDIDATES[who].title
            parts.append(f"{name} {number(found.rate.median)}" + ("" if own else " \\*"))
    return "; ".join(parts) + " leads a second"


def personal() -> str:
    """Write one row per stream with personal data, with the places of each kind."""
    head = ("Stream", "Sending accounts", "Addresses", "Texts", "Of any form")
    kinds = [Kind.ACCOUNT, Kind.ADDRESS, Kind.TEXT, Kind.ANY]
    return table(head, filter(None, (_personal_row(stream.name, kinds) for stream in _streams())))


TABLES = {
    "client": reference.client,
    "compared": compared,
    "errors": lambda: table(("Kind", "Value", "Tried again", "What to do"), reference.error_rows()),
    "options": lambda: table(("Option", "What it does"), reference.option_rows()),
    "personal": personal,
    "states": lambda: table(("In the state", "The tap", "In the log", "Exit code"), state.rows()),
    "faults": lambda: table(OUTCOME, reliability.rows()),
    "fault_streams": fault_streams,
    "streams": streams,
    "settings": settings,
}


def render(page: str) -> str:
    """Return ``page`` with its tables regenerated."""
    for name, make in TABLES.items():
        if f"<!-- {name} -->" in page:
            page = put(page, name, make().rstrip() + "\n")
    return page


def _streams() -> Sequence[InstantlyStream]:
    return TapInstantly(config={}, validate_config=False).discover_streams()


def _stream_row(stream: InstantlyStream) -> tuple[str, ...]:
    return (
        f"`{stream.name}`",
        ", ".join(f"`{key}`" for key in stream.primary_keys),
        f"incremental by `{stream.replication_key}`" if stream.replication_key else "full",
        f"`{stream.http_method} {stream.path}`",
        " ".join(f"`{scope}`" for scope in stream.scopes) or "none",
    )


def _personal_row(stream: str, kinds: Sequence[Kind]) -> tuple[str, ...]:
    """Return the row of a stream; empty if only the columns common to all streams are personal."""
    marked = {place: kind for place, kind in marks(MARKED.get_schema(stream)).items() if place != UNKNOWN_FIELDS}
    cells = [_places(place for place, kind in marked.items() if kind is column) for column in kinds]
    return (f"`{stream}`", *cells) if any(cells) else ()


def _places(places: Iterable[str]) -> str:
    """List places, those within one object in one entry: ``status.{code,text}``."""
    groups: dict[tuple[str, str], list[str]] = {}
    for place in places:
        parent, _, name = place.rpartition(".")
        groups.setdefault((parent, "" if parent else name), []).append(name)
    inside = (
        (parent, names[0] if len(names) == 1 else f"{{{','.join(names)}}}") for (parent, _), names in groups.items()
    )
    return ", ".join(f"`{parent}.{name}`" if parent else f"`{name}`" for parent, name in inside)


def _default(setting: Mapping[str, Any]) -> str:
    # A release must not change the page.
    default = str(setting.get("default", "")).replace(metadata.version("tap-instantly"), "<version>")
    return f"`{default}`" if default else ""


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(render(path.read_text(encoding="utf-8")), encoding="utf-8")
