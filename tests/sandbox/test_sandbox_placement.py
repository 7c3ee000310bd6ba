"""Inbox placement: lists by test, sums, rows of other tests, the required plan, and new results."""

from __future__ import annotations

import pytest

AT = "2026-07-02T10:00:00.000Z"


@pytest.fixture
def tests(control):
    control.config(stray_placement_rows=0)
    return list(control.truth("inbox_placement_tests"))


def test_tests_come_newest_first_or_as_asked(api, tests):
    ids = [row["id"] for row in tests]
    assert ids == sorted(ids, reverse=True)
    assert {row["id"][14] for row in tests} == {"7"}
    assert api.walk("/inbox-placement-tests", 2) == tests
    assert api.walk("/inbox-placement-tests", 4, sort_order="asc") == tests[::-1]
    assert api.get("/inbox-placement-tests", sort_order="up").status_code == 400
    assert {row["status"] for row in api.walk("/inbox-placement-tests", status=3)} == {3}
    name = tests[0]["name"].upper()
    assert tests[0] in api.walk("/inbox-placement-tests", search=name)


def test_a_test_can_come_with_names(api, control, tests):
    campaigns = {row["id"]: row["name"] for row in control.truth("campaigns")}
    for row in tests:
        found = api.get(f"/inbox-placement-tests/{row['id']}", with_metadata="true").json()
        metadata = found.pop("metadata")
        assert found == row == api.get(f"/inbox-placement-tests/{row['id']}").json()
        assert list(metadata["tags"]) == row.get("tags", [])
        assert metadata.get("campaign", {}).get("name") == campaigns.get(row.get("campaign_id"))
    assert api.get("/inbox-placement-tests/nonsense").status_code == 404


def test_recipients_are_among_the_options(api, tests):
    options = api.get("/inbox-placement-tests/email-service-provider-options").json()
    assert all(label in options for row in tests for label in row["recipients_labels"])


@pytest.mark.parametrize("name", ["analytics", "reports"])
def test_results_are_listed_by_test(api, control, tests, name):
    truth = list(control.truth(f"inbox_placement_{name}"))
    path = f"/inbox-placement-{name}"
    assert api.get(path).status_code == 400
    for test in tests:
        rows = api.walk(path, 31, test_id=test["id"])
        assert rows == [row for row in truth if row["test_id"] == test["id"]]
        assert all(row["timestamp_created"] > test["timestamp_created"] for row in rows)
    assert api.get(path, test_id="nonsense").json() == {"items": []}
    assert api.get(f"{path}/{truth[0]['id']}").json() == truth[0]
    days = [row["timestamp_created_date"] for row in truth]
    some = api.walk(path, test_id=truth[0]["test_id"], date_from=days[0], date_to=days[0])
    assert some == [r for r in truth if r["test_id"] == truth[0]["test_id"] and r["timestamp_created_date"] == days[0]]


def test_results_can_be_filtered(api, control, tests):
    rows = [row for row in control.truth("inbox_placement_analytics") if row["test_id"] == tests[-1]["id"]]
    sender = rows[0]["sender_email"]
    for query, test in [
        ({"recipient_esp": "2,8"}, lambda row: row["recipient_esp"] in {2, 8}),
        ({"recipient_geo": "1"}, lambda row: row["recipient_geo"] == 1),
        ({"recipient_type": "1,2", "sender_email": sender}, lambda row: row["sender_email"] == sender),
    ]:
        found = api.walk("/inbox-placement-analytics", test_id=tests[-1]["id"], **query)
        assert found == [row for row in rows if test(row)] != []


def test_received_mails_have_more_fields_and_later_times(control):
    sent, received = {}, []
    for row in control.truth("inbox_placement_analytics"):
        key = (row["test_id"], row["sender_email"], row["recipient_email"])
        if row["record_type"] == 1:
            assert not {"is_spam", "spf_pass", "sender_esp"} & set(row)
            sent.setdefault(key, []).append(row)
        else:
            received.append((key, row["timestamp_created"]))
    assert received
    assert all(any(row["timestamp_created"] < at for row in sent[key]) for key, at in received)


