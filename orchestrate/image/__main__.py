"""Command line of the image: python -m orchestrate.image."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrate.image import folders
from orchestrate.image.destination import destination
from orchestrate.image.errors import FAILED, REFUSED, UNUSABLE, ImageError
from orchestrate.image.log import Log
from orchestrate.image.processes import Processes
from orchestrate.image.steps import KEYS, ROOT, Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

STATE = ("MELTANO_DATABASE_URI", "MELTANO_STATE_BACKEND_URI")
"""Variables that place Meltano's state outside the data volume."""

COMMANDS = {"run", "load", "marts", "report", "check"}
READING = {"run", "load", "check"}
"""Commands that need a key."""

INSTALLING = {"run", "el", "elt", "invoke", "select"}
"""Commands of Meltano that would install the plugins, whatever its setting `auto_install` says."""

PROGRAMS = {"meltano", "dbt", "tap-instantly", "target-dlt", "target-postgres", "target-snowflake", "sh"}
"""Programs that take the place of this one, in the environment of a run."""

USAGE = f"""\
Load Instantly, build the marts and write the report; see
https://tap-instantly.github.io/tap-instantly/image/

commands:
  run               load, marts and report (default)
  load [OPTION...]  load; options are those of `meltano run`
  marts [OPTION...] build the marts; options are those of `dbt build`
  report [OPTION...] write the report
  check             show which streams the key can read
  {", ".join(sorted(PROGRAMS))}: that program
"""


def environment(given: Mapping[str, str], data: Path, scratch: Path) -> dict[str, str]:
    """Return the environment of the programs: the given one, plus writable paths."""
    home = given.get("HOME", "")
    own = {
        "MELTANO_PROJECT_ROOT": str(ROOT),
        "MELTANO_PROJECT_READONLY": "true",
        "MELTANO_AUTO_INSTALL": "false",
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
        "MELTANO_SYS_DIR_ROOT": str(scratch / "meltano"),
        "DBT_LOG_LEVEL_FILE": "none",
        "DBT_LOG_PATH": str(scratch),
        "DBT_PROFILES_DIR": str(ROOT / "transform"),
        "DBT_PROJECT_DIR": str(ROOT / "transform"),
        "DBT_TARGET_PATH": str(scratch / "target"),
        "TMPDIR": str(scratch),
    }
    if not (home and home != "/" and os.access(home, os.W_OK)):
        own["HOME"] = str(scratch)
    default = {"MELTANO_ENVIRONMENT": "prod", "MELTANO_DATABASE_URI": f"sqlite:///{data.absolute()}/meltano.db"}
    return {**default, **{name: value for name, value in given.items() if value}, **own}


def link_plugins(plugins: Path, scratch: Path) -> None:
    """Link the plugins of the image into Meltano's folder of this run."""
    (scratch / "meltano").mkdir()
    for kind in plugins.iterdir():
        (scratch / "meltano" / kind.name).symlink_to(kind)


def run(command: str, arguments: Sequence[str], log: Log) -> int:
    """Run one command, and return the exit code.

    Raises:
        ImageError: It failed.
    """
    if command not in COMMANDS or (command == "run" and arguments):
        message = f"{'run has no options' if command == 'run' else f'unknown command {command!r}'}; see --help"
        raise ImageError(message, UNUSABLE)
    data = Path(os.environ["INSTANTLY_DATA"])
    place = destination(os.environ, str(data))
    if command in READING and not any(os.environ.get(name) for name in KEYS):
        message = f"there is no key: set {' or '.join(KEYS)}, for instance with docker run -e {KEYS[0]}"
        raise ImageError(message, UNUSABLE)
    elsewhere = any(os.environ.get(name) for name in STATE) and place.adapter != "duckdb"
    folders.check(data, keeps=command != "check" and not elsewhere)
    with contextlib.ExitStack() as held:
        if command != "check":
            held.enter_context(folders.alone(data))
            folders.clear(data)
        scratch = held.enter_context(folders.scratch(data))
        link_plugins(Path(os.environ["INSTANTLY_PLUGINS"]), scratch)
        variables = environment(os.environ, data, scratch)
        force = not os.environ.get("MELTANO_DATABASE_URI")
        steps = Steps(data, scratch, place, variables, Processes(), log, force)
        if command != "run":
            single: Callable[[Sequence[str]], int] = getattr(steps, command)
            return ended(single(arguments), log)
        return whole(steps, log)


def whole(steps: Steps, log: Log) -> int:
    """Load, build the marts and write the report, and return the exit code."""
    code = steps.load(())
    steps.marts(())
    steps.report(())
    return ended(code, log)


def ended(code: int, log: Log) -> int:
    """Say if a part of the data was not loaded, and return the exit code."""
    if code:
        advice = "only a wider key or plan helps" if code == REFUSED else "the next run retries it"
        log.say(f"some data was not loaded; {advice}: {log.last_error}", "error")
    return code


def become(program: list[str]) -> None:
    """Turn into another program, in the environment of a run."""
    if program[0] == "meltano":
        at = next((at for at, word in enumerate(program) if word in INSTALLING), None)
        program = program if at is None else [*program[: at + 1], "--no-install", *program[at + 1 :]]
    data, plugins = Path(os.environ["INSTANTLY_DATA"]), Path(os.environ["INSTANTLY_PLUGINS"])
    place = destination(os.environ, str(data))
    with folders.scratch(data) as scratch:
        link_plugins(plugins, scratch)
        variables = {**environment(os.environ, data, scratch), **place.load, **place.marts}
        os.execvpe(program[0], program, variables)  # noqa: S606 - a program of the image


def main(arguments: Sequence[str]) -> int:
    """Run what the command line says."""
    log = Log(as_json=os.environ.get("MELTANO_CLI_LOG_FORMAT") == "json")
    command, rest = (arguments[0], arguments[1:]) if arguments else ("run", [])
    try:
        if command in PROGRAMS:
            become([*arguments])
        if command in {"-h", "--help", "help"}:
            sys.stdout.write(USAGE)
            return 0
        return run(command, rest, log)
    except ImageError as error:
        log.say(str(error), "error")
        return error.code
    except OSError as error:
        log.say(f"{error.strerror}: {error.filename}" if error.filename else str(error), "error")
        return FAILED


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
