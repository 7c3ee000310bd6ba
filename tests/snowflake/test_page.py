"""Run the commands, settings and queries of docs/snowflake.md unchanged."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.snowflake.account import EMULATOR, ENVIRONMENT, Account
from tests.snowflake.test_loads import FORMATS, LOADERS_OWN, SCALARS
from tests.support import catalog_of

if TYPE_CHECKING:
    from sandbox import Server

pytestmark = pytest.mark.snowflake

PAGE = Path("docs/snowflake.md").read_text(encoding="utf-8")
LOADER = next(
    loader
    for loader in yaml.safe_load(Path("meltano.yml").read_text(encoding="utf-8"))["plugins"]["loaders"]
    if loader["name"] == "target-snowflake"
)
NAMES = {"DECIMAL": "NUMBER(38,0)"}
"""Names that differ between DDL and Snowflake's own lists."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def run(commands: str, folder: Path) -> None:
    """Run commands in a folder, with the emulated loader and this tap."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    loader = programs / "target-snowflake"
    loader.write_text(f'#!/bin/sh\nexec {shlex.join([*EMULATOR, str(folder)])} "$@"\n', encoding="utf-8")
    loader.chmod(0o700)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TAP_", "TARGET_"))}
    done = subprocess.run(
        ["/bin/bash", "-Eeuo", "pipefail", "-c", commands],
        cwd=folder,
        env={**clean, "PATH": os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-5000:]


def test_documented_commands_create_a_key_load_resume_and_query(agency: Server, tmp_path: Path) -> None:
    here: dict[str, Any] = {"api_key": agency.api_key, "api_url": f"{agency.url}/api/v2"}
    (tmp_path / "config.json").write_text(json.dumps(here), encoding="utf-8")
    (tmp_path / "target.json").write_text(*blocks("json"), encoding="utf-8")
    catalog = json.dumps(catalog_of(here, "campaigns", "leads"))
    (tmp_path / "catalog.json").write_text(catalog, encoding="utf-8")
    agency.control.add_field("leads", "some_field", [1, 2])
    key, settings, pipe = blocks("sh")
    key = key.replace("PASSPHRASE=...", "PASSPHRASE='a made up one'")
    few = pipe.replace("--config config.json", "--config config.json --catalog catalog.json")  # to save time
    run(key + settings + few, tmp_path)
    before = (tmp_path / "state.json").read_text(encoding="utf-8")
    run(key.partition("openssl")[0] + settings + few, tmp_path)
    assert json.loads(before)["bookmarks"].keys() == {"campaigns", "leads"}

    account = Account(tmp_path)
    given = dict(re.findall(r"TARGET_SNOWFLAKE_(\w+)=(.*)$", settings, flags=re.MULTILINE))
    public = (tmp_path / "rsa_key.pub").read_text(encoding="utf-8")
    for login in account.logins():
        assert login["private_key"] == public
        assert not login.get("password")
        for name in ("user", "role", "warehouse", "database", "account"):
            assert login[name] == given[name.upper()]
    queries = [text for text in blocks("sql") if text.startswith("select")]
    assert all(account.query(*queries))
    assert any(rows := account.query("select count(*) as n, count(distinct id) as ids from instantly.leads")[0])
    assert rows[0]["N"] == rows[0]["IDS"] == len(list(agency.control.truth("leads")))


def test_every_setting_on_the_page_exists_in_loader_and_project() -> None:
    about = subprocess.run(
        [ENVIRONMENT / "bin" / "target-snowflake", "--about", "--format=json"],
        capture_output=True,
        check=True,
    )
    known = json.loads(about.stdout)["settings"]["properties"].keys()
    project = {setting["name"]: setting.get("value") for setting in LOADER["settings"]}
    assert project.keys() <= known
    in_the_environment = {name.lower() for name in re.findall(r"TARGET_SNOWFLAKE_(\w+)=", PAGE)}
    in_the_table = dict(re.findall(r"^\| `(\w+)` \| `?([^`|]+?)`? \| \S.*\S \|$", PAGE, flags=re.MULTILINE))
    (in_the_file,) = map(json.loads, blocks("json"))
    assert in_the_environment | in_the_file.keys() | {"database", "hard_delete"} <= project.keys()
    settings = {name: value for name, value in in_the_table.items() if name in known}
    assert settings.keys() >= in_the_file.keys() | {"database", "hard_delete", "load_method", "private_key_path"}
    for name in ("validate_records", "batch_size_rows", "hard_delete", "load_method"):
        assert settings[name] == str(project[name]).lower()
    assert (
        project.items()
        >= {name: value for name, value in in_the_file.items() if name != "default_target_schema"}.items()
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"database": "analytics"}, "Database 'analytics' does not exist"),
        ({"private_key": "MII"}, "Config validation failed"),
    ],
    ids=["a database in small letters", "a password and a key"],
)
def test_loader_explains_refused_settings(
    agency: Server, config: dict[str, Any], tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    refused = Account(tmp_path).load(config, catalog_of(config, "lead_labels"), fails=True, **settings)
    assert said in refused.loader_log
    assert refused.state is None


def test_every_type_is_on_the_page() -> None:
    rows = [f"| `{kind}` | `{NAMES.get(type_, type_)}` |" for kind, type_ in SCALARS.items()]
    rows += [f"| `{kind}` | `VARIANT` |" for kind in ("object", "array")]
    rows += [f"| `string`, format `{format_}` | `{type_}`" for format_, type_ in FORMATS.items()]
    assert [row for row in rows if f"\n{row}" not in PAGE] == []
    assert [name for name in LOADERS_OWN if f"`{name}`" not in PAGE] == []
