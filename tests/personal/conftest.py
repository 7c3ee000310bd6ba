from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import sandbox
from sandbox import SandboxConfig
from tests.conftest import UNTIL
from tests.personal.texts import ADDRESS, LEAST, WORD, found_in, of_persons, split
from tests.support import FAST, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support import TapRun

SALT = "4b1d-a-salt-of-the-tests-0001"


@pytest.fixture(scope="session")
def people() -> Iterator[sandbox.Server]:
    """A small sandbox with records of every kind."""
    size = SandboxConfig(campaigns=5, accounts=20, leads=90, emails=60, days=20, until=UNTIL, seed=4)
    with sandbox.serve(size) as server:
        yield server


@pytest.fixture(scope="session")
def settings(people: sandbox.Server) -> dict[str, Any]:
    return {"api_key": people.api_key, "api_url": f"{people.url}/api/v2", **FAST}


@pytest.fixture(scope="session")
def in_clear(settings: dict[str, Any]) -> TapRun:
    """Records of all streams without the setting."""
    return run_tap(settings)


@pytest.fixture(scope="session")
def personal(people: sandbox.Server, in_clear: TapRun) -> set[str]:
    """Texts that occur only in personal places: those found by marks, and those found by field names."""
    marked, others = split({name: in_clear.records(name) for name in in_clear.tap.streams})
    texts = {text for text in of_persons(people.control) | marked.keys() if len(text) >= LEAST}
    words = {text for text in texts if WORD.fullmatch(text)}
    domains = {text.rpartition("@")[2] for text in texts if ADDRESS.fullmatch(text)}  # kept when hashed
    return texts - words - domains - set(found_in("\n".join(others), texts))
