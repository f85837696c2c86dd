"""The two MFCC recipes as one frozen configuration: every convention in which they differ is a named field.

Sources: ``psf`` is what python_speech_features 0.6 computes (with a Hamming window and an FFT at least as long as the
window), ``seed`` the starting design, via librosa 0.11.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from python_speech_features import get_filterbanks

from features.extraction import filters

# edges of get_filterbanks are floored to FFT bins, its triangles have a peak of 1 on HTK's mel scale
FILTERS: dict[str, Callable[[int, int, int], filters.Matrix]] = {
    "htk-bins": get_filterbanks,
    "slaney": filters.slaney_filters,
}
WINDOWS: dict[str, Callable[[int], filters.Matrix]] = {
    "hamming-symmetric": np.hamming,
    "hann-periodic": filters.hann_window,
}

CHOICES: dict[str, tuple[str, ...]] = {
    "recipe": ("psf", "seed"),
    "dtype": ("float32", "float64"),
    "window_function": tuple(WINDOWS),
    "fft_length": ("power-of-two", "window"),
    "power_scale": ("1/n_fft", "1"),
    "mel_filters": tuple(FILTERS),
    "floor": ("zero-to-epsilon", "at-least-1e-10"),
    "log": ("natural", "decibel"),
}

RECIPES: dict[str, tuple[Any, Any]] = {
    "clip_s": (1.0, 47_998 / 48_000),
    "whole_frames": (True, False),
    "window_function": ("hamming-symmetric", "hann-periodic"),
    "fft_length": ("power-of-two", "window"),
    "power_scale": ("1/n_fft", "1"),
    "mel_filters": ("htk-bins", "slaney"),
    "floor": ("zero-to-epsilon", "at-least-1e-10"),
    "log": ("natural", "decibel"),
    "range_db": (0.0, 80.0),
    "lifter_start": (0, 1),
    "energy_first": (True, False),
}
"""What the recipes ``psf`` and ``seed`` set unless told otherwise, in the order of ``CHOICES["recipe"]``."""

MAX_CLIP_S, MAX_CLIP_SAMPLES = 600.0, 2**26
MAX_FFT, MAX_FILTER_VALUES, MAX_VALUES = 2**16, 2**25, 2**24
"""Samples of an FFT, values of the mel filters, values of one recording: what a configuration, which may come with
somebody's model, can demand of the memory."""

_WHOLE_NUMBERS = {
    "sample_rate_hz": (1, 10_000_000),
    "n_mels": (1, 10_000),
    "n_coefficients": (1, 10_000),
    "lifter": (0, 10_000),
    "lifter_start": (0, 10_000),
}

_BY_RECIPE: Any = None


class NarrowFilterWarning(UserWarning):
    """Some mel filters cover a single FFT bin: neighbouring frequencies cannot be told apart there."""


