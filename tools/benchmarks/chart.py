"""Draws a chart of records a second, as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from tools.benchmarks.figures import peer_figures
from tools.benchmarks.results import Results
from tools.benchmarks.scenarios import EVERYBODY, TAP

PANELS = ("leads-0ms-100k", "leads-300ms-300k", "analytics-300ms-500")
NAMES = {"tap": "this tap", "sdk": "SDK defaults", "airbyte": "Airbyte CDK", "dlt": "dlt", "floor": "bare loop"}

WIDTH, LEFT, RIGHT = 760, 120, 160
BAR, GAP, HEAD, FOOT = 20, 8, 44, 14
INK, QUIET, OURS, THEIRS = "#24292f", "#57606a", "#0969da", "#afb8c1"

STYLE = "text{font:13px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}.t{font-weight:600}"


def draw(results: Results) -> str | None:
    """Draw a panel of bars for each measured scenario; None if there is none."""
    pieces: list[str] = []
    top = 16.0
    for name in PANELS:
        rates = _rates(results, name)
        if TAP in rates:
            pieces += _panel(results.outcomes[name].scenario.title, rates, top)
            top += HEAD + len(rates) * (BAR + GAP) + FOOT
    if not pieces:
        return None
    # A background, so that the chart is readable on a dark page.
    ground = f'<rect width="{WIDTH}" height="{top:.0f}" rx="6" fill="#ffffff"/>'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:.0f}" width="{WIDTH}" height="{top:.0f}">'
    )
    return "\n".join([head, f"<style>{STYLE}</style>", ground, *pieces, "</svg>"]) + "\n"


def _rates(results: Results, scenario: str) -> dict[str, float]:
    found = {name: peer_figures(results, scenario, name) for name in EVERYBODY}
    return {name: figure.rate.median for name, figure in found.items() if figure}


def _panel(title: str, rates: dict[str, float], top: float) -> Iterator[str]:
    title = title.replace("`", "")
    yield f'<text class="t" x="16" y="{top + 16:.0f}" fill="{INK}">{escape(title)}</text>'
    yield f'<text x="{WIDTH - 16}" y="{top + 16:.0f}" fill="{QUIET}" text-anchor="end">records a second</text>'
    most = max(rates.values())
    for at, (name, rate) in enumerate(rates.items()):
        y = top + HEAD - 14 + at * (BAR + GAP)
        length = max(1.5, rate / most * (WIDTH - LEFT - RIGHT))
        fill = OURS if name == TAP else THEIRS
        times = "" if name == TAP else f"  (tap: {rates[TAP] / rate:.1f} x)"
        yield f'<text x="{LEFT - 8}" y="{y + 15:.0f}" fill="{INK}" text-anchor="end">{escape(NAMES[name])}</text>'
        yield f'<rect x="{LEFT}" y="{y:.0f}" width="{length:.1f}" height="{BAR}" rx="3" fill="{fill}"/>'
        yield f'<text x="{LEFT + length + 6:.1f}" y="{y + 15:.0f}" fill="{INK}">{rate:,.0f}{times}</text>'
