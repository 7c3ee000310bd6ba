"""AI agents: lists of every shape, consistent sums, and changes."""

from __future__ import annotations

import base64
import json

import pytest

AT = "2026-07-02T10:00:00.000Z"
SALES, MANAGERS, FINDERS = "ai_sales_agents", "ai_inbox_managers", "ai_lead_finders"
DELIVERABILITY = "ai_deliverability_agents"
# Lists of an agent: (path, truth resource, agents, member with the agent's id, true if truth adds it).
LISTS = [
    ("/ai-agents/sales/{}/activities", "ai_sales_agent_activities", SALES, "ai_sdr_id", False),
    ("/ai-agents/{}/activities", "ai_sales_agent_activities", SALES, "ai_sdr_id", False),
    ("/ai-agents/sales/{}/leads/activity", "ai_sales_agent_leads", SALES, "agent_id", True),
    ("/ai-agents/sales/{}/guidance-rules", "ai_sales_agent_guidance_rules", SALES, "agent_id", True),
    ("/ai-agents/inbox-manager/{}/guidances", "ai_inbox_manager_guidances", MANAGERS, "agent_id", False),
    ("/ai-agents/inbox-manager/{}/replies", "ai_inbox_manager_replies", MANAGERS, "agent_id", False),
    ("/ai-agents/inbox-manager/{}/analytics/activity", "ai_inbox_manager_activity", MANAGERS, "agent_id", True),
    ("/ai-agents/lead-finder/{}/activities", "ai_lead_finder_activities", FINDERS, "agent_id", False),
    ("/ai-agents/deliverability/{}/feed-items", "ai_deliverability_feed_items", DELIVERABILITY, "agent_id", False),
]
# Figures of an agent; truth adds the agent.
FIGURES = [
    ("/ai-agents/sales/{}/analytics", "ai_sales_agent_analytics", SALES),
    ("/ai-agents/sales/{}/opportunities/summary", "ai_sales_agent_opportunities", SALES),
    ("/ai-agents/sales/{}/leads/activity/summary", "ai_sales_agent_leads_summary", SALES),
    ("/ai-agents/{}/analytics", "ai_sales_agent_analytics", SALES),
    ("/ai-agents/{}/opportunities/summary", "ai_sales_agent_opportunities", SALES),
    ("/ai-agents/{}/leads/activity/summary", "ai_sales_agent_leads_summary", SALES),
    ("/ai-agents/inbox-manager/{}/analytics/summary", "ai_inbox_manager_summary", MANAGERS),
    ("/ai-agents/inbox-manager/{}/analytics/summary-by-date", "ai_inbox_manager_summary_by_date", MANAGERS),
    ("/ai-agents/lead-finder/{}/stats", "ai_lead_finder_stats", FINDERS),
]
DETAILS = {"sales": SALES, "inbox-manager": MANAGERS, "lead-finder": FINDERS, "deliverability": DELIVERABILITY}


def ids(control, resource):
    return [row["id"] for row in control.truth(resource)]


def own(control, resource, member, agent, *, added=False):
    rows = [row for row in control.truth(resource) if row[member] == agent]
    return [{name: value for name, value in row.items() if name != member} for row in rows] if added else rows


@pytest.mark.parametrize(("path", "resource", "agents", "member", "added"), LISTS)
def test_agent_lists_show_all_their_records(api, control, path, resource, agents, member, added):
    some = 0
    for agent in ids(control, agents):
        rows = api.walk(path.format(agent), limit=9)
        assert rows == own(control, resource, member, agent, added=added)
        some += len(rows)
    assert some
    assert api.get(path.format("nonsense")).status_code == 404


@pytest.mark.parametrize(("path", "resource", "agents"), FIGURES)
def test_agent_figures_match_the_truth(api, control, path, resource, agents):
    for agent in ids(control, agents):
        found = api.get(path.format(agent)).json()
        assert (found if isinstance(found, list) else [found]) == own(control, resource, "agent_id", agent, added=True)
    assert api.get(path.format("nonsense")).status_code == 404


