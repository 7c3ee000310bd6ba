"""Sources of settings and keys with `--config=ENV`; each run is a process of its own, forked or started by a shell."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from singer_sdk.exceptions import ConfigurationError

import sandbox
from sandbox import SandboxConfig
from tap_instantly.settings import ENVIRONMENT_PREFIX, SETTINGS
from tap_instantly.validation import environment
from tests.conftest import UNTIL
from tests.pages import blocks
from tests.support import catalog_of, secret, traces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.forking import Forks

    Beside = Callable[..., subprocess.CompletedProcess[str]]

OTHER = "workspace-002"
THIRD = "workspace-003"

LOADER = """\
#!{python}
import json, pathlib, sys
with pathlib.Path("records").open("a") as records:
    for message in map(json.loads, sys.stdin):
        if message["type"] == "STATE":
            print(json.dumps(message["value"]))
        elif message["type"] == "RECORD":
            print(message["record"]["workspace_id"], file=records)
"""
"""Acts as a loader: keeps records and writes each received state."""


@pytest.fixture(scope="module")
def agency() -> Iterator[sandbox.Server]:
    config = SandboxConfig(workspaces=3, campaigns=1, accounts=1, leads=5, days=3, until=UNTIL, seed=11)
    with sandbox.serve(config) as server:
        yield server


@pytest.fixture(scope="module")
def ids(agency: sandbox.Server) -> dict[str, str]:
    """Return the workspaces' ids by the name of the key that opens them."""
    return {name: next(agency.control.within(name).truth("workspace"))["id"] for name in ("main", OTHER, THIRD)}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder laid out like a clone, with tap and SDK installed."""
    folder = tmp_path / "clone"
    (folder / "bin").mkdir(parents=True)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    program = folder / "bin" / "tap-instantly"
    program.write_text(f'#!/bin/sh\nexec {folder}/.venv/bin/python -m tap_instantly "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


@pytest.fixture
def catalog(tmp_path: Path, agency: sandbox.Server) -> Path:
    """A catalog with the one stream that identifies the workspace."""
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(catalog_of({"api_key": agency.api_key}, "workspaces")), encoding="utf-8")
    return path


class Runs:
    """Run the tap, and shell scripts with the tap installed in a clone."""

    def __init__(self, agency: sandbox.Server, clone: Path, catalog: Path, forks: Forks) -> None:
        self._catalog, self._forks = catalog, forks
        own = {name: value for name, value in os.environ.items() if not name.startswith("TAP_INSTANTLY_")}
        path = os.pathsep.join([str(clone / "bin"), os.environ["PATH"]])
        self.environment = {**own, "PATH": path, "TAP_INSTANTLY_API_URL": f"{agency.url}/api/v2"}

    def shell(self, script: str, folder: Path, **exported: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env={**self.environment, **exported},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def tap(self, folder: Path, *options: str, **exported: str) -> subprocess.CompletedProcess[str]:
        arguments = (*(options or ("--config=ENV",)), f"--catalog={self._catalog}")
        return self._forks.run(*arguments, environment={**self.environment, **exported}, folder=folder)

    def installed(self, folder: Path, **exported: str) -> subprocess.CompletedProcess[str]:
        """Run the tap from the clone, above whose files the SDK would search for a ``.env``."""
        return self.shell(f"tap-instantly --config=ENV {shlex.quote(f'--catalog={self._catalog}')}", folder, **exported)


@pytest.fixture
def runs(agency: sandbox.Server, clone: Path, catalog: Path, forks: Forks) -> Runs:
    return Runs(agency, clone, catalog, forks)


def dotenv(folder: Path, **variables: str) -> Path:
    path = folder / ".env"
    path.write_text("".join(f"{name}={value}\n" for name, value in variables.items()), encoding="utf-8")
    return path


def opened(run: subprocess.CompletedProcess[str]) -> set[str]:
    """Return the ids of the workspaces that were read."""
    assert run.returncode == 0, run.stderr
    messages = [json.loads(line) for line in run.stdout.splitlines()]
    return {message["record"]["workspace_id"] for message in messages if message["type"] == "RECORD"}


def sources(run: subprocess.CompletedProcess[str]) -> str:
    """Return the one log line about the source of settings."""
    (line,) = [line for line in run.stderr.splitlines() if "Settings come from" in line]
    return line.rpartition(" | ")[2]


def refusal(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode == 2, run.stderr
    assert "Traceback" not in run.stderr
    (line,) = [line for line in run.stderr.splitlines() if "| CRITICAL" in line]
    return line


# Precedence


def test_exported_key_overrides_the_dotenv_file(runs: Runs, ids: dict[str, str], clone: Path) -> None:
    dotenv(clone, TAP_INSTANTLY_API_KEY=secret(THIRD))
    run = runs.installed(clone, TAP_INSTANTLY_API_KEY=secret(OTHER))
    assert opened(run) == {ids[OTHER]}
    assert traces(secret(OTHER), run.stderr) == []


@pytest.mark.parametrize("within", [False, True], ids=["elsewhere", "in a subfolder"])
def test_dotenv_outside_the_working_directory_is_not_read(
    runs: Runs, clone: Path, elsewhere: Path, *, within: bool
) -> None:
    dotenv(clone, TAP_INSTANTLY_API_KEY=secret(THIRD))
    (clone / "within").mkdir()
    run = runs.installed(clone / "within" if within else elsewhere)
    assert "setting 'api_key' is missing" in refusal(run)
    where = "the environment (no .env in the working directory)"
    assert sources(run) == f"Settings come from {where}: api_url."


def test_dotenv_in_the_working_directory_supplies_unexported_settings_and_is_logged(
    runs: Runs, ids: dict[str, str], elsewhere: Path
) -> None:
    path = dotenv(elsewhere, TAP_INSTANTLY_API_KEY=secret(OTHER), TAP_INSTANTLY_PAGE_SIZE="7", UNRELATED="1")
    run = runs.tap(elsewhere, TAP_INSTANTLY_PAGE_SIZE="8")
    assert opened(run) == {ids[OTHER]}
    assert sources(run) == f"Settings come from the environment: page_size, api_url; and from {path}: api_key."


def test_empty_exported_variable_is_refused_and_not_replaced(runs: Runs, elsewhere: Path) -> None:
    dotenv(elsewhere, TAP_INSTANTLY_API_KEY=secret(OTHER))
    run = runs.tap(elsewhere, TAP_INSTANTLY_API_KEY="")
    assert "setting 'api_key' is not valid: it must be of type non-empty string" in refusal(run)


def test_api_key_env_variables_come_from_environment_or_dotenv(
    runs: Runs, ids: dict[str, str], elsewhere: Path
) -> None:
    entries = [{"name": "a", "api_key_env": "KEY_A"}, {"name": "b", "api_key_env": "KEY_B"}]
    config = elsewhere / "config.json"
    config.write_text(json.dumps({"workspaces": entries}), encoding="utf-8")
    dotenv(elsewhere, KEY_A=secret(THIRD), KEY_B=secret(THIRD))
    options = (f"--config={config}", "--config=ENV")
    assert opened(runs.tap(elsewhere, *options, KEY_A=secret(OTHER))) == {ids[OTHER], ids[THIRD]}
    without = runs.tap(elsewhere, f"--config={config}", KEY_A=secret(OTHER))
    assert "'b' has an api_key_env that names an unset or empty variable" in refusal(without)


@pytest.mark.parametrize("first", [0, 1], ids=["files first", "ENV first"])
def test_later_configs_override_earlier_ones_and_the_environment_overrides_all(
    runs: Runs, ids: dict[str, str], agency: sandbox.Server, elsewhere: Path, first: int
) -> None:
    unknown = {"api_key": "of-the-file", "api_url": "http://127.0.0.1:1", "page_size": 101}
    for number, settings in enumerate([unknown, {"page_size": 50, "api_key": secret(OTHER)}]):
        (elsewhere / f"config{number}.json").write_text(json.dumps(settings), encoding="utf-8")
    files = ["--config=config0.json", "--config=config1.json"]
    options = [*files, "--config=ENV"] if not first else ["--config=ENV", *files]
    assert opened(runs.tap(elsewhere, *options)) == {ids[OTHER]}
    assert opened(runs.tap(elsewhere, *options, TAP_INSTANTLY_API_KEY=agency.api_key)) == {ids["main"]}


# With a config file, without the environment


@pytest.fixture
def beside(runs: Runs, elsewhere: Path) -> Beside:
    """Run with a config file and a ``.env``, without the environment."""
    settings = {"api_key": secret(OTHER), "api_url": runs.environment["TAP_INSTANTLY_API_URL"]}

    def run(content: bytes, exported: dict[str, str]) -> subprocess.CompletedProcess[str]:
        (elsewhere / "config.json").write_text(json.dumps(settings), encoding="utf-8")
        (elsewhere / ".env").write_bytes(content)
        return runs.tap(elsewhere, "--config=config.json", **exported)

    return run


def unread(run: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the warnings about the ``.env``."""
    return [line.rpartition(" | ")[2] for line in run.stderr.splitlines() if "| WARNING" in line and ".env" in line]


