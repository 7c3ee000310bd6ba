"""Writes the tap's Meltano Hub definition from the code; run by `make docs`, and checked by the tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from tap_instantly.tap import TapInstantly

PATH = Path(__file__).parent / "meltanohub" / "tap-instantly.yml"
REPOSITORY = "https://github.com/tap-instantly/tap-instantly"

PREREQUISITES = """\
An API key for the Instantly API v2 with the scope `all:read`, in a workspace with a paid plan.
Keys of the API v1 do not work.
"""

USAGE = f"""\
Streams that the key or the plan does not cover are skipped with a warning.
[Many workspaces]({REPOSITORY}/blob/main/docs/agencies.md) can be read in one run.
[Exit codes and faults]({REPOSITORY}/blob/main/docs/reliability.md) lists every outcome.
"""


def definition() -> dict[str, Any]:
    """Return the definition, also usable with ``meltano add --from-ref``."""
    streams = TapInstantly(config={}, validate_config=False).discover_streams()
    return {
        "name": TapInstantly.name,
        "variant": "tap-instantly",
        "namespace": "tap_instantly",
        "executable": "tap-instantly",
        "label": "Instantly",
        "description": "Cold e-mail outreach: campaigns, sending accounts, leads and analytics",
        "domain_url": "https://instantly.ai",
        "repo": REPOSITORY,
        "docs": f"{REPOSITORY}#readme",
        "pip_url": f"git+{REPOSITORY}.git",
        "maintenance_status": "active",
        "quality": "unknown",  # the Hub's maintainers decide
        "keywords": ["api", "meltano_sdk"],
        "supported_python_versions": supported_pythons(),
        "capabilities": sorted(str(capability.value) for capability in TapInstantly.capabilities),
        "settings_group_validation": [["api_key"], ["workspaces"]],
        "settings": [setting(name, of) for name, of in TapInstantly.config_jsonschema["properties"].items()],
        "select": [f"{stream.name}.*" for stream in streams if stream.selected_by_default],
        "prereq": PREREQUISITES,
        "usage": USAGE,
    }


def setting(name: str, of: Mapping[str, Any]) -> dict[str, Any]:
    """Return a setting in Meltano's form."""
    found: dict[str, Any] = {
        "name": name,
        "kind": kind(of),
        "label": of.get("title") or name.replace("_", " ").capitalize(),
        "description": of["description"],
    }
    if of.get("secret"):
        found["sensitive"] = True
    if "enum" in of:
        found["options"] = [{"label": value.capitalize(), "value": value} for value in of["enum"]]
    # The default user agent contains the version.
    if "default" in of and name != "user_agent":
        found["value"] = of["default"]
    return found


def kind(of: Mapping[str, Any]) -> str:
    """Return Meltano's name for the type of a setting."""
    if "enum" in of:
        return "options"
    types = of["type"] if isinstance(of["type"], list) else [of["type"]]
    if of.get("format") in {"date", "date-time"}:
        return "date_iso8601"
    return next(str(type_) for type_ in types if type_ != "null")


def supported_pythons() -> list[str]:
    """Return the Python versions that the package supports."""
    classifiers = metadata.metadata("tap-instantly").get_all("Classifier") or []
    return [
        found[1] for text in classifiers if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", text))
    ]


def render() -> str:
    """Return the content of the file."""
    head = "# Written from the code by `make docs`; for the Hub, and for `meltano add --from-ref`.\n"
    return head + yaml.safe_dump(definition(), sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
