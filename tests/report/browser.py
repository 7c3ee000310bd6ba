"""Open a page in Chromium and print its contents as JSON; runs in `.venv-browser`, which contains Playwright.

    python browser.py CHROMIUM PAGE [SCREENSHOT]

There is no network: every request except for the page itself is recorded and refused.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
VIEWS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone": {"viewport": {"width": 360, "height": 780}, "color_scheme": "dark", "has_touch": True, "is_mobile": True},
    "print": {"viewport": {"width": 760, "height": 1000}, "color_scheme": "dark"},
}
LOOK = """() => {
    const color = (selector, property) =>
        document.querySelector(selector) && getComputedStyle(document.querySelector(selector))[property];
    const seen = (element) => !element.closest("details:not([open])");
    const charts = [...document.querySelectorAll(".chart")];
    const rest = document.body.cloneNode(true);
    rest.querySelectorAll("[data-figure], [data-text], .chart, script").forEach((one) => one.replaceWith(" "));
    return {
        figures: [...document.querySelectorAll("[data-figure]")].map(
            (one) => [one.dataset.figure, one.dataset.value, one.textContent]),
        charts: charts.map((one) => ({
            id: one.id,
            label: one.getAttribute("aria-label"),
            cut: [...one.querySelectorAll("svg text")].filter((text) => {
                if (text.getAttribute("opacity") === "0") return false;  // left out for want of room
                const [inner, outer] = [text, text.closest("svg")].map((part) => part.getBoundingClientRect());
                return inner.left < outer.left - 1 || inner.right > outer.right + 1;
            }).map((text) => text.textContent),
            marks: one.querySelectorAll("svg .mark-symbol path, svg .mark-rect path").length,
            width: one.querySelector("svg")?.getBoundingClientRect().width ?? 0,
            room: one.getBoundingClientRect().width,
        })),
        overflow: document.documentElement.scrollWidth - innerWidth,
        background: color("body", "backgroundColor"),
        ink: color("h1", "color"),
        label: color(".chart svg text", "fill"),
        colors: [...document.querySelectorAll("h1, h2, h3, p, th, td, li, summary, figcaption, .change, .state")]
            .filter(seen).map((one) => {
                let behind = one;
                while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)" && behind.parentElement)
                    behind = behind.parentElement;
                return [getComputedStyle(one).color, getComputedStyle(behind).backgroundColor];
            }),
        headings: [...document.querySelectorAll("h1, h2, h3")].map((one) => Number(one.tagName[1])),
        unnamed: [...document.querySelectorAll("th:not([scope]), svg image, img:not([alt])")].length,
        text: document.body.textContent,
        rest: rest.textContent,
        language: document.documentElement.lang,
        title: document.title,
    };
}"""


def look(context: BrowserContext, page: Path, view: str, screenshot: Path | None) -> dict[str, Any]:
    """Open the page in one view and record its contents."""
    noted: dict[str, list[str]] = {"console": [], "errors": [], "requests": []}
    tab: Page = context.new_page()
    tab.on("console", lambda message: noted["console"].append(f"{message.type}: {message.text}"))
    tab.on("pageerror", lambda error: noted["errors"].append(str(error)))
    tab.on("request", lambda request: noted["requests"].append(request.url))
    tab.goto(page.as_uri())
    has_charts = tab.query_selector(".chart") is not None
    if has_charts:
        tab.wait_for_selector("html[data-drawn]", timeout=60_000)
    if view == "print":
        tab.emulate_media(media="print")
    if screenshot:
        tab.screenshot(path=str(screenshot))
    seen: dict[str, Any] = tab.evaluate(LOOK)
    if view == "print":
        seen["pdf_bytes"] = len(tab.pdf(format="A4"))
    if view == "desktop" and has_charts:
        tab.hover("#chart-trend svg .mark-symbol path >> nth=-1", force=True)
        seen["tooltip"] = tab.inner_text("#about")
    tab.close()
    return {**seen, **noted}


def main() -> None:
    """Open the page in all views."""
    chromium, page, *rest = sys.argv[1:]
    # Playwright creates the profile; Chromium also writes into HOME.
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        environment = {"HOME": home, "PATH": "/usr/bin:/bin"}
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS, env=environment)
        found = {}
        for view, options in VIEWS.items():
            context = browser.new_context(**options, offline=True)
            screenshot = Path(rest[0]) if rest and view == "desktop" else None
            found[view] = look(context, Path(page).resolve(), view, screenshot)
            context.close()
        browser.close()
    sys.stdout.write(json.dumps(found))


main()
