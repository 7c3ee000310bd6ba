"""Compare every stream with all of the sandbox's records."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tap_instantly.streams import STREAMS
from tap_instantly.streams.slicers import UNATTRIBUTED
from tap_instantly.tap import TapInstantly
from tests.support import Record, TapRun, hurried, run_tap

if TYPE_CHECKING:
    from sandbox import Server

NAMES = sorted(stream.name for stream in STREAMS)
THIS = sys.modules[__name__]

TRUTH = {
    "account_warmup": "warmup_analytics",
    "account_warmup_daily": "warmup_analytics_daily",
    "accounts": "accounts_with_tags",
    "ai_deliverability_feed": "ai_deliverability_feed_items",
    "ai_deliverability_state": "ai_deliverability_states",
    "ai_inbox_manager_analytics": "ai_inbox_manager_summary",
    "ai_inbox_manager_analytics_daily": "ai_inbox_manager_summary_by_date",
    "ai_sales_agent_lead_activity": "ai_sales_agent_leads",
    "ai_sales_agent_lead_activity_summary": "ai_sales_agent_leads_summary",
    "campaign_analytics_steps": "campaign_analytics_steps_with_opportunities",
    "crm_phone_numbers": "phone_numbers",
    "dfy_domain_forwarding": "domain_forwarding",
    "inbox_placement_stats_daily": "inbox_placement_stats_by_date",
    "lead_list_verification_stats": "verification_stats",
    "supersearch_enrichments": "enrichments",
    "webhook_events_daily": "webhook_events_by_date",
    "workspace_billing_plan": "plan_details",
    "workspace_whitelabel_domain": "whitelabel_domain",
    "workspaces": "workspace",
}
"""Resources with another name in the sandbox."""

SECRETS = {"api_keys": "key", "webhooks": "headers", "dfy_accounts": "password"}


def steps_of(api: Server) -> list[Record]:
    return [
        {**step, "campaign_id": campaign["id"], "step": str(number)}
        for campaign in api.control.truth("campaigns")
        for sequence in campaign.get("sequences", [])[:1]
        for number, step in enumerate(sequence["steps"], start=1)
    ]


def truth(api: Server, stream: str) -> list[Record]:
    """Return the rows of a stream as the API has them."""
    if stream == "campaign_steps":
        return [
            {
                **{name: value for name, value in step.items() if name != "variants"},
                "variant_count": len(step["variants"]),
            }
            for step in steps_of(api)
        ]
    if stream == "campaign_variants":
        return [
            {**variant, "campaign_id": step["campaign_id"], "step": step["step"], "variant": str(number)}
            for step in steps_of(api)
            for number, variant in enumerate(step["variants"])
        ]
    if stream == "workspace_billing_subscriptions":
        return next(api.control.truth("subscription_details"))["subscriptions"]
    if stream == "supersearch_enrichment_history":
        places: dict[str, int] = {}
        rows = []
        for entry in api.control.truth("enrichment_history"):
            resource = entry["resource_id"]
            places[resource] = places.get(resource, -1) + 1
            rows.append({"resource_id": resource, "position": places[resource], "entry": entry})
        return rows
    rows = list(api.control.truth(TRUTH.get(stream, stream)))
    if stream == "workspace_group_admin":
        rows = [{"admin_workspace_name": row.pop("workspace_name"), **row} for row in rows]
    for row in rows:
        if "steps" in stream:
            row |= {name: UNATTRIBUTED for name in ("step", "variant") if row[name] is None}
        if stream == "account_analytics_daily" and not row["email_account"]:
            row["email_account"] = UNATTRIBUTED
        row.pop(SECRETS.get(stream, ""), None)
    return rows


def comparable(rows: list[Record], keys: list[str]) -> dict[tuple[Any, ...], Record]:
    """Return rows by key, without added fields."""
    return {
        tuple(row[key] for key in keys if key != "workspace_id"): {
            name: value for name, value in row.items() if name not in {"workspace_id", "workspace_name"}
        }
        for row in rows
    }


@dataclass(frozen=True)
class Twice:
    """A run of the chosen streams, the next one from its state, and the queries of both."""

    first: TapRun
    second: TapRun
    queries: list[str]


@pytest.fixture(scope="module")
def twice(running_sandbox: Server, request: pytest.FixtureRequest) -> Twice:
    tests = [item for item in request.session.items if isinstance(item, pytest.Function) and item.module is THIS]
    asked = [getattr(item, "callspec", None) for item in tests if "twice" in item.fixturenames]
    names = tuple({call.params["stream"] for call in asked if call}) if all(asked) else ()  # of -k, or all
    running_sandbox.control.reset()
    config = {"api_key": running_sandbox.api_key, "api_url": f"{running_sandbox.url}/api/v2"}
    with hurried():
        first = run_tap(config, streams=names)
        second = run_tap(config, streams=names, state=first.state)
    return Twice(first, second, [str(request["query"]) for request in running_sandbox.control.requests()])


@pytest.mark.parametrize("stream", NAMES)
def test_stream_holds_exactly_the_records_of_the_api(running_sandbox: Server, twice: Twice, stream: str) -> None:
    api, run = running_sandbox, twice.first
    records = run.records(stream)
    keys = run.schema_message(stream)["key_properties"]
    expected = truth(api, stream)
    assert expected, "the sandbox has nothing of this kind"
    assert comparable(records, keys) == comparable(expected, keys)
    assert len(run.by_key(stream)) == len(records) == len(expected)
    assert {record["workspace_id"] for record in records} == {next(api.control.truth("workspace"))["id"]}
    validator = Draft202012Validator(run.schema_message(stream)["schema"])
    for record in records:
        validator.validate(record)
        assert "unknown_fields" not in record


@pytest.mark.parametrize("stream", NAMES)
def test_next_run_resumes_from_the_state(twice: Twice, stream: str) -> None:
    first, second = twice.first, twice.second
    assert second.by_key(stream).items() <= first.by_key(stream).items()
    if first.schema_message(stream).get("bookmark_properties"):
        assert second.bookmark(stream) == first.bookmark(stream)
    else:
        assert len(second.records(stream)) == len(first.records(stream))
    (partition,) = first.state["bookmarks"][stream]["partitions"]
    assert partition.keys() <= {"context", "replication_key", "replication_key_value"}
    assert partition["context"].keys() == {"workspace_id"}


def test_every_replication_key_is_a_timestamp_or_a_day() -> None:
    for name, stream in TapInstantly(config={}, validate_config=False).streams.items():
        if stream.replication_key:
            form = stream.schema["properties"][stream.replication_key]["format"]
            assert form == ("date" if stream.replication_key == "date" else "date-time"), name


@pytest.mark.parametrize(("stream", "field"), SECRETS.items())
def test_secrets_are_never_extracted(twice: Twice, stream: str, field: str) -> None:
    run = twice.first
    assert all(field not in record for record in run.records(stream))
    assert field not in run.schema_message(stream)["schema"]["properties"]
    assert twice.queries
    assert not [query for query in twice.queries if "password" in query]


def test_large_or_rarely_needed_streams_are_deselected_for_a_reason() -> None:
    by_default = {stream.name for stream in STREAMS if stream.why_deselected is None}
    assert {"leads", "campaigns", "accounts", "account_analytics_daily"} <= by_default
    assert by_default.isdisjoint({"emails", "custom_tag_mappings", "audit_logs", "block_list_entries", "api_keys"})


def test_steps_and_variants_join_to_their_analytics(twice: Twice) -> None:
    run = twice.first
    steps, variants = run.by_key("campaign_steps"), run.by_key("campaign_variants")
    rows = run.by_key("campaign_analytics_steps")
    attributed = [key for key in rows if UNATTRIBUTED not in key]
    assert 0 < len(attributed) < len(rows)
    assert {key[:2] for key in attributed} <= steps.keys()
    assert set(attributed) <= variants.keys()


def test_compared_records_include_odd_ones(twice: Twice) -> None:
    run = twice.first
    assert 0 in {lead["status"] for lead in run.records("leads")}
    assert {} in [lead["status_summary"] for lead in run.records("leads")]
    assert {} in [campaign["campaign_schedule"] for campaign in run.records("campaigns")]
    assert any(account.get("tags") for account in run.records("accounts"))
    assert all("total_meeting_booked" in row for row in run.records("campaign_analytics_overview"))
