"""The cache of MFCC tensors, keyed by the recordings' content and the whole configuration.

An entry is a folder ``mfcc/<key>`` of ``values.npy`` (float32 or float64, shape ``(n_recordings, n_frames,
n_coefficients)``), for published images also ``images.npy`` (uint8, ``(n_recordings, n_frames, n_coefficients,
3)``), ``index.parquet`` (a row per recording) and ``entry.json``, which holds the checksums of the others. It is
written under a temporary name and renamed when complete (`features.locked_folders`), and checked before it is used
again.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.cache.blocks import Block, Row, Work, extract_block, read_image_block
from features.corpora.recordings import Corpus
from features.files import sha256
from features.mfcc import ENGINE_VERSION, MfccConfig
from features.processes import starting, work_for

BLOCK_RECORDINGS = 64
WORTH_PROCESSES = 2_500
"""Recordings from which on others' processes do the work: starting one and its compiled loops takes two thirds of a
second of CPU time, and keeps a hundred megabytes out of this process."""

ENTRY = "entry.json"

_ZEROS = 1 << 20
_QUIET = "ignore:resource_tracker:UserWarning"

OnProgress = Callable[[int, int], None]
Say = Callable[[str], None]


class CacheError(ValueError):
    """MFCCs in the cache cannot be read; the message is for the user."""


@dataclass(frozen=True, kw_only=True)
class Features:
    """The MFCCs of a corpus; arrays are read-only memory maps."""

    folder: Path  # the cache entry
    values: NDArray[np.floating[Any]]  # (n_recordings, n_frames, n_coefficients)
    images: NDArray[np.uint8] | None  # the published images, (n_recordings, n_frames, n_coefficients, 3)
    index: pd.DataFrame  # a row per row of the tensor: ``recording_id`` and what `features.cache.blocks.Row` says
    extract_seconds: float  # how long making the entry took, in how many processes
    extract_jobs: int
    reused: bool  # the entry was there already


def mfcc_features(
    corpus: Corpus,
    config: MfccConfig,
    *,
    cache: Path,
    jobs: int = 1,
    on_progress: OnProgress | None = None,
    say: Say | None = None,
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
    on_progress
        Called with the number of recordings done and of all.
    say
        Told in one line where an entry is damaged and made anew, or where another process makes it just now.
    """
    from features.locked_folders import make_once, remove_abandoned  # here: whoever only reads an entry needs no locks

    folder = cache / "mfcc" / _entry_key(corpus, config)
    remove_abandoned(folder.parent)
    damage = find_damage(folder)
    if damage is None:
        return load_features(folder)
    if say and folder.exists():
        say(f"{folder} is damaged ({damage}); its MFCCs are extracted anew")
    fill = partial(_fill, corpus, config, jobs, on_progress)
    return load_features(folder, reused=not make_once(folder, fill, lambda entry: find_damage(entry) is None, say=say))


def find_damage(folder: Path) -> str | None:
    """Say what is wrong with a cache entry: a file is missing, or its checksum is another; None where it is whole."""
    try:
        entry = json.loads((folder / ENTRY).read_text(encoding="utf-8"))
        if entry.pop("sum") != _sum(entry):
            return f"{ENTRY} changed"
        for name, expected in sorted(entry["files"].items()):
            if sha256(folder / name) != expected:
                return f"{name} changed"
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"{ENTRY} or what it names cannot be read"
    return None


