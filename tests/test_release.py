"""Check the parts that run only elsewhere: GitHub's workflows and the image."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.release_notes import CHANGELOG, notes

WORKFLOWS = sorted(Path(".github/workflows").glob("*.yml"))
SUPPORTED = re.findall(
    r'"Programming Language :: Python :: (3\.\d+)"', Path("pyproject.toml").read_text(encoding="utf-8")
)


def jobs(workflow: Path) -> dict[str, dict[str, Any]]:
    return yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(workflow).values() for step in job.get("steps", ())]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_make_targets_with_pinned_actions_and_minimal_rights(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    commands = [step["run"] for step in steps(workflow) if "run" in step]
    assert [command for command in commands if not re.match("make |gh release create ", command)] == []
    uses = re.findall(r"uses: (.+)", text)
    assert [use for use in uses if not re.fullmatch(r"\./.+|[\w./-]+@[0-9a-f]{40} # v[\d.]+", use)] == []
    whole = yaml.safe_load(text)
    assert whole["permissions"] in ({}, {"contents": "read"})
    writes = {name for name, job in jobs(workflow).items() if "write" in str(job.get("permissions"))}
    assert writes == {"release": {"pypi", "github"}, "docs": {"publish"}}.get(workflow.stem, set())
    assert "secrets." not in text
    assert all("timeout-minutes" in job for job in jobs(workflow).values() if "steps" in job)


def test_ci_runs_every_supported_python() -> None:
    assert jobs(Path(".github/workflows/ci.yml"))["test"]["strategy"]["matrix"]["python"] == SUPPORTED


def test_dependabot_ignores_packages_held_back_by_make_constraints() -> None:
    renewing = Path("Makefile").read_text(encoding="utf-8").partition("\nconstraints:")[2].partition("\n\n")[0]
    held = set(re.findall(r'["\s]([a-z][a-z-]+)(?:>=[\d.]+,)?(?:<|==)\d', renewing))
    (pins,) = (
        update
        for update in yaml.safe_load(Path(".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
        if update["package-ecosystem"] == "pip"
    )
    assert len(held) > 5
    assert {ignored["dependency-name"] for ignored in pins["ignore"]} == held


def test_every_test_target_is_run_by_a_workflow() -> None:
    (targets,) = re.findall(
        r"^\.PHONY: (.*?)(?<!\\)$", Path("Makefile").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    tests = {target for target in targets.replace("\\", " ").split() if target.startswith("test")}
    run = {word for workflow in WORKFLOWS for step in steps(workflow) for word in step.get("run", "").split()}
    (parts,) = re.findall(r"^test:\n.+\n\t@.+ (lint .+)$", Path("Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    run |= set(parts.split()) if "test" in run else set()
    assert len(tests) > 3
    assert tests - run == set()


def test_only_tested_code_is_published_and_only_by_its_job() -> None:
    release = jobs(Path(".github/workflows/release.yml"))
    assert set(release["pypi"]["needs"]) == {"ci", "build"}
    assert [name for name, job in release.items() if "id-token" in job.get("permissions", {})] == ["pypi"]
    assert not any("run" in step for step in release["pypi"]["steps"])


def stages() -> dict[str, list[tuple[str, str]]]:
    """Return the instructions of each stage of the Dockerfile, as a word and the rest."""
    text = re.sub(r"^#.*\n", "", Path("Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    found: dict[str, list[tuple[str, str]]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found[rest.rpartition(" ")[2]] = []
        if word:
            found[[*found][-1]].append((word, rest.strip()))
    return found


def test_both_images_share_a_pinned_base_and_run_without_privileges() -> None:
    last = {name: dict(stages()[name]) for name in ("tap", "pipeline")}
    assert [*stages()][-1] == "pipeline", "what is built without --target"
    bases = {rest.split()[0] for stage in stages().values() for word, rest in stage if word == "FROM"} - {*stages()}
    (base,) = bases
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", base)
    assert f"OFFICIAL := {base}\n" in Path("Makefile").read_text(encoding="utf-8")
    assert all(re.fullmatch(r"[1-9]\d*:[1-9]\d*", stage["USER"]) for stage in last.values())
    assert last["tap"]["ENTRYPOINT"] == '["/opt/tap/bin/tap-instantly"]'
    assert last["pipeline"]["ENTRYPOINT"] == '["/opt/marts/bin/python", "-m", "orchestrate.image"]'


def test_all_that_is_installed_in_the_images_is_pinned() -> None:
    runs = [rest for stage in stages().values() for word, rest in stage if word == "RUN"]
    installs = [command for run in runs for command in run.split("&&") if re.search(r"pip.* install ", command)]
    assert len(installs) > 5
    assert [
        command for command in installs if not re.search(r"--constraint tools/constraints/[\w-]+\.txt", command)
    ] == []


def test_images_contain_only_listed_files() -> None:
    lines = Path(".dockerignore").read_text(encoding="utf-8").splitlines()
    ignored, *kept = [line for line in lines if not line.startswith("#")]
    assert ignored == "*"
    assert kept.pop() == "**/__pycache__"
    taken = {
        source.rstrip("/")
        for stage in stages().values()
        for word, rest in stage
        if word == "COPY" and not rest.startswith("--from=")
        for source in rest.split()[:-1]
    }
    names = {line.removeprefix("!") for line in kept}
    assert {source for source in taken if not any(name.split("*")[0].startswith(source) for name in names)} == set()
    assert {name for name in names if not any(name.startswith(source) for source in taken)} == set()
    assert not any(list(Path().glob(name)) == [] for name in names)
    for folder in ("report", "orchestrate/image"):
        there = {path for path in Path(folder).glob("*.*") if path.is_file()}
        assert there == {path for name in names for path in Path().glob(name) if path.parent == Path(folder)}


def test_the_notes_of_a_release_are_its_part_of_the_changelog() -> None:
    text = "## [Unreleased]\n\n## [1.2.3] - 2026-11-30\n\n### Added\n\n- This\n\n## [1.2.2] - 2026-11-29\n\n- That\n"
    assert notes("v1.2.3", text) == "### Added\n\n- This\n"
    assert notes("1.2.2", text + "\n[1.2.2]: https://example.com\n") == "- That\n"
    with pytest.raises(ValueError, match="says nothing of v1"):
        notes("v1.2.4", text)


def test_the_changelog_has_the_form_that_notes_are_taken_from() -> None:
    headings = re.findall(r"^## .*$", CHANGELOG.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert headings[0] == "## [Unreleased]"
    assert all(re.fullmatch(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:])
