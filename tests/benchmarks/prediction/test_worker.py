"""The process that extracts for `predict`: MFCCs as anywhere, one line for what cannot be heard, no process left."""

import io
import os
import struct
from multiprocessing import Pipe, active_children
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from benchmarks.prediction import worker as hearing_module
from benchmarks.prediction.worker import hearing
from features.audio import read_samples
from features.mfcc import MfccConfig, extract, sounding_frames


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.random.default_rng(0).standard_normal(30_000) / 10, 48_000)
    return path


@pytest.mark.parametrize("recipe", ["psf", "seed"])
def test_what_is_heard_is_what_is_extracted(wav, recipe, monkeypatch):
    config = MfccConfig(recipe=recipe)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(wav.read_bytes())))
    with hearing([str(wav), "-"], config) as recordings:
        by_path, by_content = recordings
    expected = extract(read_samples(wav).samples, config)
    for heard in (by_path, by_content):
        np.testing.assert_array_equal(heard.mfcc, expected)
        assert (heard.first_frame, heard.n_sounding) == sounding_frames(30_000, config)
        assert heard.seconds > 0


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file of Linux that fails when it is read")
def test_what_cannot_be_heard_is_told_and_the_next_is_heard(wav, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"RIFF")))
    with hearing([str(tmp_path / "gone.wav"), "-", "/proc/self/mem", str(wav)], MfccConfig()) as recordings:
        gone, cut, failing, heard = recordings
    assert gone.startswith("cannot be opened: No such file")
    assert cut.startswith("no audio that can be read")
    assert isinstance(failing, str) and failing
    assert heard.mfcc.any()
    assert capfd.readouterr().err == ""


def test_a_process_that_ends_is_told_for_every_recording(wav):
    with hearing(["-"] * 3, MfccConfig()) as recordings:  # it waits to be given the first
        (process,) = active_children()
        process.kill()
        process.join()
        assert [line.startswith("not extracted: ") for line in recordings] == [True] * 3


def test_a_process_that_ends_within_a_message_is_told():
    own, other = Pipe()
    other.send("heard")
    os.write(other.fileno(), struct.pack("!i", 1_000) + b"a beginning")
    other.close()
    assert hearing_module._received(own) == "heard"
    assert hearing_module._received(own).startswith("not extracted: ")


def test_the_process_ends_with_the_block_whatever_is_left_to_hear(wav):
    with pytest.raises(ZeroDivisionError), hearing([str(wav)] * 10_000, MfccConfig()):
        (process,) = active_children()
        number = process.pid
        raise ZeroDivisionError
    assert not psutil.pid_exists(number)


def test_no_module_of_the_working_directory_is_run(wav, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    for name in ("socket", "pickle", "soundfile"):
        (tmp_path / "here" / f"{name}.py").write_text("raise SystemExit('planted')")
    monkeypatch.chdir(tmp_path / "here")
    with hearing([str(wav)], MfccConfig()) as recordings:
        (heard,) = recordings
    assert not isinstance(heard, str)
