"""A running sandbox, reset to its seeded state before each test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import ApiKey, SandboxConfig, Server, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

UNTIL = "2026-06-30"
SIZES = {"campaigns": 15, "accounts": 23, "leads": 1200, "lead_lists": 7, "emails": 600}
CONFIG = SandboxConfig(
    **SIZES,
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

    def ask(self, path: str, **query: Any) -> requests.Response:
        """Ask for a list; that of leads takes its query as a body."""
        return self.post(path, query) if path == "/leads/list" else self.get(path, **query)

    def page(self, path: str, limit: int, cursor: str | None = None, **query: Any) -> dict[str, Any]:
        answer = self.ask(path, limit=limit, **query, **({} if cursor is None else {"starting_after": cursor}))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, path: str, limit: int = 100, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield the pages of a list up to one without rows or without a cursor."""
        cursor = None
        for _ in range(10_000):
            yield (page := self.page(path, limit, cursor, **query))
            cursor = page.get("next_starting_after")
            if not page["items"] or not cursor:
                return
        pytest.fail("the pages do not end")

    def walk(self, path: str, limit: int = 100, **query: Any) -> list[dict[str, Any]]:
        return [row for page in self.pages(path, limit, **query) for row in page["items"]]


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
