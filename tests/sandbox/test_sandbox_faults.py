"""Injected faults."""

from __future__ import annotations

import threading
import time

import pytest
import requests

CAMPAIGNS = "/api/v2/campaigns"


def statuses(api, count, path="/campaigns"):
    return [api.get(path).status_code for _ in range(count)]


def test_fault_hits_its_count_and_each_request_meets_one(api, control):
    control.fault(CAMPAIGNS, "status", status=503, count=2)
    control.fault(CAMPAIGNS, "status", status=500)
    assert statuses(api, 5) == [503, 503, 500, 200, 200]
    assert [fault["hits"] for fault in control.faults()] == [2, 1]


def test_fault_can_start_after_some_requests_and_last_until_cleared(api, control):
    control.fault(CAMPAIGNS, "status", status=500, after=2)
    assert statuses(api, 4) == [200, 200, 500, 200]
    control.fault("/api/v2/*", "status", status=502, count=None)
    assert statuses(api, 3) == [502] * 3
    assert statuses(api, 2, "/accounts") == [502] * 2
    control.clear_faults()
    assert statuses(api, 1) == [200]


def test_fault_can_be_limited_to_one_method_and_path(api, control):
    control.fault("/api/v2/leads/list", "status", status=500, method="POST")
    assert statuses(api, 2) == [200, 200]
    assert [api.post("/leads/list", {}).status_code for _ in range(2)] == [500, 200]


def test_chance_is_seeded(api, control):
    def run():
        control.clear_faults()
        control.fault(CAMPAIGNS, "status", status=500, count=None, probability=0.5, seed=7)
        return statuses(api, 20)

    first = run()
    assert set(first) == {200, 500}
    assert run() == first


def test_a_status_can_have_body_and_headers(api, control):
    control.fault(CAMPAIGNS, "status", status=429, headers={"retry-after": "2"}, body={"message": "slow down"})
    answer = api.get("/campaigns")
    assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (429, {"message": "slow down"}, "2")


def test_reset_breaks_the_connection(api, control):
    control.fault(CAMPAIGNS, "reset")
    with pytest.raises(requests.ConnectionError) as caught:
        api.get("/campaigns")
    assert "reset by peer" in str(caught.value)
    assert api.get("/campaigns").status_code == 200
    assert control.requests()[0]["status"] is None


def test_a_truncated_answer_promises_more_than_it_sends(api, control):
    control.fault(CAMPAIGNS, "truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        api.get("/campaigns")
    assert api.get("/campaigns").status_code == 200


def test_reset_midway_cuts_off_a_started_response(api, control):
    control.fault(CAMPAIGNS, "reset_midway")
    with api.session.get(f"{api.base}/campaigns", stream=True, timeout=10) as answer:
        assert answer.status_code == 200
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="reset by peer"):
            answer.content  # noqa: B018 - reading fails
    assert api.get("/campaigns").status_code == 200


@pytest.mark.parametrize("path", ["/campaigns", "/leads/list"])
def test_a_fault_can_spare_small_pages(api, control, path):
    control.fault(f"/api/v2{path}", "status", status=500, count=None, limit_over=5)
    with pytest.raises(AssertionError, match="told to fail"):
        api.page(path, 6, None)
    assert len(api.page(path, 5, None)["items"]) == 5


@pytest.mark.parametrize("path", ["/campaigns", "/leads/list"])
def test_fault_can_apply_to_one_record(api, control, path):
    first, behind = api.page(path, 3, None), api.page(path, 4, None)["next_starting_after"]
    records = api.walk(path, 10)
    control.fault(f"/api/v2{path}", "status", status=500, count=None, record=records[3]["id"])
    assert api.page(path, 3, None) == first
    for limit in (1, 10):
        with pytest.raises(AssertionError, match="told to fail"):
            api.page(path, limit, first["next_starting_after"])
    assert api.page(path, 10, behind)["items"] == records[4:14]


