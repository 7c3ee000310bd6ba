from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
import yaml

from benchmarks.figures import figures
from benchmarks.results import LATEST, Results
from tap_instantly import InstantlyClient
from tap_instantly.settings import SETTINGS
from tap_instantly.streams import STREAMS
from tap_instantly.streams.records import RecordShaper
from tests.reliability.table import FAULTS, RUNS
from tests.state.table import CASES
from tools import tables, transform
from tools.reference import HIDDEN

README = Path("README.md").read_text(encoding="utf-8")
PAGES = [*Path().glob("*.md"), *Path("docs").glob("*.md")]


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda page: page.name)
def test_the_tables_of_the_documents_are_those_of_the_code(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert tables.render(text) == text, "run `make docs`"


def test_sources_and_staging_models_of_the_dbt_package_are_those_of_the_schemas() -> None:
    written = {path: (transform.PACKAGE / path).read_text(encoding="utf-8") for path, _ in transform.files()}
    assert dict(transform.files()) == written, "run `make docs`"
    assert transform.surplus() == set()


def test_every_mart_and_every_variable_of_the_dbt_package_is_in_its_page() -> None:
    page = Path("docs/dbt.md").read_text(encoding="utf-8")
    marts = {path.stem for path in (transform.PACKAGE / "models" / "marts").glob("*.sql")}
    assert set(re.findall(r"^\| `(instantly__\w+)` \| [a-z]", page, flags=re.MULTILINE)) >= marts
    settings = yaml.safe_load((transform.PACKAGE / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]["instantly"]
    assert [name for name in settings if f"`{name}`" not in page] == []


def test_the_exposure_of_the_report_names_the_marts_that_it_asks() -> None:
    text = (transform.PACKAGE / "models" / "marts" / "_exposures.yml").read_text(encoding="utf-8")
    (exposure,) = yaml.safe_load(text)["exposures"]
    queries = "".join(Path("report", name).read_text(encoding="utf-8") for name in ("queries.py", "trust.py"))
    asked = set(re.findall(r"{marts}\.(\w+)", queries))
    assert asked == {name for ref in exposure["depends_on"] for name in re.findall(r"ref\('(\w+)'\)", ref)}


def test_every_stream_and_every_setting_is_in_a_table() -> None:
    page = Path("docs/streams.md").read_text(encoding="utf-8")
    assert all(f"| `{stream.name}` |" in page for stream in STREAMS)
    assert "more than 70 streams" in README
    pages = README + Path("docs/command-line.md").read_text(encoding="utf-8")
    told = set(map(int, re.findall(r" of (\d+) streams can be read", pages)))
    assert len(told) == 1
    assert max(told) <= len(STREAMS)  # whoever adds a stream need not count them
    assert len(STREAMS) > 70
    assert all(f"| `{setting}` |" in README for setting in SETTINGS["properties"])


def test_every_method_of_the_client_and_every_module_is_in_its_page() -> None:
    client, modules = (Path("docs", f"{name}.md").read_text(encoding="utf-8") for name in ("client", "architecture"))
    methods = {name for name in dir(InstantlyClient) if not name.startswith("_")}
    assert {name for name in methods - HIDDEN if f"\n### {name}\n" not in client} == set()
    assert {path for path in Path("tap_instantly").rglob("*.py") if f"| `{path.as_posix()}` |" not in modules} == set()


def test_every_oddity_that_a_stream_counts_in_its_last_line_is_explained() -> None:
    page = Path("docs/command-line.md").read_text(encoding="utf-8")
    oddities = RecordShaper({"properties": {}}, (), "off", logging.getLogger()).oddities
    assert {name for name in oddities if f"`{name}`" not in page} == set()


def test_figures_in_the_readme_are_those_that_were_measured() -> None:
    results = Results.load(LATEST)
    ours, theirs = (figures(results, "leads-0ms-100k", who) for who in ("tap", "dlt"))
    assert ours
    assert theirs
    (row,) = re.findall(r"^\| leads a second, no latency.*$", README, flags=re.MULTILINE)
    assert f"{ours.rate.median:,.0f}" in row
    assert f"{theirs.rate.median:,.0f}" in row


def test_every_fault_and_every_state_that_is_tried_is_in_the_document() -> None:
    page = Path("docs/reliability.md").read_text(encoding="utf-8")
    names = [*(fault.name for fault in FAULTS), *RUNS, *(case.name for case in CASES)]
    assert all(f"\n| {name}" in page for name in names)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    dead = []
    for link, anchor in re.findall(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)", prose(page)):
        target = page.parent / link if link else page
        there = target.exists() and (not anchor or target.is_dir() or anchor in headings(target))
        if not there:
            dead.append(f"{link}#{anchor}")
    assert dead == []


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them of its headings; the site's are the same by mkdocs.yml."""
    found = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    plain = [re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text).strip().lower() for text in found]
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in plain}


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    _, _, navigation = Path("mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")
    named = set(re.findall(r"[\w-]+\.md", navigation))
    made = set(re.findall(r'"([a-z]+\.md)"', Path("tools/site.py").read_text(encoding="utf-8")))
    assert {page.name for page in Path("docs").glob("*.md")} | made == named
    assert made == {"index.md", "contributing.md", "changelog.md", "security.md"}


def test_make_targets_named_in_the_documents_and_workflows_exist() -> None:
    makefile = Path("Makefile").read_text(encoding="utf-8")
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, flags=re.MULTILINE))
    for workflow in Path(".github/workflows").glob("*.yml"):
        for arguments in re.findall(r"run: make ([^#\n]+)", workflow.read_text(encoding="utf-8")):
            named |= {word for word in arguments.split() if "=" not in word}
    assert {"test", "site", "dist", "lint-workflows"} <= named
    assert [target for target in named if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)] == []


def test_every_target_for_people_is_named_in_a_document() -> None:
    (targets,) = re.findall(
        r"^\.PHONY: (.*?)(?<!\\)$", Path("Makefile").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    parts = {"lint", "types", "unit", "clean"}
    names = set(targets.replace("\\", " ").split()) - parts
    assert {name for name in names if not re.search(rf"make {name}(?![\w-])", text)} == set()


@pytest.mark.parametrize(
    "page", [Path("docs/architecture.md"), Path("docs/architecture.svg"), Path("CONTRIBUTING.md")], ids=str
)
def test_the_map_of_the_code_names_what_is_there(page: Path) -> None:
    text = prose(page) if page.suffix == ".md" else page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w/.])((?:[\w]+/)*[\w]+(?:\.py|/))(?![\w/])", text)) - {
        "tap_instantly/streams/snippets.py"
    }
    parts = [
        Path(),
        Path("tap_instantly"),
        *(Path("tap_instantly", part) for part in ("api", "streams", "singer", "progress")),
    ]
    assert len(named) > 10
    assert {name for name in named if not any((part / name).exists() for part in parts)} == set()