def test_big_reports_can_be_omitted(api, control):
    row = next(control.truth("inbox_placement_reports"))
    query = {"test_id": row["test_id"], "limit": 1}
    lean = api.get("/inbox-placement-reports", skip_spam_assassin_report="true", **query).json()["items"][0]
    assert set(row) - set(lean) == {"spam_assassin_report"}
    lean = api.get("/inbox-placement-reports", skip_blacklist_report="true", **query).json()["items"][0]
    assert set(row) - set(lean) == {"blacklist_report"}


def test_sums_agree(api, control, tests):
    ids = [row["id"] for row in tests]
    stats = api.post("/inbox-placement-analytics/stats-by-test-id", {"test_ids": ids}).json()
    by_id = {row["test_id"]: row for row in stats}
    assert by_id == {row["test_id"]: row for row in control.truth("inbox_placement_stats")}
    for test, row in by_id.items():
        assert row["spam_count"] + row["inbox_count"] + row["category_count"] == row["count"]
        days = api.post("/inbox-placement-analytics/stats-by-date", {"test_id": test}).json()
        for name in ("spam_count", "inbox_count", "category_count"):
            assert sum(day[name] for day in days) == row[name]
        assert all(day["timestamp_created_date"] for day in days)
    assert api.post("/inbox-placement-analytics/stats-by-test-id", {}).status_code == 400


def test_insights_compare_with_an_earlier_time(api, tests):
    dates = {"date_from": "2026-06-01", "date_to": "2026-06-30"}
    earlier = {"previous_date_from": "2026-01-01", "previous_date_to": "2026-05-31", "show_previous": True}
    body = {"test_id": tests[-1]["id"], **dates, **earlier}
    rows = api.post("/inbox-placement-analytics/deliverability-insights", body).json()
    for row in rows:
        assert (row["from"], row["previous_to"]) == ("2026-06-01", "2026-05-31")
        shares = [row[f"{name}_percentage"] for name in ("spam", "inbox", "category")]
        assert sum(shares) == pytest.approx(100, abs=0.05)


def test_rows_of_other_tests_stray_into_a_list(api, control, tests):
    control.config(stray_placement_rows=0.5)
    truth = {row["id"]: row for row in control.truth("inbox_placement_analytics")}
    rows = api.walk("/inbox-placement-analytics", test_id=tests[0]["id"])
    strays = [row for row in rows if row["test_id"] != tests[0]["id"]]
    assert strays
    assert all(truth[row["id"]] == row for row in rows)
    assert rows == api.walk("/inbox-placement-analytics", 7, test_id=tests[0]["id"])


def test_without_the_plan_everything_is_402(api, control, tests):
    control.config(inbox_placement=False)
    for name in ("tests", "tests/email-service-provider-options", "analytics", "reports", f"tests/{tests[0]['id']}"):
        assert api.get(f"/inbox-placement-{name}", test_id=tests[0]["id"]).status_code == 402
    assert api.post("/inbox-placement-analytics/stats-by-date", {"test_id": "x"}).status_code == 402
    assert api.get("/campaigns").status_code == 200


def test_a_key_can_lack_the_plan(make_api):
    assert make_api("no-placement").get("/inbox-placement-tests").status_code == 402
    assert make_api("no-placement").get("/campaigns").status_code == 200


def test_new_results_appear(api, control, tests):
    before = {row["id"]: row for row in control.truth("inbox_placement_analytics")}
    made = control.mutate("add_placement_test", name="Fresh", at=AT)
    assert made["test"]["timestamp_created"] == AT
    assert api.get("/inbox-placement-tests", limit=1).json()["items"] == [made["test"]]
    assert api.walk("/inbox-placement-analytics", test_id=made["test"]["id"])
    more = control.mutate("run_placement_test", id=tests[0]["id"], at=AT)
    after = {row["id"]: row for row in control.truth("inbox_placement_analytics")}
    assert set(after) - set(before) == {row["id"] for row in made["analytics"] + more["analytics"]}
    assert all(row in list(control.truth("inbox_placement_reports")) for row in more["reports"])
