"""The log of a run from the command line: its length, and an option for the SDK's metrics."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_instantly.streams import STREAMS
from tests.support import opening, slim_catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server

PAGE = Path("docs/progress.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"<!-- metrics_example -->\n```yaml\n(.*?)```", PAGE, flags=re.DOTALL)

BY_DEFAULT = {stream.name for stream in STREAMS if stream.why_deselected is None}

INFO = {"TAP_INSTANTLY_LOGLEVEL": "INFO"}

OF_THE_SDK = ("METRIC: ", "Skipping deselected", "Beginning sync", "Starting incremental")


@pytest.fixture
def few(tmp_path: Path) -> str:
    """An option that selects a few streams."""
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(slim_catalog("campaigns", "lead_lists")), encoding="utf-8")
    return f"--catalog={path}"


def logged(run: Any) -> list[str]:
    """Return the messages of a log without their prefixes."""
    assert run.returncode == 0, run.stderr
    return [line.split(" | ", 3)[3] for line in run.stderr.splitlines() if line.count(" | ") >= 3]


def test_a_run_logs_a_line_for_each_stream_and_the_summary(
    debug_tap: Callable[..., Any], config: dict[str, Any]
) -> None:
    messages = logged(debug_tap(**config, environment=INFO))
    assert {line.split()[1].rstrip(":") for line in messages if line.startswith("Synced ")} == BY_DEFAULT
    others = [line for line in messages if not line.startswith("Synced ")]
    assert not [line for line in others if line.startswith(OF_THE_SDK)]
    assert others[-1].startswith("Total: ")
    assert len(others) <= 5


def test_run_with_several_workspaces_logs_no_sdk_lines(debug_tap: Callable[..., Any], api: Server, few: str) -> None:
    keys = {"one": api.api_key, "two": "sandbox-key-campaigns-only"}
    messages = logged(debug_tap(few, **opening(api, keys), environment=INFO))
    assert not [line for line in messages if line.startswith(OF_THE_SDK)]


def test_debug_level_logs_all_sdk_lines(debug_tap: Callable[..., Any], config: dict[str, Any], few: str) -> None:
    messages = logged(debug_tap(few, **config))
    assert all(any(line.startswith(beginning) for line in messages) for beginning in OF_THE_SDK)


def test_the_metrics_are_where_the_configuration_of_the_page_has_them(
    debug_tap: Callable[..., Any], config: dict[str, Any], few: str, tmp_path: Path
) -> None:
    file, metrics = tmp_path / "logging.yaml", tmp_path / "metrics.jsonl"
    file.write_text(EXAMPLE.replace("metrics.jsonl", str(metrics)), encoding="utf-8")
    run = debug_tap(few, **config, environment={**INFO, "SINGER_SDK_LOG_CONFIG": str(file)})
    assert not [line for line in logged(run) if line.startswith(OF_THE_SDK)]
    points = [json.loads(line)["metric_info"] for line in metrics.read_text(encoding="utf-8").splitlines()]
    counted = {point["tags"]["stream"]: point["value"] for point in points if point["metric"] == "record_count"}
    assert counted == {"campaigns": 6, "lead_lists": 5}


def test_connection_test_of_schemas_logs_no_sdk_line(debug_tap: Callable[..., Any], config: dict[str, Any]) -> None:
    messages = logged(debug_tap("--test=schema", **config, environment=INFO))
    assert not [line for line in messages if line.startswith(OF_THE_SDK)]