@pytest.mark.parametrize("kind", DETAILS)
def test_each_agent_has_details(api, control, kind):
    rows = list(control.truth(DETAILS[kind]))
    assert rows
    for row in rows:
        assert api.get(f"/ai-agents/{kind}/{row['id']}").json() == row


def test_one_list_has_agents_of_all_types(api, control):
    rows = api.walk("/ai-agents", limit=4)
    assert rows == list(control.truth("ai_agents"))
    assert {row["id"] for row in rows} == {key for resource in DETAILS.values() for key in ids(control, resource)}
    assert {row["type"] for row in rows} == {1, 2, 3, 4, 6, 7, 8, 9, 10}
    assert {row["configuration_mode"] for row in rows} == {"copilot", "fully_automatic", None}
    assert all(api.get(f"/ai-agents/{row['id']}").json() == row for row in rows)
    assert api.walk("/ai-agents", limit=3, type=1) == [row for row in rows if row["type"] == 1]
    assert api.walk("/ai-agents", limit=3, status=0) == [row for row in rows if row["status"] == 0]
    by_name = api.walk("/ai-agents", limit=5, sort_column="name", sort_order="asc")
    assert by_name == sorted(rows, key=lambda row: (row["name"], row["id"]))
    assert api.get("/ai-agents", sort_column="mood").status_code == 400


def test_agent_analytics_show_reach_and_outcome(api, control):
    wanted = list(control.truth("ai_agent_analytics"))
    agents = [row["agent_id"] for row in wanted]
    assert api.post("/ai-agents/analytics", {"agent_ids": [*agents, "nonsense"]}).json() == {"analytics": wanted}
    assert api.post("/ai-agents/analytics", {"agent_ids": []}).status_code == 400
    summaries = {row["agent_id"]: row for row in control.truth("ai_inbox_manager_summary")}
    for row in wanted:
        if row["agent_id"] in summaries:
            summary = summaries[row["agent_id"]]
            assert (row["reach"], row["outcome"]) == (summary["total_actions"], summary["unique_conversations"])


def test_sales_agents_run_the_campaigns_that_name_them(control):
    campaigns = list(control.truth("campaigns"))
    totals = {row["campaign_id"]: row for row in control.truth("campaign_analytics")}
    seen = set()
    for row in control.truth("ai_sales_agent_opportunities"):
        mine = {one["id"] for one in campaigns if one.get("ai_sdr_id") == row["agent_id"]}
        assert {one["campaign_id"] for one in row["campaigns"]} == mine
        assert sum(row["summary"]["breakdown"].values()) == row["summary"]["total_opportunities"]
        assert sum(one["total_opportunities"] for one in row["campaigns"]) == row["summary"]["total_opportunities"]
        analytics = next(r for r in control.truth("ai_sales_agent_analytics") if r["agent_id"] == row["agent_id"])
        found = analytics["totals"]
        assert found["opportunities"] == row["summary"]["total_opportunities"]
        assert found["opportunities_amount"] == row["summary"]["total_value"]
        assert found["total_sent"] == sum(totals[key]["emails_sent_count"] for key in mine if key in totals)
        assert found["replies"] == sum(point["y"] for point in analytics["replies_per_day"])
        seen |= mine
    assert seen == {one["id"] for one in campaigns if "ai_sdr_id" in one}
    assert len(seen) > 2


