"""Expected rows of the report's charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.report.words import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.report.expected import Expected

ENDS = ("rate", "low", "high")
ENOUGH_LEADS, ENOUGH_SENDS = 50, 200
STAGES = ("Contacted", "Opened", "Replied", "Positive", "Meeting booked", "Won")
Drawn = dict[str, list[dict[str, Any]]]


def drawn(expected: Expected, words: Mapping[str, str], texts: Mapping[str, str]) -> Drawn:
    """Return the rows of each chart.

    Args:
        expected: Figures.
        words: Words that depend on the data, by name.
        texts: Formatted figures.
    """
    values = expected.values
    weeks = list(_weeks(expected, words, texts))
    steps = sorted(
        {name.removesuffix(".rate") for name in values if name.startswith("step.") and name.endswith(".rate")}
    )
    found: Drawn = {"trend": weeks, "volume": weeks, "funnel": list(_funnel(expected, texts))}
    found["steps"] = [_interval(expected, texts, words[f"{name}.label"], name, "sent") for name in steps]
    for number, campaign in enumerate(shown(expected), start=1):
        names = sorted({name.rpartition(".")[0] for name in values if name.startswith(f"variant.{campaign}.")})
        found[f"variants-{number}"] = [
            _interval(
                expected,
                texts,
                words[f"{name}.label"],
                name,
                "sent",
                early=(values[f"{name}.sent"] or 0) < ENOUGH_SENDS,
            )
            for name in names
        ]
    sizes = {name.split(".")[1]: value or 0 for name, value in values.items() if _is_receiving(name)}
    large = [name for name in sorted(sizes, key=lambda name: (-sizes[name], name)) if sizes[name] >= ENOUGH_LEADS]
    for chart, prefix in (("replies", "reply_"), ("bounces", "bounce_")):
        found[chart] = [_interval(expected, texts, name, f"receiving.{name}", "contacted", prefix) for name in large]
    return found


def _is_receiving(name: str) -> bool:
    return name.startswith("receiving.") and name.endswith(".contacted")


def _weeks(expected: Expected, words: Mapping[str, str], texts: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    (start, end), (before, _) = expected.windows()
    for name in sorted(name.removesuffix(".dates") for name in words if name.startswith("week.")):
        first, last = words[f"{name}.dates"].split(" \N{EN DASH} ")
        of = name.removeprefix("week.")
        values = {which: expected.values[f"{name}.{which}"] for which in ("sent", *ENDS)}
        said = (
            f"{first} to {last}: {texts[f'{name}.positive']} of {texts[f'{name}.sent']} sent, {texts[f'{name}.rate']}"
        )
        which = "this period" if str(start) <= of <= str(end) else "period before" if str(before) <= of else "earlier"
        yield {**values, "week": last[:-5], "which": which, "about": said}


def _funnel(expected: Expected, texts: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    for number, stage in enumerate(STAGES, start=2):
        if expected.values[name := f"funnel.{number}.reached"] is not None:
            share = f"funnel.{number}.per_contacted"
            yield {
                "stage": stage,
                "share": expected.values[share],
                "text": f"{texts[name]} \N{MIDDLE DOT} {texts[share]}",
            }


def _interval(
    expected: Expected,
    texts: Mapping[str, str],
    label: str,
    name: str,
    whole: str,
    prefix: str = "",
    *,
    early: bool = False,
) -> dict[str, Any]:
    rate, low, high = (texts[f"{name}.{prefix}{end}"] for end in ENDS)
    said = f"{label}: {rate} ({low} to {high}) of {texts[f'{name}.{whole}']}{', early' * early}"
    return {
        **{end: expected.values[f"{name}.{prefix}{end}"] for end in ENDS},
        "label": label,
        "early": early,
        "about": said,
    }
