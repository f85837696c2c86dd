"""The measurement from disk: its table by hand, and one round on a few short recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from benchmarks.speed.studies import disk_to_cache
from benchmarks.speed.studies.__main__ import app
from benchmarks.speed.studies.disk_to_cache import Road, as_table, speed_up


def road(wall: float, cpu: float, megabytes: int) -> Road:
    return Road(
        wall_seconds=wall,
        stage_seconds=[cpu / 4, cpu / 4, cpu / 2],
        main_bytes=megabytes * 10**6,
        worker_bytes=0,
    )


def test_the_table_by_hand() -> None:
    roads = {
        "memory": [road(1e-4, 1e-4, 50), road(1e-4, 2e-4, 50), road(1e-4, 1e-4, 50)],
        "disk": [road(4e-4, 2e-4, 60), road(2e-4, 3e-4, 80), road(8e-4, 4e-4, 70)],
    }
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in as_table(roads).splitlines()]
    # ratios 2, 1.5, 4
    assert rows[3] == ["disk", "400", "300", "2.00", "75, 75, 150", "80", "0"]
    # CPU 2, 3, 4 against 1, 2, 1, a quarter of which is one process's and the rest two's: 0.625, 1.25, 0.625
    wall, free = speed_up(roads["disk"], roads["memory"], 2).split("; ")
    assert wall == "4.00 times as fast by wall time (2.00 to 8.00)"
    assert free == "3.20 times as fast by CPU time, a core for each (2.40 to 6.40)"


def test_one_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_to_cache, "FEW", 4)
    rng = np.random.default_rng(1)
    for speaker in ("a", "b"):
        (tmp_path / speaker).mkdir()
        for take in range(3):
            sound = rng.integers(-9_000, 9_000, 4_800).astype(np.int16)
            soundfile.write(tmp_path / speaker / f"{take}.wav", sound, 48_000)
    done = CliRunner().invoke(app, ["disk-to-cache", str(tmp_path), "--rounds", "1"])
    assert done.exit_code == 0, done.output
    for name in ("in memory, 6", "4, up to 1", "4, up to 2", "6, up to 1", "6, up to 2", "times as fast"):
        assert name in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["disk-to-cache", str(tmp_path)])
    assert done.exit_code == 2
    assert "no WAV file there" in done.stderr
