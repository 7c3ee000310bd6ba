"""Changes between two syncs, request log, reset, determinism, start and stop."""

from __future__ import annotations

import re
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests

from sandbox import ApiKey, Control, SandboxConfig, serve
from sandbox.request_log import Entry
from tests.sandbox.whole import ROOT, command, everything, started

AT = "2026-07-02T10:00:00.000Z"
NULL = re.compile(r'"(\w+)":null')
# Members that are null rather than absent: documented as required, or as null if empty.
NULLS = {
    *("step", "variant"),
    *("timestamp_cancelled", "forwarding_domain", "forwarding_mode"),
    *("configuration_mode", "active", "cycle_id", "started_at", "completed_at", "last_completed_at", "next_run_at"),
    # Jobs, sending status and plans.
    *("error", "file_name", "to_list_id"),
    *("diagnostics", "summary", "issue_first_seen_at", "issue_started_at", "last_healthy_send_at"),
    *("limit", "earliest_wait_time_seconds"),
    *("plan_name", "interval", "current_period_end", "cancel_at_time", "price_in_dollars", "product_id"),
    *("available_credits", "plan_limit", "purchase_blocked_reason", "to_quantity"),
}
SMALL = SandboxConfig(leads=20, accounts=5, campaigns=4, emails=40, days=40, until="2026-06-30")
CHANGED = ("leads", "accounts", "campaign_analytics", "emails", "custom_tags", "audit_logs", "webhook_events")
# Resources that are the same in every workspace.
SEEDLESS = {"lead_changes", "inbox_placement_esp_options", "webhook_event_types", "workspace_group_admin"}
SEEDLESS |= {"campaigns_launched"}


def truth(control, resource, key="id"):
    return {row[key]: row for row in control.truth(resource)}


def a_lead(control, **wanted):
    found = (row for row in control.truth("leads") if "campaign" in row)
    return next(row for row in found if all(row[name] == value for name, value in wanted.items()))


@pytest.mark.parametrize(
    ("kind", "counter", "stamp", "total"),
    [
        ("open", "email_open_count", "timestamp_last_open", "open_count"),
        ("click", "email_click_count", "timestamp_last_click", "link_click_count"),
        ("reply", "email_reply_count", "timestamp_last_reply", "reply_count"),
    ],
)
def test_an_event_changes_the_lead_and_the_analytics_of_its_day(control, kind, counter, stamp, total):
    lead = a_lead(control, status=3)
    before = truth(control, "campaign_analytics", "campaign_id")[lead["campaign"]]
    changed = control.mutate(kind, lead_id=lead["id"], at=AT)["lead"]
    assert changed[counter] == lead[counter] + 1
    assert changed[stamp] == changed["timestamp_updated"] == AT
    assert truth(control, "leads")[lead["id"]] == changed
    after = truth(control, "campaign_analytics", "campaign_id")[lead["campaign"]]
    assert after[total] == before[total] + 1
    days = [row for row in control.truth("campaign_analytics_daily") if row["date"] == "2026-07-02"]
    assert [row["campaign_id"] for row in days] == [lead["campaign"]]


def test_a_second_open_of_the_day_is_not_unique(control):
    lead = a_lead(control, email_open_count=0)
    control.open(lead["id"], AT)
    control.open(lead["id"], "2026-07-02T11:00:00.000Z")
    day = next(row for row in control.truth("campaign_analytics_daily") if row["date"] == "2026-07-02")
    assert (day["opened"], day["unique_opened"]) == (2, 1)


def test_an_automatic_reply_is_counted_apart(control):
    lead = a_lead(control, status=3)
    control.reply(lead["id"], AT, automatic=True)
    day = next(row for row in control.truth("campaign_analytics_daily") if row["date"] == "2026-07-02")
    assert (day["replies"], day["replies_automatic"]) == (0, 1)


def test_sums_hold_after_events(control):
    for number, lead in enumerate(row for row in control.truth("leads") if "campaign" in row):
        if number % 200 == 0:
            for kind in ("open", "click", "reply"):
                control.mutate(kind, lead_id=lead["id"], at=f"2026-07-0{1 + number % 3}T10:00:00Z")
    sums: dict[str, int] = {}
    for row in control.truth("campaign_analytics_daily"):
        sums[row["campaign_id"]] = sums.get(row["campaign_id"], 0) + row["replies"]
    totals = truth(control, "campaign_analytics", "campaign_id")
    assert all(totals[campaign]["reply_count"] == sums[campaign] for campaign in totals)


def test_a_draft_appears_in_analytics_when_it_has_sent(control):
    draft = next(row["id"] for row in control.truth("campaigns") if row["status"] == 0)
    control.send(draft, 5, AT)
    assert truth(control, "campaign_analytics", "campaign_id")[draft]["emails_sent_count"] == 5


