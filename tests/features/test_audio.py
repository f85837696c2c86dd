"""Reading audio: every encoding on one scale, and one clear line for what cannot be read."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from features.audio import AudioError, probe, read_samples, resample

SAMPLES = np.array([0, 1, -1, 256, -256, 12_800, -12_800, 32_767, -32_768], dtype=np.int16)


def write(path: Path, samples: np.ndarray, subtype: str, sample_rate_hz: int = 48_000) -> Path:
    soundfile.write(path, samples, sample_rate_hz, subtype=subtype)
    return path


@pytest.mark.parametrize(
    ("ending", "subtype", "step"),
    [
        ("wav", "PCM_16", 0),
        ("flac", "PCM_16", 0),
        ("wav", "PCM_24", 0),
        ("flac", "PCM_24", 0),
        ("wav", "PCM_32", 0),
        ("wav", "FLOAT", 0),
        ("wav", "DOUBLE", 0),
        ("wav", "PCM_U8", 256),
        ("flac", "PCM_S8", 256),
    ],
)
def test_every_encoding_is_on_the_int16_scale(tmp_path: Path, ending: str, subtype: str, step: int) -> None:
    full_scale_is_one = subtype in ("FLOAT", "DOUBLE")
    written = SAMPLES / 32_768 if full_scale_is_one else SAMPLES
    audio = read_samples(write(tmp_path / f"a.{ending}", written, subtype))
    assert audio.samples.dtype == ("int16" if subtype == "PCM_16" else "float32")
    assert (audio.sample_rate_hz, audio.n_channels) == (48_000, 1)
    np.testing.assert_allclose(audio.samples, SAMPLES, rtol=0, atol=step)


def test_float_beyond_full_scale_is_kept(tmp_path: Path) -> None:
    audio = read_samples(write(tmp_path / "a.wav", np.array([0.5, -2.0], dtype=np.float32), "FLOAT"))
    assert audio.samples.tolist() == [16_384, -65_536]


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_channels_are_averaged(tmp_path: Path, subtype: str) -> None:
    stereo = np.array([[100, 200], [3, 4], [32_767, 32_767]], dtype=np.int16)
    audio = read_samples(write(tmp_path / "a.wav", stereo, subtype))
    assert audio.n_channels == 2
    np.testing.assert_allclose(audio.samples, [150, 3.5, 32_767], rtol=0, atol=1e-3)


def test_a_stream_and_its_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", SAMPLES, "PCM_16", 8_000)
    header = probe(path)
    assert (header.sample_rate_hz, header.n_samples, header.n_channels) == (8_000, 9, 1)
    np.testing.assert_array_equal(read_samples(io.BytesIO(path.read_bytes())).samples, SAMPLES)


def test_real_recordings(shared_data: Path) -> None:
    for pattern, sample_rate_hz in (("audiomnist/data/*/0_*_42.wav", 48_000), ("fsdd/recordings/0_*_3.flac", 8_000)):
        paths = sorted(shared_data.glob(pattern))
        assert paths
        for path in paths:
            audio = read_samples(path)
            expected, _ = soundfile.read(path, dtype="int16")
            np.testing.assert_array_equal(audio.samples, expected)
            assert audio.sample_rate_hz == probe(path).sample_rate_hz == sample_rate_hz
            assert probe(path).n_samples == len(expected)


def refused(path: Path, message: str) -> None:
    with pytest.raises(AudioError, match=message) as caught:
        read_samples(path)
    assert "\n" not in str(caught.value)
    assert str(path.parent) not in str(caught.value)


def test_what_is_no_audio(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("this is no audio")
    (tmp_path / "nothing.wav").touch()
    (tmp_path / "folder.wav").mkdir()
    for name, message in [
        ("text.wav", "no audio"),
        ("nothing.wav", "no audio"),
        ("folder.wav", "cannot be opened"),
        ("missing.wav", "cannot be opened: No such file"),
    ]:
        refused(tmp_path / name, message)
        with pytest.raises(AudioError, match=message):
            probe(tmp_path / name)


def test_no_samples_and_no_numbers(tmp_path: Path) -> None:
    refused(write(tmp_path / "empty.wav", SAMPLES[:0], "PCM_16"), "empty")
    refused(write(tmp_path / "nan.wav", np.array([0, np.nan, 1], dtype=np.float32), "FLOAT"), "NaN")


@pytest.mark.parametrize(("ending", "subtype"), [("wav", "PCM_16"), ("wav", "FLOAT"), ("flac", "PCM_16")])
def test_cut_short(tmp_path: Path, ending: str, subtype: str) -> None:
    noise = np.random.default_rng(1).integers(-9_000, 9_000, 20_000).astype(np.int16)
    path = write(tmp_path / f"a.{ending}", noise, subtype)
    path.write_bytes(path.read_bytes()[:-7_000])
    refused(path, "cut short|damaged")


def test_a_wav_written_to_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / "a.wav", SAMPLES, "PCM_16").read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = struct.pack("<I", 0xFFFFFFFF)
    (tmp_path / "b.wav").write_bytes(content)
    np.testing.assert_array_equal(read_samples(tmp_path / "b.wav").samples, SAMPLES)


HEADER = struct.Struct("<4sI8sIHHIIHH4sI")


def told(source: Path | io.BytesIO) -> tuple[object, ...]:
    """What reading gives: the samples and the rate, or the complaint."""
    try:
        audio = read_samples(source)
    except AudioError as error:
        return ("refused", str(error))
    return (audio.samples.dtype.name, audio.samples.tolist(), audio.sample_rate_hz, audio.n_channels)


@given(
    field=st.integers(0, 11),
    value=st.integers(0, 2**32 - 1) | st.integers(0, 64) | st.sampled_from([44_100, 96_000, 0xFFFE, 0xFFFFFFFF]),
    n_lost=st.integers(0, 50),
    more=st.sampled_from([b"", b"x", b"LIST\x04\0\0\0abcd"]),
)
@example(field=0, value=0, n_lost=0, more=b"")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_plain_wavs_and_nearly_plain_ones_are_read_as_libsndfile_reads_them(
    tmp_path: Path, field: int, value: int, n_lost: int, more: bytes
) -> None:
    # a path may be read without libsndfile, a stream never is
    whole = write(tmp_path / "whole.wav", SAMPLES, "PCM_16").read_bytes()
    fields = list(HEADER.unpack(whole[:44]))
    if isinstance(fields[field], int):
        fields[field] = value % 2 ** (16 if field in (4, 5, 8, 9) else 32)
    changed = (HEADER.pack(*fields) + whole[44:] + more)[: len(whole) + len(more) - n_lost]
    for content in (whole, changed):
        path = tmp_path / "a.wav"
        path.write_bytes(content)
        assert told(path) == told(io.BytesIO(content))


def test_a_plain_wav_needs_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.wav", SAMPLES, "PCM_16")
    monkeypatch.setattr(soundfile, "SoundFile", None)
    assert told(path) == ("int16", SAMPLES.tolist(), 48_000, 1)
    assert (probe(path).sample_rate_hz, probe(path).n_samples, probe(path).n_channels) == (48_000, 9, 1)


def test_resampling_keeps_a_tone_and_its_level() -> None:
    tone = 10_000 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    up = resample(tone.astype(np.int16), 16_000, 48_000)
    assert up.dtype == np.float32
    assert len(up) == 48_000
    expected = 10_000 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    np.testing.assert_allclose(up[3_000:-3_000], expected[3_000:-3_000], rtol=0, atol=20)


def test_resampling_to_the_same_rate_changes_nothing() -> None:
    assert resample(SAMPLES, 8_000, 8_000) is SAMPLES
