"""Renders the page: sections, charts, styles and script in the template."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from report import charts, checks, providers, sections, tables
from report.figures import day
from report.marts import Marts
from report.providers import Provider
from report.scope import name_of
from report.sections import Stage, Week
from report.tables import Trial
from report.threads import threads

HERE = Path(__file__).parent


Drawings = dict[str, charts.Spec]
"""Charts by name; each has a description for readers who cannot see it."""


def render(marts: Marts, title: str | None = None) -> str:
    """Render the page; the title is the only workspace by default."""
    drawings: Drawings = {}
    content = {
        **_heading(marts, title),
        **_upper(marts, drawings),
        "campaigns": tables.campaigns(marts)[: tables.CAMPAIGNS],
        "all": tables.all_campaigns(marts),
        **tables.notes(marts),
        "threads": threads(marts.rows),
        **_steps(marts, drawings),
        "health": tables.health(marts),
        "senders": tables.senders(marts)[: tables.SENDERS],
        **_providers(marts, drawings),
        "checks": checks.checks(marts),
        **checks.tally(marts),
        "excuses": checks.excuses(marts),
        "doubts": checks.doubts(marts),
    }
    return filled(
        "page.html",
        **content,
        drawings=drawings,
        charts=_json(drawings),
        script=_file("page.js"),
        runtime=Markup(charts.runtime()),  # noqa: S704 - Vega's
    )


def filled(template: str, **content: object) -> str:
    """Fill in a template, with the styles; all text is escaped."""
    return str(_environment().get_template(template).render(content, css=_file("page.css")))


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )


def _file(name: str) -> Markup:
    return Markup((HERE / name).read_text(encoding="utf-8"))  # noqa: S704 - our own


def _json(value: object) -> Markup:
    # A campaign's name may contain anything, even a closing script tag.
    text = json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
    return Markup(text)  # noqa: S704 - without a bracket there is no tag


def _heading(marts: Marts, title: str | None) -> dict[str, Any]:
    names = [name_of(row) for row in marts.workspaces]
    loads = [row["loaded_at"] for row in marts.workspaces if row["loaded_at"]]
    return {
        "title": title or (names[0] if marts.one_workspace else f"{len(names)} workspaces"),
        "many": not marts.one_workspace,
        "days": sections.length(marts),
        "start": day(marts.period.start),
        "end": day(marts.period.end),
        "end_iso": marts.period.end.isoformat(),
        "before_start": day(marts.period.before_start),
        "before_end": day(marts.period.before_end),
        "has_before": marts.has_before,
        "began": [{"name": name_of(row), "on": day(row["all_from"])} for row in marts.began],
        "loaded": f"{day(max(loads))}, {max(loads):%H:%M}" if loads else "",
        "late": [{"name": name_of(row), "as_of": day(row["until"]) if row["until"] else "never"} for row in marts.late],
        **checks.left_out(marts),
    }


def _described(chart: charts.Spec, description: str) -> charts.Spec:
    return {**chart, "description": description}


def _upper(marts: Marts, drawings: Drawings) -> dict[str, Any]:
    hero, *tiles = sections.tiles(marts)
    weeks, stages = sections.weeks(marts), sections.funnel(marts)
    drawings |= {
        "trend": _described(charts.trend(weeks), _trend_summary(weeks)),
        "volume": _described(charts.volume(weeks), "Emails sent by week. The table below has every week."),
        "funnel": _described(charts.funnel(stages), _funnel_summary(stages)),
    }
    return {
        "hero": hero,
        "emails_per_positive": sections.emails_per_positive(hero),
        "sentence": sections.without_positive(marts, hero),
        "tiles": tiles,
        "weeks": weeks,
        "funnel": stages,
        "leads": sections.note_of_leads(marts),
    }


def _trend_summary(weeks: Sequence[Week]) -> str:
    rates = [week for week in weeks if week.rate.value is not None]
    if not weeks:
        return "Figures do not yet cover a week."
    if not rates:
        return "No week has both emails and positive replies."
    first, last = rates[0], rates[-1]
    return (
        f"Positive replies per email sent by week: {first.rate.text} in the week to {first.end}, "
        f"{last.rate.text} in the week to {last.end}. The table below has every week."
    )


def _funnel_summary(stages: Sequence[Stage]) -> str:
    shares = (f"{stage.name.lower()} {stage.per_contacted.text}" for stage in stages[1:])
    return f"Of the leads contacted: {', '.join(shares)}"


def _steps(marts: Marts, drawings: Drawings) -> dict[str, Any]:
    steps, shown = tables.steps(marts), tables.comparisons(marts)[: tables.COMPARISONS]
    replied = f"Leads that replied per email sent: {_rates(steps)}"
    drawings["steps"] = _described(charts.trials(steps, _top(steps)), replied)
    top = _top([trial for one in shown for trial in one.trials])
    for number, one in enumerate(shown, start=1):
        drawings[f"variants-{number}"] = _described(charts.trials(one.trials, top), f"{one.name}: {_rates(one.trials)}")
    return {"steps": steps, "comparisons": shown}


def _top(trials: Iterable[Trial]) -> float:
    return charts.top_of(trial.figures["high"] for trial in trials)


def _rates(trials: Iterable[Trial]) -> str:
    return ", ".join(f"{one.label} {one.figures['rate'].text}{' (early)' if one.early else ''}" for one in trials)


def _providers(marts: Marts, drawings: Drawings) -> dict[str, Any]:
    receiving = providers.receiving(marts)
    # Intervals of providers with few leads are so wide that they would hide all others.
    shown = [one for one in receiving if not one.early]
    for name, which in (("replies", "reply"), ("bounces", "bounce")):
        title = f"{name} per lead contacted"
        summary = f"{title.capitalize()}: {_shares(shown, f'{which}_rate')}"
        drawings[name] = _described(charts.providers(shown, which, title), summary)
    return {
        "sending": providers.sending(marts),
        "receiving": receiving,
        "pairs": providers.pairs(marts),
        "few": providers.FEW,
    }


def _shares(providers: Iterable[Provider], which: str) -> str:
    return ", ".join(f"{one.name} {one.figures[which].text}" for one in providers)
