"""Bodies of ten megabytes, read by the tap in a separate process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import catalog_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Server

SIZE = 10_000_000
LISTS = "/api/v2/lead-lists"
Read = "Callable[[], tuple[int, list[dict[str, Any]]]]"


@pytest.fixture
def read_lists(debug_tap: Callable[..., Any], config: dict[str, Any], tmp_path: Path) -> Read:
    """Read the lead lists; return exit code and records. The log must stay short, also at level DEBUG."""
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps(catalog_of(config, "lead_lists")), encoding="utf-8")

    def run() -> tuple[int, list[dict[str, Any]]]:
        ended = debug_tap("--catalog", str(catalog), **config, max_retries=1, page_size=1)
        assert all(len(line) < 1000 for line in ended.stderr.splitlines() if "| DEBUG " not in line)
        assert len(ended.stderr) < SIZE / 50
        messages = [json.loads(line) for line in ended.stdout.splitlines()]
        return ended.returncode, [message["record"] for message in messages if message["type"] == "RECORD"]

    return run


def test_ten_megabyte_text_arrives_complete(api: Server, read_lists: Read) -> None:
    text = "é" * (SIZE // 2)
    api.control.fault(LISTS, "status", status=200, body={"items": [{"id": "long", "name": text}]})
    exit_code, (record,) = read_lists()
    assert exit_code == 0
    whole = record["name"] == text
    assert (record["id"], whole) == ("long", True)  # keeps the text out of pytest's output


@pytest.mark.parametrize(
    ("body", "times", "exit_code"),
    [
        ({"message": "x" * SIZE}, 1, 0),
        (f"<html>{'x' * SIZE}", None, 3),
    ],
    ids=["message, once", "HTML, for good"],
)
def test_ten_megabyte_error_is_handled_like_others(
    api: Server, read_lists: Read, body: object, times: int | None, exit_code: int
) -> None:
    api.control.fault(LISTS, "status", status=500, body=body, count=times)
    ended, records = read_lists()
    assert ended == exit_code
    assert len(records) == (0 if exit_code else len(list(api.control.truth("lead_lists"))))
