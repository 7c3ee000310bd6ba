"""Contents of records, and filters of lists."""

from __future__ import annotations

import pytest

CAMPAIGN_STATUSES = {-99, -2, -1, 0, 1, 2, 3, 4}


def test_absent_values_are_omitted_and_never_null(control):
    for resource in ("workspace", "campaigns", "accounts", "lead_lists", "leads"):
        assert all(value is not None for row in control.truth(resource) for value in row.values())


def test_every_campaign_status_occurs_and_some_draft_has_an_empty_schedule(control):
    campaigns = list(control.truth("campaigns"))
    assert {row["status"] for row in campaigns} == CAMPAIGN_STATUSES
    assert any(row["campaign_schedule"] == {} for row in campaigns if row["status"] == 0)
    assert all(row["campaign_schedule"]["schedules"] for row in campaigns if row["status"] != 0)


def test_only_account_details_have_all_warmup_fields(api):
    for row in api.walk("/accounts"):
        assert set(row["warmup"]) == {"limit"}
        assert "tags" not in row
        detail = api.get(f"/accounts/{row['email']}").json()
        assert set(detail["warmup"]) == {"limit", "advanced", "warmup_custom_ftag", "increment", "reply_rate"}
        assert detail | {"warmup": row["warmup"]} == row


def test_tags_are_returned_on_request(api):
    rows = api.get("/accounts", include_tags="true", limit=100).json()["items"]
    tags = [tag for row in rows for tag in row["tags"]]
    assert {"id", "label"} <= set(tags[0])
    some = api.get("/accounts", tag_ids=tags[0]["id"], include_tags="true", limit=100).json()["items"]
    assert some == [row for row in rows if tags[0] in row["tags"]]


def test_campaigns_can_be_filtered(api, control):
    rows = list(control.truth("campaigns"))
    assert api.get("/campaigns", status=1, limit=100).json()["items"] == [r for r in rows if r["status"] == 1]
    assert api.get("/campaigns", exclude_status=1, limit=100).json()["items"] == [r for r in rows if r["status"] != 1]
    name = rows[0]["name"]
    assert rows[0] in api.get("/campaigns", search=name.upper()).json()["items"]


def test_lead_ids_carry_a_time_since_october_2025(control):
    versions = set()
    for row in control.truth("leads"):
        version = row["id"][14]
        versions.add(version)
        assert version == ("7" if row["timestamp_created"] >= "2025-10-15" else "4")
        if version == "7":
            milliseconds = int(row["id"].replace("-", "")[:12], 16)
            assert row["timestamp_created"].endswith(f"{milliseconds % 1000:03d}Z")
    assert versions == {"4", "7"}


def test_leads_have_undocumented_values_and_those_of_lists_the_status_0(control):
    leads = list(control.truth("leads"))
    assert {row["status"] for row in leads if "list_id" in row} == {0}
    assert {row["status"] for row in leads if "campaign" in row} >= {1, 3, -1}
    assert all(("list_id" in row) != ("campaign" in row) for row in leads)
    assert {row.get("esp_code") for row in leads} & {4, 5, 7}
    assert any(row["status_summary"] == {} for row in leads)
    assert any(row.get("lt_interest_status", 0) > 7000 for row in leads)


def test_custom_variables_are_flat_and_differ_between_campaigns(control):
    names: dict[str, set[str]] = {}
    standard = {"firstName", "lastName", "companyName", "jobTitle", "website", "phone", "personalization"}
    for row in control.truth("leads"):
        assert all(isinstance(value, (str, int, float, bool)) for value in row["payload"].values())
        if "campaign" in row:
            names.setdefault(row["campaign"], set()).update(set(row["payload"]) - standard)
    assert len({frozenset(some) for some in names.values()}) > 3


def test_times_of_a_lead_make_sense(control):
    for row in control.truth("leads"):
        times = [value for name, value in row.items() if name.startswith("timestamp_last_")]
        assert all(row["timestamp_created"] <= value <= row["timestamp_updated"] < "2026-07-01" for value in times)
        assert (row["email_open_count"] > 0) == ("timestamp_last_open" in row)


def test_addresses_use_reserved_domains(control):
    safe = (".example", "example.com", "example.org", "example.net")
    assert all(row["email"].endswith(safe) for row in control.truth("accounts"))
    assert all(row["company_domain"].endswith(safe) for row in control.truth("leads"))
    assert all(row["email"].endswith(safe) for row in control.truth("leads") if "email" in row)


