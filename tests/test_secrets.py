"""No output contains the key, even at log level DEBUG."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.exceptions import ConfigurationError

from tap_instantly import InstantlyError
from tap_instantly.client import redaction
from tap_instantly.client.redaction import MASKED, Mask
from tap_instantly.tap import TapInstantly
from tests.api.test_errors import closed_port
from tests.listeners import Answer, answering
from tests.support import run_tap, slim_catalog, traces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Server

KEY = "aWQ6Zm9yLXRlc3Rz/c2VjcmV0+b25seQ=="
"""Contains characters that JSON, URLs and HTML may escape, as real keys do."""

ODD = "od\"d'k\\e/y&<%41>{}$|~`"


def told(text: str, **more: Any) -> str:
    return json.dumps({"statusCode": 401, "error": "Unauthorized", "message": text, **more})


ECHOES = {
    "401": Answer(401, told("Invalid API key")),
    "in a message": Answer(401, told(f"bad token {KEY} given")),
    "in a message, at length": Answer(401, told("x" * 180 + f" bad token {KEY} given")),
    "in a message, escaped": Answer(401, told(f"bad token {KEY} given").replace("/", "\\/")),
    "in a message, by code": Answer(
        401, told(f"bad token {KEY} given").replace("=", "\\u003D").replace("+", "\\u002b")
    ),
    "in a URL": Answer(403, told(f"https://x.example/?key={quote(KEY, safe='')}")),
    "in a URL, half quoted": Answer(403, told(f"https://x.example/?key={quote(KEY)}")),
    "in HTML": Answer(503, f"<html>Bearer {KEY.replace('+', '&#43;')}</html>"),
    "in a 200": Answer(200, told(f"bad token {KEY}")),
    "in an answer without records": Answer(200, json.dumps({"token": KEY})),
    "in an answer that is no JSON": Answer(200, f"{KEY} {KEY}"),
    "in a header": Answer(429, told("slow down"), {"X-Key": KEY, "Retry-After": KEY, "Date": KEY}),
    "in the address of a redirect": Answer(302, "", {"Location": f"https://x.example/{KEY}"}),
    "in the status line": Answer(raw=f"HTTP/1.1 {KEY} {KEY}\r\n\r\n".encode()),
    "in the version": Answer(raw=f"{KEY}\r\n\r\n".encode()),
    "in a header line that is none": Answer(raw=f"HTTP/1.1 401 No\r\nA: b\r\n{KEY}\r\n\r\n{{}}".encode()),
    "in a length": Answer(raw=f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{KEY}\r\n".encode()),
}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Callable[..., str]:
    """Let a function fail as in a process of its own; return error and log as they are written."""
    monkeypatch.setattr(redaction, "_known", set())
    caplog.set_level(logging.DEBUG)

    def run(function: Callable[..., object], **arguments: Any) -> str:
        with pytest.raises((InstantlyError, ConfigurationError)) as caught:
            function(**arguments)
        assert "\n" not in str(caught.value)
        return redaction.masked(f"{caught.value}\n{caplog.text}")

    return run


@pytest.mark.parametrize("answer", ECHOES.values(), ids=ECHOES)
def test_server_messages_do_not_leak_the_key(failing: Callable[..., str], answer: Answer) -> None:
    with answering(answer) as server:
        written = failing(run_tap, config={"api_key": KEY, "api_url": server.url, "max_retries": 0}, streams=("leads",))
    assert server.requests[0][2] == f"Bearer {KEY}"
    assert "DEBUG" in written
    assert traces(KEY, written) == []


@pytest.mark.parametrize("name", ["in a message", "in a header", "in the status line", "in a header line that is none"])
def test_process_does_not_leak_the_key_of_a_server_message(debug_tap: Callable[..., Any], name: str) -> None:
    with answering(ECHOES[name]) as server:
        run = debug_tap(api_key=KEY, api_url=server.url)
    assert server.requests[0][2] == f"Bearer {KEY}"
    assert run.returncode in {1, 5}
    assert "| CRITICAL" in run.stderr.splitlines()[-1]
    assert traces(KEY, run.stdout + run.stderr) == []


def test_key_with_odd_characters_is_masked(debug_tap: Callable[..., Any]) -> None:
    with answering(Answer(401, told(f"bad token {ODD} given"))) as server:
        run = debug_tap(api_key=ODD, api_url=server.url)
    assert server.requests[0][2] == f"Bearer {ODD}"
    assert f"bad token {MASKED} given" in run.stderr
    assert traces(ODD, run.stdout + run.stderr) == []


@pytest.mark.parametrize(
    ("key", "arguments"),
    [
        ("line\nend of the key", ()),
        ("ключ-от-всего", ("--test",)),
        ("ключ-от-всего", ("--discover",)),
    ],
)
def test_a_key_that_no_header_can_carry_is_not_quoted(
    debug_tap: Callable[..., Any], key: str, arguments: tuple[str, ...]
) -> None:
    run = debug_tap(*arguments, api_key=key, api_url="http://127.0.0.1:1")
    assert traces(key, run.stdout + run.stderr) == []


@pytest.mark.parametrize(("entry", "code"), [("api_key", 1), ("api_key_env", 2)])
def test_key_with_a_lone_surrogate_fails_in_one_line_without_it(
    debug_tap: Callable[..., Any], entry: str, code: int
) -> None:
    run = debug_tap(workspaces=[{"name": "one", entry: "abcdefghijk\ud800lmnopqrstuv"}], api_url="http://127.0.0.1:1")
    assert run.returncode == code
    assert "| CRITICAL" in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
    assert "defghijk" not in run.stderr
    assert "mnopqrst" not in run.stderr


WRONG = {
    "a number": {"api_key": 918273645546},
    "a list": {"api_key": [KEY]},
    "an object": {"api_key": {KEY: KEY}},
    "a number of a workspace": {"workspaces": [{"name": "one", "api_key": 918273645546}]},
    "a list of a workspace": {"workspaces": [{"name": "one", "api_key": [KEY]}]},
    "misspelt in a workspace": {"workspaces": [{"name": "one", "key": KEY}]},
    "in the place of its variable's name": {"workspaces": [{"name": "one", "api_key_env": KEY}]},
    "likewise, where it could be a name": {"workspaces": [{"name": "one", "api_key_env": re.sub(r"\W", "_", KEY)}]},
    "a workspace that is a text": {"workspaces": [KEY]},
    "workspaces that are a text": {"workspaces": KEY},
    "workspaces that are an object": {"workspaces": {KEY: KEY}},
    "both": {"api_key": KEY, "workspaces": [{"name": "one", "api_key": KEY}]},
    "under another name": {"apikey": KEY},
    "in the place of a number": {"api_key": KEY, "page_size": KEY},
    "in the place of a number, alone": {"page_size": KEY},
    "in the place of a date": {"api_key": KEY, "start_date": KEY},
    "in the address": {"api_key": KEY, "api_url": f"https://user:{KEY}@127.0.0.1:1/api/v2"},
    "in the query": {"api_key": KEY, "api_url": f"https://127.0.0.1:1/api/v2?key={KEY}"},
}


@pytest.mark.parametrize("settings", WRONG.values(), ids=WRONG)
def test_key_of_wrong_type_or_place_is_not_quoted(failing: Callable[..., str], settings: dict[str, Any]) -> None:
    written = failing(TapInstantly, config=settings)
    assert traces(KEY, written) + traces("918273645546", written) == []


@pytest.mark.parametrize(
    "value", [KEY, f'[{{"name": "one", "api_key": "{KEY}"', f'[{{"name": "one", "key": "{KEY}"}}]']
)
def test_invalid_workspaces_variable_is_not_quoted(
    failing: Callable[..., str], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TAP_INSTANTLY_WORKSPACES", value)
    assert traces(KEY, failing(TapInstantly, parse_env_config=True)) == []


@pytest.mark.parametrize(("name", "discovers"), [("a list", False), ("a list", True), ("in the query", True)])
def test_process_does_not_quote_a_misplaced_key(debug_tap: Callable[..., Any], name: str, *, discovers: bool) -> None:
    run = debug_tap(*["--discover"] * discovers, **WRONG[name])
    assert run.returncode == (0 if discovers else 2)
    assert traces(KEY, run.stdout + run.stderr) == []


def test_non_json_config_file_is_not_quoted(debug_tap: Callable[..., Any], tmp_path: Path) -> None:
    broken = tmp_path / "config-broken.json"
    broken.write_text(f'{{"api_key": "{KEY}\n', encoding="utf-8")
    run = debug_tap("--config", str(broken))
    assert run.returncode == 2
    assert traces(KEY, run.stdout + run.stderr) == []


@pytest.mark.parametrize("option", ["--config", "--state"])
def test_file_content_given_as_a_path_is_not_quoted(debug_tap: Callable[..., Any], option: str) -> None:
    run = debug_tap(option, json.dumps({"api_key": KEY}))
    assert run.returncode == 2
    assert f"{option} takes the path of a file" in run.stderr
    assert traces(KEY, run.stdout + run.stderr) == []


@pytest.mark.parametrize(
    "arguments",
    [("--about",), ("--about", "--format=json"), ("--about", "--format=markdown"), ("--discover",)],
    ids=" ".join,
)
def test_tap_description_contains_no_key(debug_tap: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    run = debug_tap(*arguments, "--config=ENV", api_key=KEY, environment={"TAP_INSTANTLY_API_KEY": KEY})
    assert run.returncode == 0
    assert traces(KEY, run.stdout + run.stderr) == []


def test_a_good_run_writes_no_key(debug_tap: Callable[..., Any], api: Server, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps(slim_catalog("api_keys", "campaigns", "leads", "workspaces")), encoding="utf-8")
    run = debug_tap(f"--catalog={catalog}", api_key=api.api_key, api_url=f"{api.url}/api/v2")
    assert run.returncode == 0, run.stderr
    assert "DEBUG" in run.stderr
    assert "urllib3" in run.stderr
    assert traces(api.api_key, run.stdout + run.stderr) == []


def test_network_errors_do_not_leak_the_key(debug_tap: Callable[..., Any]) -> None:
    run = debug_tap(api_key=KEY, api_url=f"http://127.0.0.1:{closed_port()}/api/v2")
    assert "Check the network" in run.stderr
    assert traces(KEY, run.stdout + run.stderr) == []


def with_records(path: str) -> Answer:
    """An API whose campaigns contain the key: in names, separate fields, a timestamp and the cursor."""
    if path.endswith("/workspaces/current"):
        return Answer(200, json.dumps({"id": "w", "name": f"of {KEY}"}))
    if not path.endswith("/campaigns"):
        return Answer(404, told("no such path"))
    record = {
        "name": f"for {KEY}",
        KEY: KEY,
        "timestamp_created": KEY,
        "core_variables": {"a": [KEY, {KEY: f"x{KEY}"}]},
    }
    page = {"items": [{"id": "c", **record}, record], "next_starting_after": KEY}
    return Answer(200, json.dumps(page).replace("/", "\\/"))


def test_key_in_a_record_is_masked_and_logged(debug_tap: Callable[..., Any]) -> None:
    with answering(with_records) as server:
        run = debug_tap(api_key=KEY, api_url=server.url, validate_records="warn")
    written = run.stdout + run.stderr
    assert traces(KEY, written) == []
    (said,) = [line for line in run.stderr.splitlines() if "contains the API key" in line]
    assert "WARNING" in said
    (record, *_) = [
        m["record"]
        for m in map(json.loads, run.stdout.splitlines())
        if m["type"] == "RECORD" and m["stream"] == "campaigns"
    ]
    assert record["name"] == f"for {MASKED}"
    assert record["core_variables"] == {"a": [MASKED, {MASKED: f"x{MASKED}"}]}
    state = [line for line in run.stdout.splitlines() if '"STATE"' in line]
    assert state
    assert traces(KEY, state[-1]) == []


@pytest.mark.parametrize("formatter", ["console", "singer_sdk.logging.StructuredFormatter"])
def test_unexpected_error_is_logged_with_traceback_and_masked_key(tmp_path: Path, formatter: str) -> None:
    config, logging_config = tmp_path / "config.json", tmp_path / "logging.yml"
    config.write_text(json.dumps({"api_key": KEY}), encoding="utf-8")
    structured = {"version": 1, "disable_existing_loggers": False, "formatters": {"f": {"()": formatter}}}
    structured["handlers"] = {"h": {"class": "logging.StreamHandler", "formatter": "f", "stream": "ext://sys.stderr"}}
    structured["root"] = {"level": "DEBUG", "handlers": ["h"]}
    logging_config.write_text(json.dumps(structured), encoding="utf-8")  # JSON is YAML
    program = (
        "import sys; from tap_instantly import __main__, tap\n"
        "def fail(self):\n"
        "    inner = KeyError(self.config['api_key'])\n"
        "    raise RuntimeError('unforeseen', {'headers': 'Bearer ' + self.config['api_key']}) from inner\n"
        "tap.TapInstantly.sync_all = fail\n"
        f"sys.argv[1:] = ['--config', {str(config)!r}]\n"
        "__main__.main()"
    )
    named = {"SINGER_SDK_LOG_CONFIG": str(logging_config)} if formatter != "console" else {}
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env={**os.environ, **named}
    )
    assert run.returncode == 1
    assert "RuntimeError" in run.stderr
    assert MASKED in run.stderr
    assert traces(KEY, run.stdout + run.stderr) == []


@given(
    key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=20, max_size=60),
    before=st.text(max_size=5),
    after=st.text(max_size=5),
)
def test_mask_finds_the_key_in_any_encoding(key: str, before: str, after: str) -> None:
    mask, held = Mask([key]), before + key + after
    for written in (held, json.dumps(held), repr(held), quote(held, safe=""), json.dumps(quote(key))):
        assert key not in mask.text(written)
        assert MASKED in mask.text(written)
        assert mask.content(written.encode()) == mask.text(written).encode()
    assert MASKED in mask.text(base64.b64encode(held.encode()).decode())
    assert MASKED in mask.text(base64.urlsafe_b64encode(held.encode()).decode())
    assert all(mask.may_be_in(form) for form in (held.encode(), base64.b64encode(held.encode())))


def test_decoded_form_of_a_base64_key_is_masked() -> None:
    inner = "0f1e2d3c-aaaa:a secret"
    mask = Mask([base64.b64encode(inner.encode()).decode()])
    for written in (f"id={inner}", json.dumps({"key": inner}), quote(inner)):
        assert mask.text(written).count(MASKED) == 1
        assert mask.may_be_in(written.encode())


def test_too_short_keys_are_not_masked() -> None:
    assert Mask(["k", "page", ""]).text("keep the page") == "keep the page"
