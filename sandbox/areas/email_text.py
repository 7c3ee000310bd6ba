"""Renders e-mails from their leads.

A lead, a kind and a turn determine an e-mail, together with the seed. So a large number of e-mails costs little more
memory than their ids.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.clock import stamp, uuid_text
from sandbox.lead_text import LeadGroup
from sandbox.records import Row, at_every, compact

SENT, RECEIVED, MANUAL, SCHEDULED = 1, 2, 3, 4
SECOND_MS = 1000
NOBODY = "desk@harbor-loom.example"
OUT_OF_OFFICE = 0

TEXTS = {
    SENT: ("Hi {first},\n\nwould ten minutes next week suit you?\n\nBest,\n{sender}", "An idea for {company}"),
    RECEIVED: ("Hello,\n\nthanks for writing. {company} may be interested — send more?\n\n{first}", "Re: {subject}"),
    MANUAL: ("Dear {first},\n\nhere is what I promised.\n\n{sender}", "Re: {subject}"),
    SCHEDULED: ("Dear {first},\n\nI am coming back to you as agreed.\n\n{sender}", "Re: {subject}"),
}
AWAY = "I am out of the office until Monday. \u2708"


@dataclass(frozen=True)
class Plan:
    """Position of an e-mail's lead, its `ue_type`, and its step or its turn in the conversation."""

    position: int
    kind: int
    turn: int


def whole_second(ms: int) -> int:
    """Drop the milliseconds: times of e-mails have none."""
    return ms // SECOND_MS * SECOND_MS


def thread_of(raw: bytes) -> str:
    """Return the thread of a lead; not a UUID, unlike the documentation's example."""
    text = base64.b64encode(raw + raw[-2:], altchars=b"xq").decode()
    return f"{10 + raw[-1] % 50}-{text[:23]}"


class EmailText:
    """Renders e-mails."""

    def __init__(
        self, organization: str, campaigns: Mapping[str, Row], groups: Sequence[LeadGroup], accounts: Sequence[str]
    ) -> None:
        self._organization = organization
        self._senders = {key: tuple(row.get("email_list", ())) or tuple(accounts) for key, row in campaigns.items()}
        self._agents = {key: row["ai_sdr_id"] for key, row in campaigns.items() if "ai_sdr_id" in row}
        self.steps = {step: number for group in groups for number, step in enumerate(group.step_ids)}
        self._accounts = tuple(accounts)

    def sender(self, lead: Row) -> str:
        """Return the account that writes to a lead."""
        senders = self._senders.get(lead.get("campaign", ""), self._accounts)
        return senders[zlib.crc32(lead.get("id", "").encode()) % len(senders)] if senders else NOBODY

    def render(self, raw: bytes, plan: Plan, lead: Row) -> Row:
        """Render an e-mail."""
        created = whole_second(int.from_bytes(raw[:6], "big"))
        noise = zlib.crc32(raw)
        automatic = plan.kind == RECEIVED and "timestamp_last_reply" not in lead
        email_id = uuid_text(raw)
        # The mail server's time is earlier, except for e-mails sent by hand.
        sent = created - (0 if plan.kind == MANUAL else SECOND_MS * (1 + noise % 90))
        row = self.letter(lead, plan.kind, automatic=automatic, noise=noise)
        row |= {"id": email_id, "timestamp_created": stamp(created), "timestamp_email": stamp(sent)}
        row |= {"message_id": f"<{email_id[-12:]}.{noise:08x}@mail.harbor-loom.example>"}
        if plan.kind == SENT:
            variant = lead.get("email_opened_variant", lead.get("email_replied_variant", 0))
            row |= {"step": f"0_{plan.turn}_{variant}", "is_unread": 0}
        elif plan.kind == RECEIVED:
            row |= {"is_unread": int(noise % 3 == 0), "is_auto_reply": int(automatic)}
        return compact(row)

    def letter(self, lead: Row, kind: int, *, automatic: bool = False, noise: int = 0) -> Row:
        """Render the fields that do not depend on time: sender, recipients and content."""
        account, address = self.sender(lead), lead.get("email") or "someone@elsewhere.example"
        incoming = kind == RECEIVED
        source, target = (address, account) if incoming else (account, address)
        names = {"first": lead.get("first_name", "you"), "company": lead.get("company_name", "us")}
        names |= {"sender": account.split(".")[0].title(), "subject": f"An idea for {names['company']}"}
        pattern, subject = TEXTS[kind]
        text = AWAY if automatic else pattern.format(**names)
        html = f"<div>{text}</div>".replace("\n", "<br/>")
        body = {"text": text, "html": html}
        if noise % 5 < 2:  # noqa: PLR2004 - two letters in five have one of the two only
            body.pop(("text", "html")[noise % 5])
        files = [{"filename": "offer.pdf", "size": 1927, "type": "application/pdf", "url": "https://cdn.example/offer"}]
        files += [{"filename": "scan.png", "error": "Upload failed"}]
        interest = OUT_OF_OFFICE if automatic else lead.get("lt_interest_status")
        return {
            "subject": subject.format(**names),
            "from_address_email": source,
            "to_address_email_list": target,
            "cc_address_email_list": at_every(noise, 11, "archive@harbor-loom.example"),
            "bcc_address_email_list": at_every(noise, 17, "crm@harbor-loom.example"),
            "reply_to": at_every(noise, 7, source),
            "body": body,
            "organization_id": self._organization,
            "campaign_id": lead.get("campaign"),
            "subsequence_id": lead.get("subsequence_id"),
            "list_id": lead.get("list_id"),
            "lead": lead.get("email"),
            "lead_id": lead.get("id"),
            "eaccount": account,
            "ue_type": kind,
            "reminder_ts": at_every(noise, 23, lead.get("timestamp_updated")),
            "ai_interest_value": at_every(noise, 2, noise % 100 / 100) if incoming else None,
            "ai_assisted": None if incoming else at_every(noise, 3, 0),
            "is_focused": None if kind == SENT else int(not automatic),
            "i_status": interest if incoming else None,
            "thread_id": thread_of(bytes.fromhex(lead["id"].replace("-", ""))) if "id" in lead else None,
            "content_preview": text[:60].replace("\n", " "),
            "attachment_json": at_every(noise, 13, {"files": files}),
            "from_address_json": at_every(
                noise, 2, [{"address": source, "name": names["first" if incoming else "sender"]}]
            ),
            "to_address_json": at_every(noise, 2, [{"address": target, "name": ""}]),
            "cc_address_json": at_every(noise, 11, [{"address": "archive@harbor-loom.example", "name": ""}]),
            "ai_agent_id": self._agents.get(lead.get("campaign", "")) if kind == SENT else None,
        }


def read_lead(text: str) -> Row:
    """Parse a rendered lead."""
    lead: Row = json.loads(text)
    return lead
