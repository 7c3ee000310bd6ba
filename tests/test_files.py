"""Files named on the command line."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest
from singer_sdk.exceptions import ConfigurationError

from tap_instantly.validation import files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.forking import Forks

UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _: None, "cannot be read: No such file or directory"),
    "a directory": (lambda path: path.mkdir(), "cannot be read: Is a directory"),
    "empty": (lambda path: path.write_text("\n"), "is empty: "),
    "no JSON": (lambda path: path.write_text("{"), "is not JSON"),
    "several lines": (
        lambda path: path.write_text("{}\n{}\n"),
        "is not JSON, or has more than one JSON document: Extra",
    ),
    "UTF-16": (lambda path: path.write_text("{}", encoding="utf-16"), "is not UTF-8 text"),
    "a list": (lambda path: path.write_text("[]"), "is not a JSON object"),
    "null": (lambda path: path.write_text("null"), "is not a JSON object"),
    "nested too deep": (lambda path: path.write_text("[" * 100_000), "is nested too deeply"),
}


@pytest.mark.parametrize("what", ["config", "catalog", "state"])
@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable_file_is_named_in_one_line_with_the_reason(tmp_path: Path, what: str, case: str) -> None:
    make, said = UNREADABLE[case]
    path = tmp_path / f"{what}.json"
    make(path)
    with pytest.raises(ConfigurationError) as caught:
        files.read(str(path), what)
    assert f"The {what} {path} {said}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_file_without_read_permission_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("{}")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root may read everything")
    with pytest.raises(ConfigurationError, match="cannot be read: Permission denied"):
        files.read(str(path), "state")


CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("TAP_INSTANTLY_")}


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        ("config", None, "cannot be read: No such file or directory"),
        ("config", "{", "is not JSON"),
        ("catalog", "{}", "it has no list of streams"),
        ("state", '{"type": "STATE", "value": {}}', "it is a whole STATE message"),
    ],
)
def test_unreadable_file_ends_the_tap_with_exit_code_2(
    forks: Forks, tmp_path: Path, option: str, content: str | None, said: str
) -> None:
    good, path = tmp_path / "good.json", tmp_path / "given.json"
    good.write_text(json.dumps({"api_key": "k", "api_url": "http://127.0.0.1:1/api/v2"}))
    if content is not None:
        path.write_text(content)
    options = {"config": good, option: path}
    ended = forks.run(*(f"--{name}={file}" for name, file in options.items()), environment=CLEAN)
    assert ended.returncode == 2
    (line,) = [line for line in ended.stderr.splitlines() if "| CRITICAL " in line]
    assert said in line
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_state_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"cursor": 1}')))
    assert files.read("-", "state") == '{"cursor": 1}'
