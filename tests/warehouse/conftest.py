from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.warehouse.postgres import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.warehouse.postgres import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running() as server:
        yield server
