"""Invented people and companies. Every domain is reserved for documentation, so e-mails cannot reach anyone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WORDS: dict[str, list[Any]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


FIRST_NAMES, LAST_NAMES = WORDS["first_names"], WORDS["last_names"]
COMPANY_STEMS, COMPANY_KINDS = WORDS["company_stems"], WORDS["company_kinds"]
JOB_TITLES, INDUSTRIES, TIMEZONES = WORDS["job_titles"], WORDS["industries"], WORDS["timezones"]
CAMPAIGN_NAMES, LIST_NAMES, TAGS = WORDS["campaign_names"], WORDS["list_names"], WORDS["tags"]
SUBJECTS, BODIES = WORDS["subjects"], WORDS["bodies"]
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
