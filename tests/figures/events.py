"""Expected events of leads: the tap's rows matched lead by lead."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta, timezone
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from tests.figures.truth import as_text, sender_of
from tests.report.counting import labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.figures.expected import Figures
    from tests.figures.truth import Truth
    from tests.figures.world import Row

LATEST = {
    "sent": "timestamp_last_contact",
    "opened": "timestamp_last_open",
    "clicked": "timestamp_last_click",
    "replied": "timestamp_last_reply",
}
HOOKS = {
    "email_sent": "sent",
    "email_opened": "opened",
    "link_clicked": "clicked",
    "reply_received": "replied",
    "auto_reply_received": "replied",
    "email_bounced": "bounced",
    "lead_unsubscribed": "unsubscribed",
}
MARKS = {
    "lead_neutral": None,
    "lead_out_of_office": 0,
    "lead_interested": 1,
    "lead_meeting_booked": 2,
    "lead_meeting_completed": 3,
    "lead_closed": 4,
    "lead_not_interested": -1,
}
NO_LEAD = {"campaign_completed"}
OPTIONAL = ("email_id", "email_account", "campaign_id", "step", "variant", "timestamp")
"""Members that some payloads lack."""
SAME = timedelta(minutes=10)
START = datetime(2020, 1, 1)  # noqa: DTZ001 - as loaders write it
END = datetime(9999, 1, 1)  # noqa: DTZ001 - as loaders write it


def plausible(time: datetime | None, noted: datetime | None) -> datetime | None:
    """Return a time, or when it was noted if it cannot be."""
    return time if time and START <= time <= (noted or time) else noted


def read(text: str | None) -> datetime | None:
    """Read a time that a payload has as text."""
    try:
        found = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return found.astimezone(timezone.utc).replace(tzinfo=None) if found.tzinfo else found


class Events:
    """The events of a world's leads.

    Attributes:
        emails: E-mails that were sent or received, with their leads and times.
        rows: The events by workspace and key.
    """

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._leads = {row["id"]: row for row in truth.streams["leads"]}
        self._of_address: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self._leads.values():
            if row["email"]:
                self._of_address[row["workspace_id"], row["email"]].append(row)
        self._labels = {
            (row["workspace_id"], row["label"].lower()): row["interest_status"] for row in truth.streams["lead_labels"]
        }
        self.emails = [self._email(row) for row in truth.streams["emails"] if row["ue_type"] in {1, 2, 3}]
        self._seen: dict[tuple[str, str, str, Any], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for source in (self._told_by_leads(), self._told_by_emails(), self._told_by_hooks()):
            for one in source:
                key = one["lead_id"] or " ".join(filter(None, (one["lead_email"], one["campaign_id"])))
                self._seen[one["workspace_id"], key, one["event_type"], one.get("mark")][one["channel"]].append(one)
        self.rows = dict(self._numbered())

    def _lead_of(self, row: Row, email: str | None, campaign: str | None) -> str | None:
        found = self._of_address.get((row["workspace_id"], email or ""), [])
        own = sorted(lead["id"] for lead in found if lead["campaign"] and lead["campaign"] == campaign)
        return own[0] if own else found[0]["id"] if len(found) == 1 else None

    def _email(self, row: Row) -> Row:
        received = row["ue_type"] == 2
        step = (row.get("step") or "").split("_")
        numbers = [int(text) if row["ue_type"] == 1 and text.isdigit() else None for text in (*step, "", "")[1:3]]
        return {
            **{name: row.get(name) for name in ("workspace_id", "id", "campaign_id", "subject", "_sdc_batched_at")},
            "lead_id": row["lead_id"] or self._lead_of(row, row["lead"], row["campaign_id"]),
            "lead_email": row["lead"],
            "thread_id": row["thread_id"] or row["id"],
            "at": plausible(row["timestamp_email"], row["timestamp_created"]),
            "noticed": row["timestamp_created"],
            "received": received,
            "by_hand": row["ue_type"] == 3,
            "automatic": row.get("is_auto_reply") == 1 if received else None,
            "from": row["from_address_email"],
            "account": row["eaccount"],
            "step": None if numbers[0] is None else numbers[0] + 1,
            "variant": numbers[1],
        }

    def _told_by_leads(self) -> Iterator[Row]:
        for row in self._leads.values():
            own = {"channel": "leads", "lead_id": row["id"], "lead_email": row["email"], "campaign_id": row["campaign"]}
            own["workspace_id"] = row["workspace_id"]
            for type_, name in LATEST.items():
                if at := row.get(name):
                    account = sender_of(row) if type_ == "sent" else None
                    yield own | {"event_type": type_, "at": at, "noticed": at, "account": account}
            for type_, status in (("bounced", -1), ("unsubscribed", -2)):
                if row["status"] == status:
                    yield own | {"event_type": type_, "at": None, "noticed": None}
            if at := row["timestamp_last_interest_change"]:
                yield own | _marked(row["lt_interest_status"], None) | {"at": at, "noticed": at}

    def _told_by_emails(self) -> Iterator[Row]:
        for one in self.emails:
            if one["lead_id"] or one["lead_email"]:
                yield one | {"channel": "emails", "event_type": "replied" if one["received"] else "sent"}

    def _told_by_hooks(self) -> Iterator[Row]:
        attempts: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self._truth.streams["webhook_events"]:
            attempts[row["workspace_id"], row["retry_group_id"] or row["id"]].append(row)
        emails = {one["id"]: one for one in self.emails}
        for rows in attempts.values():
            row = min(rows, key=lambda one: (one["timestamp_created"], one["id"]))
            told = dict.fromkeys(OPTIONAL) | row["payload"]
            type_ = told["event_type"]
            if not row["lead_email"] or type_ in NO_LEAD:
                continue
            at = plausible(read(told["timestamp"]), row["timestamp_created"])
            event = {"event_type": HOOKS[type_]} if type_ in HOOKS else self._mark(row["workspace_id"], type_)
            email = emails.get(told["email_id"])
            if email and ("replied" if email["received"] else "sent") != event["event_type"]:
                email = None
            own = {"channel": row["webhook_url"], "workspace_id": row["workspace_id"], "at": at, "id": row["id"]}
            own |= {"lead_email": row["lead_email"], "campaign_id": told["campaign_id"], "step": told["step"]}
            own["lead_id"] = (email or {}).get("lead_id") or self._lead_of(row, row["lead_email"], told["campaign_id"])
            own |= {"noticed": email["noticed"] if email else at, "email_id": email["id"] if email else None}
            own |= {"account": told["email_account"] and told["email_account"].lower()}
            own |= {"variant": None if told["variant"] is None else told["variant"] - 1}
            own["automatic"] = {"auto_reply_received": True, "reply_received": False}.get(type_)
            yield own | event | {"_sdc_batched_at": row["_sdc_batched_at"]}

    def _mark(self, workspace: str, type_: str) -> Row:
        if type_ in MARKS:
            return _marked(MARKS[type_], None)
        return _marked(self._labels.get((workspace, type_.lower())), type_)

    def _numbered(self) -> Iterator[tuple[tuple[str, str], Row]]:
        groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for (workspace, key, type_, _), channels in self._seen.items():
            groups[workspace, key, type_] += map(_merged, _matched(channels))
        for (workspace, key, type_), events in groups.items():
            events.sort(key=lambda one: (one["at"] or END, *map(_last, (one["code"], one["label"], one["email_id"]))))
            for number, event in enumerate(events, start=1):
                yield (workspace, f"{key}:{type_}:{number}"), event | {"event_number": number, "event_type": type_}


def _last(value: Any) -> tuple[bool, Any]:
    return value is None, value or 0


def _marked(code: int | None, label: str | None) -> Row:
    return {
        "event_type": "meeting" if code in {2, 3} else "interest",
        "code": code,
        "label": label,
        "mark": code if code is not None else (label or "none").lower(),
    }


def _matched(channels: dict[str, list[Row]]) -> Iterator[list[Row]]:
    """Yield what several channels have seen of each event: those of a cluster, paired from the latest one backwards."""
    known = [one["noticed"] for rows in channels.values() for one in rows if one["noticed"]]
    pool = [(one["noticed"] or max(known, default=None), one) for rows in channels.values() for one in rows]
    pool.sort(key=lambda pair: pair[0] or END)
    clusters: list[list[tuple[datetime | None, Row]]] = []
    for noticed, one in pool:
        previous = clusters[-1][-1][0] if clusters else None
        if noticed and previous and noticed - previous <= SAME:
            clusters[-1].append((noticed, one))
        else:
            clusters.append([(noticed, one)])
    for cluster in clusters:
        apart: dict[str, list[tuple[datetime | None, Row]]] = defaultdict(list)
        for noticed, one in cluster:
            apart[one["channel"]].append((noticed, one))
        ordered = [
            [one for _, one in sorted(rows, key=lambda pair: (-_seconds(pair[0]), pair[1].get("id", "")))]
            for rows in apart.values()
        ]
        yield from ([one for one in seen if one] for seen in zip_longest(*ordered))


def _seconds(time: datetime | None) -> float:
    return (time - START).total_seconds() if time else 0


def _merged(seen: list[Row]) -> Row:
    """Merge what was seen of an event: e-mails tell best, then webhooks."""
    emails = [one for one in seen if one["channel"] == "emails"]
    leads = [one for one in seen if one["channel"] == "leads"]
    hooks = [one for one in seen if one["channel"] not in {"emails", "leads"}]

    def best(name: str, *sources: list[Row]) -> Any:
        for rows in sources:
            if known := [one[name] for one in rows if one.get(name) is not None]:
                return min(known)
        return None

    return {
        **{name: best(name, emails, hooks, leads) for name in ("at", "account", "step", "variant", "campaign_id")},
        "email_id": best("id", emails) or best("email_id", hooks),
        "lead_id": best("lead_id", emails, hooks, leads),
        "automatic": best("automatic", emails) if emails else max(_known(hooks, "automatic"), default=None),
        "by_hand": best("by_hand", emails),
        "code": best("code", seen),
        "label": max(_known(seen, "label"), default=None),
        "sources": (bool(leads), bool(emails), bool(hooks)),
    }


def _known(rows: Iterable[Row], name: str) -> list[Any]:
    return [one[name] for one in rows if one.get(name) is not None]


def figures(truth: Truth, events: Events) -> Figures:
    """Return the expected columns of each event."""
    words, found = labels("leads", "lt_interest_status"), {}
    own = {}
    for row in sorted(truth.streams["lead_labels"], key=lambda row: row["timestamp_created"]):
        own[row["workspace_id"], row["interest_status"]] = row
    for (workspace, key), event in events.rows.items():
        label = own.get((workspace, event["code"]), {})
        row = {
            "lead_id": event["lead_id"],
            "campaign_id": event["campaign_id"],
            "event_type": event["event_type"],
            "event_number": event["event_number"],
            "occurred_at": as_text(event["at"]),
            "sender_email": event["account"],
            "step_number": event["step"],
            "variant_number": event["variant"],
            "is_automatic": event["automatic"] if event["event_type"] == "replied" else None,
            "is_by_hand": event["by_hand"] if event["event_type"] == "sent" else None,
            "interest_status_code": event["code"],
            "interest_status": words.get(event["code"]) or label.get("label") or event["label"],
            "email_id": event["email_id"],
        }
        row |= dict(zip(("is_in_leads", "is_in_emails", "is_in_webhooks"), event["sources"], strict=True))
        found |= {("instantly__lead_events", workspace, key, name): value for name, value in row.items()}
    return found
