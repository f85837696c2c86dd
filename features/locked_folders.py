"""Folders of the cache: made by one process at a time, whole or not at all.

A folder is filled under a temporary name, which begins with a dot, and renamed. Whoever fills it holds a lock of the
operating system, which ends with its process: so a temporary folder whose lock can be had is of a process that was
killed, and is removed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

Say = Callable[[str], None]


def make_once(
    folder: Path, fill: Callable[[Path], object], is_whole: Callable[[Path], bool], *, say: Say | None = None
) -> bool:
    """Make `folder`, unless it is there and whole, and tell whether it was made; others wait for one that makes it.

    Parameters
    ----------
    folder
        What to make; one that is not whole is removed first.
    fill
        Makes the temporary folder that it is given, which is not there yet, and writes the content into it.
    is_whole
        Tells whether a folder can be used as it is.
    say
        Told in one line that another process is waited for.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _claimed(folder, say=say):
        if is_whole(folder):
            return False
        _remove_temporary(folder)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            fill(temporary / "new")
            if folder.exists():
                folder.replace(temporary / "old")
            (temporary / "new").replace(folder)
            return True
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def remove_abandoned(parent: Path) -> None:
    """Remove the temporary folders and locks in `parent` of processes that are no more."""
    begun = {path.name[1:].rpartition("-")[0] for path in parent.glob(".*-*") if path.is_dir()}
    locked = {path.name[1:].removesuffix(".lock") for path in parent.glob(".*.lock")}
    for name in sorted(begun | locked):
        with suppress(Timeout), _claimed(parent / name, wait=False):  # not where it is being made
            _remove_temporary(parent / name)


def _remove_temporary(folder: Path) -> None:
    for abandoned in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(abandoned, ignore_errors=True)


@contextmanager
def _claimed(folder: Path, *, wait: bool = True, say: Say | None = None) -> Iterator[None]:
    """Hold the folder's lock; leave no file: whoever waits for a file that is gone asks for a new one."""
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise
        if say:
            say(f"waiting for another process, which makes {folder}")
        lock.acquire(poll_interval=0.2)
    try:
        yield
    finally:
        with suppress(OSError):  # where a file that is open cannot be removed, it stays
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
