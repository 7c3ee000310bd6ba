"""Texts that loaders have changed, lost or failed on, and one of several megabytes."""

from __future__ import annotations

from typing import Any

import requests

from sandbox.control import Control
from tools.demo.errors import DemoError
from tools.demo.pipeline import Sandbox
from tools.demo.tables import Row

TEXTS = (
    # Quotes and backslashes.
    *('"EMEA"', "'APAC'", '"', "''", 'say ""hi""', "'it''s'"),
    *("EMEA\\DACH, Q4", "¯\\_(ツ)_/¯", "C:\\new\\table\\", "\\"),
    # Leading and trailing whitespace, whitespace alone, and the empty string.
    *("  two before", "two behind  ", " ", "\t", "\u00a0no break\u00a0", "\u3000", ""),
    # Line endings.
    *("one\ntwo", "one\r\ntwo", "\n", "\r", "\n\n three \n", "one\u2028two\u2029three", "one\x85two\x0bthree\x0c"),
    # Characters that many databases refuse. The tap replaces NUL.
    *("a\0b", "\0", "\x01\x1b[31m\x7f", "\ufeffmark", "\ufffd\uffff"),
    # Texts that look like numbers, dates or booleans.
    *("007", "+1", "1e5", "1,5", "0x1F", "-0", "NaN", "Infinity", "9" * 30, "1_000", "true", "f", "yes"),
    *("2026-01-31", "31.01.2026", "2026-01-31T00:00:00Z", "2026-02-30", "24:00:00", "now"),
    # Texts that look like JSON or NULL.
    *('{"a": 1}', "{}", "[]", "[1,", '"text"', "null", "NULL", "None", "\\N", "nil", "NA", "-"),
    # Syntax of SQL, CSV, format strings, shells and HTML.
    *("Robert'); DROP TABLE leads;--", "/* -- */", "$$", "$1 ? :name %s %(x)s", "a,b;c|d\te", "=1+1", "100%"),
    *("{name} {{ x }} {% y %}", "$HOME `id`", "<b>&amp;</b>", "\\u0041\\x41\\n"),
    # Other scripts and Unicode forms.
    *("👩\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈", "é", "e\u0301", "שלום עולם", "مرحبا (abc) ١٢٣", "\u202eabc\u202c"),
    *("𝒳𐍈", "日本語", "ǅ ß İ \u0131"),
)

COLUMNS = ("company_name", "first_name", "job_title", "last_name", "personalization", "phone", "website")
"""Columns of a lead that hold each text, besides its custom variables."""

MEGABYTES = 3
LARGE = '<img src="data:image/png;base64,' + "iVBORw0KGgo\\/+é" * (MEGABYTES << 16) + '">'
NAME = "EMEA\\DACH, 'Q4'"


def write(source: Sandbox, control: Control, turn: int) -> str:
    """Write each text into a lead and an e-mail variant, and describe that in a line.

    Each further call adds new leads and swaps the texts of the variants.

    Raises:
        DemoError: The sandbox did not accept all texts.
    """
    campaign = next((row for row in control.truth("campaigns") if row["name"] == NAME), None)
    campaign = campaign or control.add_campaign(NAME)
    turned = (*TEXTS[turn:], *TEXTS[:turn])
    variants = [{"subject": text, "body": f"{text}{text}"} for text in turned]
    variants.append({"subject": f"{MEGABYTES} MB, {turn}", "body": LARGE})
    steps = [{"type": "email", "delay": 2, "delay_unit": "days", "variants": variants}]
    control.update_campaign(campaign["id"], sequences=[{"steps": steps}])
    _add_leads(source, campaign["id"], turn)
    columns = len(COLUMNS) + 4
    return f"wrote {len(TEXTS)} difficult texts to {columns} fields each, and an e-mail of {MEGABYTES} MB"


def _add_leads(source: Sandbox, campaign: str, turn: int) -> None:
    leads = [_lead(text, f"text-{turn}-{number}@texts.example") for number, text in enumerate(TEXTS)]
    with requests.Session() as session:
        session.trust_env = False  # proxies are for the outside world
        answer = session.post(
            f"{source.api_url}/leads/add",
            json={"campaign_id": campaign, "leads": leads},
            headers={"Authorization": f"Bearer {source.api_key}", "User-Agent": "demo"},
            timeout=60,
        )
    if not answer.ok or answer.json()["leads_uploaded"] != len(leads):
        message = f"the sandbox API did not accept all leads: {answer.status_code} {answer.text[:200]}"
        raise DemoError(message)


def _lead(text: str, email: str) -> Row:
    variables = {"text": text, "texts": [text, {"text": text}]} | ({} if "\0" in text else {f"named {text}": True})
    return {"email": email, **dict.fromkeys(COLUMNS, text), "custom_variables": variables}


def carried(row: Row) -> tuple[Row, Row]:
    """Return a row as the tap writes it, and the texts with NUL that it moves to `unknown_fields`, escaped."""
    moved: Row = {}
    return {name: _without_nul(value, name, moved) for name, value in row.items()}, moved


def _without_nul(value: Any, place: str, moved: Row) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str) and "\0" in value:
        moved[place] = value.replace("\0", "\\u0000")
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {name: _without_nul(part, f"{place}.{name}", moved) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_nul(part, f"{place}[{number}]", moved) for number, part in enumerate(value)]
    return value
