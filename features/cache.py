"""The cache: file hashes, and MFCC tensors keyed by the recordings' content and the whole configuration.

An entry is a folder ``mfcc/<key>`` of ``values.npy`` (float32 or float64, shape ``(n_recordings, n_frames,
n_coefficients)``), for published images also ``images.npy`` (uint8, ``(n_recordings, n_frames, n_coefficients,
3)``), ``index.parquet`` (a row per recording) and ``entry.json``. It is written under
a temporary name and renamed when complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.blocks import Block, Row, Work, extract_block, read_image_block
from features.corpora.recordings import Corpus
from features.fft import fft_backend
from features.mfcc import ENGINE_VERSION, MfccConfig
from features.regular_files import open_regular

BLOCK_RECORDINGS = 64
WORTH_PROCESSES = 2_500
"""Recordings from which on others' processes do the work: starting one and its compiled loops takes a second of CPU
time, and keeps a hundred megabytes out of this process."""
WHOLE_BYTES = 2**20
"""Files up to this size are read at once to be hashed, which is quicker; larger ones piece by piece."""

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Features:
    """The MFCCs of a corpus.

    Attributes
    ----------
    folder
        The cache entry.
    values
        MFCC tensor, read-only memory map, ``(n_recordings, n_frames, n_coefficients)``.
    images
        The published images, uint8 ``(n_recordings, n_frames, n_coefficients, 3)``, or None.
    index
        A row per row of the tensor: ``recording_id`` and what `features.blocks.Row` says.
    extract_seconds, extract_jobs
        How long making the entry took, in how many processes.
    reused
        True where the entry was there already.
    """

    folder: Path
    values: NDArray[np.floating[Any]]
    images: NDArray[np.uint8] | None
    index: pd.DataFrame
    extract_seconds: float
    extract_jobs: int
    reused: bool


def content_hashes(corpus: Corpus, cache: Path, on_progress: OnProgress | None = None, *, jobs: int = 1) -> pd.Series:
    """Hash every recording's file (BLAKE2b, 128 bits, hexadecimal), remembered by path, size and modification time.

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

    Returns
    -------
    pandas.Series
        One hash per row of ``corpus.recordings``; missing where the file cannot be read.
    """
    cache.mkdir(parents=True, exist_ok=True)
    root = corpus.root.resolve()
    paths = [os.fspath(root / path) for path in corpus.recordings["path"]]
    blocks = [paths[start : start + BLOCK_RECORDINGS] for start in range(0, len(paths), BLOCK_RECORDINGS)]
    with closing(sqlite3.connect(cache / "hashes.sqlite", timeout=60)) as database, ThreadPoolExecutor(jobs) as pool:
        database.execute("CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, size INT, mtime_ns INT, hash TEXT)")
        known = {row[0]: row[1:] for row in database.execute("SELECT path, size, mtime_ns, hash FROM hashes")}
        fresh: list[tuple[str, int, int, str]] = []
        hashes: list[str | None] = []
        for found in pool.map(lambda block: [_remembered_hash(path, known, fresh) for path in block], blocks):
            hashes.extend(found)
            if on_progress:
                on_progress(len(hashes), len(paths))
        database.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?)", fresh)
        database.commit()
    return pd.Series(hashes, index=corpus.recordings.index, dtype="str")


def _remembered_hash(
    path: str, known: dict[str, tuple[int, int, str]], fresh: list[tuple[str, int, int, str]]
) -> str | None:
    try:
        status = os.stat(path)  # noqa: PTH116 (a Path costs more than the call)
        remembered = known.get(path)
        if remembered and remembered[:2] == (status.st_size, status.st_mtime_ns):
            return remembered[2]
        digest = _hash(path)
    except OSError:
        return None
    fresh.append((path, status.st_size, status.st_mtime_ns, digest))
    return digest


def _hash(path: str) -> str:
    file, n_bytes = open_regular(path)
    with file:
        if n_bytes <= WHOLE_BYTES:
            return hashlib.blake2b(file.readall(), digest_size=16).hexdigest()
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def mfcc_features(
    corpus: Corpus, config: MfccConfig, *, cache: Path, jobs: int = 1, on_progress: OnProgress | None = None
) -> Features:
    """Return the MFCC tensor of `corpus`, from the cache or made now.

    Parameters
    ----------
    corpus
        Recordings whose ``content_hash`` is filled in.
    config
        All conventions of the MFCCs; for a corpus of images, those of its images.
    jobs
        Most processes to extract with.
    """
    key = _entry_key(corpus, config)
    folder = cache / "mfcc" / key
    reused = (folder / "entry.json").is_file()
    if not reused:
        _make_entry(corpus, config, folder, jobs, on_progress)
    return load_features(folder, reused=reused)


def load_features(folder: Path, *, reused: bool = True) -> Features:
    """Open a cache entry; its arrays are read-only memory maps."""
    entry = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
    images = folder / "images.npy"
    return Features(
        folder=folder,
        values=np.load(folder / "values.npy", mmap_mode="r"),
        images=np.load(images, mmap_mode="r") if images.is_file() else None,
        index=pd.read_parquet(folder / "index.parquet"),
        extract_seconds=entry["extract_seconds"],
        extract_jobs=entry["extract_jobs"],
        reused=reused,
    )


def _entry_key(corpus: Corpus, config: MfccConfig) -> str:
    digest = hashlib.blake2b(digest_size=16)
    settings = {
        "engine": ENGINE_VERSION,
        "fft": "scipy" if fft_backend() is None else "mkl_fft",  # the last bits differ
        "images": corpus.sample_rate_hz is None,
        "index": Row._fields,
        **config.as_dict(),
    }
    digest.update(json.dumps(settings, sort_keys=True).encode())
    columns = corpus.recordings[["recording_id", "content_hash", "sample_rate_hz"]]
    digest.update("\n".join("\t".join(map(str, row)) for row in columns.itertuples(index=False)).encode())
    return digest.hexdigest()


def _make_entry(corpus: Corpus, config: MfccConfig, folder: Path, jobs: int, on_progress: OnProgress | None) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        jobs = jobs if len(corpus.recordings) >= WORTH_PROCESSES else 1
        started = time.perf_counter()
        index = _fill_entry(corpus, config, temporary, jobs, on_progress)
        seconds = time.perf_counter() - started
        index.to_parquet(temporary / "index.parquet")
        entry = {
            "extract_seconds": seconds,
            "extract_jobs": jobs,
            "config": config.as_dict(),
            "engine": ENGINE_VERSION,
        }
        (temporary / "entry.json").write_text(json.dumps(entry, indent=1, sort_keys=True), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _fill_entry(
    corpus: Corpus, config: MfccConfig, folder: Path, jobs: int, on_progress: OnProgress | None
) -> pd.DataFrame:
    table = corpus.recordings
    n_recordings = len(table)
    shape = (n_recordings, config.n_frames, config.n_coefficients)
    dtype = np.dtype(config.dtype)
    np.lib.format.open_memmap(folder / "values.npy", mode="w+", dtype=dtype, shape=shape).flush()
    work: Work = extract_block
    if corpus.sample_rate_hz is None:
        np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=(*shape, 3)).flush()
        work = read_image_block
    paths = [os.fspath(corpus.root / path) for path in table["path"]]
    blocks = [
        (folder, config, start, paths[start : start + BLOCK_RECORDINGS])
        for start in range(0, n_recordings, BLOCK_RECORDINGS)
    ]
    rows: list[Row] = []
    done = map(work, blocks) if n_recordings < WORTH_PROCESSES else _done_apart(work, blocks, jobs)
    for found in done:
        rows.extend(found)
        if on_progress:
            on_progress(len(rows), n_recordings)
    index = pd.DataFrame(rows, columns=list(Row._fields))
    index.insert(0, "recording_id", table["recording_id"].to_numpy())
    return index.astype({"error": "str"})


def _done_apart(work: Work, blocks: list[Block], jobs: int) -> Iterator[list[Row]]:
    """Do all blocks in other processes, in order."""
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        yield from pool.map(work, blocks, chunksize=4)
