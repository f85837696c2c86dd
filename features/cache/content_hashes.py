"""The recordings' content hashes, remembered in the cache by path, size and modification time.

``hashes.sqlite`` saves reading every file again; it is never trusted: every row carries a sum of its own, and a
damaged file is made anew.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pandas as pd

from features.corpora.recordings import Corpus
from features.files import is_text, sha256

FILE = "hashes.sqlite"
BLOCK_RECORDINGS = 64

_DIGITS = 64
"""Of a SHA-256; a row of an earlier version, whose hashes were shorter, does not match its sum and is made anew."""

OnProgress = Callable[[int, int], None]
Say = Callable[[str], None]
Known = dict[str, tuple[int, int, str]]
Fresh = list[tuple[str, int, int, str]]


def content_hashes(
    corpus: Corpus, cache: Path, on_progress: OnProgress | None = None, *, jobs: int = 1, say: Say | None = None
) -> pd.Series:
    """Hash every recording's file (SHA-256, hexadecimal); missing where it cannot be read.

    Parameters
    ----------
    corpus
        The recordings.
    cache
        Folder of the cache; what was hashed is remembered there.
    on_progress
        Called with the number of recordings done and of all.
    jobs
        Most threads to hash with; reading and hashing release the interpreter's lock.
    say
        Told in one line where what was remembered is damaged.
    """
    cache.mkdir(parents=True, exist_ok=True)
    root = corpus.root.resolve()
    paths = [os.fspath(root / path) for path in corpus.recordings["path"]]
    blocks = [paths[start : start + BLOCK_RECORDINGS] for start in range(0, len(paths), BLOCK_RECORDINGS)]
    known = _recall(cache / FILE, say)
    fresh: Fresh = []
    hashes: list[str | None] = []
    with ThreadPoolExecutor(jobs) as pool:
        for digests in pool.map(lambda block: [_remembered_hash(path, known, fresh) for path in block], blocks):
            hashes.extend(digests)
            if on_progress:
                on_progress(len(hashes), len(paths))
    if fresh:
        _remember(cache / FILE, fresh)
    return pd.Series(hashes, index=corpus.recordings.index, dtype="str")


def _recall(file: Path, say: Say | None) -> Known:
    """Read what is remembered; nothing, and the file removed, where it is damaged."""
    try:
        with _opened(file) as database:
            return {row[0]: row[1:] for row in database.execute("SELECT path, size, mtime_ns, hash FROM hashes")}
    except sqlite3.Error as error:
        _remove_damaged(file, error)
        if say:
            say(f"{file} is damaged ({error}); it is made anew, all recordings are hashed again")
        return {}


def _remember(file: Path, fresh: Fresh) -> None:
    try:
        _insert(file, fresh)
    except sqlite3.Error as error:
        _remove_damaged(file, error)
        _insert(file, fresh)


def _insert(file: Path, rows: Fresh) -> None:
    with _opened(file) as database:
        # a name in another encoding is hashed each time
        texts = (row for row in rows if row[0].isascii() or is_text(row[0]))
        database.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?)", texts)
        database.commit()


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file, timeout=60)) as database:
        database.execute("CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, size INT, mtime_ns INT, hash TEXT)")
        yield database


def _remove_damaged(file: Path, error: sqlite3.Error) -> None:
    """Remove the file, unless the error speaks of the disk or of other processes, and so of no damage: raise it then.

    Those are operational errors, but for SQLite's general one; one without a code is of a text that is not UTF-8.
    """
    general = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF == sqlite3.SQLITE_ERROR
    if isinstance(error, sqlite3.OperationalError) and not general:
        raise type(error)(f"{file}: {error}") from error
    for path in (file, file.with_name(f"{file.name}-journal")):
        path.unlink(missing_ok=True)


def _sum(path: str, size: int, mtime_ns: int, digest: str) -> str:
    return f"{zlib.crc32(f'{path}|{size}|{mtime_ns}|{digest}'.encode('utf-8', 'surrogateescape')):08x}"


def _remembered_hash(path: str, known: Known, fresh: Fresh) -> str | None:
    try:
        status = os.stat(path)  # noqa: PTH116 (a Path costs more than the call)
        remembered = known.get(path)
        if remembered and remembered[:2] == (status.st_size, status.st_mtime_ns) and isinstance(remembered[2], str):
            digest, checksum = remembered[2][:_DIGITS], remembered[2][_DIGITS:]
            if checksum == _sum(path, status.st_size, status.st_mtime_ns, digest):
                return digest
        digest = sha256(path)
    except OSError:
        return None
    checksum = _sum(path, status.st_size, status.st_mtime_ns, digest)
    fresh.append((path, status.st_size, status.st_mtime_ns, digest + checksum))
    return digest
