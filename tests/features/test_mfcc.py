"""MFCCs against the two libraries whose conventions they follow, and by hand where that is possible."""

from __future__ import annotations

import json
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import python_speech_features
import scipy.fft
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from features.extraction.recipes import WINDOWS, mel_matrix
from features.mfcc import MfccConfig, NarrowFilterWarning, extract, extract_batch, sounding_frames

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import librosa.feature
    import librosa.filters

ODD_LENGTHS = (1, 2, 3, 479, 480, 1199, 1200, 1201, *range(47_759, 47_762), *range(47_997, 48_002), 60_000)
TOLERANCE = {("psf", "float32"): 1e-5, ("psf", "float64"): 1e-10, ("seed", "float32"): 7e-5, ("seed", "float64"): 6e-6}
"""librosa's own mel filters are float32, which is what limits the last one."""


def padded(samples: np.ndarray, config: MfccConfig, zeros_in_front: int | None = None) -> np.ndarray:
    clip = np.zeros(config.clip_samples)
    cut = samples[: config.clip_samples]
    front = (config.clip_samples - len(cut)) // 2 if zeros_in_front is None else zeros_in_front
    clip[front : front + len(cut)] = cut
    return clip


def by_python_speech_features(clip: np.ndarray, config: MfccConfig) -> np.ndarray:
    return python_speech_features.mfcc(
        clip,
        config.sample_rate_hz,
        winlen=0.025,
        winstep=0.01,
        numcep=12,
        nfilt=40,
        nfft=config.n_fft,
        ceplifter=22,
        winfunc=np.hamming,
    )


def by_librosa(clip: np.ndarray, config: MfccConfig) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return librosa.feature.mfcc(
            y=np.append(clip[0], clip[1:] - 0.97 * clip[:-1]),
            sr=config.sample_rate_hz,
            n_mfcc=12,
            dct_type=2,
            norm="ortho",
            lifter=22,
            n_fft=config.window_samples,
            hop_length=config.hop_samples,
            power=2,
            center=False,
            window="hann",
            n_mels=40,
        ).T


ORACLES: dict[str, Callable[[np.ndarray, MfccConfig], np.ndarray]] = {
    "psf": by_python_speech_features,
    "seed": by_librosa,
}


def quiet_config(**fields: Any) -> MfccConfig:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NarrowFilterWarning)
        return MfccConfig(**fields)


def assert_oracle_agrees(recordings: list[np.ndarray], recipe: str, sample_rate_hz: int) -> None:
    config = quiet_config(recipe=recipe, sample_rate_hz=sample_rate_hz)
    expected = np.stack([ORACLES[recipe](padded(samples, config), config) for samples in recordings])
    for dtype in ("float32", "float64"):
        found = extract_batch(recordings, quiet_config(recipe=recipe, sample_rate_hz=sample_rate_hz, dtype=dtype))
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[recipe, dtype])


@pytest.fixture(scope="module")
def audiomnist(shared_data: Path) -> list[np.ndarray]:
    paths = sorted((shared_data / "audiomnist" / "data").glob("*/*.wav"))
    assert len(paths) == 469
    return [soundfile.read(path, dtype="int16")[0] for path in paths]


@pytest.mark.parametrize("recipe", ORACLES)
def test_every_real_recording_at_48_khz(audiomnist: list[np.ndarray], recipe: str) -> None:
    assert_oracle_agrees(audiomnist, recipe, 48_000)


@pytest.mark.parametrize("recipe", ORACLES)
@pytest.mark.parametrize(("folder", "sample_rate_hz", "step"), [("audiomnist_az", 16_000, 50), ("fsdd", 8_000, 50)])
def test_real_recordings_at_lower_rates(
    shared_data: Path, recipe: str, folder: str, sample_rate_hz: int, step: int
) -> None:
    paths = sorted((shared_data / folder).rglob("*.flac"))[::step]
    assert len(paths) >= 60
    assert_oracle_agrees([soundfile.read(path, dtype="int16")[0] for path in paths], recipe, sample_rate_hz)


