"""Read a page of the report without a browser."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "link", "br"}
RULES = (
    *(
        "95% interval",
        "of 95%",
        "more than 1 time in 20",
        "less than 1 time in 20",
        "less than 1 report in 20",
        "up to 5 reports in 20",
        "under 200 sends",
        "under 3% is fine",
    ),
    *("at least 50 leads", "Sent, 7 days", "Bounced, 7 days"),
)
"""Numbers that do not depend on the data."""


@dataclass
class Page:
    """Contents of a page.

    Attributes:
        as_of: The page's date, as value and text.
        figures: Value and text of each figure, by name.
        words: Words that depend on the data, by name.
        title: Title of the document.
        rest: All other text.
        labels: Label of each chart.
        charts: Rows of each chart.
    """

    as_of: tuple[str, str] = ("", "")
    figures: dict[str, tuple[str, str]] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    title: str = ""
    rest: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    charts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def loose_numbers(self) -> list[str]:
        """Find numbers in the rest of the text that belong to no rule."""
        return loose_numbers(self.rest)


def loose_numbers(text: str) -> list[str]:
    """Find numbers that belong to no rule, with the text around them."""
    plain = " ".join(text.split())
    for rule in RULES:
        plain = plain.replace(rule, "")
    return re.findall(r".{0,20}\d.{0,20}", plain)


def read(html: str) -> Page:
    """Read a page."""
    reader = _Reader()
    reader.feed(html)
    assert not reader.open, reader.open
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self.open: list[tuple[str, dict[str, str], list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self.open.append((tag, given, []))
        if given.get("id", "").startswith("chart-"):
            self.page.labels[given["id"].removeprefix("chart-")] = given["aria-label"]

    def handle_data(self, data: str) -> None:
        if self.open:
            self.open[-1][2].append(data)

    def handle_endtag(self, tag: str) -> None:
        opened, given, parts = self.open.pop()
        assert opened == tag
        text = "".join(parts)
        if "data-figure" in given:
            found = given["data-value"], text
            if given["data-figure"] == "as_of":
                self.page.as_of = found
            else:
                assert self.page.figures.setdefault(given["data-figure"], found) == found
        elif "data-text" in given:
            self.page.words[given["data-text"]] = text
        elif given.get("id") == "charts":
            self.page.charts = {name: chart["data"]["values"] for name, chart in json.loads(text).items()}
        elif tag == "title":
            self.page.title = text
        elif tag not in {"script", "style"}:
            # Nested words belong to the outer ones.
            if any("data-text" in outer for _, outer, _ in self.open):
                self.open[-1][2].append(text)
            else:
                self.page.rest += f"{text}\n"
