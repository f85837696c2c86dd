"""Fetch AudioMNIST from its public repository: one archive of one commit, unpacked, verified, then put in place.

Everything that is not finished lies in ``<folder>.download`` beside the target, which is renamed into place at the end
and removed. Killed at any moment, the same command finishes; an archive that had arrived is not fetched again. The
archive's bytes may differ from day to day (its host makes them anew), so its content is verified, not its hash.
"""

from __future__ import annotations

import errno
import math
import shutil
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import filelock

from features.corpora.download.originals import OnProgress, Whole, check_originals
from features.corpora.download.transfer import fetch
from features.corpora.download.zip_archive import NoRoomError, check_room, unpack
from features.corpora.recordings import Corpus, CorpusError

COMMIT = "544b0f4bc65227e54332e665d5e02c24be6732c2"
"""Its readme cites the paper of 2023; public code by others reads all 60 speakers' 50 takes from it (decision 27)."""

URL = f"https://github.com/soerenab/AudioMNIST/archive/{COMMIT}.zip"
MEMBERS = ("data", "LICENSE", "README.md")
ARCHIVE_BYTES, UNPACKED_BYTES = 1_000_000_000, 2_000_000_000
"""About so much room is needed for each."""
MOST_ARCHIVE_BYTES = 2_000_000_000
ARCHIVE, UNPACKED, LOCK = "archive.zip", "unpacked", "lock"


class Stages(Protocol):
    """Shows how far something is."""

    def stage(self, name: str) -> AbstractContextManager[OnProgress]:
        """Open a stage; the function handed out takes (done, total)."""

    def say(self, line: str) -> None:
        """Print one line."""


def download(folder: Path, *, stages: Stages, url: str = URL, whole: Whole | None = None) -> Corpus:
    """Make `folder` hold AudioMNIST, and return it; a folder that holds it already is only verified.

    `folder` must not exist, be empty, or hold the whole corpus; `url` is the archive's address (`transfer.fetch`).

    Raises
    ------
    CorpusError
        The folder holds something else, another process is at it, the disk has no room, the archive cannot be fetched
        or is not what was expected. `folder` is then as it was before.
    """
    folder = folder.expanduser().resolve()
    work = folder.with_name(f"{folder.name}.download")
    if _holds_something(folder):
        try:
            corpus = check_folder(folder, stages=stages, whole=whole)
        except CorpusError as error:
            raise CorpusError(f"{error}; nothing was changed: give a folder that does not exist yet") from error
        _remove(work)  # of a process that was killed when all was done
        return corpus
    work.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(work / LOCK, timeout=0):
            try:
                _fetch_archive(work, url, stages)
                return _put_in_place(work, folder, stages, whole)
            finally:
                if not (work / ARCHIVE).exists():
                    _remove(work)
    except filelock.Timeout as error:
        raise CorpusError(f"{folder}: another process is downloading into it; wait until it is done") from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise CorpusError(f"{folder}: the disk is full; make room and run the same command again") from error


def check_folder(folder: Path, *, stages: Stages, whole: Whole | None = None) -> Corpus:
    """Return the corpus that `folder` holds, or raise CorpusError where it is not AudioMNIST whole and as published."""
    if not _holds_something(folder):
        raise CorpusError(f"{folder}: there is nothing in it to check; give the folder of AudioMNIST")
    with stages.stage("verify") as on_recording:
        return check_originals(folder, whole=whole, on_recording=on_recording)


def _holds_something(folder: Path) -> bool:
    if folder.exists() and not folder.is_dir():
        raise CorpusError(f"{folder}: is no folder; give the folder that is to hold AudioMNIST")
    return folder.is_dir() and any(folder.iterdir())


def _fetch_archive(work: Path, url: str, stages: Stages) -> None:
    """Bring the archive, unless an earlier process has brought it."""
    if (work / ARCHIVE).exists():
        return
    check_room(work, ARCHIVE_BYTES + UNPACKED_BYTES)
    with stages.stage("download MB") as advance:

        def on_bytes(done: int, total: int) -> None:
            advance(math.ceil(done / 1e6), math.ceil(total / 1e6))

        fetch(url, work / ARCHIVE, most_bytes=MOST_ARCHIVE_BYTES, on_bytes=on_bytes, say=stages.say)


def _put_in_place(work: Path, folder: Path, stages: Stages, whole: Whole | None) -> Corpus:
    """Unpack and verify beside `folder`, then rename; an archive that is not as expected is removed."""
    archive, unpacked = work / ARCHIVE, work / UNPACKED
    if unpacked.exists():
        shutil.rmtree(unpacked)  # of a process that was killed
    try:
        with stages.stage("unpack") as on_member:
            top = unpack(archive, unpacked, only=MEMBERS, commit=COMMIT, on_member=on_member)
        corpus = check_folder(top, stages=stages, whole=whole)
    except NoRoomError:
        raise
    except CorpusError as error:
        archive.unlink()
        raise CorpusError(f"{error}; what came was removed, run the same command again to fetch it anew") from error
    if folder.exists():
        folder.rmdir()
    top.rename(folder)
    archive.unlink()
    return replace(corpus, root=folder / corpus.root.name)


def _remove(work: Path) -> None:
    """Remove what this module writes, the lock last, and the folder if nothing else is in it."""
    shutil.rmtree(work / UNPACKED, ignore_errors=True)
    for name in (ARCHIVE, f"{ARCHIVE}.part", LOCK):
        with suppress(OSError):
            (work / name).unlink()
    with suppress(OSError):
        work.rmdir()
