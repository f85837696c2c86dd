"""The process that extracts for `predict`: MFCCs as anywhere, one line for what cannot be heard, no process left."""

from multiprocessing import active_children

import numpy as np
import psutil
import pytest
import soundfile

from benchmarks.hearing import hearing
from features.audio import read_samples
from features.mfcc import MfccConfig, extract, sounding_frames


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.random.default_rng(0).standard_normal(30_000) / 10, 48_000)
    return path


@pytest.mark.parametrize("recipe", ["psf", "seed"])
def test_what_is_heard_is_what_is_extracted(wav, recipe):
    config = MfccConfig(recipe=recipe)
    with hearing([str(wav), wav.read_bytes()], config) as recordings:
        by_path, by_content = recordings
    expected = extract(read_samples(wav).samples, config)
    for heard in (by_path, by_content):
        np.testing.assert_array_equal(heard.mfcc, expected)
        assert (heard.first_frame, heard.n_sounding) == sounding_frames(30_000, config)
        assert heard.seconds > 0


def test_what_cannot_be_heard_is_told_and_the_next_is_heard(wav, tmp_path):
    with hearing([str(tmp_path / "gone.wav"), b"RIFF", str(wav)], MfccConfig()) as recordings:
        gone, cut, heard = recordings
    assert gone.startswith("cannot be opened: No such file")
    assert cut.startswith("no audio that can be read")
    assert heard.mfcc.any()


def test_a_process_that_ends_is_told_for_every_recording(wav):
    with hearing([str(wav)] * 3, MfccConfig()) as recordings:
        (process,) = active_children()
        process.kill()
        process.join()
        assert [line.startswith("not extracted: ") for line in recordings] == [True] * 3


def test_the_process_ends_with_the_block_whatever_is_left_to_hear(wav):
    with pytest.raises(ZeroDivisionError), hearing([str(wav)] * 10_000, MfccConfig()):
        (process,) = active_children()
        number = process.pid
        raise ZeroDivisionError
    assert not psutil.pid_exists(number)
