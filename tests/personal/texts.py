"""Personal texts of the sandbox, found in two ways, and a search for them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sandbox.truth import RESOURCES
from tap_instantly.streams import STREAMS
from tap_instantly.streams.personal import MARK, Kind, marks
from tap_instantly.streams.schemas import MARKED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sandbox import Control
    from tests.support import Record

ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")

PEOPLE = re.compile(r"(first|last)_?[nN]ame|first|last|nickname|signature|user_name|referred_by")
"""Names of the sandbox's fields that name a person."""

DETAILS = re.compile(
    r"company_?[nN]ame|job_?[tT]itle|phone(_number)?|website|ip_address|user_agent|personalization|icebreaker|message_id|"
    r"subject|text|html|body|content_preview|filename|(webhook_|target_hook_)?url|bl_value|feedback_text|ai_reasoning|instruction"
)
"""Names of its fields that say something of one."""

TEMPLATES = "variants[].subject", "campaign_variants.subject"
"""Subjects of sequences, which are written for nobody in particular."""

WORD = re.compile(r"[a-z_]+")
"""A setting within an object, such as ``default``: it would be found anywhere."""

LEAST = 3
"""Characters of a text to look for."""


def leaves(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """The texts within a value, with their places, named as in ``marks``; names of fields that are addresses too."""
    if isinstance(value, dict):
        for name, part in value.items():
            if "@" in name:
                yield f"{place}.{name}", name
            yield from leaves(part, f"{place}.{name}")
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, f"{place}[]")
    elif isinstance(value, str):
        yield place, value


def marked_places() -> dict[str, Kind]:
    """Each place that is marked, with the name of its stream before it."""
    return {
        f"{stream.name}.{place}": kind
        for stream in STREAMS
        for place, kind in marks(MARKED.get_schema(stream.name)).items()
    }


def harmless_places() -> set[str]:
    """Each place that a schema describes and does not mark as personal, with the name of its stream before it."""
    return {place for stream in STREAMS for place in _harmless(MARKED.get_schema(stream.name), stream.name)}


def _harmless(schema: Mapping[str, Any], place: str) -> Iterator[str]:
    if MARK in schema:
        return
    yield place
    for name, part in schema.get("properties", {}).items():
        yield from _harmless(part, f"{place}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from _harmless(schema["items"], f"{place}[]")


def split(records: Mapping[str, Iterable[Record]]) -> tuple[dict[str, str], dict[str, str]]:
    """The texts of records that are personal, and the others, with one place of each.

    Personal is what stands at a marked place, and at one that the schema does not describe.
    """
    marked, harmless = marked_places(), harmless_places()
    personal: dict[str, str] = {}
    others: dict[str, str] = {}
    for stream, rows in records.items():
        for row in rows:
            for place, text in leaves(row, stream):
                kind = next((marked[part] for part in _above(place) if part in marked), None)
                # The place of an account may hold a word instead, which is not personal.
                is_clear = kind is Kind.NONE or place in harmless or (kind is Kind.ACCOUNT and "@" not in text)
                (others if is_clear else personal)[text] = place
    return personal, others


def _above(place: str) -> Iterator[str]:
    yield place
    for at in reversed([found.start() for found in re.finditer(r"\.|\[\]", place)]):
        yield place[:at]


def of_persons(control: Control) -> set[str]:
    """All that the sandbox has of persons, told by the names of its fields and the form of addresses, not by marks."""
    found: set[str] = set()
    for resource in RESOURCES:
        for row in control.truth(resource):
            found.update(ADDRESS.findall(json.dumps(row, ensure_ascii=False)))
            for place, text in leaves(row, resource):
                field = place.removesuffix("[]").rpartition(".")[2]
                if PEOPLE.fullmatch(field) or (DETAILS.fullmatch(field) and not place.endswith(TEMPLATES)):
                    found.add(text)
    return {text for text in found if len(text) >= LEAST}


def found_in(written: str, texts: Collection[str]) -> list[str]:
    """The texts that are in what was written, as words of their own and in whatever way JSON or a URL has them."""
    forms = {form: text for text in texts for form in (text, json.dumps(text)[1:-1], text.replace("@", "%40"))}
    return sorted({text for form, text in forms.items() if form in written and _as_words(form, written)})


def _as_words(text: str, written: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", written) is not None
