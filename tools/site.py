"""What MkDocs does not do by itself for `make site`: pages from outside of docs/, and nothing fetched elsewhere."""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Files at the top of the repository that are pages of the site, and what those are called."""

_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")
_LOADED = re.compile(
    r"<(?:script|img|iframe|link(?![^>]*rel=\"?(?:canonical|next|prev))[^>]*)\b[^>]*?(?:src|href)=\"?(https?:)?//[^\s\">]+"
)

logger = logging.getLogger("mkdocs.hooks.site")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside of docs/."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: object) -> str:
    """Have links lead where they do in the repository: to pages of the site, and to the repository for the rest."""
    sources = {page: source for source, page in PAGES.items()}
    here = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return _LINK.sub(lambda link: _target(link["path"], here, config) + (link["anchor"] or ""), markdown)


def _target(path: str, here: str, config: MkDocsConfig) -> str:
    there = posixpath.normpath(posixpath.join(posixpath.dirname(here), path))
    if there in PAGES:
        return PAGES[there]
    if there.startswith("docs/") and not there.endswith(".json"):
        return there.removeprefix("docs/")
    if not (ROOT / there).exists():
        logger.warning("%s has a link to %s, which does not exist", here, there)
    kind = "tree" if (ROOT / there).is_dir() else "blob"
    return f"{config.extra['repository']}/{kind}/main/{there}"


def on_post_page(output: str, page: Page, **_: object) -> str:
    """Warn, which fails a strict build, of a page that has the reader's browser load something from elsewhere."""
    for found in _LOADED.finditer(output):
        logger.warning("%s loads something from elsewhere: %s", page.file.src_uri, found[0])
    return output