@pytest.mark.parametrize("recipe", ORACLES)
def test_a_length_of_the_transform_that_scipy_takes(audiomnist: list[np.ndarray], recipe: str) -> None:
    # a window of 1,103 samples, which are the transform's length with seed
    assert_oracle_agrees(audiomnist[::20], recipe, 44_100)


def by_numpy(samples: np.ndarray, config: MfccConfig) -> np.ndarray:
    """Return the MFCCs of a clip, step by step as `MfccConfig` tells them."""
    clip = np.zeros(max(config.framed_samples, samples.size))
    clip[: samples.size] = samples
    clip[1:] -= config.pre_emphasis * clip[:-1]
    starts = config.hop_samples * np.arange(config.n_frames)
    frames = np.stack([clip[start : start + config.window_samples] for start in starts])
    squares = np.abs(np.fft.rfft(frames * WINDOWS[config.window_function](config.window_samples), config.n_fft)) ** 2
    squares *= 1 / config.n_fft if config.power_scale == "1/n_fft" else 1
    powers = squares @ mel_matrix(config.mel_filters, config.n_mels, config.n_fft, config.sample_rate_hz).T
    energy = squares.sum(axis=1)
    zeros_only = config.floor == "zero-to-epsilon"
    least = np.finfo(float).eps if zeros_only else 1e-10
    powers, energy = (np.where(part == 0 if zeros_only else part < least, least, part) for part in (powers, energy))
    if config.range_db:
        powers = np.maximum(powers, powers.max() * 10 ** (-config.range_db / 10))
    unit = 1 if config.log == "natural" else 10 / np.log(10)
    mfcc = scipy.fft.dct(unit * np.log(powers), norm="ortho")[:, : config.n_coefficients]
    if config.lifter:
        n = np.arange(config.n_coefficients) + config.lifter_start
        mfcc *= 1 + config.lifter / 2 * np.sin(np.pi * n / config.lifter)
    if config.energy_first:
        mfcc[:, 0] = unit * np.log(energy)
    return mfcc


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"recipe": "seed"},
        {"energy_first": True, "range_db": 60.0, "floor": "at-least-1e-10"},
        {"recipe": "seed", "energy_first": True},
        {"hop_s": 0.04},
        {"hop_s": 0.04, "recipe": "seed", "clip_s": 0.3},
        {"hop_s": 0.00025, "clip_s": 0.06},
        {"window_s": 0.0257, "hop_s": 0.0101},
        {"window_s": 0.0257, "recipe": "seed"},
        {"clip_s": 0.025},
        {"lifter": 0, "pre_emphasis": 0.0, "log": "decibel", "power_scale": "1"},
    ],
)
def test_other_conventions_are_those_of_numpy(fields: dict[str, Any]) -> None:
    config = quiet_config(sample_rate_hz=16_000, n_mels=26, dtype="float64", **fields)
    random = np.random.default_rng(2)
    samples = (random.normal(0, 3_000, 6_000) * np.linspace(0, 1, 6_000)).astype(np.int16)
    clip = padded(samples, config)
    np.testing.assert_allclose(extract(samples, config), by_numpy(clip, config), rtol=0, atol=1e-6)


def test_memory_does_not_follow_a_distance_of_frames_that_no_clip_has() -> None:
    config = quiet_config(sample_rate_hz=10_000_000, window_s=0.006, hop_s=600.0, clip_s=0.01)
    tracemalloc.start()
    try:
        assert extract(np.arange(-5_000, 5_000), config).shape == (1, 12)
        assert tracemalloc.get_traced_memory()[1] < 300e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("recipe", ORACLES)
def test_odd_lengths_of_real_sound(audiomnist: list[np.ndarray], recipe: str) -> None:
    sound = np.concatenate(audiomnist[:4])[5_000:]
    assert_oracle_agrees([sound[:n_samples] for n_samples in ODD_LENGTHS], recipe, 48_000)


