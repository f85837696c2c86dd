"""The extraction engine: from samples at their place in a clip to liftered coefficients.

Only frames that overlap sound are transformed, a recording at a time, so that its values depend on no other: the last
bits of a row of a matrix product depend on its place in the matrix. What is done element by element is done for many
recordings at once. A frame of padding is one constant vector per configuration, but for a floor below the clip's own
maximum.

In float32 the transform's rounding moves a liftered coefficient by thousandths where a filter is much quieter than its
frame (the lowest filters of a fricative). How much is known from the frame's energy and its filters' powers: the few
frames in doubt are transformed again in float64. What follows the filters is float64.

The transforms go through `scipy.fft`. For float32 results its backend switch is set to mkl_fft where that is installed;
float64 results are SciPy's own on every machine.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from features import filters
from features.recipes import WINDOWS, MfccConfig, mel_matrix

BLOCK_FRAMES = 64
"""Most frames that are transformed together: they and their spectra stay in the second-level cache."""

SPARE_ROWS = 3
"""Rows by which buffers are longer, so that frames are transformed four at once to the last."""

POOL_FRAMES = 1024
"""Frames whose filter powers are finished together."""

_EPSILON = float(np.finfo(np.float64).eps)
_LEAST_POWER = 1e-10
_FILTER_GROUP = 8  # neighbouring filters share few bins: groups skip most of the zeros of the filter matrix
_EXPECTED_ERRORS = (
    6  # the largest error of a coefficient, in errors expected from independent roundings: seen up to 6.7
)
_TRUSTED = {"natural": 1.8e-4, "decibel": 3.6e-4}
"""Largest error that float32 transforms may bring to a coefficient; rounding the result itself comes on top."""


@functools.cache
def fft_backend() -> Any:
    """Return the faster backend of `scipy.fft` that the extra ``accel`` brings, or None where it is not installed."""
    try:
        return importlib.import_module("mkl_fft.interfaces.scipy_fft")
    except ImportError:
        return None


@dataclass(frozen=True, kw_only=True)
class PlacedSound:
    """One recording at its place in the clip.

    Attributes
    ----------
    samples
        One channel, finite, any real dtype, shape ``(n_samples,)``.
    offset
        Zero samples in front.
    first_frame, n_frames
        The first frame that overlaps sound, and how many do.
    """

    samples: NDArray[Any]
    offset: int
    first_frame: int
    n_frames: int


@dataclass(frozen=True, kw_only=True)
class _FilterGroup:
    """Neighbouring columns of the filter product and the only spectrum values that they need."""

    values: slice
    columns: slice
    matrix: NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What is computed once per configuration: window, filters, DCT, the floors."""

    window: filters.Matrix
    groups: tuple[_FilterGroup, ...]
    doubt: filters.Matrix
    dct: filters.Matrix  # of natural logarithms
    least_power: float
    range_factor: float


@functools.lru_cache(maxsize=16)
def _plan(config: MfccConfig) -> _Plan:
    scale = 1 / config.n_fft if config.power_scale == "1/n_fft" else 1.0
    mel = scale * mel_matrix(config.mel_filters, config.n_mels, config.n_fft, config.sample_rate_hz)
    log_unit = 1.0 if config.log == "natural" else 10 / math.log(10)
    dct = log_unit * filters.liftered_dct(
        config.n_mels, config.n_coefficients, lifter=config.lifter, lifter_start=config.lifter_start
    )
    # the frame's energy is one more filter; it goes past the DCT to coefficient 0, or nowhere
    energy = np.zeros((1, config.n_coefficients))
    if config.energy_first:
        dct[:, 0] = 0
        energy[0, 0] = log_unit
    weights = np.vstack([mel, np.full((1, mel.shape[1]), scale)])
    return _Plan(
        window=WINDOWS[config.window_function](config.window_samples),
        groups=_filter_groups(weights, config.dtype),
        doubt=_doubt(config, mel / scale, dct),
        dct=np.vstack([dct, energy]),
        least_power=_EPSILON if config.floor == "zero-to-epsilon" else _LEAST_POWER,
        range_factor=10 ** (-config.range_db / 10) if config.range_db else 0.0,
    )


def _filter_groups(weights: filters.Matrix, dtype: str) -> tuple[_FilterGroup, ...]:
    n_mels = len(weights) - 1
    groups = []
    for first, last in itertools.pairwise((*range(0, n_mels, _FILTER_GROUP), n_mels, n_mels + 1)):
        used = np.flatnonzero(weights[first:last].any(axis=0))
        lowest, highest = int(used[0]), int(used[-1]) + 1
        # spectra are kept as alternating real and imaginary parts: every weight is needed twice
        matrix = np.repeat(weights[first:last, lowest:highest].T, 2, axis=0).astype(dtype)
        groups.append(_FilterGroup(values=slice(2 * lowest, 2 * highest), columns=slice(first, last), matrix=matrix))
    return tuple(groups)