@pytest.mark.parametrize(
    ("kind", "status", "type_", "content"),
    [
        ("garbage", 200, "application/json", b'{"items":[{"id":'),
        ("html", 502, "text/html", b"<!DOCTYPE html>"),
        ("empty", 200, "application/json", b""),
        ("error_in_200", 200, "application/json", b'{"statusCode":500'),
    ],
)
def test_an_answer_can_be_replaced(api, control, kind, status, type_, content):
    control.fault(CAMPAIGNS, kind)
    answer = api.get("/campaigns")
    assert (answer.status_code, answer.headers["content-type"]) == (status, f"{type_}; charset=utf-8")
    assert answer.content.startswith(content)
    assert kind != "empty" or not answer.content
    assert api.get("/campaigns").status_code == 200


def test_the_content_type_can_be_wrong(api, control):
    right = api.get("/campaigns").json()
    control.fault(CAMPAIGNS, "wrong_content_type")
    answer = api.get("/campaigns")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.json() == right


def test_an_answer_can_be_late_or_drip(api, control):
    right = api.get("/workspaces/current").json()
    control.fault("/api/v2/workspaces/current", "latency", seconds=0.2)
    control.fault("/api/v2/workspaces/current", "slow_drip", seconds=0.02, chunk=100)
    control.fault("/api/v2/workspaces/current", "slow_headers", seconds=0.02, chunk=10)
    for _ in range(3):
        begin = time.monotonic()
        assert api.get("/workspaces/current").json() == right
        assert time.monotonic() - begin >= 0.1


def test_a_late_answer_comes_once_the_faults_are_cleared(api, control):
    control.fault("/api/v2/workspaces/current", "latency", seconds=3600)
    threading.Timer(0.05, control.clear_faults).start()
    assert api.get("/workspaces/current").status_code == 200


def test_page_can_be_reversed_with_its_own_cursor(api, control):
    right = api.page("/campaigns", 3, None)
    control.fault(CAMPAIGNS, "disordered")
    assert api.page("/campaigns", 3, None) == {**right, "items": right["items"][::-1]}


@pytest.mark.parametrize("kind", ["slow_drip", "slow_headers"])
def test_disconnecting_client_does_no_harm(api, control, kind):
    control.fault(CAMPAIGNS, kind, seconds=0.2, chunk=10)
    with (
        pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.Timeout)),
        api.session.get(f"{api.base}/campaigns", timeout=0.1) as answer,
    ):
        answer.content  # noqa: B018 - reading takes too long
    assert api.get("/campaigns").status_code == 200


@pytest.mark.parametrize("path", ["/campaigns", "/leads/list", "/accounts", "/lead-lists"])
def test_cursor_loop_repeats_its_cursors(api, control, path):
    control.fault(f"/api/v2{path}", "cursor_loop")
    cursors, cursor = [], None
    for _ in range(8):
        page = api.page(path, 2, cursor)
        assert page["items"]
        cursor = page["next_starting_after"]
        cursors.append(cursor)
    assert cursors == [cursors[0], cursors[1]] * 4


@pytest.mark.parametrize("path", ["/campaigns", "/leads/list"])
def test_a_repeated_cursor_leads_back_to_its_own_page(api, control, path):
    control.fault(f"/api/v2{path}", "repeat_cursor")
    first = api.page(path, 3, None)
    second = api.page(path, 3, first["next_starting_after"])
    assert second["next_starting_after"] == first["next_starting_after"]
    assert second["items"] != first["items"]
    assert api.page(path, 3, first["next_starting_after"])["next_starting_after"] != first["next_starting_after"]


def test_an_impossible_fault_is_refused(control):
    with pytest.raises(RuntimeError, match="unknown kind"):
        control.fault(CAMPAIGNS, "earthquake")
    with pytest.raises(RuntimeError, match="nonsense"):
        control.fault(CAMPAIGNS, "status", nonsense=1)