def synthetic() -> dict[str, np.ndarray]:
    random = np.random.default_rng(5)
    impulse = np.zeros(20_000, dtype=np.int16)
    impulse[777] = 1_000
    return {
        "silence": np.zeros(20_000, dtype=np.int16),
        "impulse": impulse,
        "clipping": np.where(np.sin(np.arange(30_000) * 0.05) > 0, 32_767, -32_768).astype(np.int16),
        "offset": np.full(30_000, 12_000, dtype=np.int16),
        "noise": random.normal(0, 3_000, 48_500).astype(np.int16),
        "whisper": random.integers(-1, 2, 25_000).astype(np.int16),
        "silence inside": np.concatenate([np.full(5_000, 100), np.zeros(9_000), np.full(5_000, -100)]).astype(np.int16),
    }


@pytest.mark.parametrize("recipe", ORACLES)
@pytest.mark.parametrize("name", synthetic())
def test_synthetic_signals(name: str, recipe: str) -> None:
    assert_oracle_agrees([synthetic()[name]], recipe, 48_000)


@pytest.mark.parametrize("recipe", ORACLES)
@settings(max_examples=25, deadline=None)
@given(n_samples=st.integers(1, 50_000), share=st.floats(0, 1), seed=st.integers(0, 99))
def test_any_length_at_any_place(recipe: str, n_samples: int, share: float, seed: int) -> None:
    config = MfccConfig(recipe=recipe)
    samples = np.random.default_rng(seed).integers(-32_768, 32_768, n_samples).astype(np.int16)
    zeros_in_front = int(share * max(0, config.clip_samples - n_samples))
    expected = ORACLES[recipe](padded(samples, config, zeros_in_front), config)
    found = extract(samples, config, zeros_in_front)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[recipe, "float32"])


@pytest.mark.parametrize("kind", ["slaney", "htk-bins"])
def test_filters_equal_the_libraries(kind: str) -> None:
    from features.extraction.recipes import mel_matrix

    found = mel_matrix(kind, 40, 1_200, 48_000)
    if kind == "slaney":
        expected = librosa.filters.mel(sr=48_000, n_fft=1_200, n_mels=40, dtype=np.float64)
    else:
        expected = python_speech_features.get_filterbanks(40, 1_200, 48_000)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
    assert not found.flags.writeable


def test_shapes_follow_from_seconds() -> None:
    psf, seed = MfccConfig(), MfccConfig(recipe="seed")
    assert (psf.clip_samples, psf.n_frames, psf.n_fft, psf.window_samples, psf.hop_samples) == (
        47_760,
        98,
        2_048,
        1_200,
        480,
    )
    assert (seed.clip_samples, seed.n_frames, seed.n_fft) == (47_998, 98, 1_200)
    at_8_khz = quiet_config(recipe="seed", sample_rate_hz=8_000)
    assert (at_8_khz.clip_samples, at_8_khz.n_frames, at_8_khz.n_fft) == (8_000, 98, 200)
    # 0.025 s are 1,102.5 samples at 44.1 kHz: half a sample is rounded up
    assert MfccConfig(sample_rate_hz=44_100).window_samples == 1_103
    assert MfccConfig(clip_s=2.0).n_frames == 1 + (96_000 - 1_200) // 480
    assert extract(np.ones(5), MfccConfig(clip_s=2.0)).shape == (198, 12)


def test_silence_by_hand() -> None:
    # all filters give the floor, so that the DCT leaves its constant alone: the level times the root of 40
    eps = np.log(np.finfo(float).eps)
    row = extract(np.zeros(100), MfccConfig(dtype="float64"))[50]
    np.testing.assert_allclose(row, [eps] + [0] * 11, rtol=0, atol=1e-12)
    row = extract(np.zeros(100), MfccConfig(recipe="seed", dtype="float64"))[50]
    first = -100 * np.sqrt(40) * (1 + 11 * np.sin(np.pi / 22))
    np.testing.assert_allclose(row, [first] + [0] * 11, rtol=0, atol=1e-10)