def _doubt(config: MfccConfig, mel: filters.Matrix, dct: filters.Matrix) -> filters.Matrix:
    """Return what turns a frame's ``energy / power`` by filter into the squared error of its coefficients.

    The unit is what is trusted. A float32 transform adds to every value of a spectrum an error of about a unit of
    rounding (2**-24) of the spectrum's root mean square. The power of a filter, ``sum(w |X|**2)``, is then off by at
    most ``2 sqrt(max(w) power) error``. Errors of different filters are independent: in a coefficient, squares add up.
    """
    # the energy is the sum of half a spectrum, n_fft / 2 values
    error = 2 * 2.0**-24 * math.sqrt(2 / config.n_fft)
    allowed = _TRUSTED[config.log] / _EXPECTED_ERRORS
    squared = mel.max(axis=1) * (dct.T * error / allowed) ** 2
    # the last column is the energy itself, which has no part in a coefficient's error
    return np.pad(squared, ((0, 0), (0, 1))).astype(config.dtype)


def _whole_lanes(n_frames: int) -> int:
    """Round up: frames are transformed several at once, and a few left over would take as long as all of them."""
    return n_frames + -n_frames % (1 + SPARE_ROWS)


def _evenly(n_frames: int, most: int) -> int:
    """Return the size of the blocks when `n_frames` are cut into as few as need be, all alike."""
    n_blocks = -(-n_frames // most)
    return _whole_lanes(-(-n_frames // n_blocks))


class _Transform:
    """Frames of one recording: windowed and transformed in one precision, filtered in the configuration's."""

    def __init__(self, config: MfccConfig, plan: _Plan, dtype: str) -> None:
        self.window = plan.window.astype(dtype)
        self.groups = plan.groups
        self.padded = np.zeros((BLOCK_FRAMES, config.n_fft), dtype=dtype)
        self.frames = self.padded[:, : config.window_samples]

    def filter_frames(self, unwindowed: NDArray[Any], powers: NDArray[Any]) -> None:
        """Write the filters' outputs for every frame of `unwindowed`, ``(n, window_samples)``.

        `powers`, ``(n + SPARE_ROWS, n_columns)``, has spare rows at its end, whose content is lost.
        """
        step = _evenly(len(unwindowed), BLOCK_FRAMES)
        for start in range(0, len(unwindowed), step):
            block = unwindowed[start : start + step]
            np.multiply(block, self.window, out=self.frames[: len(block)])
            n = _whole_lanes(len(block))
            spectra = scipy.fft.rfft(self.padded[:n])
            squares = spectra.view(self.padded.dtype)
            np.multiply(squares, squares, out=squares)
            squares = squares.astype(powers.dtype, copy=False)
            rows = powers[start : start + n]
            for group in self.groups:
                np.matmul(squares[:, group.values], group.matrix, out=rows[:, group.columns])


def _keep_freed_memory() -> None:
    """Let glibc keep what is freed for the next block, instead of asking the system for zeroed pages each time.

    SciPy allocates the spectra at every call; fetching their pages costs as much as the transform. glibc keeps
    blocks up to the size of the largest that was ever freed (mallopt(3), M_MMAP_THRESHOLD).
    """
    np.empty(16 << 20, dtype=np.uint8)


def _unwindowed(signal: NDArray[Any], config: MfccConfig) -> NDArray[Any]:
    return sliding_window_view(signal[:-1], config.window_samples)[:: config.hop_samples]


class Engine:
    """Buffers of one call, used again for every recording of it.

    Parameters
    ----------
    config
        The configuration.
    """

    def __init__(self, config: MfccConfig) -> None:
        self.config = config
        self.plan = _plan(config)
        _keep_freed_memory()
        # one more sample than is framed: the place where the last sample's pre-emphasis may fall
        self.signal = np.zeros(config.framed_samples + 1)
        self.product = np.empty_like(self.signal)
        self.rounded = np.zeros(self.signal.shape, dtype=config.dtype)
        self.unwindowed = _unwindowed(self.signal, config)
        self.unwindowed_rounded = _unwindowed(self.rounded, config)
        self.transform = _Transform(config, self.plan, config.dtype)
        self.pool_rows = max(POOL_FRAMES, config.n_frames)
        self.pool = np.ones((self.pool_rows + SPARE_ROWS, len(self.plan.dct)), dtype=config.dtype)

    def extract_into(self, out: NDArray[Any], sounds: Iterable[PlacedSound]) -> None:
        """Write the MFCCs of `sounds` into `out`.

        Parameters
        ----------
        out
            ``config.dtype``, shape ``(n_recordings, n_frames, n_coefficients)``.
        sounds
            As many recordings.
        """
        backend = fft_backend() if self.config.dtype == "float32" else None
        with contextlib.nullcontext() if backend is None else scipy.fft.set_backend(backend):
            self._extract_into(out, sounds)

    def _extract_into(self, out: NDArray[Any], sounds: Iterable[PlacedSound]) -> None:
        waiting: list[PlacedSound] = []
        done = n_rows = 0
        for sound in sounds:
            if n_rows + sound.n_frames > self.pool_rows:
                self._finish(out[done : done + len(waiting)], waiting)
                done += len(waiting)
                waiting.clear()
                n_rows = 0
            waiting.append(sound)
            if sound.n_frames:
                self._place(sound)
                powers = self.pool[n_rows : n_rows + sound.n_frames + SPARE_ROWS]
                self.transform.filter_frames(self._frames(self.unwindowed_rounded, sound), powers)
                if self.config.dtype == "float32":
                    self._repeat_doubtful(powers[: sound.n_frames], sound)
                n_rows += sound.n_frames
        if waiting:
            self._finish(out[done:], waiting)

    def _frames(self, frames: NDArray[Any], sound: PlacedSound) -> NDArray[Any]:
        return frames[sound.first_frame : sound.first_frame + sound.n_frames]

    def _place(self, sound: PlacedSound) -> None:
        """Put the pre-emphasised samples at their offset, zeros around them."""
        signal, reach, offset = self.signal, self.config.window_samples, sound.offset
        end = min(offset + sound.samples.size, signal.size - 1)
        # frames that overlap sound reach no further than a window beyond it
        begin = max(0, offset - reach)
        signal[begin:offset] = 0
        signal[offset:end] = sound.samples[: end - offset]
        signal[end : end + reach] = 0
        before = np.multiply(signal[offset:end], self.config.pre_emphasis, out=self.product[offset:end])
        signal[offset + 1 : end + 1] -= before
        np.copyto(self.rounded[begin : end + reach], signal[begin : end + reach], casting="same_kind")

    def _finish(self, out: NDArray[Any], sounds: list[PlacedSound]) -> None:
        """Turn the pooled powers into the coefficients of the recordings that they belong to."""
        lengths = np.array([sound.n_frames for sound in sounds])
        stops = np.cumsum(lengths)
        rows = [slice(start, stop) for start, stop in zip((stops - lengths).tolist(), stops.tolist(), strict=True)]
        powers = self.pool[: stops[-1]].astype(np.float64)
        lowest = self._lowest(powers, rows)
        self._raise_to_floors(powers, np.repeat(lowest, lengths))
        levels = np.log(powers, out=powers)
        out[:] = np.log(lowest)[:, None, None] * self.plan.dct.sum(axis=0)
        for place, sound in enumerate(sounds):
            # one by one: the last bits of a row of a product depend on its place in the matrix
            out[place, sound.first_frame : sound.first_frame + sound.n_frames] = levels[rows[place]] @ self.plan.dct

    def _repeat_doubtful(self, powers: NDArray[Any], sound: PlacedSound) -> None:
        """Transform again, in float64, the frames of which a coefficient may be further off than what is trusted."""
        lowest = self.plan.least_power
        if self.plan.range_factor:
            lowest = max(lowest, float(powers[:, :-1].max()) * self.plan.range_factor)
        worst = (self.plan.doubt @ np.reciprocal(np.maximum(powers, powers.dtype.type(lowest))).T).max(axis=0)
        errors = np.multiply(worst, powers[:, -1], dtype=np.float64)
        if errors.max() <= 1:
            return
        doubtful = np.flatnonzero(errors > 1)
        exact = np.empty((len(doubtful) + SPARE_ROWS, powers.shape[1]), dtype=powers.dtype)
        self.exact.filter_frames(self._frames(self.unwindowed, sound)[doubtful], exact)
        powers[doubtful] = exact[: len(doubtful)]

    @functools.cached_property
    def exact(self) -> _Transform:
        """The transform in float64, for the frames in doubt."""
        return _Transform(self.config, self.plan, "float64")

    def _lowest(self, powers: NDArray[np.float64], rows: list[slice]) -> NDArray[np.float64]:
        """Return the power to which quieter filters of each recording are raised."""
        lowest = np.full(len(rows), self.plan.least_power)
        sounding = [place for place, own in enumerate(rows) if own.start < own.stop]
        if self.plan.range_factor and sounding:
            peaks = np.maximum.reduceat(powers, [rows[place].start for place in sounding], axis=0)[:, :-1].max(axis=1)
            lowest[sounding] = np.maximum(peaks * self.plan.range_factor, self.plan.least_power)
        return lowest

    def _raise_to_floors(self, powers: NDArray[np.float64], lowest: NDArray[np.float64]) -> None:
        if self.config.floor == "zero-to-epsilon":
            powers[powers == 0] = _EPSILON
        else:
            np.maximum(powers, _LEAST_POWER, out=powers)
        if self.plan.range_factor:
            np.maximum(powers[:, :-1], lowest[:, None], out=powers[:, :-1])
