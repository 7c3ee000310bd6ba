"""Invented people and companies. Every domain is reserved for documentation, so e-mails cannot reach anyone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WORDS: dict[str, list[Any]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


def _strings(name: str) -> tuple[str, ...]:
    return tuple(WORDS[name])


FIRST_NAMES, LAST_NAMES = _strings("first_names"), _strings("last_names")
COMPANY_STEMS, COMPANY_KINDS = _strings("company_stems"), _strings("company_kinds")
JOB_TITLES, INDUSTRIES, TIMEZONES = _strings("job_titles"), _strings("industries"), _strings("timezones")
CAMPAIGN_NAMES, LIST_NAMES, TAGS = _strings("campaign_names"), _strings("list_names"), _strings("tags")
SUBJECTS, BODIES = _strings("subjects"), _strings("bodies")
CUSTOM_VARIABLES: tuple[tuple[str, list[Any]], ...] = tuple(
    (name, values) for name, values in WORDS["custom_variables"]
)


def plain(name: str) -> str:
    """Spell a name as in addresses."""
    return name.lower().translate(str.maketrans("ëüż", "euz"))


def named(names: Sequence[str], number: int, lap: str = "{}") -> str:
    """Return a name by number; from the second lap on, with the number of the lap."""
    laps, place = divmod(number, len(names))
    return names[place] + (f" {lap.format(laps + 1)}" if laps else "")
