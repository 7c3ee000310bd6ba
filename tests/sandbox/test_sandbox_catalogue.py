"""All lists: contents, paging and changes."""

from __future__ import annotations

import pytest

AT = "2026-07-02T10:00:00.000Z"
LISTS = {
    "/campaigns": "campaigns",
    "/accounts": "accounts",
    "/lead-lists": "lead_lists",
    "/leads/list": "leads",
    "/emails": "emails",
    "/subsequences": "subsequences",
    "/lead-labels": "lead_labels",
    "/custom-tags": "custom_tags",
    "/custom-tag-mappings": "custom_tag_mappings",
    "/block-lists-entries": "block_list_entries",
    "/webhook-events": "webhook_events",
    "/audit-logs": "audit_logs",
    "/background-jobs": "background_jobs",
    "/api-keys": "api_keys",
    "/workspace-members": "workspace_members",
    "/workspace-group-members": "workspace_group_members",
}
DETAILS = LISTS.keys() - {"/accounts", "/leads/list", "/custom-tag-mappings", "/audit-logs", "/api-keys"}
DETAILS |= {"/webhooks", "/leads"}
OBJECTS = {
    "/workspaces/current/whitelabel-domain": "whitelabel_domain",
    "/workspace-group-members/admin": "workspace_group_admin",
    "/workspace-billing/plan-details": "plan_details",
    "/workspace-billing/subscription-details": "subscription_details",
    "/webhook-events/summary": "webhook_events_summary",
    "/emails/unread/count": "emails_unread",
    "/campaigns/count-launched": "campaigns_launched",
}
SCOPES = {
    "/background-jobs": "background-jobs:read",
    "/lead-labels": "lead-labels:read",
    "/custom-tags": "custom_tags:read",
    "/emails/unread/count": "emails:read",
    "/workspaces/current/whitelabel-domain": "workspaces:read",
}


@pytest.mark.parametrize("path", sorted(LISTS))
def test_paging_through_a_list_finds_every_row(api, control, path):
    rows = list(control.truth(LISTS[path]))
    assert rows
    *pages, last = api.pages(path, 100 if len(rows) > 100 else 3)
    assert ([row for page in pages for row in page["items"]], last) == (rows, {"items": []})
    assert api.ask(path).json()["items"] == rows[:10]
    assert api.ask(path, limit=1001).status_code == 400


@pytest.mark.parametrize("path", sorted(DETAILS))
def test_details_match_the_list(api, path):
    for row in api.page("/leads/list" if path == "/leads" else path, 5)["items"]:
        assert api.get(f"{path}/{row['id']}").json() == row
    answer = api.get(f"{path}/00000000-0000-4000-8000-000000000000")
    assert (answer.status_code, answer.json()["message"]) == (404, "Resource not found")


@pytest.mark.parametrize("path", sorted(OBJECTS))
def test_single_objects_match_the_truth(api, control, path):
    assert [api.get(path).json()] == list(control.truth(OBJECTS[path]))


@pytest.mark.parametrize("path", sorted(SCOPES))
def test_scopes_are_spelt_as_documented(make_api, path):
    answer = make_api("campaigns-only").get(path)
    assert answer.status_code == 401
    assert SCOPES[path] in answer.json()["message"]


def test_webhooks_fit_on_a_page_that_has_no_cursor(api, control):
    page = api.get("/webhooks").json()
    assert page == {"items": list(control.truth("webhooks"))}
    first = api.get("/webhooks", limit=2).json()
    rest = api.get("/webhooks", limit=100, starting_after=first["next_starting_after"]).json()
    assert first["items"] + rest["items"] == page["items"]
    assert any("not-a-real-token" in row.get("headers", {}).get("Authorization", "") for row in page["items"])


def test_only_the_audit_log_gives_a_thousand(api, control):
    assert api.get("/audit-logs", limit=1000).json()["items"] == list(control.truth("audit_logs"))
    assert api.get("/webhook-events", limit=101).status_code == 400


def test_the_audit_log_has_dates_and_every_kind(api, control):
    rows = list(control.truth("audit_logs"))
    assert {2, 3, 7, 8, 10, 38, 40, 45} <= {row["activity_type"] for row in rows}
    some = api.get("/audit-logs", start_date="2026-05-01", end_date="2026-05-20", limit=1000).json()["items"]
    assert some == [row for row in rows if "2026-05-01" <= row["timestamp"] < "2026-05-21"]
    assert some


@pytest.mark.parametrize("kind", ["leads", "campaign", "account"])
def test_a_deletion_leaves_a_trace_in_the_log(control, kind):
    resource, member, activity = {
        "leads": ("leads", "id", 2),
        "campaign": ("campaigns", "id", 3),
        "account": ("accounts", "email", 7),
    }[kind]
    value = next(control.truth(resource))[member]
    order = {"ids": [value]} if kind == "leads" else {member: value}
    before = list(control.truth("audit_logs"))
    control.mutate(f"delete_{kind}", **order, at=AT)
    (new,) = [row for row in control.truth("audit_logs") if row not in before]
    assert (new["activity_type"], new["timestamp"]) == (activity, AT)


