"""The tap's definitions for Meltano: in meltano.yml, and for the Hub."""

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


def test_hub_definition_matches_the_code() -> None:
    assert hub.PATH.read_text(encoding="utf-8") == hub.render(), "run `make docs`"


@pytest.mark.parametrize("part", ["name", "namespace", "executable", "label", "settings_group_validation", "select"])
def test_project_and_hub_definition_agree(part: str) -> None:
    assert EXTRACTOR[part] == hub.definition()[part]


def test_project_and_hub_definition_have_the_taps_capabilities() -> None:
    expected = {capability.value for capability in TapInstantly.capabilities}
    assert set(EXTRACTOR["capabilities"]) == set(hub.definition()["capabilities"]) == expected


def test_project_has_the_hub_settings_in_short_form() -> None:
    def without_words(settings: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {one["name"]: {**one, "description": "", "label": ""} for one in settings}

    assert without_words(EXTRACTOR["settings"]) == without_words(hub.definition()["settings"])


def test_every_plugin_is_defined_in_full() -> None:
    plugins = [plugin for kind in PROJECT["plugins"].values() for plugin in kind if "inherit_from" not in plugin]
    assert [plugin["name"] for plugin in plugins if not plugin.keys() >= {"namespace", "pip_url", "settings"}] == []


def test_every_loader_is_installed_with_existing_pins() -> None:
    for plugin in PROJECT["plugins"]["loaders"]:
        package, _, constraints = plugin["pip_url"].partition(" --constraint ")
        pinned = Path(constraints).read_text(encoding="utf-8")
        here = re.fullmatch(r"-e \./(\w+)\[(\w+)\]", package)
        for name in _requirements(Path(here[1]), here[2]) if here else [package]:
            assert f"\n{name}==" in f"\n{pinned}"


def _requirements(folder: Path, extra: str) -> list[str]:
    """Return the dependencies of an extra of this repository's distribution."""
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


def test_hub_definition_has_the_required_keys() -> None:
    # Rules beyond its JSON Schema: schemas/plugin_definitions/extractors.schema.json of meltano/hub.
    definition = hub.definition()
    assert definition.keys() >= {"name", "namespace", "variant", "quality"}
    assert definition["quality"] in {"gold", "silver", "bronze", "unknown"}
    assert definition["maintenance_status"] in {"active", "beta", "development", "inactive", "unknown"}
    kinds = {"date_iso8601", "integer", "options", "object", "array", "boolean", "string"}
    assert {setting["kind"] for setting in definition["settings"]} <= kinds
    for setting in definition["settings"]:
        assert all(isinstance(option["value"], str) for option in setting.get("options", ()))
        assert setting["description"], setting["name"]