def test_dotenv_beside_a_config_is_ignored_and_logged(beside: Beside, ids: dict[str, str], elsewhere: Path) -> None:
    lines = [
        f"TAP_INSTANTLY_API_KEY={secret(THIRD)}",
        "TAP-INSTANTLY-PAGE_SIZE=7",
        "no statement",
        "UNRELATED=${NONE}",
        f"TAP_INSTANTLY_START_DATE:{secret(THIRD)}",
        "TAP_INSTANTLY__HARBOR_STRICT=true",
        "TAP_INSTANTLY_STRICT=true",
    ]
    run = beside("\n".join(lines).encode(), {"TAP_INSTANTLY_STRICT": "true"})
    assert opened(run) == {ids[OTHER]}
    given = "TAP_INSTANTLY_API_KEY, TAP-INSTANTLY-PAGE_SIZE, TAP_INSTANTLY_START_DATE"
    (line,) = unread(run)
    assert line == f"{elsewhere / '.env'} is ignored without --config=ENV. It sets {given}."
    assert traces(secret(THIRD), run.stderr) == []


def test_exported_variables_beside_a_config_are_named_if_it_lacks_them(beside: Beside, ids: dict[str, str]) -> None:
    exported = {"TAP_INSTANTLY_API_KEY": secret(THIRD), "TAP_INSTANTLY_PAGE_SIZE": "7", "TAP_INSTANTLY_STRICT": "true"}
    run = beside(b"", exported)
    assert opened(run) == {ids[OTHER]}
    assert "Not read without --config=ENV: TAP_INSTANTLY_PAGE_SIZE, TAP_INSTANTLY_STRICT." in run.stderr
    assert traces(secret(THIRD), run.stderr) == []


