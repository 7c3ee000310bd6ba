"""Generates checks, findings and recommendations of deliverability agents.

An agent runs its checks once a week. Each problem that a check finds becomes an item of its feed.
"""

from __future__ import annotations

from random import Random
from typing import Any

from sandbox.clock import DAY_MS, HOUR_MS, MINUTE_MS, stamp, uuid7
from sandbox.records import Row, at_every, compact

CHECKS = (
    *("check_workspace_settings", "check_domain_records", "check_warmup_health", "check_bounce_rates"),
    *("check_sending_limits", "check_blacklists", "check_duplicates", "check_placement"),
)
OUTCOMES = ("healthy", "healthy", "needs_attention", "healthy", "info", "healthy", "healthy", "failed")
RETENTION_DAYS = 30
KINDS = {
    "needs_attention": ("recommendation", "warning"),
    "info": ("insight", "info"),
    "failed": ("action", "critical"),
}
STATUSES = ("done", "todo", "dismissed", "todo", "failed")


def make_check(rng: Random, agent: Row, number: int, cycle: str, at: int, status: str = "completed") -> Row:
    """Create one check of a cycle."""
    code = CHECKS[number % len(CHECKS)]
    done, begun = status in {"completed", "failed"}, status != "queued"
    about = number % 3 == 1
    key = uuid7(rng, at)
    return compact(
        {
            "id": key,
            "organization_id": agent["organization_id"],
            "agent_id": agent["id"],
            "cycle_id": cycle,
            "activity_code": code,
            "status": status,
            "priority": 100 - number % len(CHECKS),
            "subject_type": "workspace" if about else None,
            "subject_id": agent["organization_id"] if about else None,
            "subject_name": "Harbor & Loom" if about else None,
            "payload": {"trigger": "schedule"},
            "result_payload": {"seen": 3 + number} if done else None,
            "error_code": "TIMED_OUT" if status == "failed" else None,
            "error_message": "The check took too long" if status == "failed" else None,
            "idempotency_key": f"cycle:{cycle}:{code}",
            "timestamp_created": stamp(at),
            "timestamp_updated": stamp(at + 5 * MINUTE_MS if begun else at),
            "queued_at": stamp(at),
            "started_at": stamp(at + MINUTE_MS) if begun else None,
            "completed_at": stamp(at + 5 * MINUTE_MS) if done else None,
            "expires_at": stamp(at + 7 * DAY_MS),
        }
    )


def make_item(rng: Random, number: int, check: Row, outcome: str, at: int) -> Row:
    """Create the feed item for the outcome of a check."""
    kind, severity = KINDS[outcome]
    status = STATUSES[number % len(STATUSES)]
    code = f"{check['activity_code'].removeprefix('check_')}_{kind}"
    acted = status in {"done", "failed"}
    subject = number % 2 == 0
    return {
        "id": uuid7(rng, at),
        "organization_id": check["organization_id"],
        "agent_id": check["agent_id"],
        "source_activity_id": at_every(number, 4, None, 3) or check["id"],
        "feed_code": code,
        "kind": kind,
        "status": status,
        "severity": "success" if status == "done" and number % 10 == 0 else severity,
        "priority": check["priority"],
        "subject_type": "workspace" if subject else None,
        "subject_id": check["organization_id"] if subject else None,
        "subject_name": "Harbor & Loom" if subject else None,
        "payload": {"hint": "Lower the daily limit", "number": number},
        "result_payload": {"changed": number % 3} if acted else None,
        "action_code": "apply_recommendation" if acted else None,
        "action_status": "completed" if status == "done" else "failed" if acted else None,
        "action_payload": {"daily_limit": 30} if acted else None,
        "dedupe_key": f"{code}:workspace:{check['organization_id']}",
        "timestamp_created": stamp(at),
        "timestamp_updated": stamp(at + HOUR_MS),
        "completed_at": stamp(at + HOUR_MS) if status == "done" else None,
        "dismissed_at": stamp(at + HOUR_MS) if status == "dismissed" else None,
        "expires_at": stamp(at + 30 * DAY_MS) if status == "todo" else None,
    }


class Cycle:
    """One run of the checks."""

    def __init__(self, rng: Random, agent: Row, number: int, at: int) -> None:
        self.id = uuid7(rng, at)
        self.started = stamp(at)
        self.checks: list[Row] = []
        self.outcomes: list[str] = []
        self.items: list[Row] = []
        for place in range(len(CHECKS)):
            outcome = OUTCOMES[(place + 3 * number) % len(OUTCOMES)]
            begun = at + place * 10 * MINUTE_MS
            status = "failed" if outcome == "failed" else "completed"
            check = make_check(rng, agent, place, self.id, begun, status)
            self.checks.append(check)
            self.outcomes.append(outcome)
            if outcome in KINDS:
                item = make_item(rng, number * 3 + len(self.items), check, outcome, begun + 6 * MINUTE_MS)
                self.items.append(item)
        self.completed: str = self.checks[-1]["completed_at"]

    def _count(self, outcome: str) -> int:
        return self.outcomes.count(outcome)

    def counts(self) -> Row:
        """Count the outcomes."""
        return {
            "total_checks": len(self.checks),
            "healthy_count": self._count("healthy"),
            "needs_attention_count": self._count("needs_attention"),
            "info_count": self._count("info"),
            "failed_count": self._count("failed"),
        }

    def as_latest(self) -> Row:
        """Return the run as the latest one, without later changes to its items."""
        return {
            "cycle_id": self.id,
            "status": "completed",
            "started_at": self.started,
            "completed_at": self.completed,
            **self.counts(),
            "completed_checks": len(self.checks),
            "checks": [
                {
                    "activity_id": check["id"],
                    "activity_code": check["activity_code"],
                    "status": check["status"],
                    "outcome": outcome,
                    "completed_at": check["completed_at"],
                }
                for check, outcome in zip(self.checks, self.outcomes, strict=True)
            ],
        }

    def as_point(self) -> Row:
        """Return the run as a point of the trend."""
        counts = self.counts()
        score = round(100 * counts["healthy_count"] / counts["total_checks"])
        return {"cycle_id": self.id, "completed_at": self.completed, "score": score, **counts}


def active_check(rng: Random, agent: Row, at: int) -> Row:
    """Create the check that is running, with its steps."""
    check = make_check(rng, agent, 4, uuid7(rng, at), at, "in_progress")
    steps: list[dict[str, Any]] = []
    for place, status in enumerate(("completed", "failed", "in_progress", "queued")):
        ended = status in {"completed", "failed"}
        message = {
            "id": uuid7(rng, at + place),
            "organization_id": agent["organization_id"],
            "agent_id": agent["id"],
            "activity_id": check["id"],
            "message_code": "checking_campaign",
            "status": status,
            "sort_order": 10 * place,
            "subject_type": "campaign" if place else None,
            "subject_id": f"campaign-{place}" if place else None,
            "subject_name": f"Number {place}" if place else None,
            "payload": {},
            "result_payload": {"fine": True} if status == "completed" else None,
            "error_code": "NOT_FOUND" if status == "failed" else None,
            "error_message": "The campaign is gone" if status == "failed" else None,
            "idempotency_key": f"{check['idempotency_key']}:{place}",
            "timestamp_created": stamp(at),
            "timestamp_updated": stamp(at + place * MINUTE_MS),
            "completed_at": stamp(at + place * MINUTE_MS) if ended else None,
        }
        steps.append(compact(message))
    return check | {"sub_messages": steps}