def test_coefficient_0_of_an_impulse_by_hand() -> None:
    # one sample alone has the same power in each of the 1,025 bins
    config = MfccConfig(dtype="float64", pre_emphasis=0.0)
    window = np.hamming(1_200)[600]
    energy = 1_025 * (1_000 * window) ** 2 / 2_048
    found = extract([1_000], config, 480 * 10 + 600)[10, 0]
    assert found == pytest.approx(np.log(energy), rel=1e-12)


def test_sounding_frames_by_hand() -> None:
    config = MfccConfig()
    # one sample and the one that pre-emphasis adds
    assert sounding_frames(1, config, 0) == (0, 1)
    assert sounding_frames(1, config, 479) == (0, 2)
    assert sounding_frames(1, config, 1_199) == (0, 3)
    assert sounding_frames(1, config, 1_200) == (1, 2)
    assert sounding_frames(47_760, config) == (0, 98)
    assert sounding_frames(99_999, config) == (0, 98)
    # the last 238 samples of the starting design's clip fall in no frame
    assert sounding_frames(100, MfccConfig(recipe="seed"), 47_800)[1] == 0


@settings(max_examples=100, deadline=None)
@given(n_samples=st.integers(1, 3_000), share=st.floats(0, 1))
def test_frames_outside_sounding_frames_are_silence(n_samples: int, share: float) -> None:
    config = MfccConfig()
    zeros_in_front = int(share * (config.clip_samples - n_samples))
    mfcc = extract(np.full(n_samples, 1_000), config, zeros_in_front)
    first, number = sounding_frames(n_samples, config, zeros_in_front)
    silent = extract([0], config)[0]
    differs = np.flatnonzero((mfcc != silent).any(axis=1))
    assert differs[0] == first
    assert differs[-1] == first + number - 1


def test_dtype_and_container_of_samples_do_not_matter() -> None:
    samples = np.random.default_rng(1).integers(-9_000, 9_000, 30_000)
    expected = extract(samples, MfccConfig())
    for given_samples in (
        samples.astype(np.int16),
        samples.astype(np.float32),
        samples.astype(">f8"),
        samples[::-1][::-1],
    ):
        np.testing.assert_array_equal(extract(given_samples, MfccConfig()), expected)
    np.testing.assert_array_equal(extract(samples.tolist(), MfccConfig()), expected)


@pytest.mark.parametrize("recipe", ORACLES)
def test_batch_is_the_same_as_one_by_one_in_any_order(recipe: str) -> None:
    config = MfccConfig(recipe=recipe)
    random = np.random.default_rng(2)
    recordings = [random.integers(-20_000, 20_000, n).astype(np.int16) for n in (60_000, 1, 30_000, 700, 48_000, 5)]
    batch = extract_batch(recordings, config)
    np.testing.assert_array_equal(batch, np.stack([extract(samples, config) for samples in recordings]))
    np.testing.assert_array_equal(batch[::-1], extract_batch(recordings[::-1], config))
    assert extract_batch([], config).shape == (0, 98, 12)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((10, 2)), "shape"),
        (np.zeros(0), "no samples"),
        (np.array([1.0, np.nan]), "NaN"),
        (np.array([1.0, -np.inf]), "NaN or infinite"),
        (np.array([1e30]), "int16 scale"),
        (np.array([1j]), "dtype"),
        (np.array(["a"]), "dtype"),
        (np.array([True]), "dtype"),
    ],
)
def test_refused_samples(samples: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        extract(samples, MfccConfig())
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="recording 1 of 2"):
        extract_batch([np.ones(9), samples], MfccConfig())