def test_dotenv_without_new_settings_is_not_logged(beside: Beside) -> None:
    run = beside(b"UNRELATED=1\nno statement\nTAP_INSTANTLY_STRICT=true\n", {"TAP_INSTANTLY_STRICT": "true"})
    assert run.returncode == 0
    assert unread(run) == []


def test_non_utf8_dotenv_beside_a_config_is_logged(beside: Beside, elsewhere: Path) -> None:
    run = beside("TAP_INSTANTLY_PERSONAL_DATA=hash".encode("utf-16"), {})
    assert run.returncode == 0
    assert unread(run) == [f"{elsewhere / '.env'} is not UTF-8 text. Save it as UTF-8, or remove it."]


DIFFERS = "TAP_INSTANTLY_PERSONAL_DATA differs from the setting 'personal_data'"


@pytest.mark.parametrize(
    ("content", "exported", "said"),
    [
        ("TAP_INSTANTLY_PERSONAL_DATA=hash", {}, DIFFERS),
        ("TAP_INSTANTLY_PERSONAL_DATA", {}, DIFFERS),
        ("TAP-INSTANTLY-PERSONAL-DATA=hash", {}, "TAP-INSTANTLY-PERSONAL-DATA is not a setting: did you mean"),
        ("TAP_INSTANTLY_PERSONAL_DATA=hash", {"TAP_INSTANTLY_PERSONAL_DATA": "keep"}, None),
    ],
)
def test_personal_data_settings_in_dotenv_are_checked_as_if_exported(
    beside: Beside, content: str, exported: dict[str, str], said: str | None
) -> None:
    run = beside(content.encode(), exported)
    if said is None:
        assert run.returncode == 0
    else:
        assert f"environment variable {said}" in refusal(run)
        assert run.stdout == ""


# Contents of the file


