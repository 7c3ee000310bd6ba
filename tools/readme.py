"""README.md as package indexes show it, with links that lead to the repository; called by hatchling at each build."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

REPOSITORY = "https://github.com/tap-instantly/tap-instantly"


class Readme(MetadataHookInterface):
    """Gives the package its description."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Called with the ``project`` table of pyproject.toml."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(text)}


def absolute(text: str) -> str:
    """Markdown in which links to files lead to the repository, and pictures are those that are there."""
    pictures = re.sub(r"(!\[[^\]]*\])\((?!https?:)", rf"\1({REPOSITORY}/raw/main/", text)
    return re.sub(r"\]\((?!https?:|#)", f"]({REPOSITORY}/blob/main/", pictures)
