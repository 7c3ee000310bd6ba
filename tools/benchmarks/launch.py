"""Runs a command and records its resource usage: python -I -S launch.py FILE COMMAND...

Runs as its own small process with few imports, because a child's peak memory includes that of its parent at the fork.
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
    # Linux counts kilobytes, macOS bytes.
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    with open(file, "w", encoding="utf-8") as out:  # noqa: PTH123 - importing pathlib costs memory
        cpu, code = used.ru_utime + used.ru_stime, os.waitstatus_to_exitcode(status)
        json.dump({"wall": wall, "cpu": cpu, "peak_mb": peak / 1e6, "exit_code": code}, out)


if __name__ == "__main__":
    main()
