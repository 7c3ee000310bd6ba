from __future__ import annotations

import logging
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from orchestrate.image.__main__ import COMMANDS
from orchestrate.image.destination import SIGNS
from orchestrate.image.errors import FAILED, NOTHING_OPEN, REFUSED, STOPPED, UNUSABLE
from tap_instantly import InstantlyClient
from tap_instantly.settings import SETTINGS
from tap_instantly.streams import STREAMS
from tap_instantly.streams.records import RecordShaper
from tap_instantly.tap import TapInstantly
from tests.pages import blocks
from tests.reliability.table import FAULTS, RUNS
from tests.state.table import CASES
from tools import tables, transform
from tools.benchmarks.figures import figures
from tools.benchmarks.results import LATEST, Results
from tools.reference import HIDDEN

README = Path("README.md").read_text(encoding="utf-8")
INSIDE = (Path("sandbox/README.md"), Path("tests/mutants.md"), Path("tools/benchmarks/results/README.md"))
"""Documents for contributors, next to the code they describe."""
PAGES = [*Path().glob("*.md"), *Path("docs").glob("*.md"), *INSIDE]


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda page: page.name)
def test_tables_of_the_documents_match_the_code(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert tables.render(text) == text, "run `make docs`"


def test_sources_and_staging_models_match_the_schemas() -> None:
    written = {path: (transform.PACKAGE / path).read_text(encoding="utf-8") for path, _ in transform.files()}
    assert dict(transform.files()) == written, "run `make docs`"
    assert transform.surplus() == set()


def test_every_mart_and_dbt_variable_is_documented() -> None:
    page = Path("docs/dbt.md").read_text(encoding="utf-8")
    marts = {path.stem for path in (transform.PACKAGE / "models" / "marts").glob("*.sql")}
    assert set(re.findall(r"^\| `(instantly__\w+)` \| [a-z]", page, flags=re.MULTILINE)) >= marts
    settings = yaml.safe_load((transform.PACKAGE / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]["instantly"]
    assert [name for name in settings if f"`{name}`" not in page] == []


def test_report_exposure_names_the_queried_marts() -> None:
    text = (transform.PACKAGE / "models" / "marts" / "_exposures.yml").read_text(encoding="utf-8")
    (exposure,) = yaml.safe_load(text)["exposures"]
    queries = "".join(path.read_text(encoding="utf-8") for path in Path("report").glob("*.py"))
    asked = set(re.findall(r"{marts}\.(instantly__\w+)", queries))
    assert asked == {name for ref in exposure["depends_on"] for name in re.findall(r"ref\('(\w+)'\)", ref)}


def test_every_stream_and_every_setting_is_in_a_table() -> None:
    page = Path("docs/streams.md").read_text(encoding="utf-8")
    assert all(f"| `{stream.name}` |" in page for stream in STREAMS)
    assert "more than 70 streams" in README
    pages = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    told = set(map(int, re.findall(r" of (\d+) streams can be read", pages)))
    assert len(told) == 1
    assert max(told) <= len(STREAMS)  # a new stream does not require a new number
    assert len(STREAMS) > 70
    settings = Path("docs/settings.md").read_text(encoding="utf-8")
    assert all(f"| `{setting}` |" in settings for setting in SETTINGS["properties"])
    assert all(f"`{setting}`" in settings for setting in TapInstantly.config_jsonschema["properties"])


def test_every_method_of_the_client_is_in_its_page() -> None:
    page = Path("docs", "client.md").read_text(encoding="utf-8")
    methods = {name for name in dir(InstantlyClient) if not name.startswith("_")}
    assert {name for name in methods - HIDDEN if f"\n### {name}\n" not in page} == set()


def test_every_counted_oddity_is_documented() -> None:
    page = Path("docs/command-line.md").read_text(encoding="utf-8")
    oddities = RecordShaper({"properties": {}}, (), "off", logging.getLogger()).oddities
    assert {name for name in oddities if f"`{name}`" not in page} == set()


def test_figures_in_the_readme_are_measured() -> None:
    results = Results.load(LATEST)
    ours, theirs = (figures(results, "leads-0ms-100k", who) for who in ("tap", "dlt"))
    assert ours
    assert theirs
    (row,) = re.findall(r"^- \*\*100,000 leads without latency.*$", README, flags=re.MULTILINE)
    assert f"{ours.rate.median:,.0f}" in row
    assert f"{theirs.rate.median:,.0f}" in row


def test_every_tested_fault_and_state_is_documented() -> None:
    lines = Path("docs/reliability.md").read_text(encoding="utf-8").splitlines()

    def in_a_row(name: str, outcome: str) -> bool:
        fault = re.sub(r", (once|always).*", "", name)
        if any(fault in line and outcome in line for line in lines if line.startswith("| ")):
            return True
        once = name.replace(", always", ", once")
        return once != name and in_a_row(once, "retries") and in_a_row("each fault that is retried once", outcome)

    outcomes = {fault.name: fault.outcome.does for fault in FAULTS} | {name: one.does for name, one in RUNS.items()}
    outcomes |= {case.name: case.outcome.does for case in CASES}
    assert [name for name, outcome in outcomes.items() if not in_a_row(name, outcome)] == []


OF_OTHERS = {"Loader failed", "Altering columns is not supported"}
"""Lines of Meltano and target-postgres that the page on troubleshooting quotes."""


def test_log_lines_quoted_for_troubleshooting_exist_in_the_code() -> None:
    page = Path("docs/troubleshooting.md").read_text(encoding="utf-8")
    quoted = set(re.findall(r"`([A-Za-z]+(?: [A-Za-z]+){1,5})`", page)) - OF_OTHERS
    code = "".join(path.read_text(encoding="utf-8") for path in Path("tap_instantly").rglob("*.py"))
    assert len(quoted) > 4
    assert {line for line in quoted if line not in code} == set()


def test_cron_job_runs_image_commands_and_retries_only_retryable_failures() -> None:
    (text,) = blocks("docs/kubernetes.md", "yaml")
    job = yaml.safe_load(text)["spec"]["jobTemplate"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    assert set(container["args"]) <= COMMANDS
    (mount,) = container["volumeMounts"]
    assert f"INSTANTLY_DATA={mount['mountPath']} " in Path("Dockerfile").read_text(encoding="utf-8")
    (rule,) = job["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["values"] == [UNUSABLE, REFUSED, NOTHING_OPEN]


def test_image_page_names_commands_programs_and_exit_codes() -> None:
    page = Path("docs/image.md").read_text(encoding="utf-8")
    assert {name for name in COMMANDS | {"meltano", "dbt"} if f"`{name}`" not in page} == set()
    assert {name for signs in SIGNS.values() for name in signs[:1] if f"`{name}`" not in page} == set()
    assert {code for code in (FAILED, UNUSABLE, STOPPED) if f"\n| {code} | " not in page} == set()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_to_existing_files_and_headings(page: Path) -> None:
    dead = []
    for link, anchor in re.findall(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)", prose(page)):
        target = page.parent / link if link else page
        there = target.exists() and (not anchor or target.is_dir() or anchor in headings(target))
        if not there:
            dead.append(f"{link}#{anchor}")
    assert dead == []


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def headings(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings; mkdocs.yml configures the same for the site."""
    found = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    plain = [re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text).strip().lower() for text in found]
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in plain}


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    _, _, navigation = Path("mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")
    named = set(re.findall(r"[\w-]+\.md", navigation))
    made = set(re.findall(r'"([a-z-]+\.md)"', Path("tools/site.py").read_text(encoding="utf-8")))
    assert {page.name for page in Path("docs").glob("*.md")} | made == named
    from_elsewhere = {"index.md", "contributing.md", "changelog.md", "security.md"}
    from_elsewhere |= {"sandbox-internals.md", "mutants.md", "benchmark.md"}
    assert made == from_elsewhere | {"columns.md", "modules.md", "log-lines.md", "operations.md", "example.md"}


def test_documents_are_short() -> None:
    assert len(README.splitlines()) <= 110
    assert len(README.split()) <= 900


def test_make_targets_named_in_the_documents_and_workflows_exist() -> None:
    makefile = Path("Makefile").read_text(encoding="utf-8")
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, flags=re.MULTILINE))
    for workflow in Path(".github/workflows").glob("*.yml"):
        for arguments in re.findall(r"run: make ([^#\n]+)", workflow.read_text(encoding="utf-8")):
            named |= {word for word in arguments.split() if "=" not in word}
    assert {"test", "site", "dist", "lint-workflows"} <= named
    assert [target for target in named if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)] == []


def test_every_public_make_target_is_documented() -> None:
    (targets,) = re.findall(
        r"^\.PHONY: (.*?)(?<!\\)$", Path("Makefile").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    parts = {"lint", "types", "unit", "clean"}
    names = set(targets.replace("\\", " ").split()) - parts
    assert {name for name in names if not re.search(rf"make {name}(?![\w-])", text)} == set()


@pytest.mark.parametrize("page", [Path("docs/architecture.md"), Path("CONTRIBUTING.md")], ids=str)
def test_code_map_names_existing_files(page: Path) -> None:
    text = prose(page)
    named = set(re.findall(r"(?<![\w/.])((?:[\w]+/)*[\w]+(?:\.py|/))(?![\w/])", text)) - {
        "tap_instantly/streams/snippets.py"
    }
    parts = [
        Path(),
        Path("tap_instantly"),
        *(Path("tap_instantly", part) for part in ("client", "streams", "sync", "progress")),
    ]
    assert len(named) > 10
    assert {name for name in named if not any((part / name).exists() for part in parts)} == set()


def test_every_target_of_make_has_a_recipe_and_prerequisites() -> None:
    (named,) = re.findall(r"^\.PHONY:((?:.*\\\n)*.*)$", Path("Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    targets = named.replace("\\\n", " ").split()
    assert "report" in targets
    command = ["make", "-n", "-k", *targets]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
