"""The measurement of extraction: its table by hand, and one round on two short recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from typer.testing import CliRunner

from benchmarks.speed.studies.__main__ import app
from benchmarks.speed.studies.extraction import as_table, windowed
from features.mfcc import MfccConfig


def test_the_table_by_hand() -> None:
    seconds = np.array([[1e-4, 2e-4, 2e-4], [3e-4, 4e-4, 8e-4]])
    lines = as_table(["own", "other"], seconds).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert rows[2] == ["own", "200", "1.00", "1.00", "1.00"]
    assert rows[3] == ["other", "400", "3.00", "2.00", "4.00"]


def test_bare_transforms_get_the_frames_that_sound() -> None:
    rows = windowed(np.full(4_800, 1_000, dtype=np.int16), MfccConfig())
    # the sound begins at (47,760 - 4,800) / 2 = 21,480, after frame 42 has ended at 480 x 42 + 1,200 = 21,360; with the
    # sample that pre-emphasis adds it ends at 26,280, before frame 55 begins at 26,400
    assert rows.shape == (12, 2_048)
    assert rows[0].any() and not rows[:, 1_200:].any()


def test_one_round(tmp_path: Path) -> None:
    sound = np.random.default_rng(1).integers(-9_000, 9_000, 4_800).astype(np.int16)
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", sound, 48_000)
    done = CliRunner().invoke(app, ["extraction", str(tmp_path), "--rounds", "1"])
    assert done.exit_code == 0, done.output
    for name in (
        "psf: 2 recordings",
        "seed: 2 recordings",
        "python_speech_features",
        "librosa",
        "rfft 2048",
        "rfft 1200",
    ):
        assert name in done.stdout


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["extraction", str(tmp_path)])
    assert done.exit_code == 2
    assert "no WAV file there" in done.stderr


def test_stages_of_one_recording(tmp_path: Path) -> None:
    sound = np.random.default_rng(1).integers(-9_000, 9_000, 4_800).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", sound, 48_000)
    done = CliRunner().invoke(app, ["stages", str(tmp_path / "a.wav"), "--repetitions", "2"])
    assert done.exit_code == 0, done.output
    assert "seed: 12 sounding frames" in done.stdout and done.stdout.count("| transform, squares |") == 2
