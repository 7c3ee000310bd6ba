"""A running sandbox, reset to its seeded state before each test."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox import ApiKey, SandboxConfig, Server, serve

UNTIL = "2026-06-30"
CONFIG = SandboxConfig(
    campaigns=15,
    accounts=23,
    leads=1200,
    lead_lists=7,
    emails=600,
    until=UNTIL,
    keys=(
        ApiKey("default"),
        ApiKey("reader", ("all:read",)),
        ApiKey("campaigns-only", ("campaigns:read",)),
        ApiKey("unpaid", paid=False),
        ApiKey("no-placement", inbox_placement=False),
        ApiKey("agents-only", ("ai_agents:all",)),
    ),
)


class Api:
    """An HTTP client with a User-Agent of its own."""

    def __init__(self, server: Server, key: str = "default") -> None:
        self.base = f"{server.url}/api/v2"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"User-Agent": "sandbox-tests/1", "Authorization": f"Bearer sandbox-key-{key}"})

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.session.get(self.base + path, params=query, timeout=10)

    def post(self, path: str, body: Any = None, **query: Any) -> requests.Response:
        return self.session.post(self.base + path, json=body, params=query, timeout=30)

    def page(self, path: str, limit: int, cursor: str | None) -> dict[str, Any]:
        paging = {"limit": limit} | ({"starting_after": cursor} if cursor else {})
        answer = self.post(path, paging) if path == "/leads/list" else self.get(path, **paging)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def walk(self, path: str, limit: int = 100) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        cursor = None
        for _ in range(10_000):
            page = self.page(path, limit, cursor)
            rows += page["items"]
            cursor = page.get("next_starting_after")
            if not page["items"]:
                return rows
        pytest.fail("the walk does not end")


@pytest.fixture(scope="session")
def running():
    with serve(CONFIG) as server:
        yield server


@pytest.fixture
def server(running):
    running.control.reset()
    return running


@pytest.fixture
def control(server):
    return server.control


@pytest.fixture
def make_api(server):
    made = []

    def make(key: str = "default") -> Api:
        made.append(Api(server, key))
        return made[-1]

    yield make
    for api in made:
        api.session.close()


@pytest.fixture
def api(make_api):
    return make_api()
