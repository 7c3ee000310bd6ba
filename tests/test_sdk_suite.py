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

_Standard = get_tap_test_class(
    TapInstantly,
    config=CONFIG,
    suite_config=SuiteConfig(max_records_limit=150),
    catalog=catalog_of(CONFIG),  # also streams that are not selected by default
)


@pytest.mark.filterwarnings("ignore:No records were available to test:UserWarning")
@pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records:UserWarning")
class TestStandard(_Standard):  # type: ignore[misc, valid-type]
    """The SDK's tests of a tap, its streams and their attributes."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _sandbox(cls, running_sandbox: Server) -> Iterator[None]:
        running_sandbox.control.reset()
        CONFIG["api_url"] = f"{running_sandbox.url}/api/v2"
        with hurried():  # also the run before the first test
            yield
