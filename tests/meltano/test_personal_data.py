"""Personal data is hidden, however Meltano passes the setting."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tap_instantly.settings import DROP, HASH
from tests.pages import blocks
from tests.personal.conftest import SALT
from tests.personal.texts import ADDRESS, WORD, found_in, leaves, of_persons

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Server
    from tests.meltano.project import Project

pytestmark = pytest.mark.meltano


def in_the_file(project: Project, choice: str) -> dict[str, str]:
    project.configure("tap-instantly", config={"personal_data": choice, "personal_data_salt": "$SALT_OF_OURS"})
    return {"SALT_OF_OURS": SALT}


def by_config_set(project: Project, choice: str) -> dict[str, str]:
    project.meltano("config", "set", "tap-instantly", "personal_data", choice)
    project.meltano("config", "set", "tap-instantly", "personal_data_salt", SALT)
    return {}


def by_variables(_project: Project, choice: str) -> dict[str, str]:
    return {"TAP_INSTANTLY_PERSONAL_DATA": choice, "TAP_INSTANTLY_PERSONAL_DATA_SALT": SALT}


@pytest.fixture
def personal(agency: Server) -> set[str]:
    texts = of_persons(agency.control)
    domains = {text.rpartition("@")[2] for text in texts if ADDRESS.fullmatch(text)}
    return {text for text in texts - domains if not WORD.fullmatch(text)}


def written(project: Project) -> str:
    """Return the distinct texts in the loader's output."""
    files = project.folder.glob("output/*.jsonl")
    rows = [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(rows) > 100
    return "\n".join({text for row in rows for _, text in leaves(row, "")})


@pytest.mark.parametrize(("way", "choice"), [(in_the_file, HASH), (by_config_set, DROP), (by_variables, HASH)])
def test_meltano_loads_and_logs_no_personal_text(
    project: Project,
    agency: Server,
    personal: set[str],
    way: Callable[[Project, str], dict[str, str]],
    choice: str,
) -> None:
    variables = {"TAP_INSTANTLY_API_KEY": agency.api_key, **way(project, choice)}
    done = project.meltano("--log-level=debug", "run", "tap-instantly", "target-jsonl", **variables)
    texts = written(project)
    assert found_in(texts, personal) == []
    assert re.search(r"^[0-9a-f]{32}@", texts, re.MULTILINE)
    state = json.dumps(project.state("dev:tap-instantly-to-target-jsonl"))
    assert ADDRESS.findall(state) == []
    assert SALT not in texts + state
    # Meltano logs the plugins' output at this level.
    assert found_in(done.stdout + done.stderr, personal) == []


def test_without_the_setting_personal_data_stay_in_clear(project: Project, agency: Server, personal: set[str]) -> None:
    done = project.meltano("run", "tap-instantly", "target-jsonl", TAP_INSTANTLY_API_KEY=agency.api_key)
    assert len(found_in(written(project), personal)) > 50
    assert found_in(done.stdout + done.stderr, personal) == []


def test_documented_commands_hide_personal_data(project: Project, agency: Server, personal: set[str]) -> None:
    settings, _ = blocks("docs/privacy.md", "sh")
    project.call("sh", "-c", settings)
    project.meltano("run", "tap-instantly", "target-jsonl", TAP_INSTANTLY_API_KEY=agency.api_key)
    assert found_in(written(project), personal) == []


def test_inheriting_extractor_hides_the_same_personal_data(
    project: Project, agency: Server, personal: set[str]
) -> None:
    variables = {"INSTANTLY_API_KEY_NORTH": agency.api_key, **by_variables(project, HASH)}
    project.meltano("run", "tap-instantly--north", "target-jsonl", **variables)
    texts = written(project)
    assert found_in(texts, personal) == []
    assert re.search(r"^[0-9a-f]{32}@", texts, re.MULTILINE)


def test_the_salt_is_not_shown(project: Project) -> None:
    variables = by_variables(project, HASH)
    shown = project.meltano("config", "--safe", "print", "tap-instantly", TAP_INSTANTLY_API_KEY="k", **variables).stdout
    assert json.loads(shown)["personal_data"] == HASH
    assert SALT not in shown
