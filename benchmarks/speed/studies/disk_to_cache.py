"""How fast recordings come from disk into the cache, in one process and in several, and how much memory that takes.

Recordings go the whole road that a run takes: headers, hashes of the contents, then decoding, extraction and writing.
Each measurement is a process of its own with an empty cache, the extraction of decoded recordings in memory among them.
The files are read once before, so that times are without the disk's own.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import psutil
import typer
from numpy.typing import NDArray

from benchmarks.cells.stopwatch import peak_rss_bytes
from benchmarks.speed.studies.extraction import Folder, blocks_of, some_wav_files, wav_files
from benchmarks.speed.studies.turns import Process, Rounds, Subject, in_rounds, now, timed
from features.audio import read_samples
from features.cache.content_hashes import content_hashes
from features.cache.entries import mfcc_features
from features.corpora.headers import probe_recordings
from features.corpora.recordings import Corpus, quarantine_table, recordings_table
from features.corpora.virtual.corpus import speak
from features.mfcc import MfccConfig, extract_batch
from reports.text.markdown import table

IN_MEMORY = 3_000
"""Most recordings that are held decoded in memory."""


@dataclass(frozen=True, kw_only=True)
class Road:
    """One measurement.

    Attributes
    ----------
    wall_seconds
        Per recording.
    stage_seconds
        User and system time per recording, all processes together, of headers, hashes, and extraction with what it
        reads and writes; of the extraction in memory, the whole.
    main_bytes, worker_bytes
        Most memory that the process, and any of its workers (0 without), had resident.
    """

    wall_seconds: float
    stage_seconds: list[float]
    main_bytes: int = 0
    worker_bytes: int = 0

    @property
    def cpu_seconds(self) -> float:
        """Of all stages."""
        return sum(self.stage_seconds)


def compare(
    folder: Folder,
    rounds: Rounds = 5,
    few: Annotated[int, typer.Option(min=1, help="recordings of the smaller corpus")] = 3_000,
    jobs: Annotated[int, typer.Option(min=1, help="processes to compare with one")] = 2,
    speak_seeds: Annotated[int, typer.Option("--speak", help="write 3,000 recordings for each of so many seeds")] = 0,
) -> None:
    """Time recordings on their road from disk into the cache, and look at the memory they take."""
    for seed in range(speak_seeds):
        speak(folder / f"seed-{seed:02d}", seed=seed)
    n_bytes = [len((folder / name).read_bytes()) for name in some_wav_files(folder)]
    n_all = len(n_bytes)
    place = str(folder.resolve())
    subjects = [Subject(name=f"in memory, {min(n_all, IN_MEMORY):,}", function=in_memory, arguments=(place,))]
    for n_recordings in dict.fromkeys((min(few, n_all), n_all)):
        for most in dict.fromkeys((1, jobs)):
            name = f"{n_recordings:,}, up to {most} processes"
            subjects.append(Subject(name=name, function=from_disk, arguments=(place, n_recordings, most)))
    roads = in_rounds(subjects, rounds, watched)
    print(f"{n_all:,} recordings, {np.mean(n_bytes):,.0f} bytes in the mean; times per recording, {rounds} rounds\n")
    print(as_table(roads))
    *_, one, several = roads.values()
    print(f"\n{n_all:,} recordings, {jobs} processes: {speed_up(one, several, jobs)}")


def from_disk(folder: str, n_recordings: int, jobs: int) -> dict[str, Any]:
    """Take recordings the whole road into an empty cache."""
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        marks = [now()]
        corpus = opened(Path(folder), n_recordings)
        marks.append(now())
        hashes = content_hashes(corpus, Path(cache), jobs=jobs)
        corpus = replace(corpus, recordings=corpus.recordings.assign(content_hash=hashes))
        marks.append(now())
        config = MfccConfig(sample_rate_hz=corpus.sample_rate_hz or 0)
        mfcc_features(corpus, config, cache=Path(cache), jobs=jobs)
        marks.append(now())
    walls, cpus = (np.diff(column) / n_recordings for column in zip(*marks, strict=True))
    return {"wall_seconds": float(walls.sum()), "stage_seconds": cpus.tolist()}


def opened(folder: Path, n_recordings: int) -> Corpus:
    """Open a folder of WAV files as a corpus without labels."""
    rows = [
        {"recording_id": name.removesuffix(".wav"), "path": name, "speaker": name.rpartition(os.sep)[0] or folder.name}
        for name in wav_files(folder, n_recordings)
    ]
    readable, unreadable, rate, notes = probe_recordings(folder, pd.DataFrame(rows))
    return Corpus(
        kind="manifest",
        name=folder.name,
        root=folder,
        recordings=recordings_table(readable),
        quarantine=quarantine_table(unreadable),
        sample_rate_hz=rate,
        notes=notes,
    )


def in_memory(folder: str) -> dict[str, Any]:
    """Extract decoded recordings; reading them is not timed."""
    audio = [read_samples(Path(folder) / name) for name in wav_files(Path(folder), IN_MEMORY)]
    config = MfccConfig(sample_rate_hz=audio[0].sample_rate_hz)
    blocks = blocks_of([one.samples for one in audio])
    extract_batch(blocks[0][:1], config)  # loads the compiled loops
    wall, cpu = timed(lambda: [extract_batch(block, config) for block in blocks])
    return {"wall_seconds": wall / len(audio), "stage_seconds": [cpu / len(audio)]}


def watched(process: Process) -> Road:
    """Measure once, and watch the memory of the process and its workers."""
    own = psutil.Process(process.pid)
    peaks: dict[int, int] = {}

    def look() -> None:
        # the last look counts: before a process is replaced by its own program, it counts as its parent
        peaks.update({child.pid: peak for child in own.children() if (peak := peak_rss_bytes(child.pid))})

    road = Road(**process.ask(look=look))
    return replace(road, main_bytes=peak_rss_bytes(process.pid), worker_bytes=max(peaks.values(), default=0))


def as_table(roads: dict[str, list[Road]]) -> str:
    """Write a row per kind of measurement: medians over rounds, the highest peaks.

    Parameters
    ----------
    roads
        The measurements of each kind, one per round; the first kind is the extraction in memory.
    """
    times = ["wall, us", "CPU, us", "CPU, times in memory", "headers, hashes, extraction: CPU, us"]
    base = _column(next(iter(roads.values())), "cpu_seconds")
    rows = []
    for name, rounds in roads.items():
        cpu = _column(rounds, "cpu_seconds")
        stages = np.median([road.stage_seconds for road in rounds], axis=0) * 1e6
        rows.append(
            [
                name,
                f"{np.median(_column(rounds, 'wall_seconds')) * 1e6:,.0f}",
                f"{np.median(cpu) * 1e6:,.0f}",
                f"{np.median(cpu / base):.2f}",
                ", ".join(f"{stage:.0f}" for stage in stages),
                *(f"{_column(rounds, whose).max() / 1e6:.0f}" for whose in ("main_bytes", "worker_bytes")),
            ]
        )
    return table(["", *times, "MB", "MB, worker"], rows)


def _column(rounds: list[Road], name: str) -> NDArray[np.float64]:
    return np.array([getattr(road, name) for road in rounds], dtype=np.float64)


def speed_up(one: list[Road], several: list[Road], jobs: int) -> str:
    """Say how many times faster several processes are, with the range over rounds.

    By wall time, and by CPU time as if each process had a core of its own: reading headers is done by one, the rest is
    shared. On a machine whose cores are taken, wall time says how they are shared out among programs.
    """
    wall = _column(one, "wall_seconds") / _column(several, "wall_seconds")
    stages = np.array([road.stage_seconds for road in several])
    free = _column(one, "cpu_seconds") / (stages[:, 0] + stages[:, 1:].sum(axis=1) / jobs)
    return "; ".join(
        f"{np.median(ratios):.2f} times as fast by {what} ({ratios.min():.2f} to {ratios.max():.2f})"
        for what, ratios in (("wall time", wall), ("CPU time, a core for each", free))
    )
