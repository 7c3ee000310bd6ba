"""The SDK's standard tests on every stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from tap_instantly.tap import TapInstantly
from tests.conftest import KEYS
from tests.support import catalog_of, hurried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Server

# The SDK wants the configuration at import; the sandbox's address is known only later.
CONFIG: dict[str, Any] = {"api_key": KEYS[0].secret}

CATALOG = catalog_of(CONFIG)  # also streams that are not selected by default


def standard(records: int, **parts: bool) -> Any:
    limit = SuiteConfig(max_records_limit=records)
    return get_tap_test_class(TapInstantly, config=CONFIG, suite_config=limit, catalog=CATALOG, **parts)


pytestmark = [
    pytest.mark.filterwarnings("ignore:No records were available to test:UserWarning"),
    pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records:UserWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def _sandbox(running_sandbox: Server) -> Iterator[None]:
    running_sandbox.control.reset()
    CONFIG["api_url"] = f"{running_sandbox.url}/api/v2"
    with hurried():  # also the run before the first test
        yield


class TestTap(standard(25, include_stream_tests=False, include_stream_attribute_tests=False)):  # type: ignore[misc]
    """The SDK's tests of a tap."""


@pytest.mark.long
class TestStreams(standard(150, include_tap_tests=False)):  # type: ignore[misc]
    """The SDK's tests of each stream and property; the tests of the catalogue compare more."""