def test_leads_can_be_added_and_removed(api, control):
    campaign = a_lead(control)["campaign"]
    before = truth(control, "leads")
    count = truth(control, "campaign_analytics", "campaign_id")[campaign]["leads_count"]
    added = control.add_leads(3, campaign=campaign, at=AT)
    assert {row["timestamp_created"] for row in added} == {AT}
    gone = a_lead(control, campaign=campaign)["id"]
    assert control.delete_leads(gone, added[0]["id"], "nonsense") == [gone, added[0]["id"]]
    expected = before | {row["id"]: row for row in added[1:]}
    del expected[gone]
    assert truth(control, "leads") == expected
    assert api.walk("/leads/list", 37) == list(control.truth("leads"))
    assert api.get(f"/leads/{gone}").status_code == 404
    assert truth(control, "campaign_analytics", "campaign_id")[campaign]["leads_count"] == count + 1


def test_campaigns_can_be_added_changed_and_removed(api, control):
    made = control.add_campaign("Fresh", AT)
    control.update_campaign(made["id"], AT, name="Renamed", status=1)
    row = truth(control, "campaigns")[made["id"]]
    assert (row["name"], row["status"], row["timestamp_updated"]) == ("Renamed", 1, AT)
    control.delete_campaign(made["id"])
    assert made["id"] not in truth(control, "campaigns")


def test_deleted_campaign_removes_its_leads_but_keeps_workspace_totals(api, control):
    workspace = list(control.truth("workspace_analytics_daily"))
    lead = a_lead(control)
    control.open(lead["id"], "2026-06-30T10:00:00Z")
    workspace = list(control.truth("workspace_analytics_daily"))
    gone = control.delete_campaign(lead["campaign"])["campaign"]
    assert gone["leads"] > 0
    leads = list(control.truth("leads"))
    assert not [row for row in leads if row.get("campaign") == lead["campaign"]]
    assert api.get(f"/leads/{lead['id']}").status_code == 404
    assert api.walk("/leads/list", 50) == leads
    assert lead["campaign"] not in truth(control, "campaign_analytics", "campaign_id")
    assert list(control.truth("workspace_analytics_daily")) == workspace


def test_accounts_and_lists_can_be_added_and_removed(api, control):
    made = control.add_account("new@harbor.example", AT)
    assert api.walk("/accounts", 7)[0]["email"] == made["email"]
    assert control.pause_account(made["email"], AT)["status"] == 2
    control.delete_account(made["email"])
    assert api.get(f"/accounts/{made['email']}").status_code == 404
    lead_list = control.add_lead_list("Fresh list", AT)
    assert api.page("/lead-lists", 1, None)["items"] == [lead_list]


@pytest.mark.parametrize("resource", ["campaigns", "accounts", "lead_lists", "leads", "campaign_analytics_daily"])
def test_records_can_have_an_unknown_field(control, resource):
    control.add_field(resource, "brand_new", {"deep": [1]})
    assert all(row["brand_new"] == {"deep": [1]} for row in control.truth(resource))


def test_an_impossible_change_is_refused(control):
    for op, details in {"explode": {}, "open": {"lead_id": "x"}, "send": {}, "delete_campaign": {"id": "x"}}.items():
        with pytest.raises(RuntimeError, match=r"40[04]"):
            control.mutate(op, **details)


def test_the_log_names_keys_and_keeps_secrets(api, control):
    api.get("/campaigns", limit=3, ids=["a", "b"])
    api.post("/leads/list", {"limit": 1})
    api.session.headers["Authorization"] = "Bearer wrong"
    api.get("/accounts")
    get, post, refused = control.requests()
    assert (get["method"], get["path"], get["query"]) == ("GET", "/api/v2/campaigns", {"limit": "3", "ids": ["a", "b"]})
    assert (get["status"], get["key"], get["user_agent"]) == (200, "default", "sandbox-tests/1")
    assert post["body"] == {"limit": 1}
    assert (refused["status"], refused["key"]) == (401, None)
    assert get["seq"] < post["seq"] < refused["seq"]
    assert "sandbox-key-default" not in str(control.requests())
    assert [row["path"] for row in control.requests("/api/v2/accounts")] == ["/api/v2/accounts"]