def test_dotenv_may_have_bom_crlf_quotes_and_export(runs: Runs, ids: dict[str, str], elsewhere: Path) -> None:
    text = f"# Keys\r\n\r\nexport KEY='{secret(OTHER)}' # of a client\r\nTAP_INSTANTLY_API_KEY=\"${{KEY}}\"\r\n"
    (elsewhere / ".env").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert opened(runs.tap(elsewhere)) == {ids[OTHER]}


def test_dotenv_folder_is_ignored(runs: Runs, ids: dict[str, str], elsewhere: Path) -> None:
    (elsewhere / ".env").mkdir()
    assert opened(runs.tap(elsewhere, TAP_INSTANTLY_API_KEY=secret(OTHER))) == {ids[OTHER]}


KEY = b"c29tZS1pZDpub3QtYS1yZWFsLWtleQ=="
NO_UTF_8 = " is not UTF-8 text. Save it as UTF-8, or remove it."
NO_STATEMENT = " is not NAME=value. Correct it, or remove it."
NO_NAME = " has a name with characters other than letters, digits and _. Correct it, or remove it."
NO_VARIABLE = " has a variable that no environment can hold, such as one with a NUL. Remove it."
UNDEFINED = " has a ${...} of an undefined variable. Remove it, or export the variable that the line sets."
WRONG = {
    "no UTF-8": (b"TAP_INSTANTLY_API_KEY=\xff" + KEY, NO_UTF_8),
    "UTF-16": ("TAP_INSTANTLY_API_KEY=k".encode("utf-16"), NO_UTF_8),
    "an open quote": (b"A=1\n\n\nTAP_INSTANTLY_API_KEY='" + KEY + b"\nB=1\n", NO_STATEMENT),
    "no statement": (b"A=1\n\n\n=" + KEY + b"\n", NO_STATEMENT),
    "a NUL": (b"A=" + KEY + b"\0\n", NO_VARIABLE),
    "a name alone": (b"A=1\n\n\nTAP_INSTANTLY_PERSONAL_DATA\n", NO_STATEMENT),
    "dashes in a name": (b"A=1\n\n\nTAP-INSTANTLY-API_KEY=" + KEY, NO_NAME),
    "a colon": (b"A=1\n\n\nTAP_INSTANTLY_API_KEY:" + KEY, NO_NAME),
    "a reference to nothing": (b"A=1\n\n\nKEY_HARBOR='" + KEY + b"${B}'\nB=1\n", UNDEFINED),
    "a name alone, exported": (b"A=1\n\n\nexport TAP_INSTANTLY_PERSONAL_DATA\n", NO_STATEMENT),
}


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG)
def test_invalid_dotenv_is_refused_in_one_line_without_its_content(elsewhere: Path, content: bytes, said: str) -> None:
    path = elsewhere / ".env"
    path.write_bytes(content)
    refused = salt_of(elsewhere)
    assert isinstance(refused, ConfigurationError)
    assert str(refused).endswith(f"{path}{said}")
    assert ("Line 4 of" in str(refused)) is content.startswith(b"A=1\n\n\n")
    assert "\n" not in str(refused)
    assert traces(KEY.decode(), str(refused)) == []


def test_tap_refuses_an_invalid_dotenv_without_its_content(runs: Runs, elsewhere: Path) -> None:
    path = elsewhere / ".env"
    path.write_bytes(WRONG["an open quote"][0])
    run = runs.tap(elsewhere, "--config=ENV", "--discover", TAP_INSTANTLY_API_KEY=secret(OTHER))
    assert refusal(run).endswith(f"Line 4 of {path}{WRONG['an open quote'][1]}")
    assert run.stdout == ""
    assert traces(KEY.decode(), run.stderr) == []


def test_unreadable_dotenv_is_refused_in_one_line(elsewhere: Path) -> None:
    path = elsewhere / ".env"
    path.symlink_to("a-secret-that-is-not-mounted")
    said = "cannot be read: No such file or directory. Make it readable, or remove it."
    assert str(salt_of(elsewhere)).endswith(f"{path} {said}")


def salt_of(folder: Path) -> object:
    """Return the salt from a folder's ``.env``, or raise the message that refuses it."""
    with pytest.MonkeyPatch.context() as patch, mock.patch.dict(os.environ):
        patch.chdir(folder)
        try:
            return environment.read(SETTINGS)[0]["personal_data_salt"]
        except ConfigurationError as refused:
            return refused


