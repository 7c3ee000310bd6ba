"""Data volume and per-run scratch folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrate.image.errors import UNUSABLE, ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRATCH = "instantly-"
"""Start of the name of a folder for one run; one on the data volume belongs to a killed run."""


def check(data: Path, *, keeps: bool) -> None:
    """Check that this user can write the folder and, if it keeps the state or the tables, that it is a volume.

    Raises:
        ImageError: It is not; the message says how to start the container.
    """
    if keeps and not _is_volume(data):
        message = (
            f"{data} is not a volume, so the state and the tables would be lost with the container: "
            f'start it with -v "$PWD/data:{data}"'
        )
        raise ImageError(message, UNUSABLE)
    if os.statvfs(data).f_flag & os.ST_RDONLY:
        message = f"{data} is mounted read-only: leave out :ro, or see why its disk cannot be written"
        raise ImageError(message, UNUSABLE)
    if not os.access(data, os.W_OK | os.X_OK):
        message = f"the user {os.getuid()} cannot write to {data}: {_advice()}"
        raise ImageError(message, UNUSABLE)
    for path in sorted(data.iterdir()):
        if not path.name.startswith(SCRATCH) and not os.access(path, os.W_OK):
            owner = path.stat().st_uid
            message = f"the user {os.getuid()} cannot write {path}, which belongs to the user {owner}: {_advice()}"
            raise ImageError(message, UNUSABLE)


def _is_volume(folder: Path) -> bool:
    # os.path.ismount() does not see a folder of the same file system.
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return str(folder) in {line.split()[4] for line in mounts}


def _advice() -> str:
    return 'start the container with --user "$(id -u):$(id -g)", as the owner of the folder'


@contextlib.contextmanager
def alone(data: Path) -> Iterator[None]:
    """Lock the data volume for one run; the kernel releases it however the run ends.

    Raises:
        ImageError: Another run has it.
    """
    lock = os.open(data / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        message = f"another run is using {data}: wait until it ends, or mount another folder"
        raise ImageError(message, UNUSABLE) from None
    finally:
        os.close(lock)


def clear(data: Path) -> None:
    """Remove the scratch folders that killed runs left on the data volume. Call only while holding the lock."""
    for left in data.glob(f"{SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def scratch(data: Path) -> Iterator[Path]:
    """Make a folder for one run: where temporary files go, or in the folder of data if nothing can be written there."""
    try:
        made = tempfile.mkdtemp(prefix=SCRATCH)
    except OSError:
        made = tempfile.mkdtemp(prefix=SCRATCH, dir=data)
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)
