"""A corpus with many faults at once, through the command line: all told, none let in, nothing else changed."""

from __future__ import annotations

import html
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

from benchmarks.cli.app import app
from reports.run_directory import tables

CHECKOUT = Path(__file__).resolve().parents[2]
RATE_HZ = 8_000
NOISE = np.random.default_rng(11).integers(-9_000, 9_000, 3_000).astype(np.int16)

FAULTS = {
    "01/5_01_0.wav": "no audio that can be read: its first bytes are not those of WAV or FLAC; convert it to one",
    "01/5_01_1.wav": "cut short: 5000 of 6000 bytes of samples are there",
    "01/5_01_2.wav": "empty: it has no samples",
    "01/5_01_3.wav": "no sound in it: its 3000 samples are all 0",
    "01/5_01_4.wav": "has samples that are NaN or infinite",
    "01/5_01_5.wav": "wrong length field: 100 bytes of samples by its header, and 5900 more",
    "01/5_01_6.wav": "its header contradicts itself: 4000 Hz of 2 bytes are 8000 bytes a second, it says 16000",
    "02/5_02_0.wav": "cannot be opened: No such file or directory",
    "02/5_02_1.wav": "cannot be opened: Too many levels of symbolic links",
    "02/5_02_2.wav": "cannot be opened: a named pipe or device",
    "02/5_02_\\udcff.wav": "its name is not UTF-8; rename it",
    "02/0_02_0.txt.wav": "file name is not <digit>_<speaker>_<take>.wav",
    "03/0_03_9.wav": "has the same bytes as 03/0_03_0.wav, which is used",
    "04/7_04_0.wav": "has the same bytes as 05/7_05_0.wav, of speaker 05; nobody knows whose voice it is",
    "05/7_05_0.wav": "has the same bytes as 04/7_04_0.wav, of speaker 04; nobody knows whose voice it is",
    "06/7_06_0.wav": "has the same bytes as 06/8_06_0.wav, which says another digit",
    "06/8_06_0.wav": "has the same bytes as 06/7_06_0.wav, which says another digit",
    "07/5_08_0.wav": "name says speaker 08, folder says 07",
    "13/0_13_0.wav": "speaker 13: accent is 7, a text was expected",
    "14/0_14_0.wav": "speaker 14 is not in audioMNIST_meta.txt",
    "15/0_15_0.wav": "speaker 15: has two entries that differ",
}


def plant(data: Path) -> None:
    """Write every fault of `FAULTS` beside the good recordings."""
    for speaker in ("13", "14", "15"):
        (data / speaker).mkdir()
        soundfile.write(data / speaker / f"0_{speaker}_0.wav", NOISE, RATE_HZ)
    for name in ("01/5_01_1", "01/5_01_5", "01/5_01_6", "04/7_04_0", "05/7_05_0", "06/7_06_0", "06/8_06_0"):
        sound = NOISE[::-1] if name[:2] in ("04", "05") else NOISE + int(name[:2])
        soundfile.write(data / f"{name}.wav", sound, RATE_HZ)
    content = (data / "01/5_01_1.wav").read_bytes()
    (data / "01/5_01_1.wav").write_bytes(content[:-1_000])
    (data / "01/5_01_5.wav").write_bytes(content[:40] + (100).to_bytes(4, "little") + content[44:])
    (data / "01/5_01_6.wav").write_bytes(content[:24] + (4_000).to_bytes(4, "little") + content[28:])
    (data / "01/5_01_0.wav").write_text("this is no audio")
    soundfile.write(data / "01/5_01_2.wav", NOISE[:0], RATE_HZ)
    soundfile.write(data / "01/5_01_3.wav", 0 * NOISE, RATE_HZ)
    soundfile.write(data / "01/5_01_4.wav", np.full(100, np.nan), RATE_HZ, subtype="FLOAT")
    (data / "02/5_02_0.wav").symlink_to("nowhere.wav")
    (data / "02/5_02_1.wav").symlink_to("5_02_1.wav")
    os.mkfifo(data / "02/5_02_2.wav")
    for name in (b"02/5_02_\xff.wav", b"02/0_02_0.txt.wav", b"07/5_08_0.wav"):
        (data / os.fsdecode(name)).write_bytes(content)
    shutil.copy(data / "03/0_03_0.wav", data / "03/0_03_9.wav")
    path = data / "audioMNIST_meta.txt"
    entries = json.loads(path.read_text())
    text = json.dumps({**entries, "13": {**entries["01"], "accent": 7}, "15": entries["01"]})
    path.write_text(f'{text[:-1]}, "15": {json.dumps(entries["02"])}}}')


