"""Sources of settings and keys with `--config=ENV`; each run is a process of its own."""

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
from tap_instantly import environment
from tap_instantly.configuration import unknown_variables
from tap_instantly.settings import ENVIRONMENT_PREFIX, SETTINGS
from tests.conftest import UNTIL
from tests.pages import blocks
from tests.support import catalog_of, secret, traces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
"""Does what a loader does: keeps records, and writes each state that it was given."""


@pytest.fixture(scope="module")
def agency() -> Iterator[sandbox.Server]:
    config = SandboxConfig(workspaces=3, campaigns=1, accounts=1, leads=5, days=3, until=UNTIL, seed=11)
    with sandbox.serve(config) as server:
        yield server


@pytest.fixture(scope="module")
def ids(agency: sandbox.Server) -> dict[str, str]:
    """Ids of the workspaces, by whose key opens them."""
    return {name: next(agency.control.within(name).truth("workspace"))["id"] for name in ("main", OTHER, THIRD)}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder that is laid out like a clone: the tap and the SDK are installed in it."""
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
    """A catalog with the one stream that tells which workspace was read."""
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(catalog_of({"api_key": agency.api_key}, "workspaces")), encoding="utf-8")
    return path


class Runs:
    """Runs of the tap that is installed in a clone."""

    def __init__(self, agency: sandbox.Server, clone: Path, catalog: Path) -> None:
        self.clone, self.catalog = clone, catalog
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
        command = ["tap-instantly", *(options or ("--config=ENV",)), f"--catalog={self.catalog}"]
        return self.shell(shlex.join(command), folder, **exported)


@pytest.fixture
def runs(agency: sandbox.Server, clone: Path, catalog: Path) -> Runs:
    return Runs(agency, clone, catalog)


def dotenv(folder: Path, **variables: str) -> Path:
    path = folder / ".env"
    path.write_text("".join(f"{name}={value}\n" for name, value in variables.items()), encoding="utf-8")
    return path


def opened(run: subprocess.CompletedProcess[str]) -> set[str]:
    """Ids of the workspaces that were read."""
    assert run.returncode == 0, run.stderr
    messages = [json.loads(line) for line in run.stdout.splitlines()]
    return {message["record"]["workspace_id"] for message in messages if message["type"] == "RECORD"}


def sources(run: subprocess.CompletedProcess[str]) -> str:
    """The one line of the log that says where settings come from."""
    (line,) = [line for line in run.stderr.splitlines() if "Settings come from" in line]
    return line.rpartition(" | ")[2]


def refusal(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode == 1, run.stderr
    assert "Traceback" not in run.stderr
    (line,) = [line for line in run.stderr.splitlines() if "| CRITICAL" in line]
    return line


# Which one counts


def test_an_exported_key_wins_over_a_file_in_the_clone_wherever_the_tap_is_started(
    runs: Runs, ids: dict[str, str], clone: Path, elsewhere: Path
) -> None:
    dotenv(clone, TAP_INSTANTLY_API_KEY=secret(THIRD))
    (within := clone / "within").mkdir()
    for folder in (elsewhere, within, clone):
        run = runs.tap(folder, TAP_INSTANTLY_API_KEY=secret(OTHER))
        assert opened(run) == {ids[OTHER]}, folder
        assert traces(secret(OTHER), run.stderr) == []


@pytest.mark.parametrize("within", [False, True], ids=["elsewhere", "in a subfolder"])
def test_a_file_in_another_folder_than_the_working_directory_is_not_read(
    runs: Runs, clone: Path, elsewhere: Path, *, within: bool
) -> None:
    dotenv(clone, TAP_INSTANTLY_API_KEY=secret(THIRD))
    (clone / "within").mkdir()
    run = runs.tap(clone / "within" if within else elsewhere)
    assert "setting 'api_key' is missing" in refusal(run)
    where = "the environment alone, without a .env in the working directory"
    assert sources(run) == f"Settings come from {where}: api_url."


def test_a_file_in_the_working_directory_gives_what_is_not_exported_and_the_log_names_it(
    runs: Runs, ids: dict[str, str], elsewhere: Path
) -> None:
    path = dotenv(elsewhere, TAP_INSTANTLY_API_KEY=secret(OTHER), TAP_INSTANTLY_PAGE_SIZE="7", UNRELATED="1")
    run = runs.tap(elsewhere, TAP_INSTANTLY_PAGE_SIZE="8")
    assert opened(run) == {ids[OTHER]}
    assert sources(run) == f"Settings come from the environment: page_size, api_url; and from {path}: api_key."


def test_an_exported_variable_that_is_empty_is_refused_and_not_replaced(runs: Runs, elsewhere: Path) -> None:
    dotenv(elsewhere, TAP_INSTANTLY_API_KEY=secret(OTHER))
    run = runs.tap(elsewhere, TAP_INSTANTLY_API_KEY="")
    assert "setting 'api_key' is not valid: it must be of type string, and not empty" in refusal(run)


def test_keys_by_the_names_of_variables_come_from_the_same_places(
    runs: Runs, ids: dict[str, str], elsewhere: Path
) -> None:
    entries = [{"name": "a", "api_key_env": "KEY_A"}, {"name": "b", "api_key_env": "KEY_B"}]
    config = elsewhere / "config.json"
    config.write_text(json.dumps({"workspaces": entries}), encoding="utf-8")
    dotenv(elsewhere, KEY_A=secret(THIRD), KEY_B=secret(THIRD))
    options = (f"--config={config}", "--config=ENV")
    assert opened(runs.tap(elsewhere, *options, KEY_A=secret(OTHER))) == {ids[OTHER], ids[THIRD]}
    without = runs.tap(elsewhere, f"--config={config}", KEY_A=secret(OTHER))
    assert "'b' has an api_key_env that names no environment variable" in refusal(without)


@pytest.mark.parametrize("first", [0, 1], ids=["files first", "ENV first"])
def test_of_several_configs_a_later_file_wins_over_an_earlier_one_and_the_environment_over_all(
    runs: Runs, ids: dict[str, str], agency: sandbox.Server, elsewhere: Path, first: int
) -> None:
    unknown = {"api_key": "of-the-file", "api_url": "http://127.0.0.1:1", "page_size": 101}
    for number, settings in enumerate([unknown, {"page_size": 50, "api_key": secret(OTHER)}]):
        (elsewhere / f"config{number}.json").write_text(json.dumps(settings), encoding="utf-8")
    files = ["--config=config0.json", "--config=config1.json"]
    options = [*files, "--config=ENV"] if not first else ["--config=ENV", *files]
    assert opened(runs.tap(elsewhere, *options)) == {ids[OTHER]}
    assert opened(runs.tap(elsewhere, *options, TAP_INSTANTLY_API_KEY=agency.api_key)) == {ids["main"]}


# Beside a config file, without the environment


@pytest.fixture
def beside(runs: Runs, elsewhere: Path) -> Beside:
    """A run with a config file and without the environment, where there is a ``.env``."""
    settings = {"api_key": secret(OTHER), "api_url": runs.environment["TAP_INSTANTLY_API_URL"]}

    def run(content: bytes, exported: dict[str, str]) -> subprocess.CompletedProcess[str]:
        (elsewhere / "config.json").write_text(json.dumps(settings), encoding="utf-8")
        (elsewhere / ".env").write_bytes(content)
        return runs.tap(elsewhere, "--config=config.json", **exported)

    return run


def unread(run: subprocess.CompletedProcess[str]) -> list[str]:
    """The warnings that concern the ``.env``."""
    return [line.rpartition(" | ")[2] for line in run.stderr.splitlines() if "| WARNING" in line and ".env" in line]


def test_what_a_file_gives_beside_a_config_is_not_read_and_is_named_in_one_line(
    beside: Beside, ids: dict[str, str], elsewhere: Path
) -> None:
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
    assert line == f"{elsewhere / '.env'} is not read without --config=ENV, and has no effect: it gives {given}."
    assert traces(secret(THIRD), run.stderr) == []


@pytest.mark.parametrize("content", [b"UNRELATED=1\nno statement\n", b"TAP_INSTANTLY_STRICT=true\n", b""])
def test_of_a_file_of_others_and_of_what_is_exported_too_nothing_is_said(beside: Beside, content: bytes) -> None:
    run = beside(content, {"TAP_INSTANTLY_STRICT": "true"})
    assert run.returncode == 0
    assert unread(run) == []


def test_a_file_that_cannot_be_understood_is_said_to_be_so(beside: Beside, elsewhere: Path) -> None:
    run = beside("TAP_INSTANTLY_PERSONAL_DATA=hash".encode("utf-16"), {})
    assert run.returncode == 0
    assert unread(run) == [f"{elsewhere / '.env'} is no text in UTF-8. Save it as such, or remove it."]


@pytest.mark.parametrize(
    ("content", "exported", "said"),
    [
        (
            "TAP_INSTANTLY_PERSONAL_DATA=hash",
            {},
            "TAP_INSTANTLY_PERSONAL_DATA differs from the setting 'personal_data'",
        ),
        ("TAP_INSTANTLY_PERSONAL_DATA", {}, "TAP_INSTANTLY_PERSONAL_DATA differs from the setting 'personal_data'"),
        ("TAP-INSTANTLY-PERSONAL-DATA=hash", {}, "TAP-INSTANTLY-PERSONAL-DATA is no setting: did you mean"),
        ("tap_instantly_personal_data=hash", {}, "tap_instantly_personal_data is no setting: did you mean"),
        ("TAP_INSTANTLY_PERSONAL_DATA=hash", {"TAP_INSTANTLY_PERSONAL_DATA": "keep"}, None),
        ("TAP_INSTANTLY_PERSONAL_DATA=keep", {}, None),
    ],
)
def test_what_it_says_of_personal_data_is_refused_as_if_it_were_exported(
    beside: Beside, content: str, exported: dict[str, str], said: str | None
) -> None:
    run = beside(content.encode(), exported)
    if said is None:
        assert run.returncode == 0
    else:
        assert f"environment variable {said}" in refusal(run)
        assert run.stdout == ""


# What is in the file


def test_a_file_may_be_written_as_editors_and_shells_do(runs: Runs, ids: dict[str, str], elsewhere: Path) -> None:
    text = f"# Keys\r\n\r\nexport KEY='{secret(OTHER)}' # of a client\r\nTAP_INSTANTLY_API_KEY=\"${{KEY}}\"\r\n"
    (elsewhere / ".env").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert opened(runs.tap(elsewhere)) == {ids[OTHER]}


def test_a_folder_of_that_name_is_no_file_of_variables(runs: Runs, ids: dict[str, str], elsewhere: Path) -> None:
    (elsewhere / ".env").mkdir()
    assert opened(runs.tap(elsewhere, TAP_INSTANTLY_API_KEY=secret(OTHER))) == {ids[OTHER]}


KEY = b"c29tZS1pZDpub3QtYS1yZWFsLWtleQ=="
WRONG = {
    "no UTF-8": (b"TAP_INSTANTLY_API_KEY=\xff" + KEY, " is no text in UTF-8. Save it as such, or remove it."),
    "UTF-16": ("TAP_INSTANTLY_API_KEY=k".encode("utf-16"), " is no text in UTF-8. Save it as such, or remove it."),
    "an open quote": (
        b"A=1\n\n\nTAP_INSTANTLY_API_KEY='" + KEY + b"\nB=1\n",
        " is no NAME=value. Correct it, or take it out.",
    ),
    "no statement": (b"A=1\n\n\n=" + KEY + b"\n", " is no NAME=value. Correct it, or take it out."),
    "a NUL": (
        b"A=" + KEY + b"\0\n",
        " holds a variable that no environment can hold, such as one with a NUL. Take it out.",
    ),
    "a name alone": (b"A=1\n\n\nTAP_INSTANTLY_PERSONAL_DATA\n", " is no NAME=value. Correct it, or take it out."),
    "dashes in a name": (
        b"A=1\n\n\nTAP-INSTANTLY-API_KEY=" + KEY,
        " has a name with other signs than letters, digits and _. Correct it, or take it out.",
    ),
    "a colon": (
        b"A=1\n\n\nTAP_INSTANTLY_API_KEY:" + KEY,
        " has a name with other signs than letters, digits and _. Correct it, or take it out.",
    ),
    "a reference to nothing": (
        b"A=1\n\n\nKEY_HARBOR='" + KEY + b"${B}'\nB=1\n",
        " has a ${...} that names no variable. Take it out, or export what the line gives instead.",
    ),
    "a name alone, exported": (
        b"A=1\n\n\nexport TAP_INSTANTLY_PERSONAL_DATA\n",
        " is no NAME=value. Correct it, or take it out.",
    ),
}


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG)
def test_a_file_that_cannot_be_understood_is_refused_in_one_line_that_repeats_nothing(
    runs: Runs, elsewhere: Path, content: bytes, said: str
) -> None:
    path = elsewhere / ".env"
    path.write_bytes(content)
    run = runs.tap(elsewhere, "--config=ENV", "--discover", TAP_INSTANTLY_API_KEY=secret(OTHER))
    line = refusal(run)
    assert line.endswith(f"{path}{said}")
    assert ("Line 4 of" in line) is content.startswith(b"A=1\n\n\n")
    assert run.stdout == ""
    assert traces(KEY.decode(), run.stderr) == []


def test_a_file_that_cannot_be_read_is_refused_in_one_line(runs: Runs, elsewhere: Path) -> None:
    path = elsewhere / ".env"
    path.symlink_to("a-secret-that-is-not-mounted")
    run = runs.tap(elsewhere, TAP_INSTANTLY_API_KEY=secret(OTHER))
    said = "cannot be read: No such file or directory. Let the tap read it, or remove it."
    assert refusal(run).endswith(f"{path} {said}")


def salt_of(folder: Path) -> object:
    """The salt that the ``.env`` of a folder gives, or the text with which it is refused, as an error."""
    with pytest.MonkeyPatch.context() as patch, mock.patch.dict(os.environ):
        patch.chdir(folder)
        try:
            return environment.read(SETTINGS)[0]["personal_data_salt"]
        except ConfigurationError as refused:
            return refused


@given(value=st.text(st.sampled_from('$${}:-#aA1 %&!*"/=+^~é'), min_size=1))
def test_a_value_in_quotes_counts_as_it_is_written_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / ".env").write_text(f"TAP_INSTANTLY_PERSONAL_DATA_SALT='{value}'\n", encoding="utf-8")
    found = salt_of(folder)
    if isinstance(found, ConfigurationError):
        assert "${" in value
        assert "has a ${...} that names no variable" in str(found)
    else:
        # With a default the reference is meant; none of these signs are the name of a variable.
        assert found == value or ":-" in value


@given(data=st.data(), setting=st.sampled_from(sorted(SETTINGS["properties"])))
def test_a_name_with_other_signs_or_capitals_is_never_passed_over(data: st.DataObject, setting: str) -> None:
    right = f"{ENVIRONMENT_PREFIX}{setting.upper()}"
    signs = st.sampled_from("_-.:/+")
    name = "".join(data.draw(signs if sign == "_" else st.sampled_from([sign, sign.lower()])) for sign in right)
    assume(not name.startswith(f"{ENVIRONMENT_PREFIX}_"))
    said = list(unknown_variables([name], SETTINGS))
    assert len(said) == (name != right)
    if re.fullmatch(r"[\w.-]+", name) and said:
        assert said == [f"environment variable {name} is no setting: did you mean '{right}'?"]


# The page on many workspaces


def configured(folder: Path, place: int) -> Any:
    config = json.loads(blocks("docs/agencies.md", "json")[place])
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return config


def test_a_key_each_opens_the_workspaces_of_the_exported_keys(
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


def test_of_one_run_each_without_meltano_every_client_gets_its_own_rows(
    runs: Runs, ids: dict[str, str], agency: sandbox.Server, clone: Path, elsewhere: Path
) -> None:
    for folder in (clone, elsewhere):
        dotenv(folder, TAP_INSTANTLY_API_KEY=secret(THIRD))
    loader = clone / "bin" / "target-jsonl"
    loader.write_text(LOADER.format(python=sys.executable), encoding="utf-8")
    loader.chmod(0o755)
    _, harbor = blocks("docs/agencies.md", "sh")
    keys = {"INSTANTLY_KEY_HARBOR": agency.api_key, "INSTANTLY_KEY_PINE": secret(OTHER)}
    for client, own in (("harbor", "main"), ("pine", OTHER)):
        script = harbor.replace("harbor", client).replace("HARBOR", client.upper())
        for _ in range(2):
            run = runs.shell(script, elsewhere, **keys)
            assert run.returncode == 0, run.stderr
        records = elsewhere / "records"
        assert set(records.read_text(encoding="utf-8").split()) == {ids[own]}
        records.unlink()
        state = json.loads((elsewhere / "runs" / client / "state.json").read_text(encoding="utf-8"))
        assert [part["context"]["workspace_id"] for part in state["bookmarks"]["leads"]["partitions"]] == [ids[own]]
