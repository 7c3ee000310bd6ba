"""Writes the tables of the documents from the code; run by `make docs`, and checked by the tests."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.candidates import CANDIDATES
from benchmarks.figures import figures, peer_figures
from benchmarks.report import number
from benchmarks.results import LATEST, Results
from benchmarks.scenarios import PEERS, TAP
from tap_instantly.settings import SETTINGS
from tap_instantly.streams.personal import Kind, marks
from tap_instantly.streams.records import UNKNOWN_FIELDS
from tap_instantly.streams.schemas import MARKED
from tap_instantly.tap import TapInstantly
from tests.reliability import table as reliability
from tests.state import table as state
from tools import reference
from tools.drift import known_operations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from benchmarks.figures import Figures
    from tap_instantly.streams import InstantlyStream

ROOT = Path(__file__).parent.parent
PAGES = (
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{name}.md"
        for name in ("architecture", "client", "command-line", "privacy", "reliability", "settings", "streams")
    ),
)

COMPARED = (
    ("leads a second, no latency: 100,000 leads", "leads-0ms-100k"),
    ("leads a second, 0.3 s a request: 10,000 leads", "leads-300ms-10k"),
    ("the same, 100,000 leads, the API's limits on", "leads-300ms-100k"),
    ("the same, 300,000 leads, the API's limits on", "leads-300ms-300k"),
    ("daily analytics of 500 campaigns: rows a second, 0.3 s a request, limits on", "analytics-300ms-500"),
)
"""Scenarios of the benchmark that the README names, and what it calls them."""


def streams_by_default() -> str:
    """One row per stream that is selected by default."""
    rows = [row[:3] + row[4:] for row in map(_stream_row, _streams()) if row[3] == "yes"]
    return table(("Stream", "Key", "Replication", "Endpoint", "Scope"), rows)


def streams() -> str:
    """One row per stream."""
    return table(("Stream", "Key", "Replication", "Default", "Endpoint", "Scope"), map(_stream_row, _streams()))


def operations() -> str:
    """One row per read operation of the API."""
    rows = [
        (
            f"`{operation['method']} {operation['path']}`",
            f"`{operation['id']}`" if "id" in operation else "",
            ", ".join(f"`{stream}`" for stream in operation.get("streams", ())) or operation["why_not"],
        )
        for operation in known_operations()
    ]
    return table(("Operation", "Name in the official document", "Stream, or why there is none"), rows)


def settings() -> str:
    """One row per setting of our own."""
    rows = [
        (
            f"`{name}`",
            "required" if name in SETTINGS.get("required", ()) else _default(setting),
            setting["description"],
        )
        for name, setting in SETTINGS["properties"].items()
    ]
    return table(("Setting", "Default", "What it does"), rows)


def faults() -> str:
    """One row per fault that the tests inject, and one more where streams differ."""
    head = ("Fault", "The tap", "Records of the stream", "Its bookmark", "Other streams", "Exit code")
    return table(head, reliability.rows())


def fault_streams() -> str:
    """One row per kind of stream that the faults are tried on."""
    rows = ((kind.name, f"`{kind.stream}`", f"`{kind.path}`") for kind in reliability.KINDS)
    return table(("Kind of stream", "Tried on", "Path of the fault"), rows)


def states() -> str:
    """One row per oddity of a state."""
    return table(("In the state", "The tap", "In the log", "Exit code"), state.rows())


def compared() -> str:
    """Records a second of this tap and of others, as measured last, with which settings, and what they cost."""
    results = Results.load(LATEST)
    smaller = set()

    def cell(scenario: str, who: str, figure: Callable[[Figures], float]) -> str:
        found = peer_figures(results, scenario, who)
        if found is None or figures(results, scenario, who):
            return "" if found is None else number(figure(found))
        smaller.add(results.outcomes[scenario].scenario.peers_in)
        return f"{number(figure(found))} \\*"

    def row(what: str, scenario: str, figure: Callable[[Figures], float]) -> tuple[str, ...]:
        settings = results.outcomes[scenario].scenario.settings.items()
        with_settings = ", ".join(f"`{name}: {value}`" for name, value in settings) or "defaults"
        return (what, *(cell(scenario, who, figure) for who in (TAP, *PEERS)), with_settings)

    rows = [row(what, scenario, lambda f: f.rate.median) for what, scenario in COMPARED]
    rows += [
        row("CPU seconds for 100,000 leads", COMPARED[0][1], lambda f: f.cpu_per_100k),
        row("most memory, MB", COMPARED[0][1], lambda f: f.peak_mb.median),
    ]
    head = ("", "tap-instantly", *(CANDIDATES[who].title for who in PEERS), "settings of tap-instantly")
    less = " or ".join(f"{results.outcomes[name].records:,}" for name in sorted(filter(None, smaller), reverse=True))
    return (
        table(head, rows)
        + f"\n\n\\* The rate over {less} records, since all would have taken very long one request after another. "
        + f"Measured on {results.day},\non a machine with {results.machine}, in one run."
    )


def personal() -> str:
    """One row per stream that has something of a person, with the places of each kind."""
    head = ("Stream", "Sending accounts", "Addresses", "Texts", "Of any form")
    kinds = [Kind.ACCOUNT, Kind.ADDRESS, Kind.TEXT, Kind.ANY]
    return table(head, filter(None, (_personal_row(stream.name, kinds) for stream in _streams())))


def setting_types() -> str:
    """One row per setting, the SDK's own among them."""
    return table(("Setting", "Variable of the environment", "Type", "Of the SDK"), reference.setting_rows())