@pytest.mark.parametrize(("n_samples", "zeros_in_front"), [(47_000, 761), (47_760, 1), (50_000, 1), (10, -1)])
def test_refused_offsets(n_samples: int, zeros_in_front: int) -> None:
    with pytest.raises(ValueError, match="zeros_in_front"):
        extract(np.ones(n_samples), MfccConfig(), zeros_in_front)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"recipe": "htk"}, "recipe 'htk' is unknown"),
        ({"dtype": "float16"}, "dtype"),
        ({"log": "binary"}, "log"),
        ({"sample_rate_hz": 0}, "sample_rate_hz"),
        ({"sample_rate_hz": 48_000.0}, "sample_rate_hz"),
        ({"clip_s": float("nan")}, "clip_s"),
        ({"clip_s": 0.02}, "clip_s 0.02 is shorter than one window"),
        ({"hop_s": 1e-9}, "shorter than one sample"),
        ({"pre_emphasis": 1.5}, "pre_emphasis"),
        ({"range_db": -1.0}, "range_db"),
        ({"n_coefficients": 41}, "n_coefficients"),
    ],
)
def test_refused_configurations(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MfccConfig(**fields)


def test_empty_filters_are_refused_by_number() -> None:
    filters = python_speech_features.get_filterbanks(80, 256, 8_000)
    empty = [str(i + 1) for i in range(80) if not filters[i].any()]
    assert empty
    with pytest.raises(ValueError, match=rf"{len(empty)} of 80 mel filters cover no FFT bin \(filters {empty[0]}, "):
        MfccConfig(sample_rate_hz=8_000, n_mels=80)


@pytest.mark.parametrize(("sample_rate_hz", "number"), [(8_000, 4), (16_000, 1)])
def test_one_bin_filters_are_warned_of(sample_rate_hz: int, number: int) -> None:
    with pytest.warns(NarrowFilterWarning, match=f"{number} of 40 mel filters") as caught:
        config = MfccConfig(sample_rate_hz=sample_rate_hz)
    assert len(caught) == 1
    assert len(config.one_bin_filters) == number
    assert MfccConfig().one_bin_filters == ()


def test_configuration_survives_json() -> None:
    for config in (MfccConfig(), MfccConfig(recipe="seed", clip_s=0.5, dtype="float64")):
        assert MfccConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config
    with pytest.raises(ValueError, match="no fields"):
        MfccConfig.from_dict({"recipe": "psf", "hops": 3})


def test_a_recipe_is_nothing_but_its_fields() -> None:
    seed = MfccConfig(recipe="seed")
    spelled_out = replace(seed, recipe="psf")
    samples = np.random.default_rng(3).integers(-9_000, 9_000, 30_000)
    np.testing.assert_array_equal(extract(samples, spelled_out), extract(samples, seed))


@pytest.mark.parametrize("recipe", ORACLES)
def test_a_real_recordings_values_do_not_depend_on_the_batch(audiomnist: list[np.ndarray], recipe: str) -> None:
    config = MfccConfig(recipe=recipe)
    recordings = audiomnist[::6]
    whole = extract_batch(recordings, config)
    np.testing.assert_array_equal(extract_batch(recordings[::-1], config)[::-1], whole)
    np.testing.assert_array_equal(np.concatenate([extract_batch(recordings[:5], config), whole[5:]]), whole)
    np.testing.assert_array_equal(np.stack([extract(samples, config) for samples in recordings]), whole)


@pytest.mark.parametrize("recipe", ORACLES)
def test_quiet_low_filters_under_loud_high_ones(recipe: str) -> None:
    # float32 transforms alone are off by 0.001 (psf) and 0.002 (seed) here
    time_s = np.arange(40_000) / 48_000
    loud = sum(np.sin(2 * np.pi * hertz * time_s) for hertz in (9_000, 11_111, 13_500))
    quiet = np.random.default_rng(6).normal(0, 0.02, time_s.size)
    assert_oracle_agrees([(8_000 * loud + quiet).astype(np.float32)], recipe, 48_000)


def test_long_clips_are_cut_into_blocks() -> None:
    config = MfccConfig(clip_s=3.0)
    samples = np.random.default_rng(7).integers(-9_000, 9_000, 140_000)
    expected = by_python_speech_features(padded(samples, config), config)
    np.testing.assert_allclose(extract(samples, config), expected, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(extract_batch([samples] * 6, config)[5], extract(samples, config))
