"""What is wrong with audio files in the wild: each fault is told in one line with its remedy, or used and said."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from features.audio import SPARE_S, AudioError, level_of, probe, read_samples, resample
from features.mfcc import MfccConfig, extract

RATE_HZ = 48_000
NOISE = np.random.default_rng(5).integers(-9_000, 9_000, 20_000).astype(np.int16)


def wav(
    path: Path, samples: np.ndarray = NOISE, subtype: str = "PCM_16", form: str = "WAV", rate: int = RATE_HZ
) -> Path:
    soundfile.write(path, samples, rate, subtype=subtype, format=form)
    return path


def with_field(path: Path, place: int, form: str, value: int) -> Path:
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, place, value)
    path.write_bytes(content)
    return path


def told(path: Path, *, by_its_header: bool) -> str:
    """The one line that says why a file is refused; a header's fault must be told before samples are read."""
    if by_its_header:
        with pytest.raises(AudioError):
            probe(path)
    with pytest.raises(AudioError) as caught:
        read_samples(path)
    assert "\n" not in str(caught.value) and str(path.parent) not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kept", [0, 3, 11, 12, 19, 35, 43, 44])
def test_a_truncated_header(tmp_path: Path, kept: int) -> None:
    path = wav(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes()[:kept])
    assert any(remedy in told(path, by_its_header=True) for remedy in ("leave it out", "convert it"))


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_truncated_data_is_told_by_the_header_alone(tmp_path: Path, form: str, subtype: str) -> None:
    path = wav(tmp_path / "a.wav", NOISE, subtype, form)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1_000])
    assert told(path, by_its_header=True).startswith(
        f"cut short: {len(NOISE) * (int(subtype[-2:]) // 8 if subtype != 'FLOAT' else 4) - 1_000} of "
    )


def test_a_wav_of_the_other_byte_order(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", NOISE, RATE_HZ, endian="BIG")
    assert (tmp_path / "a.wav").read_bytes()[:4] == b"RIFX"
    np.testing.assert_array_equal(read_samples(tmp_path / "a.wav").samples, NOISE)
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:-100])
    assert told(tmp_path / "a.wav", by_its_header=True).startswith("cut short: 39900 of 40000 bytes")


def test_wrong_length_fields(tmp_path: Path) -> None:
    # too large, too small, and too small in both fields
    path = with_field(wav(tmp_path / "large.wav"), 40, "<I", 50_000)
    assert told(path, by_its_header=True).startswith("cut short: 40000 of 50000 bytes of samples are there")
    path = with_field(wav(tmp_path / "small.wav"), 40, "<I", 1_000)
    message = told(path, by_its_header=True)
    assert message.startswith("wrong length field: 1000 bytes of samples by its header, and 39000 more")
    assert told(with_field(path, 4, "<I", 1_036), by_its_header=True) == message


def test_a_wrong_length_of_the_whole_and_chunks_behind_the_samples_lose_nothing(tmp_path: Path) -> None:
    path = with_field(wav(tmp_path / "a.wav"), 4, "<I", 12)
    np.testing.assert_array_equal(read_samples(path).samples, NOISE)
    path = wav(tmp_path / "b.wav")
    more = b"LIST" + struct.pack("<I", 4_000) + bytes(4_000) + b"TAG" + bytes(125)
    path.write_bytes(path.read_bytes() + more)
    np.testing.assert_array_equal(read_samples(path).samples, NOISE)


@pytest.mark.parametrize(
    ("place", "form", "value", "said"),
    [
        (24, "<I", 24_000, "24000 Hz of 2 bytes are 48000 bytes a second, it says 96000"),
        (28, "<I", 5, "48000 Hz of 2 bytes are 96000 bytes a second, it says 5"),
        (22, "<H", 2, "2 channels of 16 bits are 4 bytes, it says 2"),
        (34, "<H", 8, "1 channels of 8 bits are 1 bytes, it says 2"),
    ],
)
def test_a_header_that_contradicts_itself(tmp_path: Path, place: int, form: str, value: int, said: str) -> None:
    path = with_field(wav(tmp_path / "a.wav"), place, form, value)
    assert said in told(path, by_its_header=True)


@pytest.mark.parametrize("rate", [3, 999, 2_000_000])
def test_sampling_rates_that_no_recording_has(tmp_path: Path, rate: int) -> None:
    assert told(wav(tmp_path / "a.wav", rate=rate), by_its_header=True).startswith(
        f"{rate} Hz: a sampling rate of 1000"
    )


