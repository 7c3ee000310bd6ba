"""MkDocs hooks for `make site`: pages from outside docs/, generated pages, and a check for external resources."""

from __future__ import annotations

import ast
import json
import logging
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from tools.parts import table

ROOT = Path(__file__).parent.parent

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "sandbox/README.md": "sandbox-internals.md",
    "tests/mutants.md": "mutants.md",
    "tools/benchmarks/results/README.md": "benchmark.md",
}
"""Documents outside docs/, and their pages on the site."""

SCRIPTS, MERMAID = ROOT / ".venv-docs", "assets/mermaid.js"
"""Folder of the script that draws diagrams, and its place on the site. `make site` fetches it from npm."""

REPORT = ROOT / "output" / "demo" / "report.html"

EXAMPLE = """\
# An example report

[Open the report of the demo](example-report.html). `make demo` wrote it from a sandbox with invented people: one file
with its charts inside. [Report](report.md) says what each figure means.

<iframe class="example" src="../example-report.html" title="The report of the demo"></iframe>
"""

NO_EXAMPLE = """\
# An example report

`make demo` writes it to `output/demo/report.html`. A site that is built after it has it here. [Report](report.md) says
what each figure means.

![Positive replies, their trend, and what changed](report.png)

![Funnel, campaigns, steps and variants](report-campaigns.png)
"""

PACKAGE = ROOT / "tap_instantly"
LEVELS = ("critical", "error", "warning", "info")
_PARAGRAPH = "\n\n"
_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")
_LOADED = re.compile(
    r"<(?:script|img|iframe|link(?![^>]*rel=\"?(?:canonical|next|prev))[^>]*)\b[^>]*?(?:src|href)=\"?(https?:)?//[^\s\">]+"
)

logger = logging.getLogger("mkdocs.hooks.site")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/, and the generated ones."""
    made = {page: (ROOT / source).read_text(encoding="utf-8") for source, page in PAGES.items()}
    made |= {"columns.md": columns(), "modules.md": modules(), "log-lines.md": log_lines()}
    made |= {"operations.md": operations()}
    made["example.md"] = EXAMPLE if REPORT.exists() else NO_EXAMPLE
    if REPORT.exists():
        made["example-report.html"] = _checked("example-report.html", REPORT.read_text(encoding="utf-8"))
    for script in SCRIPTS.glob("mermaid-*.js"):
        made[MERMAID] = script.read_text(encoding="utf-8")
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def columns() -> str:
    """Write the columns of every stream, from the schemas."""
    about = "Every column of every stream, from [`schemas/`](../schemas). Keys are in [Streams](streams.md)."
    parts = [f"# Columns\n\n{about}\n"]
    for path in sorted((ROOT / "schemas").glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        rows = [(f"`{name}`", _type(of), _cell(of)) for name, of in schema["properties"].items()]
        parts += [f"## {path.stem}\n\n{_cell(schema)}\n", table(("Column", "Type", "Description"), rows)]
    return "\n".join(parts)


def _page(title: str, about: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return f"# {title}\n\n{about}\n\n{table(head, rows)}"


def modules() -> str:
    """Write the modules of the tap, with the first paragraph of each docstring."""
    rows = []
    for path in sorted(PACKAGE.rglob("*.py"), key=lambda path: (len(path.parts), path.name != "__init__.py", path)):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        rows.append((f"`{path.relative_to(ROOT).as_posix()}`", _escaped(docstring.partition(_PARAGRAPH)[0])))
    about = "The modules of the tap. [Architecture](architecture.md) says how they work together."
    return _page("Modules", about, ("Module", "Contents"), rows)


def log_lines() -> str:
    """Write the log messages of the code, with ``…`` for each value."""
    found = dict.fromkeys(line for path in sorted(PACKAGE.rglob("*.py")) for line in _lines_of(path))
    rows = [(level, _escaped(line)) for level, line in sorted(found, key=lambda row: LEVELS.index(row[0]))]
    about = "Lines of the tap's log, with … for values. [The log](command-line.md#the-log) explains them."
    return _page("Log lines", about, ("Level", "Line"), rows)


def operations() -> str:
    """Write the API's read operations, with the stream of each, or the reason why it has none."""
    rows = []
    for one in json.loads((ROOT / "docs" / "operations.json").read_text(encoding="utf-8")):
        streams = ", ".join(f"`{stream}`" for stream in one.get("streams", ())) or _escaped(one["why_not"])
        rows.append((f"`{one['method']} {one['path']}`", f"`{one.get('id', 'undocumented')}`", streams))
    about = "The read operations of the API, and the [streams](streams.md) that carry them."
    return _page("Read operations", about, ("Operation", "Name", "Stream, or the reason for none"), rows)


def _lines_of(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        level, text = node.func.attr, node.args[0]
        if level in LEVELS and isinstance(text, ast.Constant) and isinstance(text.value, str):
            yield level, re.sub(r"%[-.0-9]*[a-z]", "…", text.value)


def _type(schema: dict[str, Any]) -> str:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    named = " or ".join(kind for kind in kinds if kind != "null")
    return named + (f", {schema['format']}" if "format" in schema else "")


def _cell(schema: dict[str, Any]) -> str:
    return _escaped(schema.get("description", ""))


def _escaped(text: str) -> str:
    """Put text on one line and escape Markdown."""
    return re.sub(r"([|<>*_\[\]])", r"\\\1", " ".join(text.split()))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: object) -> str:
    """Rewrite relative links: to pages of the site if they exist, else to the repository."""
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
    """Check a rendered page, and load the diagram script from the site itself.

    Otherwise the theme would load it from another host.
    """
    if 'class="mermaid"' in output:
        script = get_relative_url(MERMAID, page.url)
        output = output.replace("</head>", f'<script src="{script}"></script></head>', 1)
    return _checked(page.file.src_uri, output)


def _checked(name: str, html: str) -> str:
    """Warn if a page loads anything from another host; a strict build then fails."""
    for found in _LOADED.finditer(html):
        logger.warning("%s loads something from elsewhere: %s", name, found[0])
    return html
