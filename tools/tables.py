"""Writes the tables of the documents from the code; run by `make docs`, and checked by the tests."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_instantly.settings import SETTINGS
from tap_instantly.tap import TapInstantly
from tests.reliability import table as reliability
from tests.state import table as state
from tools.drift import known_operations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_instantly.streams import InstantlyStream

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "streams.md", ROOT / "docs" / "reliability.md")


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
            f"`{operation['id']}`",
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


TABLES = {
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
        f"`{stream.scope}:read`" if stream.scope else "none",
    )


def _default(setting: Mapping[str, Any]) -> str:
    # The version is left out, so that a release does not change the page.
    default = str(setting.get("default", "")).replace(metadata.version("tap-instantly"), "<version>")
    return f"`{default}`" if default else ""


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(render(path.read_text(encoding="utf-8")), encoding="utf-8")