def test_zero_samples(tmp_path: Path) -> None:
    for form in ("WAV", "WAVEX", "RF64"):
        path = wav(tmp_path / f"a.{form}", NOISE[:0], "PCM_16", form)
        assert told(path, by_its_header=True) == "empty: it has no samples; leave it out"


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_a_recording_without_sound(tmp_path: Path, subtype: str) -> None:
    path = wav(tmp_path / "a.wav", np.zeros(480, np.int16), subtype)
    assert told(path, by_its_header=False) == "no sound in it: its 480 samples are all 0; leave it out"
    path = wav(tmp_path / "b.wav", np.full(480, 256, np.int16) if subtype != "FLOAT" else np.full(480, 2**-7), subtype)
    assert "samples are all" in told(path, by_its_header=False)


def test_sound_after_what_is_kept_is_no_sound(tmp_path: Path) -> None:
    late = np.concatenate([np.zeros(RATE_HZ, np.int16), NOISE])
    path = wav(tmp_path / "a.wav", late)
    np.testing.assert_array_equal(read_samples(path).samples, late)
    with pytest.raises(AudioError, match="no sound in it: its 24000 samples are all 0"):
        read_samples(path, most_s=0.5)


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize(
    ("value", "said"),
    [(np.nan, "NaN or infinite"), (np.inf, "NaN or infinite"), (-np.inf, "NaN or infinite"), (1e30, "reach 1e+30")],
)
@pytest.mark.parametrize("place", [0, 19_999])
def test_samples_that_are_no_numbers(tmp_path: Path, subtype: str, value: float, said: str, place: int) -> None:
    samples = (NOISE / 32_768).astype(np.float64)
    samples[place] = value
    path = wav(tmp_path / "a.wav", samples, subtype)
    assert said in told(path, by_its_header=False)
    stereo = wav(tmp_path / "b.wav", np.stack([samples, samples], axis=1), subtype)
    with pytest.raises(AudioError, match=said.replace("+", r"\+")):
        read_samples(stereo, most_s=0.1)  # also beyond what is kept


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("n_channels", [2, 6])
def test_many_channels_are_averaged_on_one_scale(tmp_path: Path, subtype: str, n_channels: int) -> None:
    one = (NOISE // 256 * 256).astype(np.int16)  # 8 bits hold it
    weights = np.arange(1, n_channels + 1) / n_channels
    channels = (one[:, None] * weights / 256).round().astype(np.int16) * 256
    written = channels / 32_768 if subtype in ("FLOAT", "DOUBLE") else channels
    audio = read_samples(wav(tmp_path / "a.wav", written, subtype, "WAVEX"))
    assert audio.n_channels == probe(tmp_path / "a.wav").n_channels == n_channels
    np.testing.assert_allclose(audio.samples, channels.mean(axis=1), rtol=0, atol=1e-2)


def test_too_many_channels(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", np.ones((10, 65), np.int16))
    assert told(path, by_its_header=True) == "65 channels: at most 64 were expected; mix it down"


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_one_millisecond(tmp_path: Path, rate: int) -> None:
    path = wav(tmp_path / "a.wav", NOISE[: rate // 1_000], rate=rate)
    assert probe(path).n_samples == rate // 1_000
    samples = resample(read_samples(path).samples, rate, RATE_HZ)
    assert abs(len(samples) - 48) <= 1
    assert np.isfinite(extract(samples, MfccConfig())).all()


@pytest.mark.parametrize(("subtype", "form"), [("PCM_16", "WAV"), ("PCM_24", "WAV"), ("PCM_16", "FLAC")])
def test_ten_minutes_take_the_memory_of_the_clip(tmp_path: Path, subtype: str, form: str) -> None:
    long = np.tile(NOISE, 600 * RATE_HZ // len(NOISE))
    path = wav(tmp_path / "long", long, subtype, form)
    whole = read_samples(path).samples[: RATE_HZ + RATE_HZ // 10]
    tracemalloc.start()
    kept = read_samples(path, most_s=1 + SPARE_S).samples
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(kept[: len(whole)], whole)
    assert len(kept) <= len(whole) + 1
    assert peak_bytes < 16e6 < long.nbytes / 3


@pytest.mark.parametrize(("subtype", "form"), [("PCM_16", "WAV"), ("PCM_24", "WAV"), ("PCM_16", "FLAC")])
def test_damage_behind_the_clip_is_told(tmp_path: Path, subtype: str, form: str) -> None:
    path = wav(tmp_path / "long", np.tile(NOISE, 20), subtype, form)
    path.write_bytes(path.read_bytes()[:-5_000])
    with pytest.raises(AudioError, match=r"cut short|damaged"):
        read_samples(path, most_s=1)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 96_000])
@pytest.mark.parametrize("recipe", ["psf", "seed"])
def test_the_beginning_of_a_recording_has_the_coefficients_of_the_whole(tmp_path: Path, rate: int, recipe: str) -> None:
    path = wav(tmp_path / "a.wav", np.tile(NOISE, 20), rate=rate)
    config = MfccConfig(recipe=recipe)
    whole, kept = (
        resample(read_samples(path, most_s=most_s).samples, rate, RATE_HZ) for most_s in (None, config.clip_s + SPARE_S)
    )
    assert len(whole) > len(kept) > config.clip_samples
    np.testing.assert_allclose(extract(kept, config), extract(whole, config), rtol=0, atol=1e-3)


def test_a_flac_named_wav_is_read_and_text_is_not(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", form="FLAC")
    np.testing.assert_array_equal(read_samples(path).samples, NOISE)
    assert probe(path).container == "FLAC" and probe(wav(tmp_path / "a.flac")).container == "WAV"
    (tmp_path / "b.wav").write_text("path,speaker\n" * 100)
    assert told(tmp_path / "b.wav", by_its_header=True).endswith("not those of WAV or FLAC; convert it to one")


@pytest.mark.parametrize("form", ["AIFF", "W64", "AU", "OGG", "MP3", "CAF"])
def test_formats_whose_cuts_go_unsaid_are_refused(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, NOISE, RATE_HZ, format=form)
    assert told(path, by_its_header=True).endswith("not those of WAV or FLAC; convert it to one")


def test_rf64_is_read(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", form="RF64")
    assert path.read_bytes()[:4] == b"RF64"
    np.testing.assert_array_equal(read_samples(path).samples, NOISE)


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nowhere.wav")
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    os.mkfifo(tmp_path / "pipe.wav")  # opening it for reading would wait for a writer
    for name, said in [
        ("folder.wav", "a folder, not a file"),
        ("dangling.wav", "No such file or directory"),
        ("loop.wav", "Too many levels of symbolic links"),
        ("pipe.wav", "a named pipe or device, not a file"),
        ("nul\0.wav", "no possible file name"),
    ]:
        message = told(tmp_path / name, by_its_header=True)
        assert message.startswith(f"cannot be opened: {said}") and message.endswith("or leave it out")
    assert "a named pipe or device" in told(Path("/dev/zero"), by_its_header=True)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav")
    path.chmod(0)
    script = (
        "import os, sys; from pathlib import Path; from features.audio import AudioError, probe\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"  # permissions do not bind root
        "try: probe(Path(sys.argv[1]))\n"
        "except AudioError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "cannot be opened: Permission denied; put a readable file there, or leave it out\n"


def test_a_name_in_another_encoding_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"M\xfcller.wav")
    wav(tmp_path / "a.wav").rename(path)
    np.testing.assert_array_equal(read_samples(path).samples, NOISE)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_U8", "PCM_24", "FLOAT"])
def test_clipping_and_an_offset_are_seen_and_leave_finite_coefficients(tmp_path: Path, subtype: str) -> None:
    expected = {
        "plain": (NOISE, (False, False)),
        "one-peak": (np.concatenate([NOISE, [32_767]]), (False, False)),  # full scale once is no clipping
        "clipped": (4 * NOISE.astype(int), (True, False)),
        "clipped-below": (4 * NOISE.astype(int) - 12_000, (True, True)),
        "off-centre": (NOISE + 700, (False, True)),
        "nearly-centred": (NOISE + 100, (False, False)),
    }
    for name, (samples, level) in expected.items():
        whole = np.clip(samples, -32_768, 32_767).astype(np.int16)
        audio = read_samples(wav(tmp_path / f"{name}.wav", whole / 32_768 if subtype == "FLOAT" else whole, subtype))
        assert level_of(audio.samples) == level, name
        assert np.isfinite(extract(audio.samples, MfccConfig())).all()


def test_a_stream_is_refused_like_a_file(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no audio that can be read"):
        read_samples(io.BytesIO(b"RIFF"))
    content = wav(tmp_path / "a.wav").read_bytes()
    with pytest.raises(AudioError, match="cut short: 39000 of 40000 bytes"):
        read_samples(io.BytesIO(content[:-1_000]))
