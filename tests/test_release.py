"""What is only run elsewhere (GitHub's workflows, the image), as far as it can be looked at here."""

from __future__ import annotations

import re
from fnmatch import fnmatch
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
def test_workflows_run_what_make_runs_with_actions_pinned_and_few_rights(workflow: Path) -> None:
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


def test_the_tests_run_with_each_python_that_the_package_says_it_supports() -> None:
    assert jobs(Path(".github/workflows/ci.yml"))["test"]["strategy"]["matrix"]["python"] == SUPPORTED


def test_what_is_held_back_when_pins_are_renewed_is_not_asked_to_be_renewed() -> None:
    renewing = Path("Makefile").read_text(encoding="utf-8").partition("\nconstraints:")[2].partition("\n\n")[0]
    held = set(re.findall(r'["\s]([a-z][a-z-]+)(?:>=[\d.]+,)?(?:<|==)\d', renewing))
    (pins,) = (
        update
        for update in yaml.safe_load(Path(".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
        if update["package-ecosystem"] == "pip"
    )
    assert len(held) > 5
    assert {ignored["dependency-name"] for ignored in pins["ignore"]} == held


def test_every_target_that_tests_something_is_run_by_some_workflow() -> None:
    (targets,) = re.findall(
        r"^\.PHONY: (.*?)(?<!\\)$", Path("Makefile").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    tests = {target for target in targets.replace("\\", " ").split() if target.startswith("test")}
    run = {word for workflow in WORKFLOWS for step in steps(workflow) for word in step.get("run", "").split()}
    (parts,) = re.findall(r"^test: (.+)$", Path("Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    run |= set(parts.split()) if "test" in run else set()
    assert len(tests) > 3
    assert tests - run == set()


def test_nothing_is_published_that_was_not_tested_and_the_right_to_publish_is_that_job_s_alone() -> None:
    release = jobs(Path(".github/workflows/release.yml"))
    assert set(release["pypi"]["needs"]) == {"ci", "build"}
    assert [name for name, job in release.items() if "id-token" in job.get("permissions", {})] == ["pypi"]
    assert not any("run" in step for step in release["pypi"]["steps"])


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", dockerfile, flags=re.MULTILINE).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def test_the_image_holds_the_wheel_and_runs_it_as_somebody_without_rights() -> None:
    found = instructions(Path("Dockerfile").read_text(encoding="utf-8"))
    stages = [number for number, (word, _) in enumerate(found) if word == "FROM"]
    assert len(stages) == 2
    last = dict(found[stages[-1] :])
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last["USER"])
    assert last["COPY"].split() == ["--from=build", "/opt/tap", "/opt/tap"]
    assert last["ENTRYPOINT"] == '["/opt/tap/bin/tap-instantly"]'
    (taken,) = (rest.split()[:-1] for word, rest in found[: stages[-1]] if word == "COPY")
    ignored, *kept = [
        line for line in Path(".dockerignore").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    assert ignored == "*"
    assert taken == [line.removeprefix("!") for line in kept] == ["constraints/dev.txt", "dist/tap_instantly-*.whl"]
    assert fnmatch("dist/tap_instantly-0.1.0-py3-none-any.whl", taken[1])


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