def test_tags_refer_to_accounts_by_address_and_others_by_id(control):
    accounts = {row["email"]: row for row in control.truth("accounts_with_tags")}
    campaigns = {row["id"]: row for row in control.truth("campaigns")}
    edges = list(control.truth("custom_tag_mappings"))
    ties = {(row["resource_type"], row["resource_id"], row["tag_id"]) for row in edges}
    expected = {(1, email, tag["id"]) for email, row in accounts.items() for tag in row["tags"]}
    expected |= {(2, key, tag) for key, row in campaigns.items() for tag in row["email_tag_list"]}
    assert expected < ties
    (workspace,) = control.truth("workspace")
    assert {key for kind, key, _ in ties - expected if kind == 3} == {workspace["id"]}
    assert all(kind in {1, 3} and key not in accounts for kind, key, _ in ties - expected)
    assert len({row["timestamp_created"] for row in edges}) == len(edges)


def test_tags_can_be_added_changed_and_removed(control):
    tag = control.mutate("add_tag", label="Fresh", at=AT)["custom_tag"]
    account = next(control.truth("accounts"))["email"]
    control.mutate("assign_tag", id=tag["id"], resource_id=account, at=AT)
    renamed = control.mutate("rename_tag", id=tag["id"], label="Stale", at="2026-07-03T00:00:00.000Z")["custom_tag"]
    assert renamed in control.truth("custom_tags")
    assert renamed["timestamp_updated"] > renamed["timestamp_created"]
    tags = {row["email"]: row["tags"] for row in control.truth("accounts_with_tags")}
    assert {"id": tag["id"], "label": "Stale"} in tags[account]
    control.mutate("delete_tag", id=tag["id"])
    assert renamed not in control.truth("custom_tags")
    assert tag["id"] not in {row["tag_id"] for row in control.truth("custom_tag_mappings")}


def test_labels_and_block_list_grow_and_shrink(api, control):
    label = control.mutate("add_lead_label", label="Later", at=AT)["lead_label"]
    assert api.get("/lead-labels").json()["items"][0] == label
    event_type = {"id": str(label["interest_status"]), "label": "Later", "type": "custom"}
    assert event_type in control.truth("webhook_event_types")
    control.mutate("delete_lead_label", id=label["id"])
    assert api.get(f"/lead-labels/{label['id']}").status_code == 404
    entry = control.mutate("add_block_list_entry", value="rival.example", at=AT)["block_list_entry"]
    assert entry["is_domain"]
    assert api.get("/block-lists-entries", domains_only="true", search="rival").json()["items"] == [entry]
    control.mutate("delete_block_list_entry", id=entry["id"])
    assert api.get("/block-lists-entries", search="rival").json() == {"items": []}


def test_the_sums_of_webhook_events_agree_with_them(api, control):
    events = list(control.truth("webhook_events"))
    dates = sorted({row["timestamp_created_date"] for row in events})
    window = {"from": dates[3], "to": dates[8]}
    chosen = [row for row in events if window["from"] <= row["timestamp_created_date"] <= window["to"]]
    assert api.get("/webhook-events", limit=100, **window).json()["items"] == chosen[:100]
    summary = api.get("/webhook-events/summary", **window).json()
    good = sum(row["success"] for row in chosen)
    assert (summary["total_events"], summary["successful_events"]) == (len(chosen), good)
    days = api.get("/webhook-events/summary-by-date", **window).json()["items"]
    assert sum(day["total_events"] for day in days) == len(chosen)
    assert [day["date"] for day in days] == sorted({row["timestamp_created_date"] for row in chosen})
    bad = api.get("/webhook-events", success="false", limit=100).json()["items"]
    assert bad == [row for row in events if not row["success"]][:100]


def test_webhook_events_arrive_and_are_retried(control):
    lead = next(row for row in control.truth("leads") if "campaign" in row)
    new = control.mutate("deliver_webhook", lead_id=lead["id"], at=AT)["webhook_event"]
    assert next(control.truth("webhook_events")) == new
    assert new["lead_email"] == lead["email"]
    waiting = next(row for row in control.truth("webhook_events") if row["will_retry"])
    tried = control.mutate("retry_webhook", id=waiting["id"])["webhook_event"]
    assert tried["retry_successful"]
    assert "timestamp_next_retry" not in tried
    hook = next(control.truth("webhooks"))
    assert control.mutate("break_webhook", id=hook["id"], at=AT)["webhook"]["status"] == -1


def test_jobs_can_be_followed_by_their_last_change(api, control):
    job = next(row for row in control.truth("background_jobs") if row["status"] == "pending")
    done = control.mutate("progress_background_job", id=job["id"], at=AT)["background_job"]
    assert (done["status"], done["updated_at"], done["created_at"]) == ("success", AT, job["created_at"])
    rows = api.walk("/background-jobs", 20, sort_column="updated_at")
    assert rows[0] == done
    assert [row["updated_at"] for row in rows] == sorted((row["updated_at"] for row in rows), reverse=True)
    assert len(rows) == len(list(control.truth("background_jobs")))
    new = control.mutate("add_background_job", at=AT)["background_job"]
    assert api.get("/background-jobs", limit=1).json()["items"] == [new]
    assert api.get("/background-jobs", sort_order="up").status_code == 400


def test_every_workspace_member_has_the_required_fields(control):
    for row in control.truth("workspace_members"):
        assert {"id", "email", "user_id", "role", "timestamp_created", "workspace_id", "accepted"} <= row.keys()
    assert all(row["key"].startswith("not-a-real-key-") for row in control.truth("api_keys"))