def test_peak_of_concurrent_requests_is_counted(make_api, control):
    control.config(latency_ms=300)
    apis = [make_api() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        assert [answer.status_code for answer in pool.map(lambda api: api.get("/campaigns"), apis)] == [200] * 3
    assert control.counts()["most_in_flight"] == 3
    control.clear_requests()
    control.config(latency_ms=0)
    apis[0].get("/campaigns")
    assert control.counts()["most_in_flight"] == 1


def test_broken_request_is_no_longer_in_flight(api, control):
    control.fault("/api/v2/campaigns", "reset")
    with pytest.raises(requests.ConnectionError):
        api.get("/campaigns")
    control.clear_requests()
    api.get("/campaigns")
    assert control.counts()["most_in_flight"] == 1


def test_the_counts_outlive_the_log(server):
    log = server.state.log
    for _ in range(25_000):
        entry = Entry("GET", "/x", "", "", status=429)
        log.open(entry)
        log.close(entry)
    assert log.counts()["total"] == log.counts()["too_many"] == 25_000
    assert len(list(log.entries())) == 10_000


def test_the_same_options_give_the_same_bytes():
    config = replace(SMALL, leads=100, campaigns=6)
    first = everything(config)
    assert everything(config) == first
    other = everything(replace(config, seed=2))
    assert all(other[resource] != first[resource] for resource in first.keys() - SEEDLESS)


def test_the_same_changes_give_the_same_bytes(control):
    def run():
        control.reset()
        lead = a_lead(control)
        control.reply(lead["id"], AT)
        control.add_leads(2, at=AT)
        control.add_account(at=AT)
        control.mutate("add_tag", label="Again", at=AT)
        control.mutate("add_audit_log", activity_type=20, at=AT)
        control.mutate("deliver_webhook", lead_id=lead["id"], at=AT)
        return [list(control.truth(resource)) for resource in CHANGED]

    assert run() == run()


def test_reset_brings_everything_back(control):
    before = list(control.truth("leads"))
    control.delete_leads(before[0]["id"])
    control.config(latency_ms=1, short_pages=0.5)
    control.fault("*", "status")
    control.reset()
    assert list(control.truth("leads")) == before
    assert control.faults() == []
    assert control.config()["short_pages"] == 0
    assert control.config()["latency_ms"] == 0


def test_ties_among_lists_can_be_configured(running):
    with serve(replace(running.state.config, list_ties=True)) as server:
        times = [row["timestamp_created"] for row in server.control.truth("lead_lists")]
    assert len(set(times)) < len(times)


@pytest.mark.parametrize(
    "sizes", [{"leads": 0}, {"campaigns": 0}, {"accounts": 0}, {"campaigns": 0, "lead_lists": 0}, {"days": 1}]
)
def test_small_workspaces_work(sizes):
    for text in everything(replace(SMALL, **sizes)).values():
        assert not {name for name in NULL.findall(text) if name not in NULLS}


def test_a_workspace_from_before_october_2025_has_random_ids_only():
    leads = everything(replace(SMALL, leads=50, until="2025-03-01"))["leads"]
    assert {line[21] for line in leads.split("\n")} == {"4"}


def test_two_sandboxes_run_in_parallel():
    with serve(SandboxConfig(leads=5, seed=1)) as one, serve(SandboxConfig(leads=5, seed=2)) as two:
        assert one.url != two.url
        assert list(one.control.truth("leads")) != list(two.control.truth("leads"))


def test_the_command_line_starts_a_sandbox():
    with started("--leads", "10", "--key", "narrow=accounts:read") as process:
        listening, key = process.stdout.readline().split(), process.stdout.readline().split()
        assert listening[:3] == ["sandbox:", "listening", "on"]
        with Control(listening[3]) as control:
            assert len(list(control.truth("leads"))) == 10
            assert control.about()["keys"][0]["scopes"] == ["accounts:read"]
        headers = {"Authorization": f"Bearer {key[-1]}", "User-Agent": "t/1"}
        for path, status in (("accounts", 200), ("campaigns", 401)):
            assert requests.get(f"{listening[3]}/api/v2/{path}", headers=headers, timeout=5).status_code == status


def refused(*options):
    done = subprocess.run(command(*options), cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    return done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 - refused here
def test_listening_beyond_loopback_needs_allow_remote(host):
    assert "--allow-remote" in refused("--host", host)


def test_port_in_use_is_named_with_advice():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        message = refused("--port", port)
    assert f"cannot listen on port {port}: " in message
    assert "another --port" in message


def test_keys_are_read_from_text():
    assert ApiKey.parse("a") == ApiKey("a", ("all:all",))
    assert ApiKey.parse("a=leads:read,campaigns:all") == ApiKey("a", ("leads:read", "campaigns:all"))
    assert ApiKey.parse("a@workspace-002") == ApiKey("a", workspace="workspace-002")
    assert ApiKey.parse("a@b=leads:read", paid=False) == ApiKey("a", ("leads:read",), paid=False, workspace="b")
    with pytest.raises(ValueError, match="name"):
        ApiKey.parse("=leads:read")
