"""Find the sandbox's personal texts in two ways, and search for them."""

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
"""The sandbox's fields with names of persons."""

DETAILS = re.compile(
    r"company_?[nN]ame|job_?[tT]itle|phone(_number)?|website|ip_address|user_agent|personalization|icebreaker|message_id|"
    r"subject|text|html|body|content_preview|filename|(webhook_|target_hook_)?url|bl_value|feedback_text|ai_reasoning|instruction"
)
"""The sandbox's fields with details of persons."""

TEMPLATES = "variants[].subject", "campaign_variants.subject"
"""Subjects of sequences, which are templates."""

WORD = re.compile(r"[a-z_]+")
"""A word in an object, such as ``default``: it would be found anywhere."""

WORDS = re.compile(r"\w+")

LEAST = 3
"""Shortest text to search for."""


def leaves(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Yield the texts in a value with their places, named as in ``marks``; also field names that are addresses."""
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
    """Return the marked places with their stream's name as a prefix."""
    return {
        f"{stream.name}.{place}": kind
        for stream in STREAMS
        for place, kind in marks(MARKED.get_schema(stream.name)).items()
    }


def harmless_places() -> set[str]:
    """Return the places that a schema describes and does not mark, with their stream's name as a prefix."""
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
    """Split the texts of records into personal and other ones, each with one place.

    A text is personal at a marked place, and at a place that the schema does not describe.
    """
    marked, harmless = marked_places(), harmless_places()
    personal: dict[str, str] = {}
    others: dict[str, str] = {}
    for stream, rows in records.items():
        for row in rows:
            for place, text in leaves(row, stream):
                kind = next((marked[part] for part in _above(place) if part in marked), None)
                # An account's place may contain a word instead, which is not personal.
                is_clear = kind is Kind.NONE or place in harmless or (kind is Kind.ACCOUNT and "@" not in text)
                (others if is_clear else personal)[text] = place
    return personal, others


def _above(place: str) -> Iterator[str]:
    yield place
    for at in reversed([found.start() for found in re.finditer(r"\.|\[\]", place)]):
        yield place[:at]


def of_persons(control: Control) -> set[str]:
    """Return all texts about persons in the sandbox, by field names and the form of addresses, not by marks."""
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
    """Return the texts that occur in the output as whole words, plain or escaped for JSON or URLs."""
    forms = {form: text for text in texts for form in (text, json.dumps(text)[1:-1], text.replace("@", "%40"))}
    words = set(WORDS.findall(written))  # of megabytes, which are searched only for texts of these words
    return sorted({forms[form] for form in forms if words.issuperset(WORDS.findall(form)) and _as_words(form, written)})


def _as_words(text: str, written: str) -> bool:
    """Return True if a text is found without a letter or digit on either side."""
    at = written.find(text)
    while at >= 0:
        if not (at and WORDS.match(written, at - 1)) and not WORDS.match(written, at + len(text)):
            return True
        at = written.find(text, at + 1)
    return False
