"""The definitions of the tap for Meltano: in meltano.yml, and for the Hub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tap_instantly.tap import TapInstantly
from tools import hub

PROJECT: dict[str, Any] = yaml.safe_load(Path("meltano.yml").read_text(encoding="utf-8"))
EXTRACTOR: dict[str, Any] = next(one for one in PROJECT["plugins"]["extractors"] if one["name"] == "tap-instantly")


def test_the_definition_for_the_hub_is_that_of_the_code() -> None:
    assert hub.PATH.read_text(encoding="utf-8") == hub.render(), "run `make docs`"


@pytest.mark.parametrize("part", ["name", "namespace", "executable", "label", "settings_group_validation", "select"])
def test_the_project_and_the_hub_say_the_same(part: str) -> None:
    assert EXTRACTOR[part] == hub.definition()[part]


def test_both_have_the_capabilities_of_the_tap() -> None:
    expected = {capability.value for capability in TapInstantly.capabilities}
    assert set(EXTRACTOR["capabilities"]) == set(hub.definition()["capabilities"]) == expected


def test_the_project_has_the_settings_of_the_hub_in_fewer_words() -> None:
    def without_words(settings: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {one["name"]: {**one, "description": "", "label": ""} for one in settings}

    assert without_words(EXTRACTOR["settings"]) == without_words(hub.definition()["settings"])


def test_every_plugin_is_defined_in_full() -> None:
    plugins = [plugin for kind in PROJECT["plugins"].values() for plugin in kind if "inherit_from" not in plugin]
    assert [plugin["name"] for plugin in plugins if not plugin.keys() >= {"namespace", "pip_url", "settings"}] == []


def test_every_loader_is_installed_with_pinned_versions_that_are_there() -> None:
    for plugin in PROJECT["plugins"]["loaders"]:
        package, _, constraints = plugin["pip_url"].partition(" --constraint ")
        pinned = Path(constraints).read_text(encoding="utf-8")
        here = re.fullmatch(r"-e \./(\w+)\[(\w+)\]", package)
        for name in _requirements(Path(here[1]), here[2]) if here else [package]:
            assert f"\n{name}==" in f"\n{pinned}"


def _requirements(folder: Path, extra: str) -> list[str]:
    """What a distribution of this repository needs, in one of its extras."""
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    (needed,) = re.findall(r"^dependencies = (\[.*?^\])", text, flags=re.DOTALL | re.MULTILINE)
    (more,) = re.findall(rf"^{extra} = (\[.*\])$", text, flags=re.MULTILINE)
    names = re.findall(r'"([a-z-]+)', needed + more)
    assert len(names) > 5
    return names


def test_no_key_is_in_the_project() -> None:
    for plugin in PROJECT["plugins"]["extractors"]:
        given = plugin.get("config", {}).get("api_key", "$")
        assert given.startswith("$"), plugin["name"]


def test_what_the_hub_requires_is_there() -> None:
    # As far as its JSON Schema goes: schemas/plugin_definitions/extractors.schema.json of meltano/hub.
    definition = hub.definition()
    assert definition.keys() >= {"name", "namespace", "variant", "quality"}
    assert definition["quality"] in {"gold", "silver", "bronze", "unknown"}
    assert definition["maintenance_status"] in {"active", "beta", "development", "inactive", "unknown"}
    kinds = {"date_iso8601", "integer", "options", "object", "array", "boolean", "string"}
    assert {setting["kind"] for setting in definition["settings"]} <= kinds
    for setting in definition["settings"]:
        assert all(isinstance(option["value"], str) for option in setting.get("options", ()))
        assert setting["description"], setting["name"]