@pytest.fixture(scope="module")
def faulty(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("faulty")
    shutil.copytree(tones / "data", root / "data")
    plant(root / "data")
    return root


def run(corpus: Path, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    options = ["--models", "majority,logistic", "--folds", "3", "--no-premium", "--threads", "1", *more]
    places = ["--corpus", f"audiomnist:{corpus}", "--cache", str(folder / "cache"), "--out", str(folder / corpus.name)]
    command = [sys.executable, "-m", "benchmarks", "run", *places, *options]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=600)


def test_every_fault_is_told_and_changes_no_prediction(faulty: Path, tones: Path, tmp_path: Path) -> None:
    done = [run(corpus, tmp_path) for corpus in (faulty, tones)]
    assert [one.returncode for one in done] == [0, 0], done[0].stderr
    assert "Traceback" not in done[0].stderr
    quarantine = tables.read("quarantine", tmp_path / faulty.name)
    reasons = dict(quarantine.itertuples(index=False, name=None))
    assert reasons.keys() == FAULTS.keys()
    page = " ".join(html.unescape((tmp_path / faulty.name / "report.html").read_text(encoding="utf-8")).split())
    for name, said in FAULTS.items():
        assert reasons[name].startswith(said), name
        assert name in page and " ".join(reasons[name].split()) in page, name
    found, expected = (tables.read("predictions", tmp_path / one.name) for one in (faulty, tones))
    assert len(expected) == 2 * 72
    pd.testing.assert_frame_equal(found, expected)


def test_strict_stops_at_the_first_fault_and_leaves_nothing(faulty: Path, tmp_path: Path) -> None:
    done = run(faulty, tmp_path, "--strict")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("voxfold: --strict: 14 recordings cannot be used; 01/5_01_0.wav: no audio that can be read")
    assert not (tmp_path / faulty.name).exists()


def test_strict_also_stops_at_what_only_the_samples_tell(tones: Path, tmp_path: Path) -> None:
    shutil.copytree(tones / "data", tmp_path / "silent" / "data")
    soundfile.write(tmp_path / "silent" / "data" / "01" / "5_01_3.wav", 0 * NOISE, RATE_HZ)
    done = run(tmp_path / "silent", tmp_path / "out", "--strict")
    assert done.returncode == 2
    assert "--strict: 1 recordings cannot be used; 01/5_01_3.wav: no sound in it" in done.stderr


def test_what_is_used_though_odd_is_counted(tones: Path, tmp_path: Path) -> None:
    data = tmp_path / "odd" / "data"
    shutil.copytree(tones / "data", data)
    loud = np.clip(8 * NOISE.astype(int), -32_768, 32_767).astype(np.int16)
    soundfile.write(data / "01" / "5_01_0.wav", loud, RATE_HZ)
    soundfile.write(data / "01" / "5_01_1.wav", NOISE + 2_000, RATE_HZ)
    soundfile.write(data / "01" / "5_01_2.wav", np.stack([NOISE, NOISE[::-1]], axis=1), RATE_HZ)
    soundfile.write(data / "01" / "5_01_3.wav", NOISE[::-1], 2 * RATE_HZ, format="FLAC")
    done = run(tmp_path / "odd", tmp_path / "out", "--models", "majority")
    assert done.returncode == 0, done.stderr
    notes = json.loads((tmp_path / "out" / "odd" / "manifest.json").read_text())["corpus"]["notes"]
    for note in (
        "The corpus mixes sampling rates: 1 of 16000 Hz were resampled to 8000 Hz.",
        "1 recordings with more than one channel were mixed down to one.",
        "1 recordings are WAV or FLAC, but their names do not say which; they were used.",
        "1 of 76 recordings were used though clipped: three or more samples stand at full scale.",
        "1 of 76 recordings were used though not centred: their mean is more than 1 % of full scale from zero.",
    ):
        assert note in notes, note


def test_recordings_outside_a_manifests_folder_need_a_word(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "outside.wav", NOISE, RATE_HZ)
    (tmp_path / "in").mkdir()
    manifest = tmp_path / "in" / "manifest.csv"
    manifest.write_text("path;speaker\n../outside.wav;x\n")
    arguments = ["corpus", "describe", f"manifest:{manifest}", "--cache", str(tmp_path)]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 2
    assert "lies outside the manifest's folder; move it there, or pass --allow-outside" in refused.output
    described = CliRunner().invoke(app, [*arguments, "--allow-outside"])
    assert described.exit_code == 0, described.output
    assert "1 recordings of 1 speakers" in described.output
