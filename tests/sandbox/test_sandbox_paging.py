"""Limits, cursors, orders and ends of lists."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PATHS = {"/campaigns": "campaigns", "/accounts": "accounts", "/lead-lists": "lead_lists", "/leads/list": "leads"}
SHARED = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("path", PATHS)
@SHARED
@given(limit=st.integers(1, 100), short=st.sampled_from([0.0, 0.3, 1.0]))
def test_paging_yields_every_row_once_and_in_order(api, control, path, limit, short):
    control.config(short_pages=short)
    if path == "/leads/list":
        limit = max(limit, 20)
    assert api.walk(path, limit) == list(control.truth(PATHS[path]))


def test_each_list_has_its_order(control):
    ids = [row["id"] for row in control.truth("campaigns")]
    assert ids == sorted(ids, reverse=True)
    ids = [row["id"] for row in control.truth("leads")]
    assert ids == sorted(ids)
    for resource in ("accounts", "lead_lists"):
        times = [row["timestamp_created"] for row in control.truth(resource)]
        assert times == sorted(times, reverse=True)


def test_short_pages_occur_in_the_middle(api, control):
    control.config(short_pages=1.0)
    page = api.page("/campaigns", 10, None)
    assert 0 < len(page["items"]) < 10
    assert api.page("/campaigns", 10, page["next_starting_after"])["items"]
    assert api.page("/campaigns", 10, None) == page


@pytest.mark.parametrize(
    ("limit", "complaint"),
    [("101", "must be <= 100"), ("0", "must be >= 1"), ("ten", "must be integer"), ("1.5", "must be integer")],
)
def test_a_wrong_limit_is_400(api, limit, complaint):
    answers = {"querystring": api.get("/campaigns", limit=limit), "body": api.post("/leads/list", {"limit": limit})}
    for where, answer in answers.items():
        head = {"statusCode": 400, "code": "FST_ERR_VALIDATION", "error": "Bad Request"}
        assert answer.status_code == 400
        assert answer.json() == {**head, "message": f"{where}/limit {complaint}"}


def test_the_cursors_are_of_different_kinds(api):
    for path, cursor in (
        ("/campaigns", "{id}"),
        ("/accounts", "{timestamp_created}&{email}"),
        ("/lead-lists", "{timestamp_created}"),
        ("/leads/list", "{id}"),
    ):
        page = api.page(path, 3)
        assert page["next_starting_after"] == cursor.format(**page["items"][-1])


def test_cursor_may_refer_to_no_record(api, control):
    middle = "80000000-0000-4000-8000-000000000000"
    campaigns = [row for row in control.truth("campaigns") if row["id"] < middle]
    assert api.page("/campaigns", 100, middle)["items"] == campaigns
    leads = [row for row in control.truth("leads") if row["id"] > middle]
    assert api.page("/leads/list", 100, middle)["items"] == leads[:100]


def test_accounts_list_accepts_a_bare_timestamp(api, control):
    accounts = list(control.truth("accounts"))
    moment = accounts[4]["timestamp_created"]
    older = [row for row in accounts if row["timestamp_created"] < moment]
    assert api.page("/accounts", 100, moment)["items"] == older


@pytest.mark.parametrize("path", PATHS)
def test_a_malformed_cursor_is_400(api, path):
    answer = api.ask(path, starting_after="nonsense")
    assert answer.status_code == 400
    assert answer.json()["code"] == "FST_ERR_VALIDATION"


def test_leads_ignore_a_cursor_in_the_query_string(api):
    first = api.post("/leads/list", {"limit": 5}).json()
    again = api.post("/leads/list", {"limit": 5}, starting_after=first["next_starting_after"]).json()
    assert again == first


def test_accounts_page_by_offset_when_sorted(api, control):
    emails = sorted(row["email"] for row in control.truth("accounts"))
    page = api.get("/accounts", sort_by="email", sort_order="asc", skip=5, limit=10).json()
    assert [row["email"] for row in page["items"]] == emails[5:15]
    assert "next_starting_after" not in page
