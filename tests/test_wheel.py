from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tap_instantly.streams import STREAMS


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # Without isolation, so that the test downloads nothing. Built from the sdist, as others would.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_contains_only_the_package_and_its_schemas(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"tap_instantly/schemas/{stream.name}.json" for stream in STREAMS} <= set(names)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"tap_instantly"}
    assert "tap_instantly/py.typed" in names


def test_package_index_description_has_only_absolute_links(wheel: Path) -> None:
    package = zipfile.ZipFile(wheel)
    (name,) = (name for name in package.namelist() if name.endswith("/METADATA"))
    text = package.read(name).decode()
    assert "Description-Content-Type: text/markdown" in text
    assert len(re.findall(r"\]\(https://", text)) > 20
    assert re.findall(r"\]\((?!https?:|#)[^)]*\)", text) == []
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text)
    assert pictures
    assert {url.rpartition("/docs/")[0] for url in pictures} == {
        "https://github.com/tap-instantly/tap-instantly/raw/main"
    }


def test_sdist_contains_exactly_the_tracked_files(wheel: Path) -> None:
    if not (tracked := files_of_git()):
        pytest.skip("this is no clone")
    (path,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tracked - names == set()
    assert names - files_of_git("--cached", "--others", "--exclude-standard") == {"PKG-INFO"}


def files_of_git(*options: str) -> set[str]:
    """Return the files that git tracks or, with options, would track; empty outside a clone."""
    if not (git := shutil.which("git")):
        return set()
    command = [git, "ls-files", *options]
    return set(subprocess.run(command, check=False, capture_output=True, text=True).stdout.splitlines())


def test_the_wheel_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    # The environment has the dependencies and, of this project, only the wheel. A .pth file installs the checkout
    # in site-packages; Python ignores such files in a directory on PYTHONPATH.
    target = tmp_path / "installed"
    shutil.unpack_archive(wheel, target, "zip")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), sysconfig.get_path("purelib")])}
    code = (
        "import sys, tap_instantly; print(tap_instantly.__file__, file=sys.stderr);"
        "from tap_instantly.__main__ import main; sys.argv[1:] = ['--discover']; main()"
    )
    base = Path(sys.base_prefix, "bin", "python3")
    run = subprocess.run(
        [str(base if base.exists() else sys.executable), "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=environment,
    )
    assert str(target) in run.stderr.splitlines()[0]
    assert {stream["stream"] for stream in json.loads(run.stdout)["streams"]} == {stream.name for stream in STREAMS}
