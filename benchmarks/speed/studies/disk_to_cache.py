"""How fast recordings come from disk into the cache, in one process and in several, and how much memory that takes.

Recordings go the whole road that a run takes: headers, hashes of the contents, then decoding, extraction and writing.
Each measurement is a process of its own with an empty cache, the extraction of decoded recordings in memory among them.
The files are read once before, so that times are without the disk's own.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypedDict

import numpy as np
import pandas as pd
import psutil
import typer

from benchmarks.cells.stopwatch import peak_rss_bytes
from benchmarks.speed.studies.extraction import Folder, decoded, wav_files
from benchmarks.speed.studies.turns import Rounds, Subject, ask, in_rounds, now, timed, with_range
from features.cache.content_hashes import content_hashes
from features.cache.entries import mfcc_features
from features.corpora.headers import probe_recordings
from features.corpora.recordings import Corpus, quarantine_table, recordings_table
from features.corpora.virtual.corpus import speak
from features.mfcc import MfccConfig, extract_batch
from reports.text.markdown import table

IN_MEMORY = 3_000
"""Most recordings that are held decoded in memory."""

FEW, JOBS = 3_000, 2
"""Recordings of the smaller corpus, and processes that are compared with one."""


class Road(TypedDict):
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
    main_bytes: int
    worker_bytes: int


def compare(
    folder: Folder,
    rounds: Rounds = 5,
    speak_seeds: Annotated[int, typer.Option("--speak", help="write 3,000 recordings for each of so many seeds")] = 0,
) -> None:
    """Time recordings on their road from disk into the cache, and look at the memory they take."""
    for seed in range(speak_seeds):
        speak(folder / f"seed-{seed:02d}", seed=seed)
    n_bytes = [len((folder / name).read_bytes()) for name in wav_files(folder)]
    n_all = len(n_bytes)
    place = str(folder.resolve())
    subjects = [Subject(name=f"in memory, {min(n_all, IN_MEMORY):,}", function=in_memory, arguments=(place,))]
    for n_recordings in dict.fromkeys((min(FEW, n_all), n_all)):
        for most in (1, JOBS):
            name = f"{n_recordings:,}, up to {most} processes"
            subjects.append(Subject(name=name, function=from_disk, arguments=(place, n_recordings, most)))
    roads: dict[str, list[Road]] = in_rounds(subjects, rounds, watched)
    print(f"{n_all:,} recordings, {np.mean(n_bytes):,.0f} bytes in the mean; times per recording, {rounds} rounds\n")
    print(as_table(roads))
    *_, one, several = roads.values()
    print(f"\n{n_all:,} recordings, {JOBS} processes: {speed_up(one, several, JOBS)}")


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
    return {"wall_seconds": walls.sum(), "stage_seconds": cpus.tolist(), "main_bytes": peak_rss_bytes()}


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
    blocks, rate = decoded(Path(folder), IN_MEMORY)
    config, n_recordings = MfccConfig(sample_rate_hz=rate), sum(map(len, blocks))
    extract_batch(blocks[0][:1], config)  # loads the compiled loops
    wall, cpu = timed(lambda: [extract_batch(block, config) for block in blocks])
    seconds = {"wall_seconds": wall / n_recordings, "stage_seconds": [cpu / n_recordings]}
    return {**seconds, "main_bytes": peak_rss_bytes()}


def watched(subject: Subject) -> Road:
    """Measure once, and watch the memory of the process' workers."""
    peaks: dict[int, int] = {}

    def look(process: int) -> None:
        # the last look counts: before a process is replaced by its own program, it counts as its parent
        workers = psutil.Process(process).children()
        peaks.update({worker.pid: peak for worker in workers if (peak := peak_rss_bytes(worker.pid))})

    road: Road = ask(subject, look)
    return {**road, "worker_bytes": max(peaks.values(), default=0)}


def as_table(roads: dict[str, list[Road]]) -> str:
    """Write a row per kind of measurement, the first of them in memory: medians over rounds, the highest peaks."""
    header = ["", "wall, us", "CPU, us", "CPU, times in memory", "headers, hashes, extraction: CPU, us"]
    base = _cpu_seconds(next(iter(roads.values())))
    rows = []
    for name, rounds in roads.items():
        cpu, table_of = _cpu_seconds(rounds), pd.DataFrame(rounds)
        stages = np.median(table_of["stage_seconds"].tolist(), axis=0) * 1e6
        times = [f"{seconds.median() * 1e6:,.0f}" for seconds in (table_of["wall_seconds"], cpu)]
        megabytes = [f"{most / 1e6:.0f}" for most in table_of[["main_bytes", "worker_bytes"]].max()]
        share = f"{(cpu / base).median():.2f}"
        rows.append([name, *times, share, ", ".join(f"{stage:.0f}" for stage in stages), *megabytes])
    return table([*header, "MB", "MB, worker"], rows)


def _cpu_seconds(rounds: list[Road]) -> pd.Series:
    return pd.Series([sum(road["stage_seconds"]) for road in rounds])


def speed_up(one: list[Road], several: list[Road], jobs: int) -> str:
    """Say how many times faster several processes are, with the range over rounds.

    By wall time, and by CPU time as if each process had a core of its own: reading headers is done by one, the rest is
    shared. On a machine whose cores are taken, wall time says how they are shared out among programs.
    """
    wall = [single["wall_seconds"] / shared["wall_seconds"] for single, shared in zip(one, several, strict=True)]
    stages = np.array([road["stage_seconds"] for road in several])
    free = _cpu_seconds(one) / (stages[:, 0] + stages[:, 1:].sum(axis=1) / jobs)
    return "; ".join(
        "{} times as fast by {what} ({} to {})".format(*with_range(ratios), what=what)
        for what, ratios in (("wall time", wall), ("CPU time, a core for each", free))
    )
