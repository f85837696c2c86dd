"""How fast recordings come from disk into the cache, in one process and in several, and how much memory that takes.

``python -m benchmarks.speed.disk FOLDER`` takes every WAV file under FOLDER the whole road that a run takes: headers,
hashes of the contents, then decoding, extraction and writing. Each measurement is a process of its own with an empty
cache; measurements take turns, round by round, with the extraction of decoded recordings in memory among them. The
files are read once before, so that times are without the disk's own.

``--speak 10`` first writes ten times the embedded corpus into FOLDER, 30,000 recordings drawn from ten seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from glob import glob
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from numpy.typing import NDArray

from benchmarks.cells.stopwatch import peak_rss_bytes
from benchmarks.provenance import CHECKOUT
from benchmarks.speed.extraction import blocks_of
from features.audio import read_samples
from features.cache import mfcc_features
from features.corpora.probing import probe_recordings
from features.corpora.recordings import Corpus, quarantine_table, recordings_table
from features.corpora.virtual import speak
from features.hashes import content_hashes
from features.mfcc import MfccConfig, extract_batch

IN_MEMORY = 3_000
"""Most recordings that are held decoded in memory."""

SECONDS_BETWEEN_LOOKS = 0.02


@dataclass(frozen=True, kw_only=True)
class Road:
    """One measurement.

    Attributes
    ----------
    wall_seconds, cpu_seconds
        Per recording, all processes together; `cpu_seconds` counts user and system time.
    stage_seconds
        CPU time per recording of headers, hashes, and extraction with what it reads and writes.
    main_bytes, worker_bytes
        Most memory that the process, and any of its workers (0 without), had resident.
    """

    wall_seconds: float
    cpu_seconds: float
    stage_seconds: list[float]
    main_bytes: int = 0
    worker_bytes: int = 0


def wav_files(folder: Path, most: int | None = None) -> list[str]:
    """List the WAV files under `folder`, by their paths in it, in order."""
    # a Path costs as much as the look at a file's header
    return sorted(glob("**/*.wav", root_dir=folder, recursive=True, include_hidden=True))[:most]  # noqa: PTH207


def from_disk(folder: Path, n_recordings: int, jobs: int) -> Road:
    """Take recordings the whole road into an empty cache."""
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        marks = [(time.perf_counter(), cpu_seconds())]
        corpus = opened(folder, n_recordings)
        marks.append((time.perf_counter(), cpu_seconds()))
        hashes = content_hashes(corpus, Path(cache), jobs=jobs)
        corpus = replace(corpus, recordings=corpus.recordings.assign(content_hash=hashes))
        marks.append((time.perf_counter(), cpu_seconds()))
        config = MfccConfig(sample_rate_hz=corpus.sample_rate_hz or 0)
        mfcc_features(corpus, config, cache=Path(cache), jobs=jobs)
        marks.append((time.perf_counter(), cpu_seconds()))
    walls, cpus = (np.diff(column) / n_recordings for column in zip(*marks, strict=True))
    return Road(wall_seconds=float(walls.sum()), cpu_seconds=float(cpus.sum()), stage_seconds=cpus.tolist())


def opened(folder: Path, n_recordings: int) -> Corpus:
    """Open a folder of WAV files as a corpus without labels."""
    found = [
        {"recording_id": name.removesuffix(".wav"), "path": name, "speaker": name.rpartition(os.sep)[0] or folder.name}
        for name in wav_files(folder, n_recordings)
    ]
    readable, unreadable, rate, notes = probe_recordings(folder, pd.DataFrame(found))
    return Corpus(
        kind="manifest",
        name=folder.name,
        root=folder,
        recordings=recordings_table(readable),
        quarantine=quarantine_table(unreadable),
        sample_rate_hz=rate,
        notes=notes,
    )


def in_memory(folder: Path, n_recordings: int, jobs: int) -> Road:
    """Extract decoded recordings, in one process whatever `jobs` says; reading them is not timed."""
    del jobs
    audio = [read_samples(folder / name) for name in wav_files(folder, min(n_recordings, IN_MEMORY))]
    config = MfccConfig(sample_rate_hz=audio[0].sample_rate_hz)
    blocks = blocks_of([one.samples for one in audio])
    extract_batch(blocks[0][:1], config)  # loads the compiled loops
    started = time.perf_counter(), cpu_seconds()
    for block in blocks:
        extract_batch(block, config)
    wall, cpu = time.perf_counter() - started[0], cpu_seconds() - started[1]
    return Road(wall_seconds=wall / len(audio), cpu_seconds=cpu / len(audio), stage_seconds=[])


def cpu_seconds() -> float:
    """Return user and system time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


WAYS: dict[str, Callable[[Path, int, int], Road]] = {"disk": from_disk, "memory": in_memory}

