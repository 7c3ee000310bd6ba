"""Sending status of campaigns and subsequences, with nulls as in the real answers; the number of launched campaigns."""

from __future__ import annotations

from sandbox.answers import reply
from sandbox.api import Area, Handler, Truth, each, get, single
from sandbox.areas.campaigns import DRAFT
from sandbox.clock import parse_stamp, stamp
from sandbox.ledger import Window
from sandbox.records import Row
from sandbox.world import World

REASONS = {
    -99: ("campaign_account_suspended", "The sending account is suspended"),
    -2: ("campaign_bounce_protect", "Sending is paused because of bounces"),
    -1: ("campaign_accounts_unhealthy", "All sending accounts have problems"),
    0: (None, None),
    1: ("healthy", "Campaign is sending normally"),
    2: ("campaign_paused", "Campaign is paused"),
    3: ("campaign_completed", "Campaign has finished"),
    4: ("campaign_running_subsequences", "Only subsequences are still sending"),
}
# Reasons that slow down an active campaign.
SLOW = (
    REASONS[1],
    ("out_of_schedule", "Outside of the sending schedule"),
    ("daily_limit_met", "The daily limit is reached"),
    ("waiting_for_leads", "No leads are ready"),
)


def _status(world: World, row: Row, *, advice: bool = False) -> Row:
    """Return the sending status, all null for drafts."""
    status, message = REASONS[row["status"]]
    number = int(row["id"][:4], 16)
    if status == "healthy":
        status, message = SLOW[number % len(SLOW)]
    if status is None:
        return {"diagnostics": None, "summary": None}
    updated = row.get("timestamp_updated") or row["timestamp_leads_updated"]
    sent_on = None if status == "waiting_for_leads" else stamp(parse_stamp(updated) // 1000 * 1000)
    since = None if status == "healthy" else updated
    summary = {"status": status, "status_message": message, "issue_started_at": since, "last_healthy_send_at": sent_on}
    if advice:
        summary["ai_summary"] = f"{message}. Nothing else stands out."
    subsequence = {"subsequence_id": row["id"]} if "parent_campaign" in row else {}
    diagnostics = {
        "campaign_id": row.get("parent_campaign") or row["id"],
        **subsequence,
        "last_updated": updated,
        "status": status,
        "issue_tracking": {
            "current_status_code": status,
            "issue_first_seen_at": since,
            "consecutive_loops_with_issue": 0 if status == "healthy" else 1 + number % 9,
            "last_healthy_send_at": sent_on,
        },
        "schedule_status": {"in_schedule": status != "out_of_schedule"},
    }
    # Outside its schedule, the API reports no further reasons.
    campaign = world.campaigns[diagnostics["campaign_id"]]
    limits = {} if status == "out_of_schedule" else _limits(world, campaign, status, number)
    return {"diagnostics": diagnostics | limits, "summary": summary}


def _limits(world: World, campaign: Row, status: str, number: int) -> Row:
    day = world.ledger(campaign["id"]).total(Window(world.until, world.until + 1))
    senders, most = len(campaign.get("email_list", ())), campaign.get("daily_max_leads")
    limit = campaign.get("daily_limit", 0)
    gone = min(senders, number % 2)
    unavailable = {"daily_limit_hit": 0, "slow_ramp_limit_hit": 0, "disconnected": gone, "global_gap_not_met": 0}
    return {
        "accounts_summary": {"total_connected": senders, "available": senders - gone, "unavailable": unavailable},
        "campaign_daily_limit": {"limit": limit, "sent": day["sent"], "limit_hit": status == "daily_limit_met"},
        "new_lead_limit": {
            "enabled": most is not None,
            "limit": most,
            "contacted": day["new"],
            "limit_hit": most is not None and day["new"] >= most,
        },
        "send_one_by_one": {"enabled": number % 3 == 0, "single_account_per_wait_gap": False},
        "follow_ups_waiting": {"count": number % 12, "earliest_wait_time_seconds": number if number % 12 else None},
        "esp_routing_status": {
            "enabled": "provider_routing_rules" in campaign,
            "waiting_for_match": False,
            "connected_esps": [2, 3],
        },
        "domain_limiter": {"active": number % 5 == 0, "domains_at_limit": number % 5},
        "leads_status": {
            "no_leads_ready": status == "waiting_for_leads",
            "account_unavailable_skips": number % 4,
            "delay_not_met_skips": number % 7,
        },
    }


def _get(resource: str) -> Handler:
    return lambda request: reply(_status(request.world, request.row(resource), advice=request.flag("with_ai_summary")))


def _statuses(resource: str, name: str) -> Truth:
    return each(resource, name, lambda world, key: [_status(world, world.collection(resource)[key])])


def _launched(world: World) -> Row:
    """Count the launched campaigns; that these are all but drafts is a guess."""
    return {"count": sum(row["status"] != DRAFT for row in world.campaigns.values())}


AREA = single("/campaigns/count-launched", "campaigns_launched", _launched, "campaigns:read") + Area(
    endpoints=(
        get("/subsequences/{key}/sending-status", _get("subsequences"), "subsequences:read"),
        get("/campaigns/{key}/sending-status", _get("campaigns"), "campaigns:read"),
    ),
    truth={
        "subsequence_sending_status": _statuses("subsequences", "subsequence_id"),
        "campaign_sending_status": _statuses("campaigns", "campaign_id"),
    },
)
