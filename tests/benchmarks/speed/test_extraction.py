"""The measurement of extraction: its table by hand, and one round on two short recordings."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.speed import stages
from benchmarks.speed.extraction import main, one_thread, table, windowed
from features.mfcc import MfccConfig


def test_the_table_by_hand() -> None:
    seconds = np.array([[1e-4, 3e-4], [2e-4, 4e-4], [2e-4, 8e-4]])
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table(["own", "other"], seconds).splitlines()
    ]
    assert rows[2] == ["own", "200", "1.00", "1.00", "1.00"]
    assert rows[3] == ["other", "400", "3.00", "2.00", "4.00"]


def test_bare_transforms_get_the_frames_that_sound() -> None:
    rows = windowed(np.full(4_800, 1_000, dtype=np.int16), MfccConfig())
    # the sound begins at (47,760 - 4,800) / 2 = 21,480, after frame 42 has ended at 480 x 42 + 1,200 = 21,360; with the
    # sample that pre-emphasis adds it ends at 26,280, before frame 55 begins at 26,400
    assert rows.shape == (12, 2_048)
    assert rows[0].any() and not rows[:, 1_200:].any()


def test_one_round(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    sound = np.random.default_rng(1).integers(-9_000, 9_000, 4_800).astype(np.int16)
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", sound, 48_000)
    assert main([str(tmp_path), "--rounds", "1"]) == 0
    printed = capfd.readouterr().out
    for name in (
        "psf: 2 recordings",
        "seed: 2 recordings",
        "python_speech_features",
        "librosa",
        "rfft 2048",
        "rfft 1200",
    ):
        assert name in printed


def test_a_folder_without_recordings_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path)])
    assert stopped.value.code == 2
    assert "no WAV file there" in capsys.readouterr().err


def test_stages_of_one_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "REPETITIONS", 2)
    sound = np.random.default_rng(1).integers(-9_000, 9_000, 4_800).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", sound, 48_000)
    assert stages.main([str(tmp_path / "a.wav")]) == 0
    printed = capsys.readouterr().out
    assert "seed: 12 sounding frames" in printed and printed.count("| transform, squares |") == 2


def test_the_own_environment_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    before = dict(os.environ)
    with one_thread():
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert dict(os.environ) == before
