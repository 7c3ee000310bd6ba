"""Access control: user agents, keys, plans, scopes and rate limits."""

from __future__ import annotations

import time

import pytest

READS = ("/workspaces/current", "/campaigns", "/accounts", "/lead-lists", "/campaigns/analytics")


@pytest.mark.parametrize(
    "agent",
    ["python-requests/2.32.3", "python-urllib/3.11", "Python-urllib/3.11", "python-httpx/0.27", "undici", "node", ""],
)
def test_default_user_agents_are_refused_first(api, agent):
    del api.session.headers["Authorization"]
    api.session.headers["User-Agent"] = agent
    answer = api.get("/campaigns")
    assert (answer.status_code, answer.text) == (403, "error code: 1010")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("agent", ["curl/8.5.0", "nodejs-app/2"])
def test_any_other_user_agent_is_accepted(api, agent):
    api.session.headers["User-Agent"] = agent
    assert api.get("/campaigns").status_code == 200


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "Missing Authorization header"),
        ("Bearer nonsense", "Invalid API key"),
        ("sandbox-key-default", "Invalid API key"),
    ],
)
def test_a_key_is_needed(api, header, message):
    api.session.headers.pop("Authorization")
    if header:
        api.session.headers["Authorization"] = header
    answer = api.get("/campaigns")
    assert answer.status_code == 401
    assert answer.json() == {"statusCode": 401, "error": "Unauthorized", "message": message}


def test_without_a_plan_everything_is_402(make_api):
    answers = [make_api("unpaid").get(path) for path in READS]
    message = "Workspace does not have an active paid plan"
    expected = {"statusCode": 402, "error": "Payment Required", "message": message}
    assert [(answer.status_code, answer.json()) for answer in answers] == [(402, expected)] * len(READS)


def test_all_read_reads_all_and_writes_nothing(make_api):
    assert [make_api("reader").get(path).status_code for path in READS] == [200] * len(READS)
    assert make_api("reader").post("/leads", {"email": "a@example.com"}).status_code == 401


def test_missing_scope_is_401_or_configurably_403(make_api, control):
    narrow = make_api("campaigns-only")
    assert narrow.get("/campaigns").status_code == 200
    assert narrow.get("/accounts").status_code == 401
    control.config(scope_error_status=403)
    answer = narrow.get("/accounts")
    assert (answer.status_code, answer.json()["error"]) == (403, "Forbidden")


def test_analytics_take_any_key(make_api):
    parts = ("", "/overview", "/daily", "/steps")
    assert {make_api("campaigns-only").get(f"/campaigns/analytics{part}").status_code for part in parts} == {200}


def test_an_unknown_path_is_404(api):
    answer = api.get("/no-such-thing")
    assert (answer.status_code, answer.json()["error"]) == (404, "Not Found")


def test_rate_limit_recovers_after_a_second(api, control):
    control.config(rate_limit=True, per_second=2, retry_after=1)
    answers = (api.get("/campaigns") for _ in range(1_000))  # on a busy machine, the third may arrive a second late
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    time.sleep(1.1)
    assert api.get("/campaigns").status_code == 200


def test_rate_limit_is_off_by_default(api):
    assert {api.get("/workspaces/current").status_code for _ in range(120)} == {200}


def test_latency_can_be_configured(api, control):
    control.config(latency_ms=150)
    begin = time.monotonic()
    api.get("/campaigns")
    assert time.monotonic() - begin >= 0.15