@dataclass(frozen=True, kw_only=True)
class MfccConfig:
    """Every convention of an MFCC extraction; what a recipe sets can be overridden field by field.

    Attributes
    ----------
    recipe
        ``psf`` or ``seed``; gives the default of every field marked *recipe*.
    sample_rate_hz
        Rate of the samples.
    dtype
        ``float32`` or ``float64``: of the result, which is computed in float64.
    window_s, hop_s
        Length of a frame and distance of two, in seconds, rounded half up to samples.
    n_mels, n_coefficients
        Number of mel filters and of coefficients kept.
    pre_emphasis
        ``y[t] = x[t] - pre_emphasis * x[t-1]`` over the padded clip, ``y[0] = x[0]``.
    lifter
        Lifter length, 0 for none.
    clip_s
        *recipe* Length of a clip in seconds; shorter recordings are padded, longer ones cut.
    whole_frames
        *recipe* Whether the clip is shortened to a whole number of frames.
    window_function
        *recipe* ``hamming-symmetric`` or ``hann-periodic``.
    fft_length
        *recipe* ``power-of-two``, the next at or above the window, or ``window``.
    power_scale
        *recipe* The power spectrum is abs(X)^2 times this: ``1/n_fft`` or ``1``.
    mel_filters
        *recipe* ``htk-bins`` (HTK mel, edges floored to bins, peak 1) or ``slaney`` (Slaney mel, continuous, area 1).
    floor
        *recipe* ``zero-to-epsilon`` (only exact zeros are raised) or ``at-least-1e-10``.
    log
        *recipe* ``natural`` or ``decibel``.
    range_db
        *recipe* Values further than this below the clip's maximum are raised to it; 0 for no limit.
    lifter_start
        *recipe* The n of coefficient 0 in the lifter's sine.
    energy_first
        *recipe* Whether coefficient 0 is replaced by the log of the frame's energy.

    Raises
    ------
    ValueError
        A field is out of its range, or the mel filters are too narrow for the FFT.
    """

    recipe: str = "psf"
    sample_rate_hz: int = 48_000
    dtype: str = "float32"
    window_s: float = 0.025
    hop_s: float = 0.010
    n_mels: int = 40
    n_coefficients: int = 12
    pre_emphasis: float = 0.97
    lifter: int = 22
    clip_s: float = _BY_RECIPE
    whole_frames: bool = _BY_RECIPE
    window_function: str = _BY_RECIPE
    fft_length: str = _BY_RECIPE
    power_scale: str = _BY_RECIPE
    mel_filters: str = _BY_RECIPE
    floor: str = _BY_RECIPE
    log: str = _BY_RECIPE
    range_db: float = _BY_RECIPE
    lifter_start: int = _BY_RECIPE
    energy_first: bool = _BY_RECIPE

    def __post_init__(self) -> None:
        _check_choice(self, "recipe")
        place = CHOICES["recipe"].index(self.recipe)
        for name, values in RECIPES.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, values[place])
        for name in CHOICES:
            _check_choice(self, name)
        _check_numbers(self)
        _check_filters(self)
        if narrow := self.one_bin_filters:
            message = f"cover a single FFT bin (filters {', '.join(map(str, narrow))})"
            # frame 1 is this method, 2 the generated __init__, 3 the caller
            warnings.warn(
                f"{len(narrow)} {_filters_that(self, message)} to avoid it", NarrowFilterWarning, stacklevel=3
            )

    @functools.cached_property
    def window_samples(self) -> int:
        """Samples in a frame."""
        return _round_half_up(self.window_s * self.sample_rate_hz)

    @functools.cached_property
    def hop_samples(self) -> int:
        """Samples from the start of one frame to the next."""
        return _round_half_up(self.hop_s * self.sample_rate_hz)

    @functools.cached_property
    def n_frames(self) -> int:
        """Frames that fit in a clip."""
        return 1 + (_round_half_up(self.clip_s * self.sample_rate_hz) - self.window_samples) // self.hop_samples

    @functools.cached_property
    def framed_samples(self) -> int:
        """Samples of a clip that fall in some frame, counted from its start."""
        return self.window_samples + (self.n_frames - 1) * self.hop_samples

    @functools.cached_property
    def clip_samples(self) -> int:
        """Samples in a clip."""
        return self.framed_samples if self.whole_frames else _round_half_up(self.clip_s * self.sample_rate_hz)

    @functools.cached_property
    def n_fft(self) -> int:
        """Length of the Fourier transform."""
        if self.fft_length == "window":
            return self.window_samples
        return int(2 ** math.ceil(math.log2(self.window_samples)))

    @functools.cached_property
    def one_bin_filters(self) -> tuple[int, ...]:
        """Mel filters, counted from 1, that cover a single FFT bin."""
        return _filters_of_width(self, 1)

    def as_dict(self) -> dict[str, Any]:
        """Return every field, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> MfccConfig:
        """Return the configuration that `as_dict` described, or raise ValueError for unknown fields or bad values."""
        unknown = sorted(set(fields) - {field.name for field in dataclasses.fields(cls)})
        if unknown:
            raise ValueError(f"MfccConfig has no fields {unknown}")
        return cls(**fields)


def _round_half_up(number: float) -> int:
    return math.floor(number + 0.5)


def _check_choice(config: MfccConfig, name: str) -> None:
    value = getattr(config, name)
    if not isinstance(value, str) or value not in CHOICES[name]:
        raise ValueError(f"{name} {value!r} is unknown; choose from {', '.join(CHOICES[name])}")


def _check_numbers(config: MfccConfig) -> None:
    for name, (least, most) in _WHOLE_NUMBERS.items():
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"{name} is {value!r:.40}; it must be a whole number from {least} to {most:,}")
    for name in ("window_s", "hop_s", "clip_s", "pre_emphasis", "range_db"):
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} is {value!r:.40}; it must be a number")
        if name.endswith("_s") and not 0 < value <= MAX_CLIP_S:
            raise ValueError(
                f"{name} is {value!r:.40}; it must be a positive number of seconds, at most {MAX_CLIP_S:g}"
            )
    for name in ("whole_frames", "energy_first"):
        if not isinstance(getattr(config, name), bool):
            raise ValueError(f"{name} is {getattr(config, name)!r:.40}; it must be true or false")
    if not 0 <= config.pre_emphasis <= 1:
        raise ValueError(f"pre_emphasis is {config.pre_emphasis!r}; it must lie between 0 and 1")
    if not 0 <= config.range_db < math.inf:
        raise ValueError(f"range_db is {config.range_db!r}; it must be 0 (no limit) or a positive number")
    if config.n_coefficients > config.n_mels:
        raise ValueError(
            f"n_coefficients {config.n_coefficients} is more than the {config.n_mels} mel filters (n_mels)"
        )
    _check_durations(config)


def _check_durations(config: MfccConfig) -> None:
    rate = config.sample_rate_hz
    if config.window_samples < 2 or config.hop_samples < 1:
        raise ValueError(f"window_s {config.window_s} or hop_s {config.hop_s} is shorter than one sample at {rate} Hz")
    if config.clip_samples > MAX_CLIP_SAMPLES:
        raise ValueError(f"clip_s {config.clip_s} is more than {MAX_CLIP_SAMPLES:,} samples at {rate} Hz")
    if config.n_fft > MAX_FFT or config.n_mels * config.n_fft > MAX_FILTER_VALUES:
        raise ValueError(f"FFTs of {config.n_fft:,} samples and {config.n_mels} mel filters are too large")
    if config.n_frames * config.n_coefficients > MAX_VALUES:
        raise ValueError(f"a recording would have more than {MAX_VALUES:,} values; lengthen hop_s or shorten clip_s")
    if config.n_frames < 1:
        raise ValueError(
            f"clip_s {config.clip_s} is shorter than one window of {config.window_s} s; make clip_s longer"
        )


def _check_filters(config: MfccConfig) -> None:
    if empty := _filters_of_width(config, 0):
        message = f"cover no FFT bin (filters {', '.join(map(str, empty[:5]))}{', ...' if len(empty) > 5 else ''})"
        raise ValueError(f"{len(empty)} {_filters_that(config, message)} or lengthen window_s")


def _filters_that(config: MfccConfig, message: str) -> str:
    fft = f"an FFT of {config.n_fft} samples at {config.sample_rate_hz} Hz"
    return f"of {config.n_mels} mel filters {message} with {fft}; lower n_mels"


def _filters_of_width(config: MfccConfig, n_bins: int) -> tuple[int, ...]:
    """Return the filters, counted from 1, that cover so many FFT bins."""
    matrix = mel_matrix(config.mel_filters, config.n_mels, config.n_fft, config.sample_rate_hz)
    return tuple(int(place) + 1 for place in np.flatnonzero(np.count_nonzero(matrix, axis=1) == n_bins))


@functools.lru_cache(maxsize=16)
def mel_matrix(kind: str, n_mels: int, n_fft: int, sample_rate_hz: int) -> filters.Matrix:
    """Return mel filters of a kind of `FILTERS`, 0 Hz to half the rate, read-only, ``(n_mels, n_fft // 2 + 1)``."""
    matrix = FILTERS[kind](n_mels, n_fft, sample_rate_hz)
    matrix.flags.writeable = False
    return matrix
