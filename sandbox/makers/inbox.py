"""Generates and sums e-mails of inbox managers and their outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from string import ascii_letters, digits

from sandbox.clock import DAY_MS, HOUR_MS, uuid4, uuid7
from sandbox.records import Data, Row

REPLY, FOLLOW_UP, NO_SHOW = 1, 2, 3
FAILED, SENT, SCHEDULED = -1, 1, 2
DATA = Data(__file__)
METHODS, ERRORS = DATA["methods"], DATA["errors"]
# Fields of an e-mail that its activity repeats under the same names.
SHARED = DATA["shared"]
ALPHABET = f"{ascii_letters}{digits}_-"


def _make_reply(rng: Random, number: int, manager: Row, *, email: str, thread: str, at: int, job: int) -> Row:
    """Create an e-mail written by an inbox manager."""
    asks, stuck = number % 6 == 5, number % 9 == 7
    status = FAILED if stuck else SCHEDULED if number % 13 == 12 else SENT
    judged, following = stuck or asks, job != REPLY
    values: Row = {"manager": manager, "email": email, "thread": thread, "at": at, "status": status, "asks": asks}
    values |= {"judged": judged, "pending": judged and number % 2 == 1, "following": following, "prompt": 900 + number}
    values |= {"key": uuid7(rng, at), "updated": at + rng.randrange(HOUR_MS), "lag": round(rng.uniform(1, 9), 1)}
    values |= {"answered": None if following else uuid4(rng), "error": ERRORS[number % 3] if stuck else None}
    return DATA.make("reply", number, rng, **values)


def _recovers(manager: Row) -> bool:
    """Return whether an agent follows up with no-shows."""
    return bool(manager["payload"].get("no_show", {}).get("enabled"))


def draw_thread(rng: Random) -> str:
    """Draw the name of a conversation, which is not a UUID."""
    return f"{rng.randrange(64):x}-{''.join(rng.choices(ALPHABET, k=22))}"


class Conversations:
    """Turns conversations of an inbox manager into e-mails and activities."""

    def __init__(self, manager: Row, written: int = 0) -> None:
        self.manager = manager
        self.replies: list[Row] = []
        self.feed: list[Row] = []
        self._written = written

    def hold(self, rng: Random, emails: Sequence[str], instants: Sequence[int], until: int) -> None:
        """Invent conversations: a reply each, up to two follow-ups, and some leads that return."""
        for number, at in enumerate(instants):
            email, thread = emails[number % len(emails)], draw_thread(rng)
            job = NO_SHOW if _recovers(self.manager) and number % 5 == 0 else FOLLOW_UP
            self.write(rng, email, thread, at, REPLY)
            for turn in range(1, 1 + number % 3):
                if at + turn * 2 * DAY_MS < until - HOUR_MS:
                    self.write(rng, email, thread, at + turn * 2 * DAY_MS, job, turn)
            back = at + 5 * DAY_MS
            if job == NO_SHOW and number % 3 and number % 2 == 0 and back < until:
                values = {"method": METHODS[number // 20 % len(METHODS)], "agent": self.manager["id"], "at": back}
                self.feed.append(DATA.make("recovery", number, rng, email=email, thread=thread, **values))

    def write(self, rng: Random, email: str, thread: str, at: int, job: int, turn: int = 0) -> None:
        """Write an e-mail."""
        row = _make_reply(rng, self._written, self.manager, email=email, thread=thread, at=at, job=job)
        self._written += 1
        self.replies.append(row)
        self.feed.append(
            {
                **{name: row.get(name) for name in SHARED},
                "agent_id": row["agent_id"],
                "activity_type": "reply" if job == REPLY else "followup",
                "job_type": job,
                "lead_email": email,
                "followup_number": turn or None,
            }
        )


def summary(manager: Row, feed: list[Row], mails: list[Row]) -> Row:
    """Sum activities, and the e-mails among them."""
    counts = _counts(manager, feed)
    actions, threads = counts["total_actions"], counts["unique_conversations"]
    scores = [row["confidence_score"] for row in mails]
    counts |= {
        "time_saved": sum(row["estimated_time_saved_seconds"] for row in mails),
        "average_confidence_score": round(sum(scores) / len(scores), 1) if scores else 0,
        # A further quarter of conversations happened without the agent.
        "involvement_rate": _percent(threads, threads + threads // 4),
        "resolution_rate": _percent(actions - counts["human_intervention"], actions),
    }
    if _recovers(manager):
        chased = [row for row in feed if row.get("job_type") == NO_SHOW]
        back = [row for row in feed if row["activity_type"] == "recovery"]
        threads = len({row["thread_id"] for row in chased + back})
        counts |= {
            "no_show_total_revenue_recovered": sum(row.get("revenue_recovered", 0) for row in back),
            "no_show_time_saved": sum(row["estimated_time_saved_seconds"] for row in chased),
            "no_show_recovery_rate": _percent(counts["no_show_total_leads_recovered"], threads),
        }
    return counts


def by_date(manager: Row, feed: list[Row]) -> list[Row]:
    """Sum the activities of each active day."""
    days: dict[str, list[Row]] = {}
    for row in feed:
        days.setdefault(row["timestamp_created"][:10], []).append(row)
    return [{"date": day, **_counts(manager, days[day])} for day in sorted(days)]


def _counts(manager: Row, feed: list[Row]) -> Row:
    acts = [row for row in feed if row["activity_type"] != "recovery"]
    counts: Row = {
        "total_actions": len(acts),
        "replies_count": sum(row["activity_type"] == "reply" for row in acts),
        "follow_ups_count": sum(row["activity_type"] == "followup" for row in acts),
        "human_intervention": sum(row["requires_hitl"] for row in acts),
        "info_requested": sum("information_requested" in row for row in acts),
        "unique_conversations": len({row["thread_id"] for row in acts}),
    }
    if _recovers(manager):
        counts["no_show_follow_ups_generated"] = sum(row["job_type"] == NO_SHOW for row in acts)
        counts["no_show_total_leads_recovered"] = len(feed) - len(acts)
    return counts


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0
