"""Builds the charts as Vega-Lite specifications with Altair.

Colours are the page's CSS variables, so that charts follow its theme and print well. All axes start at zero.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt
import vl_convert

from report.figures import Figure
from report.providers import Provider
from report.sections import Stage, Week
from report.tables import Trial

Spec = dict[str, Any]

INK, FAINT, LINE = "var(--ink)", "var(--faint)", "var(--line)"
ACCENT, SOFT = "var(--accent)", "var(--soft)"
FONT = "system-ui, sans-serif"
ROW = 26
"""Height of a row, in pixels."""
ROOM = 42
"""Width left of charts that are stacked."""

_TEXTS = {"labelColor": FAINT, "titleColor": FAINT, "labelFont": FONT, "titleFont": FONT}
_LINES = {"gridColor": LINE, "domainColor": LINE, "tickColor": LINE}
_CONFIG: Spec = {
    "axis": {**_TEXTS, **_LINES, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
    "view": {"stroke": None},
    "background": "transparent",
    "font": FONT,
    "text": {"color": INK, "fontSize": 12},
    "legend": _TEXTS,
}


def _specification(chart: Any) -> Spec:  # noqa: ANN401 - any of Altair's many kinds of chart
    return {**chart.to_dict(), "autosize": {"type": "fit-x", "contains": "padding"}, "config": _CONFIG}


def _data(rows: Iterable[Spec]) -> Any:  # noqa: ANN401 - Altair's type, in no environment but the report's
    return alt.Data(values=list(rows))


def _percent(name: str, title: str | None, kind: Any = alt.X, top: float | None = None) -> Any:  # noqa: ANN401
    scale = alt.Scale(zero=True, nice=True) if top is None else alt.Scale(domain=[0, top], nice=True)
    axis = alt.Axis(format="~%", tickCount=4, minExtent=ROOM if kind is alt.Y else 0)
    return kind(f"{name}:Q", title=title, scale=scale, axis=axis)


def trend(weeks: Sequence[Week]) -> Spec:
    """Positive replies per email sent, by week, with intervals."""
    base = _weeks(weeks)
    across = _week(None)
    rule = base.mark_rule(strokeWidth=7, opacity=0.35, strokeCap="round").encode(
        x=across, y=_percent("low", "per email sent", alt.Y), y2="high:Q", color=_PERIOD
    )
    line = base.mark_line(color=FAINT, strokeWidth=1.5).encode(x=across, y=_percent("rate", "per email sent", alt.Y))
    points = base.mark_point(filled=True, opacity=1, size=80).encode(
        x=across, y=_percent("rate", "per email sent", alt.Y), color=_PERIOD
    )
    return _specification(alt.layer(rule, line, points).properties(width="container", height=180))


def volume(weeks: Sequence[Week]) -> Spec:
    """Emails sent, by week; as wide as the trend, to be placed below it."""
    axis = alt.Axis(labelAngle=0, labelOverlap=True, labelSeparation=6, title=None, ticks=False)
    up = alt.Y("sent:Q", title="emails", axis=alt.Axis(tickCount=2, format="~s", minExtent=ROOM))
    bars = _weeks(weeks).mark_bar(cornerRadiusEnd=2).encode(x=_week(axis), y=up, color=_PERIOD)
    return _specification(bars.properties(width="container", height=50))


_PERIOD = alt.condition("datum.which == 'this period'", alt.value(ACCENT), alt.value(SOFT))


def _weeks(weeks: Sequence[Week]) -> Any:  # noqa: ANN401 - as above
    rows = [
        {
            "week": week.end[: -len(" 2000")],
            "which": week.which,
            "sent": week.sent.value,
            "rate": week.rate.value,
            "low": week.low.value,
            "high": week.high.value,
            "about": f"{week.start} to {week.end}: {week.positive.text} of {week.sent.text} sent, {week.rate.text}",
        }
        for week in weeks
    ]
    return alt.Chart(_data(rows)).encode(tooltip=alt.Tooltip("about:N"))


def _week(axis: Any) -> Any:  # noqa: ANN401 - as above
    return alt.X("week:O", sort=None, axis=axis)


def funnel(stages: Sequence[Stage]) -> Spec:
    """Share of the leads contacted that reached each stage."""
    rows = [
        {"stage": one.name, "share": one.per_contacted.value, "text": f"{one.reached.text} · {one.per_contacted.text}"}
        for one in stages
        if one.reached.value is not None
    ]
    base = alt.Chart(_data(rows)).encode(y=_rows("stage"), tooltip=alt.Tooltip("text:N"))
    # Leaves room for the text behind the longest bar, on phones too.
    share = alt.X("share:Q", title=None, scale=alt.Scale(domain=[0, 2], nice=False), axis=None)
    bars = base.mark_bar(color=ACCENT, height=ROW - 8, cornerRadiusEnd=3).encode(x=share)
    texts = base.mark_text(align="left", dx=6, color=INK).encode(x=share, text="text:N")
    return _specification(alt.layer(bars, texts).properties(width="container", height=(ROW + 4) * len(rows)))


def _rows(name: str) -> Any:  # noqa: ANN401 - as above
    axis = alt.Axis(title=None, domain=False, ticks=False, labelColor=INK, labelLimit=150, labelPadding=10)
    return alt.Y(f"{name}:N", sort=None, axis=axis)


def trials(found: Sequence[Trial], top: float) -> Spec:
    """Rates with their intervals, one row each; hollow if there are few sends."""
    names = ("rate", "low", "high")
    rows = [_interval(trial.label, trial, names, "sent") for trial in found]
    return _intervals(rows, top, "leads that replied per email sent")


def providers(found: Sequence[Provider], which: str, title: str) -> Spec:
    """Rates of receiving providers, with their intervals."""
    names = (f"{which}_rate", f"{which}_low", f"{which}_high")
    rows = [_interval(one.name, one, names, "contacted") for one in found]
    return _intervals(rows, top_of(one.figures[names[2]] for one in found), title)


def _interval(label: str, one: Trial | Provider, names: tuple[str, str, str], whole: str) -> Spec:
    rate, low, high = (one.figures[name] for name in names)
    about = f"{label}: {rate.text} ({low.text} to {high.text}) of {one.figures[whole].text}"
    values = {"rate": rate.value, "low": low.value, "high": high.value}
    return {"label": label, **values, "early": one.early, "about": about + (", early" if one.early else "")}


def _intervals(rows: list[Spec], top: float, title: str) -> Spec:
    base = alt.Chart(_data(rows)).encode(y=_rows("label"), tooltip=alt.Tooltip("about:N"))
    rules = base.mark_rule(strokeWidth=2, strokeCap="round").encode(
        x=_percent("low", title, top=top),
        x2="high:Q",
        color=alt.condition("datum.early", alt.value(SOFT), alt.value(ACCENT)),
    )
    points = base.mark_point(size=70, opacity=1, strokeWidth=2).encode(
        x=_percent("rate", title, top=top),
        color=alt.condition("datum.early", alt.value(SOFT), alt.value(ACCENT)),
        fill=alt.condition("datum.early", alt.value("var(--card)"), alt.value(ACCENT)),
    )
    return _specification(alt.layer(rules, points).properties(width="container", height=ROW * len(rows)))


def top_of(figures: Iterable[Figure]) -> float:
    """Return the end of an axis that fits the rates."""
    return max((figure.value for figure in figures if figure.value is not None), default=0) or 0.01


@functools.cache
def runtime() -> str:
    """Return Vega as a script that defines `vegaEmbed`, shared by all charts."""
    # Of the version that Altair writes, Vega-Lite wants the first two numbers.
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return str(vl_convert.javascript_bundle("globalThis.vegaEmbed = vegaEmbed;", vl_version=version))
