"""Fetch AudioMNIST from its public repository: one archive of one commit, unpacked, verified, then put in place.

Everything that is not finished lies in ``<folder>.download`` beside the target, which is renamed into place at the end
and removed. Killed at any moment, the same command goes on: with the archive that is there, or with the rest of it.
The archive's bytes may differ from day to day (its host makes them anew), so its content is verified, not its hash.
"""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import filelock

from features.corpora.fetching import OnProgress, Patience, fetch
from features.corpora.originals import Whole, published_hashes, verify
from features.corpora.recordings import Corpus, CorpusError
from features.corpora.unpacking import Limits, NoRoomError, archive_comment, check_room, unpack

COMMIT = "544b0f4bc65227e54332e665d5e02c24be6732c2"
"""Its readme cites the paper of 2023; public code by others reads all 60 speakers' 50 takes from it (decision 27)."""

URL = f"https://github.com/soerenab/AudioMNIST/archive/{COMMIT}.zip"
ARCHIVE = "archive.zip"
PART = f"{ARCHIVE}.part"
MEGABYTE = 1_000_000
MEMBERS = ("data", "LICENSE", "README.md")
MOST_ARCHIVE_BYTES = 2_000_000_000


class Stages(Protocol):
    """Shows how far something is."""

    def stage(self, name: str) -> AbstractContextManager[OnProgress]:
        """Open a stage; the function handed out takes (done, total)."""

    def say(self, line: str) -> None:
        """Print one line."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is fetched, and how large it may be.

    Attributes
    ----------
    commit
        Full name of the commit. An archive whose comment names another one is refused.
    whole
        What the corpus has.
    hashes
        SHA-256 of recordings by path below ``data``.
    archive_bytes, unpacked_bytes
        About so much room is needed for each, in bytes.
    """

    commit: str = COMMIT
    whole: Whole = field(default_factory=Whole)
    hashes: Mapping[str, str] = field(default_factory=published_hashes)
    archive_bytes: int = 1_000_000_000
    unpacked_bytes: int = 2_000_000_000
    limits: Limits = field(default_factory=Limits)


def download(
    folder: Path,
    *,
    stages: Stages,
    url: str = URL,
    expected: Expected | None = None,
    patience: Patience | None = None,
) -> Corpus:
    """Make `folder` hold AudioMNIST, and return it; a folder that holds it already is only verified.

    Parameters
    ----------
    folder
        Must not exist, be empty, or hold the whole corpus.
    url
        The archive's address; see `fetching.fetch`.

    Raises
    ------
    CorpusError
        The folder holds something else, another process is at it, the disk has no room, the archive cannot be fetched
        or is not what was expected. `folder` is then as it was before.
    """
    expected = expected or Expected()
    folder = folder.expanduser().resolve()
    if _holds_something(folder):
        corpus = _check_what_is_there(folder, stages, expected)
        _remove(_work(folder))  # of a process that was killed when all was done
        return corpus
    work = _work(folder)
    work.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(work / "lock", timeout=0):
            try:
                _fetch_archive(work, url, stages, (expected, patience))
                return _put_in_place(work, folder, stages, expected)
            finally:
                if not any((work / name).exists() for name in (ARCHIVE, PART)):
                    _remove(work)
    except filelock.Timeout as error:
        raise CorpusError(f"{folder}: another process is downloading into it; wait until it is done") from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise CorpusError(f"{folder}: the disk is full; make room and run the same command again") from error


def check(folder: Path, *, stages: Stages, expected: Expected | None = None) -> Corpus:
    """Return the corpus that `folder` holds if it is AudioMNIST whole and as published; change nothing.

    Raises
    ------
    CorpusError
        It is not, with what differs in one line.
    """
    expected = expected or Expected()
    if not _holds_something(folder):
        raise CorpusError(f"{folder}: there is nothing in it to check; give the folder of AudioMNIST")
    with stages.stage("verify") as on_recording:
        return verify(folder, whole=expected.whole, hashes=expected.hashes, on_recording=on_recording)


def _check_what_is_there(folder: Path, stages: Stages, expected: Expected) -> Corpus:
    try:
        return check(folder, stages=stages, expected=expected)
    except CorpusError as error:
        raise CorpusError(f"{error}; nothing was changed: give a folder that does not exist yet") from error


def _holds_something(folder: Path) -> bool:
    if folder.exists() and not folder.is_dir():
        raise CorpusError(f"{folder}: is no folder; give the folder that is to hold AudioMNIST")
    return folder.is_dir() and any(folder.iterdir())


def _work(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.download")


def _fetch_archive(work: Path, url: str, stages: Stages, how: tuple[Expected, Patience | None]) -> None:
    """Bring the archive, unless an earlier process has brought it."""
    archive, (expected, patience) = work / ARCHIVE, how
    if archive.exists():
        return
    part = work / PART
    there = part.stat().st_size if part.exists() else 0
    check_room(work, max(0, expected.archive_bytes - there) + expected.unpacked_bytes)
    with stages.stage("download MB") as advance:
        fetch(
            url,
            archive,
            most_bytes=MOST_ARCHIVE_BYTES,
            patience=patience,
            on_bytes=_in_megabytes(advance),
            say=stages.say,
        )


def _in_megabytes(advance: OnProgress) -> OnProgress:
    """Tell `advance` once per megabyte."""
    told: tuple[int, int] | None = None

    def on_bytes(done: int, total: int) -> None:
        nonlocal told
        counts = (done // MEGABYTE, total // MEGABYTE)
        if counts != told:
            told = counts
            advance(*counts)

    return on_bytes


def _put_in_place(work: Path, folder: Path, stages: Stages, expected: Expected) -> Corpus:
    """Unpack and verify beside `folder`, then rename; an archive that is not as expected is removed."""
    archive, unpacked = work / ARCHIVE, work / "unpacked"
    if unpacked.exists():
        shutil.rmtree(unpacked)  # of a process that was killed
    try:
        _check_commit(archive, expected)
        with stages.stage("unpack") as on_member:
            unpack(archive, unpacked, only=MEMBERS, limits=expected.limits, on_member=on_member)
        corpus = check(unpacked, stages=stages, expected=expected)
    except NoRoomError:
        raise
    except CorpusError as error:
        _remove(work)
        raise CorpusError(f"{error}; what came was removed, run the same command again to fetch it anew") from error
    if folder.exists():
        folder.rmdir()
    unpacked.rename(folder)
    archive.unlink()
    return replace(corpus, root=folder / corpus.root.name)


def _check_commit(archive: Path, expected: Expected) -> None:
    """Compare the commit that git names in an archive's comment; an archive made otherwise has no such comment."""
    named = archive_comment(archive)
    if re.fullmatch("[0-9a-f]{40}", named) and named != expected.commit:
        raise CorpusError(f"the archive was made from commit {named}, expected {expected.commit}; check the address")


def _remove(work: Path) -> None:
    """Remove what this module writes, the lock last, and the folder if nothing else is in it."""
    shutil.rmtree(work / "unpacked", ignore_errors=True)
    for name in (ARCHIVE, PART, f"{PART}.json", f"{PART}.json.new", "lock"):
        with suppress(OSError):
            (work / name).unlink()
    with suppress(OSError):
        work.rmdir()
