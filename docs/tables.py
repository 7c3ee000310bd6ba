"""Writes the tables of the README from the code; run by `make docs`, and checked by the tests."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_instantly.settings import SETTINGS
from tap_instantly.tap import TapInstantly

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

README = Path(__file__).parent.parent / "README.md"


def streams() -> str:
    """One row per stream."""
    tap = TapInstantly(config={}, validate_config=False)
    rows = [
        (
            f"`{stream.name}`",
            ", ".join(f"`{key}`" for key in stream.primary_keys),
            f"incremental by `{stream.replication_key}`" if stream.replication_key else "full",
            f"`{stream.http_method} {stream.path}`",
            f"`{stream.scope}:read`" if stream.scope else "none",
        )
        for stream in tap.discover_streams()
    ]
    return table(("Stream", "Key", "Replication", "Endpoint", "Scope"), rows)


def settings() -> str:
    """One row per setting of our own."""
    rows = [
        (
            f"`{name}`",
            "required" if name in SETTINGS["required"] else _default(setting),
            setting["description"],
        )
        for name, setting in SETTINGS["properties"].items()
    ]
    return table(("Setting", "Default", "What it does"), rows)


def _default(setting: Mapping[str, Any]) -> str:
    # The version is left out, so that a release does not change the page.
    default = str(setting.get("default", "")).replace(metadata.version("tap-instantly"), "<version>")
    return f"`{default}`" if default else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def render(page: str) -> str:
    """``page`` with its tables as they should be."""
    for name, make in {"streams": streams, "settings": settings}.items():
        marked = rf"<!-- {name} -->(.*?)<!-- /{name} -->"
        before, _, after = re.split(marked, page, flags=re.DOTALL)
        page = f"{before}<!-- {name} -->\n{make()}\n<!-- /{name} -->{after}"
    return page


if __name__ == "__main__":
    README.write_text(render(README.read_text(encoding="utf-8")), encoding="utf-8")