@given(value=st.text(st.sampled_from('$${}:-#aA1 %&!*"/=+^~é'), min_size=1))
def test_quoted_value_is_taken_literally_or_refused(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / ".env").write_text(f"TAP_INSTANTLY_PERSONAL_DATA_SALT='{value}'\n", encoding="utf-8")
    found = salt_of(folder)
    if isinstance(found, ConfigurationError):
        assert "${" in value
        assert "has a ${...} of an undefined variable" in str(found)
    else:
        # With a default it is meant as a reference; none of these characters can be in a variable's name.
        assert found == value or ":-" in value


@given(data=st.data(), setting=st.sampled_from(sorted(SETTINGS["properties"])))
def test_variable_with_odd_name_is_never_ignored_silently(data: st.DataObject, setting: str) -> None:
    right = f"{ENVIRONMENT_PREFIX}{setting.upper()}"
    signs = st.sampled_from("_-.:/+")
    name = "".join(data.draw(signs if sign == "_" else st.sampled_from([sign, sign.lower()])) for sign in right)
    assume(not name.startswith(f"{ENVIRONMENT_PREFIX}_"))
    said = list(environment.unknown_variables([name], SETTINGS))
    assert len(said) == (name != right)
    if re.fullmatch(r"[\w.-]+", name) and said:
        assert said == [f"environment variable {name} is not a setting: did you mean '{right}'?"]


# The page on many workspaces


def configured(folder: Path, place: int) -> Any:
    config = json.loads(blocks("docs/agencies.md", "json")[place])
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return config


def test_exported_keys_open_their_workspaces_despite_dotenv(
    runs: Runs, ids: dict[str, str], agency: sandbox.Server, clone: Path, elsewhere: Path
) -> None:
    dotenv(clone, INSTANTLY_KEY_HARBOR=secret(THIRD), INSTANTLY_KEY_PINE=secret(THIRD))
    dotenv(elsewhere, INSTANTLY_KEY_HARBOR=secret(THIRD))
    configured(elsewhere, 0)
    keys = {"INSTANTLY_KEY_HARBOR": agency.api_key, "INSTANTLY_KEY_PINE": secret(OTHER)}
    run = runs.tap(elsewhere, "--config=config.json", "--config=ENV", **keys)
    assert opened(run) == {ids["main"], ids[OTHER]}


def test_an_admin_key_opens_its_own_group(
    runs: Runs, ids: dict[str, str], agency: sandbox.Server, clone: Path, elsewhere: Path
) -> None:
    dotenv(clone, TAP_INSTANTLY_API_KEY=secret(THIRD))
    configured(elsewhere, 1)
    keys = {"TAP_INSTANTLY_API_KEY": agency.api_key}
    run = runs.tap(elsewhere, "--config=config.json", "--config=ENV", **keys)
    assert ids["main"] in opened(run)


def test_documented_commands_give_every_client_its_own_rows(
    runs: Runs, ids: dict[str, str], agency: sandbox.Server, clone: Path, elsewhere: Path
) -> None:
    for folder in (clone, elsewhere):
        dotenv(folder, TAP_INSTANTLY_API_KEY=secret(THIRD))
    loader = clone / "bin" / "target-jsonl"
    loader.write_text(LOADER.format(python=sys.executable), encoding="utf-8")
    loader.chmod(0o755)
    _, harbor = blocks("docs/agencies.md", "sh")
    keys = {"INSTANTLY_KEY_HARBOR": agency.api_key, "INSTANTLY_KEY_PINE": secret(OTHER)}
    for client, own, times in (("harbor", "main", 2), ("pine", OTHER, 1)):
        script = harbor.replace("harbor", client).replace("HARBOR", client.upper())
        for _ in range(times):
            run = runs.shell(script, elsewhere, **keys)
            assert run.returncode == 0, run.stderr
        records = elsewhere / "records"
        assert set(records.read_text(encoding="utf-8").split()) == {ids[own]}
        records.unlink()
        state = json.loads((elsewhere / "runs" / client / "state.json").read_text(encoding="utf-8"))
        assert [part["context"]["workspace_id"] for part in state["bookmarks"]["leads"]["partitions"]] == [ids[own]]