def test_leads_list_requires_a_body(api):
    answer = api.post("/leads/list")
    assert (answer.status_code, answer.json()["code"]) == (400, "FST_ERR_CTP_EMPTY_JSON_BODY")


@pytest.mark.parametrize("body", [{"campaign_id": "x"}, {"lead_list_id": "x"}, {"nonsense": 1}])
def test_unknown_keys_are_ignored_and_everything_comes(api, body):
    assert api.post("/leads/list", body).json() == api.post("/leads/list", {}).json()


def test_known_filter_keys_filter_the_list(api, control):
    leads = list(control.truth("leads"))
    campaign = next(row["campaign"] for row in leads if "campaign" in row)
    in_list = next(row for row in leads if "list_id" in row)
    some = leads[10:400:50]
    cases = [
        ({"campaign": campaign}, lambda row: row.get("campaign") == campaign),
        ({"list_id": in_list["list_id"]}, lambda row: row.get("list_id") == in_list["list_id"]),
        ({"in_campaign": True}, lambda row: "campaign" in row),
        ({"in_list": True}, lambda row: "list_id" in row),
        ({"in_list": False}, lambda row: "list_id" not in row),
        ({"ids": [row["id"] for row in some]}, lambda row: row in some),
        ({"contacts": [row["email"] for row in some if "email" in row]}, lambda row: row in some and "email" in row),
        ({"search": "quill"}, lambda row: "quill" in f"{row['last_name']} {row.get('email')}".lower()),
        ({"campaign": campaign, "in_list": True}, lambda _row: False),
    ]
    for body, test in cases:
        assert api.walk("/leads/list", **body) == [row for row in leads if test(row)], body


def test_distinct_contacts_page_by_address(api, control):
    page = api.page("/leads/list", 100, distinct_contacts=True)
    emails = [row["email"] for row in page["items"] if "email" in row]
    assert emails == sorted(set(emails))
    after = api.page("/leads/list", 1, page["next_starting_after"], distinct_contacts=True)
    assert after["items"][0]["email"] > emails[-1]


def test_leads_can_be_added(api, control):
    campaign = next(iter(control.truth("campaigns")))["id"]
    lead = {"campaign": campaign, "email": "ada@example.com"}
    made = api.post("/leads", {**lead, "custom_variables": {"tier": 2}}).json()
    assert (made["payload"]["tier"], made["status"]) == (2, 1)
    assert api.get(f"/leads/{made['id']}").json() == made
    assert made in list(control.truth("leads"))
    assert api.post("/leads", {**lead, "skip_if_in_workspace": True}).json() == made


def test_leads_can_be_added_in_bulk(api, control):
    campaign = next(iter(control.truth("campaigns")))["id"]
    leads = [{"email": f"new{n}@example.org", "first_name": "New"} for n in range(5)]
    answer = api.post("/leads/add", {"campaign_id": campaign, "leads": [*leads, leads[0], {"email": "bad"}, {}]}).json()
    assert answer.pop("created_leads")[0].keys() == {"index", "id", "email", "first_name"}
    assert answer.pop("remaining_in_plan") > 0
    counts = {"total_sent": 8, "leads_uploaded": 5, "invalid_email_count": 2, "duplicate_email_count": 1}
    zeros = dict.fromkeys(("in_blocklist", "duplicated_leads", "skipped_count", "incomplete_count"), 0)
    assert answer == {"status": "success", "blocklist_used": None, **counts, **zeros}
    again = api.post("/leads/add", {"campaign_id": campaign, "leads": leads}).json()
    assert (again["leads_uploaded"], again["duplicated_leads"]) == (0, 5)


@pytest.mark.parametrize(
    "body", [{"leads": [{}]}, {"campaign_id": "a", "list_id": "b", "leads": [{}]}, {"list_id": "b", "leads": []}]
)
def test_a_bad_import_is_400(api, body):
    assert api.post("/leads/add", body).status_code == 400


def test_campaigns_can_be_created_and_started(api, control):
    refused = api.post("/campaigns", {"name": "n"}).json()["message"]
    assert refused == "body must have required property 'campaign_schedule'"
    made = api.post("/campaigns", {"name": "n", "campaign_schedule": {}}).json()
    assert made["status"] == 0
    assert api.post(f"/campaigns/{made['id']}/activate").json()["status"] == 1
    assert api.post(f"/campaigns/{made['id']}/pause").json()["status"] == 2
    assert made["id"] in {row["id"] for row in control.truth("campaigns")}
