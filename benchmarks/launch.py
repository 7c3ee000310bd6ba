"""Runs a command and writes down what it used: python -I -S launch.py FILE COMMAND...

A process of its own, and one that imports next to nothing: the system books on a process the memory of the one that
started it, if that has more.
"""

import json
import os
import sys
import time


def main() -> None:
    """Run the command to its end."""
    file, *command = sys.argv[1:]
    started = time.monotonic()
    _, status, used = os.wait4(os.posix_spawn(command[0], command, os.environ), 0)
    wall = time.monotonic() - started
    # Kilobytes, except on a Mac.
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    with open(file, "w", encoding="utf-8") as out:  # noqa: PTH123 - pathlib is an import of its own
        cpu, code = used.ru_utime + used.ru_stime, os.waitstatus_to_exitcode(status)
        json.dump({"wall": wall, "cpu": cpu, "peak_mb": peak / 1e6, "exit_code": code}, out)


if __name__ == "__main__":
    main()
