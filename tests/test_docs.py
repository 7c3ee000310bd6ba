from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tap_instantly.settings import SETTINGS
from tap_instantly.streams import STREAMS
from tests.reliability.table import FAULTS, RUNS
from tests.state.table import CASES
from tools import tables, transform

README = Path("README.md").read_text(encoding="utf-8")


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


def test_every_stream_and_every_setting_is_in_a_table() -> None:
    page = Path("docs/streams.md").read_text(encoding="utf-8")
    assert all(f"| `{stream.name}` |" in page for stream in STREAMS)
    assert all(f"| `{setting}` |" in README for setting in SETTINGS["properties"])


def test_every_fault_and_every_state_that_is_tried_is_in_the_document() -> None:
    page = Path("docs/reliability.md").read_text(encoding="utf-8")
    names = [*(fault.name for fault in FAULTS), *RUNS, *(case.name for case in CASES)]
    assert all(f"\n| {name}" in page for name in names)


@pytest.mark.parametrize("page", [Path("README.md"), *Path("docs").glob("*.md")], ids=str)
def test_links_between_files_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_make_targets_named_in_the_documents_exist() -> None:
    makefile = Path("Makefile").read_text(encoding="utf-8")
    text = README + "".join(page.read_text(encoding="utf-8") for page in Path("docs").glob("*.md"))
    for target in set(re.findall(r"(?:^|`)make ([a-z-]+)", text, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
