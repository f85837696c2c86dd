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
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.audio import AudioError, read_samples, resample
from features.corpora.recordings import Corpus
from features.engine import fft_backend
from features.images import ImageError, read_image, undo_viridis
from features.mfcc import ENGINE_VERSION, MfccConfig, extract_batch, sounding_frames

BLOCK_RECORDINGS = 64
WORTH_PROCESSES = 4_000
"""Recordings from which on starting worker processes (1.5 s each) pays."""

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
        A row per row of the tensor: ``recording_id, first_frame, n_sounding, truncated, error``.
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


def content_hashes(corpus: Corpus, cache: Path, on_progress: OnProgress | None = None) -> pd.Series:
    """Hash every recording's file (BLAKE2b, 128 bits, hexadecimal), remembered by path, size and modification time.

    Returns
    -------
    pandas.Series
        One hash per row of ``corpus.recordings``; missing where the file cannot be read.
    """
    cache.mkdir(parents=True, exist_ok=True)
    paths = [corpus.root.resolve() / path for path in corpus.recordings["path"]]
    with closing(sqlite3.connect(cache / "hashes.sqlite", timeout=60)) as database:
        database.execute("CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, size INT, mtime_ns INT, hash TEXT)")
        known = {row[0]: row[1:] for row in database.execute("SELECT path, size, mtime_ns, hash FROM hashes")}
        fresh: list[tuple[str, int, int, str]] = []
        hashes = []
        for done, path in enumerate(paths, start=1):
            hashes.append(_remembered_hash(path, known, fresh))
            if on_progress:
                on_progress(done, len(paths))
        database.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?)", fresh)
        database.commit()
    return pd.Series(hashes, index=corpus.recordings.index, dtype="str")


def _remembered_hash(
    path: Path, known: dict[str, tuple[int, int, str]], fresh: list[tuple[str, int, int, str]]
) -> str | None:
    try:
        status = path.stat()
        remembered = known.get(str(path))
        if remembered and remembered[:2] == (status.st_size, status.st_mtime_ns):
            return remembered[2]
        digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return None
    fresh.append((str(path), status.st_size, status.st_mtime_ns, digest))
    return digest


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
    work: Callable[..., list[dict[str, Any]]] = _extract_block
    if corpus.sample_rate_hz is None:
        np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=(*shape, 3)).flush()
        work = _read_image_block
    paths = [os.fspath(corpus.root / path) for path in table["path"]]
    blocks = [
        (folder, config, start, paths[start : start + BLOCK_RECORDINGS])
        for start in range(0, n_recordings, BLOCK_RECORDINGS)
    ]
    rows: list[dict[str, Any]] = []
    for found in _run_blocks(work, blocks, jobs):
        rows.extend(found)
        if on_progress:
            on_progress(len(rows), n_recordings)
    index = pd.DataFrame(rows)
    index.insert(0, "recording_id", table["recording_id"].to_numpy())
    return index.astype({"error": "str"})


def _run_blocks(
    work: Callable[..., list[dict[str, Any]]], blocks: list[tuple[Any, ...]], jobs: int
) -> Iterator[list[dict[str, Any]]]:
    if jobs == 1:
        yield from map(work, *zip(*blocks, strict=True))
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, *zip(*blocks, strict=True), chunksize=4)


def _extract_block(folder: Path, config: MfccConfig, start: int, paths: list[str]) -> list[dict[str, Any]]:
    """Extract some recordings into their rows of the tensor; return their rows of the index."""
    values = np.load(folder / "values.npy", mmap_mode="r+")
    rows: list[dict[str, Any]] = []
    samples_of: dict[int, NDArray[Any]] = {}
    for offset, path in enumerate(paths):
        row: dict[str, Any] = {"first_frame": 0, "n_sounding": 0, "truncated": False, "error": None}
        try:
            audio = read_samples(Path(path))
            samples = resample(audio.samples, audio.sample_rate_hz, config.sample_rate_hz)
            row["first_frame"], row["n_sounding"] = sounding_frames(len(samples), config)
            row["truncated"] = len(samples) > config.clip_samples
            samples_of[start + offset] = samples
        except AudioError as error:
            row["error"] = str(error)
        rows.append(row)
    if samples_of:
        try:
            values[list(samples_of)] = extract_batch(list(samples_of.values()), config)
        except ValueError:
            _extract_singly(values, config, samples_of, {start + offset: row for offset, row in enumerate(rows)})
    return rows


def _extract_singly(
    values: NDArray[Any], config: MfccConfig, samples_of: dict[int, NDArray[Any]], row_of: dict[int, dict[str, Any]]
) -> None:
    """Extract recordings one by one, so that one that cannot be used is told and stops no other."""
    for place, samples in samples_of.items():
        try:
            values[place] = extract_batch([samples], config)[0]
        except ValueError as error:
            row_of[place]["error"] = str(error)


def _read_image_block(folder: Path, config: MfccConfig, start: int, paths: list[str]) -> list[dict[str, Any]]:
    """Read some published images and undo their colour map; which frames sound is not known, so all count."""
    values = np.load(folder / "values.npy", mmap_mode="r+")
    images = np.load(folder / "images.npy", mmap_mode="r+")
    rows: list[dict[str, Any]] = []
    for offset, path in enumerate(paths):
        error = None
        try:
            images[start + offset] = read_image(Path(path), config)
        except ImageError as problem:
            error = str(problem)
        rows.append({"first_frame": 0, "n_sounding": config.n_frames, "truncated": False, "error": error})
    stop = start + len(paths)
    values[start:stop] = undo_viridis(images[start:stop])
    return rows