# no main module: worker processes import it again, and a run's own is small
_COMMAND = "import sys; from benchmarks.speed.disk import serve; serve(*sys.argv[1:])"


def serve(way: str, folder: str, n_recordings: str, jobs: str) -> None:
    """Measure in this process, print what was found, and stay until standard input closes, to be looked at."""
    print(json.dumps(asdict(WAYS[way](Path(folder), int(n_recordings), int(jobs)))), flush=True)
    sys.stdin.read()


def measured(way: str, folder: Path, n_recordings: int, jobs: int) -> Road:
    """Run one measurement in a fresh process and watch the memory of it and its workers."""
    command = [sys.executable, "-c", _COMMAND, way, str(folder.resolve()), str(n_recordings), str(jobs)]
    peaks: dict[int, int] = {}
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        own = psutil.Process(process.pid)
        while not select.select([process.stdout], [], [], SECONDS_BETWEEN_LOOKS)[0]:
            # the last look counts: before a process is replaced by its own program, it counts as its parent
            peaks |= {child.pid: bytes_ for child in own.children() if (bytes_ := peak_rss_bytes(child.pid))}
        road = Road(**json.loads(process.stdout.readline()))
        main_bytes = peak_rss_bytes(process.pid)
        process.stdin.close()
    return replace(road, main_bytes=main_bytes, worker_bytes=max(peaks.values(), default=0))


def table(roads: dict[str, list[Road]]) -> str:
    """Write a row per kind of measurement: medians over rounds, the highest peaks.

    Parameters
    ----------
    roads
        The measurements of each kind, one per round; the first kind is the extraction in memory.
    """
    lines = [
        "| | wall, us | CPU, us | CPU, times in memory | headers, hashes, extraction: CPU, us | MB | MB, worker |",
        "|---|---|---|---|---|---|---|",
    ]
    base = _column(next(iter(roads.values())), "cpu_seconds")
    for name, rounds in roads.items():
        cpu = _column(rounds, "cpu_seconds")
        stages = np.median([road.stage_seconds for road in rounds], axis=0) * 1e6
        cells = [
            name,
            f"{np.median(_column(rounds, 'wall_seconds')) * 1e6:,.0f}",
            f"{np.median(cpu) * 1e6:,.0f}",
            f"{np.median(cpu / base):.2f}",
            ", ".join(f"{stage:.0f}" for stage in stages),
            *(f"{_column(rounds, whose).max() / 1e6:.0f}" for whose in ("main_bytes", "worker_bytes")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


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


def measure(folder: Path, kinds: dict[str, tuple[str, int, int]], rounds: int) -> dict[str, list[Road]]:
    """Measure every kind (way, recordings, processes) in turns."""
    roads: dict[str, list[Road]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, (way, n_recordings, jobs) in kinds.items():
            roads[name].append(measured(way, folder, n_recordings, jobs))
    return roads


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.disk", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of WAV files of one sampling rate, searched with subfolders")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is timed (default 5)")
    parser.add_argument("--few", type=int, default=3_000, help="recordings of the smaller corpus (default 3000)")
    parser.add_argument("--jobs", type=int, default=2, help="processes to compare with one (default 2)")
    parser.add_argument("--speak", type=int, default=0, metavar="SEEDS", help="write 3,000 recordings per seed first")
    given = parser.parse_args(arguments)
    for seed in range(given.speak):
        speak(given.folder / f"seed-{seed:02d}", seed=seed)
    n_bytes = [len((given.folder / name).read_bytes()) for name in wav_files(given.folder)]
    if not n_bytes or given.rounds < 1:
        parser.error(f"{given.folder}: no WAV file there" if not n_bytes else "--rounds must be at least 1")
    n_all, n_few = len(n_bytes), min(given.few, len(n_bytes))
    kinds = {f"in memory, {min(n_all, IN_MEMORY):,}": ("memory", n_all, 1)}
    for n_recordings in dict.fromkeys((n_few, n_all)):
        for jobs in dict.fromkeys((1, given.jobs)):
            kinds[f"{n_recordings:,}, up to {jobs} processes"] = ("disk", n_recordings, jobs)
    before = os.getloadavg()[0]
    roads = measure(given.folder, kinds, given.rounds)
    print(
        f"{n_all:,} recordings, {np.mean(n_bytes):,.0f} bytes in the mean; times per recording, {given.rounds} rounds"
    )
    print(f"load of the machine before and at the end: {before:.1f}, {os.getloadavg()[0]:.1f}\n")
    print(table(roads))
    *_, one, several = roads.values()
    print(f"\n{n_all:,} recordings, {given.jobs} processes: {speed_up(one, several, given.jobs)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