def test_leads_of_a_sales_agent_agree_with_their_summary(api, control):
    summaries = list(control.truth("ai_sales_agent_leads_summary"))
    assert any(row["total"] for row in summaries)
    for row in summaries:
        path = f"/ai-agents/sales/{row['agent_id']}/leads/activity"
        leads = api.walk(path)
        assert [one["email"] for one in leads] == sorted({one["email"] for one in leads})
        replied = api.walk(path, filter="replied", limit=10)
        assert (len(leads), len(replied)) == (row["total"], row["replied"])
        assert api.get(path, filter="replied", limit=1).json()["total"] == len(replied)
        old = api.get(f"/ai-agents/{row['agent_id']}/leads/activity", limit=5, skip=5).json()
        assert old == {"leads": leads[5:10], "total": len(leads), "limit": 5, "skip": 5}


def test_the_days_of_an_inbox_manager_add_up(api, control):
    names = ("total_actions", "replies_count", "follow_ups_count", "human_intervention", "info_requested")
    for summary in control.truth("ai_inbox_manager_summary"):
        days = own(control, "ai_inbox_manager_summary_by_date", "agent_id", summary["agent_id"])
        for name in names:
            assert sum(day[name] for day in days) == summary[name]
        assert sum(day["unique_conversations"] for day in days) >= summary["unique_conversations"]
        replies = own(control, "ai_inbox_manager_replies", "agent_id", summary["agent_id"])
        assert len(replies) == summary["total_actions"] == summary["replies_count"] + summary["follow_ups_count"]
        day = days[len(days) // 2]
        path = f"/ai-agents/inbox-manager/{summary['agent_id']}/analytics/summary"
        window = {"from": day["date"], "to": day["date"]}
        assert api.get(path, **window).json()["total_actions"] == day["total_actions"]
        assert api.get(path, **{"from": "yesterday"}).status_code == 400


def test_inbox_manager_activity_pages_with_has_more(api, control):
    agent = ids(control, MANAGERS)[0]
    path = f"/ai-agents/inbox-manager/{agent}/analytics/activity"
    page = api.get(path).json()
    assert (len(page["items"]), page["has_more"]) == (25, True)
    *others, last = api.pages(path, 25)
    assert others[0] == page
    assert (last["has_more"], "next_starting_after" in last) == (False, False)
    rows = api.walk(path)
    assert {row["activity_type"] for row in rows} == {"reply", "followup", "recovery"}
    assert {row["job_type"] for row in api.walk(path, job_type=3)} == {3}
    assert api.get(path, activity_type="reply", job_type=1).status_code == 400
    assert api.get(path, activity_type="recovery", action_pending="true").status_code == 400


def test_replies_and_guidances_are_available_by_id(api, control):
    agent, other = ids(control, MANAGERS)[:2]
    for kind in ("guidances", "replies"):
        row = own(control, f"ai_inbox_manager_{kind}", "agent_id", agent)[0]
        assert api.get(f"/ai-agents/inbox-manager/{agent}/{kind}/{row['id']}").json() == row
        assert api.get(f"/ai-agents/inbox-manager/{other}/{kind}/{row['id']}").status_code == 404
    path = f"/ai-agents/inbox-manager/{agent}"
    assert {row["status"] for row in api.walk(f"{path}/guidances", status=0)} == {0}
    assert {row["requires_hitl"] for row in api.walk(f"{path}/replies", requires_hitl="true")} == {True}
    assert set(api.get(path, with_metadata="true").json()["metadata"]) == {"tags", "integrations"}
    leads = {row.get("email") for row in control.truth("leads")}
    assert {row["lead"] for row in control.truth("ai_inbox_manager_replies")} <= leads


def test_finders_have_opaque_cursors_and_consistent_stats(api, control):
    campaigns = set(ids(control, "campaigns"))
    assert api.walk("/ai-agents/lead-finder", limit=2) == list(control.truth(FINDERS))
    for agent in control.truth(FINDERS):
        assert agent["payload"]["campaign_id"] in campaigns
        page = api.get(f"/ai-agents/lead-finder/{agent['id']}/activities", limit=2).json()
        last, cursor = page["items"][-1], page["next_starting_after"]
        decoded = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        assert decoded == [last["timestamp_created"], last["id"]]
        stats = api.get(f"/ai-agents/lead-finder/{agent['id']}/stats").json()
        rows = own(control, "ai_lead_finder_activities", "agent_id", agent["id"])
        assert stats["leads_added_total"] == sum(row["payload"].get("leads_added", 0) for row in rows)
    path = f"/ai-agents/lead-finder/{agent['id']}/activities"
    assert [api.get(path, starting_after=bad).status_code for bad in ("x", "WzFd", last["id"])] == [400] * 3


def test_deliverability_agent_has_a_state(api, control):
    default = api.get("/ai-agents/deliverability").json()["agent"]
    assert default == next(control.truth(DELIVERABILITY))
    state = api.get("/ai-agents/deliverability/state", limit=5).json()
    assert state.pop("agent") == default
    assert state == api.get(f"/ai-agents/deliverability/{default['id']}/state", limit=5).json()
    feed = state.pop("activity_feed")
    assert state in [
        {name: value for name, value in row.items() if name != "agent_id"}
        for row in control.truth("ai_deliverability_states")
    ]
    items = own(control, "ai_deliverability_feed_items", "agent_id", default["id"])
    assert feed["items"] == items[:5]
    assert feed["next_starting_after"] == items[4]["id"]
    path = f"/ai-agents/deliverability/{default['id']}/state"
    assert api.get(path, starting_after=items[-2]["id"]).json()["activity_feed"] == {
        "items": items[-1:],
        "next_starting_after": None,
    }
    latest = state["run_summary"]["latest"]
    counts = [latest[f"{name}_count"] for name in ("healthy", "needs_attention", "info", "failed")]
    assert sum(counts) == latest["total_checks"] == len(latest["checks"])
    todo = api.walk(f"/ai-agents/deliverability/{default['id']}/feed-items", feed_filter="todo", limit=5)
    assert todo == [row for row in items if row["status"] == "todo"]


@pytest.mark.parametrize(
    ("change", "member", "agents", "resource"),
    [
        ("add_agent_activity", "activity", SALES, "ai_sales_agent_activities"),
        ("add_agent_reply", "reply", MANAGERS, "ai_inbox_manager_replies"),
        ("add_lead_finder_activity", "activity", FINDERS, "ai_lead_finder_activities"),
        ("add_feed_item", "feed_item", DELIVERABILITY, "ai_deliverability_feed_items"),
    ],
)
def test_agents_continue_to_act(control, change, member, agents, resource):
    agent = ids(control, agents)[0]
    before = ids(control, resource)
    row = control.mutate(change, id=agent, at=AT)[member]
    assert row["timestamp_created"] == AT
    assert row in list(control.truth(resource))
    assert len(ids(control, resource)) == len(before) + 1


def test_a_new_reply_counts(control):
    agent = ids(control, MANAGERS)[0]
    before = next(control.truth("ai_inbox_manager_summary"))
    control.mutate("add_agent_reply", id=agent, at=AT)
    control.mutate("add_agent_reply", id=agent, at=AT, follow_up=True)
    after = next(control.truth("ai_inbox_manager_summary"))
    for name, more in (("replies_count", 1), ("follow_ups_count", 1), ("total_actions", 2)):
        assert after[name] == before[name] + more
    feed = own(control, "ai_inbox_manager_activity", "agent_id", agent)
    assert sum(row["activity_type"] != "recovery" for row in feed) == after["total_actions"]


def test_scopes_are_those_of_the_documentation(make_api, control):
    agent = ids(control, MANAGERS)[0]
    assert make_api("agents-only").get(f"/ai-agents/inbox-manager/{agent}/replies").status_code == 200
    assert make_api("agents-only").get(f"/ai-agents/sales/{ids(control, SALES)[0]}").status_code == 401
    assert make_api("campaigns-only").get("/ai-agents").status_code == 401
    assert make_api("campaigns-only").get(f"/ai-agents/{ids(control, SALES)[0]}/activities").status_code == 200
