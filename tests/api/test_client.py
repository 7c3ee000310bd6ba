from __future__ import annotations

import logging
import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from tap_instantly import ErrorKind, InstantlyAPIError, InstantlyClient
from tap_instantly.client import retry
from tests.listeners import Answer, answering

if TYPE_CHECKING:
    from sandbox import Server

SCHEDULE = {
    "schedules": [
        {"name": "Week", "timing": {"from": "09:00", "to": "17:00"}, "days": {"1": True}, "timezone": "Etc/GMT+12"}
    ]
}


def test_every_request_has_the_key_and_a_user_agent(api: Server, client: InstantlyClient) -> None:
    client.get("/campaigns")
    (request,) = api.control.requests()
    assert request["key"] == "everything"
    assert request["user_agent"].startswith("tap-instantly/")


@pytest.mark.parametrize(
    ("stated", "time"),
    [
        ("Tue, 24 Nov 2026 10:00:00 GMT", datetime(2026, 11, 24, 10, tzinfo=timezone.utc)),
        ("Tue, 24 Nov 2026 10:00:00 -0000", datetime(2026, 11, 24, 10, tzinfo=timezone.utc)),
        ("soon", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
    ],
)
def test_server_clock_is_read_from_its_responses(stated: str, time: datetime | None) -> None:
    raw = f"HTTP/1.1 200 OK\r\nDate: {stated}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    with answering(Answer(raw=raw)) as listener, InstantlyClient("k", api_url=f"{listener.url}/api/v2") as client:
        client.get("/campaigns")
        assert client.server_time == time


def test_reads_of_each_list(api: Server, client: InstantlyClient) -> None:
    control = api.control
    assert [c["id"] for c in client.list_campaigns()] == [c["id"] for c in control.truth("campaigns")]
    assert [a["email"] for a in client.list_accounts()] == [a["email"] for a in control.truth("accounts")]
    assert [lead["id"] for lead in client.list_leads()] == [lead["id"] for lead in control.truth("leads")]
    assert {x["id"] for x in client.list_lead_lists()} == {x["id"] for x in control.truth("lead_lists")}
    assert client.current_workspace()["id"] == next(control.truth("workspace"))["id"]


def test_filters_are_sent_where_the_list_expects_them(api: Server, client: InstantlyClient) -> None:
    campaign = next(api.control.truth("campaigns"))["id"]
    expected = {lead["id"] for lead in api.control.truth("leads") if lead.get("campaign") == campaign}
    assert {lead["id"] for lead in client.list_leads(campaign=campaign)} == expected
    active = [c["id"] for c in api.control.truth("campaigns") if c["status"] == 1]
    assert [c["id"] for c in client.list_campaigns(status=1)] == active


def test_a_campaign_is_created_started_and_paused(client: InstantlyClient) -> None:
    campaign = client.create_campaign("New", SCHEDULE, email_gap=10)
    assert client.get_campaign(campaign["id"])["name"] == "New"
    assert client.activate_campaign(campaign["id"])["status"] == 1
    assert client.pause_campaign(campaign["id"])["status"] == 2


def test_leads_are_added_in_batches_of_a_thousand(api: Server, client: InstantlyClient) -> None:
    campaign = next(api.control.truth("campaigns"))["id"]
    new = [{"email": f"lead{n}@example.com"} for n in range(1001)]
    answers = client.add_leads(new, campaign_id=campaign)
    sent = [r for r in api.control.requests() if r["path"] == "/api/v2/leads/add"]
    assert [len(r["body"]["leads"]) for r in sent] == [1000, 1]
    assert len(answers) == 2
    emails = {lead.get("email") for lead in client.list_leads(campaign=campaign)}
    assert {lead["email"] for lead in new} <= emails


@pytest.mark.parametrize("target", [{}, {"campaign_id": "c", "list_id": "l"}])
def test_leads_need_one_target(client: InstantlyClient, target: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either campaign_id or list_id"):
        client.add_leads([{"email": "a@example.com"}], **target)


def test_analytics_of_no_campaigns_are_empty_without_a_request(api: Server, client: InstantlyClient) -> None:
    assert client.campaign_analytics([]) == []
    assert not api.control.requests()


def test_analytics_of_many_campaigns_are_requested_in_batches(api: Server, client: InstantlyClient) -> None:
    rows = client.campaign_analytics()
    ids = [row["campaign_id"] for row in rows]
    asked = client.campaign_analytics([*ids, *(f"no-such-{n}" for n in range(150))])
    assert {row["campaign_id"] for row in asked} == set(ids)
    assert api.control.counts()["paths"]["/api/v2/campaigns/analytics"] == 3


def test_failed_request_is_retried_until_it_succeeds(
    api: Server, client: InstantlyClient, caplog: pytest.LogCaptureFixture
) -> None:
    api.control.fault("/api/v2/campaigns", "status", status=500, count=3)
    with caplog.at_level(logging.WARNING):
        assert client.get("/campaigns")["items"]
    assert len(api.control.requests()) == 4
    assert sum("Trying again" in message for message in caplog.messages) == 3


@pytest.mark.parametrize("kind", ["slow_drip", "slow_headers"])
def test_dripping_response_is_abandoned_and_retried(
    api: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    monkeypatch.setattr("tap_instantly.client.transport.PATIENCE", 0.02)
    api.control.fault("/api/v2/campaigns", kind, seconds=0.03, chunk=10)
    with InstantlyClient(api.api_key, api_url=f"{api.url}/api/v2", timeout=10) as client:
        assert client.get("/campaigns")["items"]
    assert len(api.control.requests()) == 2
    (line,) = [message for message in caplog.messages if "Trying again" in message]
    assert "timeout" in line
    assert "response incomplete after" in line


def test_final_error_names_the_number_of_tries(api: Server) -> None:
    api.control.fault("/api/v2/campaigns", "status", status=503, count=None)
    with (
        InstantlyClient(api.api_key, api_url=f"{api.url}/api/v2", max_retries=2) as client,
        pytest.raises(InstantlyAPIError, match="after 3 tries"),
    ):
        client.get("/campaigns")
    assert len(api.control.requests()) == 3


def test_client_error_is_not_retried(api: Server, client: InstantlyClient) -> None:
    with pytest.raises(InstantlyAPIError):
        client.get("/campaigns", {"limit": 1000})
    assert len(api.control.requests()) == 1


@pytest.mark.parametrize("kind", ["reset", "truncated", "garbage"])
def test_a_write_of_unknown_outcome_is_not_sent_twice(api: Server, client: InstantlyClient, kind: str) -> None:
    api.control.fault("/api/v2/campaigns", kind, method="POST", count=None)
    with pytest.raises(InstantlyAPIError):
        client.create_campaign("Once", SCHEDULE)
    assert len(api.control.requests()) == 1


def test_a_write_refused_by_the_limit_is_sent_again(api: Server, client: InstantlyClient) -> None:
    api.control.fault("/api/v2/campaigns", "status", status=429, method="POST", count=2)
    assert client.create_campaign("Patient", SCHEDULE)["name"] == "Patient"
    assert len(api.control.requests()) == 3


def test_waits_double_up_to_a_minute_and_are_drawn_at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT", 1.0)
    server_error = InstantlyAPIError(500, "GET", "/x")
    longest = [0.0] * 9
    for _ in range(200):
        waits = retry._waits()
        next(waits)
        drawn = [waits.send(server_error) for _ in range(9)]
        longest = [max(pair) for pair in zip(longest, drawn, strict=True)]
    limits = [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert all(limit / 2 < most <= limit for most, limit in zip(longest, limits, strict=True))


def test_waits_after_429_exceed_a_minute_and_honour_retry_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT", 1.0)
    waits = retry._waits()
    next(waits)
    assert sum(waits.send(InstantlyAPIError(429, "GET", "/x")) for _ in range(8)) > 60
    assert waits.send(InstantlyAPIError(503, "GET", "/x", retry_after=120.0)) == 120.0


def test_a_client_leaves_no_thread_behind(api: Server) -> None:
    before = threading.active_count()
    for _ in range(5):
        with InstantlyClient(api.api_key, api_url=f"{api.url}/api/v2") as client:
            client.get("/campaigns")
    assert threading.active_count() <= before


@pytest.mark.parametrize(
    ("header", "wait"), [("42", 42.0), ("99999999999999", 900.0), (None, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
)
def test_retry_after_is_read(api: Server, header: str | None, wait: float | None) -> None:
    headers = {"Retry-After": header} if header else {}
    api.control.fault("/api/v2/campaigns", "status", status=429, headers=headers)
    with InstantlyClient(api.api_key, api_url=f"{api.url}/api/v2", max_retries=0) as client:
        pauses: list[float | None] = []
        client.budget.pause = lambda _path, seconds=None: pauses.append(seconds)  # type: ignore[method-assign]
        with pytest.raises(InstantlyAPIError) as caught:
            client.get("/campaigns")
    assert caught.value.retry_after == wait
    assert pauses == [wait]


def test_each_try_waits_for_its_turn_within_the_rate_limit(
    api: Server, client: InstantlyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[tuple[str, int]] = []
    monkeypatch.setattr(client.budget, "acquire", lambda path: waited.append((path, len(api.control.requests()))))
    api.control.fault("/api/v2/campaigns", "status", status=500)
    client.get("/campaigns")
    assert waited == [("/api/v2/campaigns", 0), ("/api/v2/campaigns", 1)]


def test_patch_and_delete_send_their_method_and_path(api: Server, client: InstantlyClient) -> None:
    for call in (lambda: client.patch("/campaigns/x", {"name": "y"}), lambda: client.delete("/campaigns/x")):
        with pytest.raises(InstantlyAPIError) as caught:
            call()
        assert caught.value.kind in {ErrorKind.NOT_FOUND, ErrorKind.BAD_REQUEST}
    assert [(r["method"], r["path"]) for r in api.control.requests()] == [
        ("PATCH", "/api/v2/campaigns/x"),
        ("DELETE", "/api/v2/campaigns/x"),
    ]
