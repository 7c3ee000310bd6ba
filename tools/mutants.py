"""Makes small changes to the code and checks that tests fail: `make mutants`.

The files and their tests are configured in pyproject.toml. Arguments are patterns of mutants, such as
"tap_instantly.sync.scan*". Prints the differences of surviving mutants; tests/mutants.md explains the accepted ones.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

WHERE = Path("build/mutants")
"""Copy of the project in which the code is mutated."""

NEEDED = ("tap_instantly", "schemas", "sandbox", "tests", "tools", "pyproject.toml")

USUAL = ("tap_instantly.client.*", "tap_instantly.streams.*", "tap_instantly.sync.state.*")

MUTMUT = (sys.executable, "-m", "mutmut")


def undecorated(code: str) -> str:
    """Remove decorators that the code works without, because mutmut skips decorated functions."""
    code = re.sub(r"^ +@override\n", "", code, flags=re.MULTILINE)
    getter = r"\1\2 = property(lambda self: self._get_\2())\n\n\1def _get_\2("
    return re.sub(r"^( +)@property\n +def (\w+)\(", getter, code, flags=re.MULTILINE)


def copy_project() -> None:
    """Renew the copy; results for unchanged code are kept."""
    for name in NEEDED:
        target = WHERE / name
        if Path(name).is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, target)
    for path in (WHERE / "tap_instantly").rglob("*.py"):
        path.write_text(undecorated(path.read_text(encoding="utf-8")), encoding="utf-8")


def mutmut(*arguments: str) -> str:
    """Run a mutmut command and return its output."""
    command = [*MUTMUT, *arguments]
    return subprocess.run(command, cwd=WHERE, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603


def main() -> None:
    """Run mutmut and print the survivors."""
    copy_project()
    subprocess.run([*MUTMUT, "run", *(sys.argv[1:] or USUAL)], cwd=WHERE, check=True)  # noqa: S603
    for line in mutmut("results").splitlines():
        name, _, result = line.strip().partition(": ")
        if result and result != "not checked":
            print(f"\n{result}\n{mutmut('show', name)}")


if __name__ == "__main__":
    main()