def load_features(folder: Path, *, reused: bool = True) -> Features:
    """Open a cache entry; CacheError where it is not there, or cannot be read."""
    images = folder / "images.npy"
    try:
        entry = json.loads((folder / ENTRY).read_text(encoding="utf-8"))
        return Features(
            folder=folder,
            values=np.load(folder / "values.npy", mmap_mode="r"),
            images=np.load(images, mmap_mode="r") if images.is_file() else None,
            index=pd.read_parquet(io.BytesIO((folder / "index.parquet").read_bytes())),
            extract_seconds=entry["extract_seconds"],
            extract_jobs=entry["extract_jobs"],
            reused=reused,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CacheError(
            f"{folder}: these MFCCs were there when the run began, and cannot be read any more ({error}); "
            "give the same command again, which extracts them anew"
        ) from error


def _sum(entry: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()


def _entry_key(corpus: Corpus, config: MfccConfig) -> str:
    of_images = corpus.sample_rate_hz is None
    settings = {"engine": ENGINE_VERSION, "images": of_images, "index": Row._fields, **config.as_dict()}
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    columns = corpus.recordings[["recording_id", "content_hash", "sample_rate_hz"]]
    digest.update("\n".join("\t".join(map(str, row)) for row in columns.itertuples(index=False)).encode())
    return digest.hexdigest()


def _fill(corpus: Corpus, config: MfccConfig, jobs: int, on_progress: OnProgress | None, folder: Path) -> None:
    jobs = jobs if len(corpus.recordings) >= WORTH_PROCESSES else 1
    folder.mkdir()
    started = time.perf_counter()
    index = _extract_all(corpus, config, folder, jobs, on_progress)
    seconds = time.perf_counter() - started
    with (folder / "index.parquet").open("wb") as file:  # Arrow opens no name that is not UTF-8
        index.to_parquet(file)
    entry = {
        "extract_seconds": seconds,
        "extract_jobs": jobs,
        "config": config.as_dict(),
        "engine": ENGINE_VERSION,
        "files": {path.name: sha256(path) for path in sorted(folder.iterdir())},
    }
    text = json.dumps({**entry, "sum": _sum(entry)}, indent=1, sort_keys=True)
    (folder / ENTRY).write_text(text, encoding="utf-8")


def _extract_all(
    corpus: Corpus, config: MfccConfig, folder: Path, jobs: int, on_progress: OnProgress | None
) -> pd.DataFrame:
    table = corpus.recordings
    n_recordings = len(table)
    shape = (n_recordings, config.n_frames, config.n_coefficients)
    _allocate(folder / "values.npy", np.dtype(config.dtype), shape)
    work: Work = extract_block
    if corpus.sample_rate_hz is None:
        _allocate(folder / "images.npy", np.dtype(np.uint8), (*shape, 3))
        work = read_image_block
    paths = [os.fspath(corpus.root / path) for path in table["path"]]
    starts = range(0, n_recordings, BLOCK_RECORDINGS)
    blocks = [(folder, config, start, paths[start : start + BLOCK_RECORDINGS]) for start in starts]
    rows: list[Row] = []
    done = map(work, blocks) if n_recordings < WORTH_PROCESSES else _done_apart(work, blocks, jobs)
    for block_rows in done:
        rows.extend(block_rows)
        if on_progress:
            on_progress(len(rows), n_recordings)
    index = pd.DataFrame(rows, columns=list(Row._fields))
    index.insert(0, "recording_id", table["recording_id"].to_numpy())
    return index.astype({"error": "str"})


def _allocate(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Make the file of an array with all its room on disk: a write into a map for which none is left kills the process.

    Raises OSError where there is not enough room.
    """
    offset = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape).offset
    size = path.stat().st_size
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
            return
        except AttributeError:
            pass  # a system without it
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        file.seek(offset)
        for start in range(offset, size, _ZEROS):
            file.write(bytes(min(_ZEROS, size - start)))


def _done_apart(work: Work, blocks: list[Block], jobs: int) -> Iterator[list[Row]]:
    """Do all blocks in other processes, in order."""
    if _QUIET not in sys.warnoptions:  # read when the process is started that tidies up after a run that was killed
        sys.warnoptions.append(_QUIET)
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=work_for, initargs=(os.getpid(),)) as pool:
        with starting():
            done = pool.map(work, blocks, chunksize=4)
        yield from done