def options() -> str:
    """One row per option of the command line."""
    return table(("Option", "What it does"), reference.option_rows())


def log_lines() -> str:
    """One row per line that the log may have."""
    return table(("Level", "Line", "From"), reference.log_rows())


def modules() -> str:
    """One row per module."""
    return table(("Module", "What it is"), reference.module_rows())


def errors() -> str:
    """One row per kind of error."""
    return table(("Kind", "Value", "Tried again", "What to do"), reference.error_rows())


TABLES = {
    "client": reference.client,
    "compared": compared,
    "errors": errors,
    "log_lines": log_lines,
    "modules": modules,
    "options": options,
    "personal": personal,
    "setting_types": setting_types,
    "states": states,
    "faults": faults,
    "fault_streams": fault_streams,
    "streams_by_default": streams_by_default,
    "streams": streams,
    "operations": operations,
    "settings": settings,
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def render(page: str) -> str:
    """``page`` with its tables as they should be."""
    for name, make in TABLES.items():
        marked = rf"<!-- {name} -->.*?<!-- /{name} -->"
        if re.search(marked, page, flags=re.DOTALL):
            before, after = re.split(marked, page, flags=re.DOTALL)
            page = f"{before}<!-- {name} -->\n{make()}\n<!-- /{name} -->{after}"
    return page


def _streams() -> Sequence[InstantlyStream]:
    return TapInstantly(config={}, validate_config=False).discover_streams()


def _stream_row(stream: InstantlyStream) -> tuple[str, ...]:
    return (
        f"`{stream.name}`",
        ", ".join(f"`{key}`" for key in stream.primary_keys),
        f"incremental by `{stream.replication_key}`" if stream.replication_key else "full",
        "yes" if stream.why_off is None else f"no: {stream.why_off}",
        f"`{stream.http_method} {stream.path}`",
        " ".join(f"`{scope}`" for scope in stream.scopes) or "none",
    )


def _personal_row(stream: str, kinds: Sequence[Kind]) -> tuple[str, ...]:
    """The row of a stream; none where there is nothing but what every stream has."""
    marked = {place: kind for place, kind in marks(MARKED.get_schema(stream)).items() if place != UNKNOWN_FIELDS}
    cells = [", ".join(f"`{place}`" for place, kind in marked.items() if kind is column) for column in kinds]
    return (f"`{stream}`", *cells) if any(cells) else ()


def _default(setting: Mapping[str, Any]) -> str:
    # The version is left out, so that a release does not change the page.
    default = str(setting.get("default", "")).replace(metadata.version("tap-instantly"), "<version>")
    return f"`{default}`" if default else ""


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(render(path.read_text(encoding="utf-8")), encoding="utf-8")
