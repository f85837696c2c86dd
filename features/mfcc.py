"""MFCCs by two recipes: ``psf`` (python_speech_features 0.6) and ``seed`` (the starting design, via librosa 0.11).

Conventions: samples are one channel on the int16 scale, whatever their dtype; a recording is padded with zeros, or cut,
to one clip, and becomes ``(n_frames, n_coefficients)``. Everything else is a field of `MfccConfig`.

Only frames that overlap sound are transformed. A frame of padding is one constant vector per configuration, but for
the ``seed`` recipe's floor below the clip's own maximum, which therefore comes last. The transform is float64: in
float32 its rounding alone moves a liftered coefficient by thousandths where a filter is much quieter than its frame.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from features import filters
from features.recipes import WINDOWS, MfccConfig, NarrowFilterWarning, mel_matrix

__all__ = ["ENGINE_VERSION", "MfccConfig", "NarrowFilterWarning", "extract", "extract_batch", "sounding_frames"]

ENGINE_VERSION = "1"
"""Changes whenever the engine gives other numbers for the same configuration."""

MAX_ABS_SAMPLE = 1e12

_EPSILON = float(np.finfo(np.float64).eps)
_LEAST_POWER = 1e-10
_BLOCK_FRAMES = 16  # a block's frames and spectra stay in the second-level cache
_FILTER_GROUP = 5  # neighbouring filters share few bins: groups skip most of the zeros of the filter matrix


@dataclass(frozen=True, kw_only=True)
class _FilterGroup:
    """Neighbouring columns of the filter product and the only spectrum values that they need."""

    values: slice
    columns: slice
    matrix: NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What is computed once per configuration: window, filters, DCT, the level of silence."""

    windows: filters.Matrix  # one row per frame of a block: faster than broadcasting one
    groups: tuple[_FilterGroup, ...]
    n_columns: int
    dct: filters.Matrix
    log_unit: float
    silence: float
    silent_row: filters.Matrix


@functools.lru_cache(maxsize=16)
def _plan(config: MfccConfig) -> _Plan:
    mel = mel_matrix(config.mel_filters, config.n_mels, config.n_fft, config.sample_rate_hz)
    dct = filters.liftered_dct(
        config.n_mels, config.n_coefficients, lifter=config.lifter, lifter_start=config.lifter_start
    )
    groups = [(start, mel[start : start + _FILTER_GROUP]) for start in range(0, config.n_mels, _FILTER_GROUP)]
    if config.energy_first:
        # the frame's energy is one more filter, which goes past the DCT to coefficient 0
        groups.append((config.n_mels, np.ones((1, mel.shape[1]))))
        dct[:, 0] = 0
        dct = np.vstack([dct, np.eye(1, config.n_coefficients)])
    log_unit = 1.0 if config.log == "natural" else 10 / math.log(10)
    return _Plan(
        windows=np.tile(WINDOWS[config.window_function](config.window_samples), (_BLOCK_FRAMES, 1)),
        groups=tuple(_filter_group(config, start, rows) for start, rows in groups),
        n_columns=len(dct),
        dct=dct,
        log_unit=log_unit,
        silence=math.log(_EPSILON if config.floor == "zero-to-epsilon" else _LEAST_POWER) * log_unit,
        silent_row=dct.sum(axis=0),
    )


def _filter_group(config: MfccConfig, first_column: int, rows: filters.Matrix) -> _FilterGroup:
    scale = 1 / config.n_fft if config.power_scale == "1/n_fft" else 1.0
    used = np.flatnonzero(rows.any(axis=0))
    first, last = int(used[0]), int(used[-1]) + 1
    # spectra are kept as alternating real and imaginary parts: every weight is needed twice
    matrix = np.repeat(rows[:, first:last].T * scale, 2, axis=0).astype(config.dtype)
    return _FilterGroup(
        values=slice(2 * first, 2 * last), columns=slice(first_column, first_column + len(rows)), matrix=matrix
    )


def sounding_frames(n_samples: int, config: MfccConfig, zeros_in_front: int | None = None) -> tuple[int, int]:
    """Return the first frame that overlaps sound, and how many do.

    Pre-emphasis makes the sound one sample longer.

    Parameters
    ----------
    n_samples
        Samples of the recording, at least 1.
    config
        The configuration.
    zeros_in_front
        As in `extract`.

    Raises
    ------
    ValueError
        As `extract`.
    """
    offset = _zeros_in_front(n_samples, config, zeros_in_front)
    end = min(offset + n_samples + 1, config.framed_samples)
    first = max(0, (offset - config.window_samples) // config.hop_samples + 1)
    last = min((end - 1) // config.hop_samples, config.n_frames - 1)
    return first, max(0, last - first + 1)


def _zeros_in_front(n_samples: int, config: MfccConfig, zeros_in_front: int | None) -> int:
    if n_samples < 1:
        raise ValueError("recording has no samples")
    room = max(0, config.clip_samples - n_samples)
    if zeros_in_front is None:
        return room // 2
    if not 0 <= zeros_in_front <= room:
        raise ValueError(
            f"zeros_in_front is {zeros_in_front}; a recording of {n_samples} samples leaves room for 0 to {room} "
            f"in a clip of {config.clip_samples}"
        )
    return int(zeros_in_front)


def extract(samples: ArrayLike, config: MfccConfig, zeros_in_front: int | None = None) -> NDArray[Any]:
    """Return the MFCCs of one recording.

    Parameters
    ----------
    samples
        One channel on the int16 scale, of any real dtype, shape ``(n_samples,)``.
    config
        The configuration.
    zeros_in_front
        Zero samples in front of a recording shorter than the clip; by default half of what is missing, rounded down.

    Returns
    -------
    numpy.ndarray
        ``config.dtype``, shape ``(n_frames, n_coefficients)``.

    Raises
    ------
    ValueError
        The samples are not one finite channel, or `zeros_in_front` does not fit.
    """
    out = np.empty((config.n_frames, config.n_coefficients), dtype=config.dtype)
    _Workspace(config).extract_into(out, samples, zeros_in_front)
    return out


def extract_batch(recordings: Sequence[ArrayLike], config: MfccConfig) -> NDArray[Any]:
    """Return the MFCCs of many recordings, each centred in its clip: the fast path.

    Parameters
    ----------
    recordings
        Samples of each recording, as in `extract`.
    config
        The configuration.

    Returns
    -------
    numpy.ndarray
        ``config.dtype``, shape ``(n_recordings, n_frames, n_coefficients)``.

    Raises
    ------
    ValueError
        As `extract`; the message begins with the recording's place in the list.
    """
    out = np.empty((len(recordings), config.n_frames, config.n_coefficients), dtype=config.dtype)
    workspace = _Workspace(config)
    for place, samples in enumerate(recordings):
        try:
            workspace.extract_into(out[place], samples, None)
        except ValueError as error:
            raise ValueError(f"recording {place} of {len(recordings)}: {error}") from None
    return out


def _checked(samples: ArrayLike) -> NDArray[Any]:
    checked = np.asarray(samples)
    if checked.ndim != 1:
        raise ValueError(f"samples have shape {checked.shape}; one channel, shape (n_samples,), was expected")
    if checked.dtype.kind not in "iuf":
        raise ValueError(f"samples have dtype {checked.dtype}; real numbers were expected")
    if checked.size == 0:
        raise ValueError("recording has no samples")
    if checked.dtype.kind == "f":
        lowest, highest = float(checked.min()), float(checked.max())
        if not (math.isfinite(lowest) and math.isfinite(highest)):
            raise ValueError("samples contain NaN or infinite values")
        if max(-lowest, highest) > MAX_ABS_SAMPLE:
            raise ValueError(f"samples reach {max(-lowest, highest):.3g}; the int16 scale (32768) was expected")
    return checked


class _Workspace:
    """Buffers of one call, used again for every recording of it."""

    def __init__(self, config: MfccConfig) -> None:
        self.config = config
        self.plan = _plan(config)
        # one more sample than is framed: the place where the last sample's pre-emphasis may fall
        self.signal = np.zeros(config.framed_samples + 1)
        self.product = np.empty_like(self.signal)
        self.unwindowed = sliding_window_view(self.signal[:-1], config.window_samples)[:: config.hop_samples]
        self.padded = np.zeros((_BLOCK_FRAMES, config.n_fft))
        self.spectra = np.empty((_BLOCK_FRAMES, config.n_fft // 2 + 1), dtype=np.complex128)
        self.power = np.empty((config.n_frames, 2 * self.spectra.shape[1]), dtype=config.dtype)
        self.mel = np.empty((config.n_frames, self.plan.n_columns), dtype=config.dtype)
        self.levels = np.empty(self.mel.shape)

    def extract_into(self, out: NDArray[Any], samples: ArrayLike, zeros_in_front: int | None) -> None:
        """Write the MFCCs of one recording into `out`, ``(n_frames, n_coefficients)``."""
        checked = _checked(samples)
        offset = _zeros_in_front(checked.size, self.config, zeros_in_front)
        first, number = sounding_frames(checked.size, self.config, offset)
        levels = self.levels[:number]
        if number:
            self._place(checked, offset)
            self._filter(self.mel[:number], first)
            self._take_log(self.mel[:number], levels)
        silence = self._limit_range(levels)
        out[:first] = out[first + number :] = silence * self.plan.silent_row
        out[first : first + number] = levels @ self.plan.dct

    def _place(self, samples: NDArray[Any], offset: int) -> None:
        """Put the pre-emphasised samples at `offset`, zeros around them."""
        signal, reach = self.signal, self.config.window_samples
        end = min(offset + samples.size, signal.size - 1)
        # frames that overlap sound reach no further than a window beyond it
        signal[max(0, offset - reach) : offset] = 0
        signal[offset:end] = samples[: end - offset]
        signal[end : end + reach] = 0
        before = np.multiply(signal[offset:end], self.config.pre_emphasis, out=self.product[offset:end])
        signal[offset + 1 : end + 1] -= before

    def _transform(self, power: NDArray[Any], first: int) -> None:
        """Fill `power` with the squared real and imaginary parts of the frames from `first` on."""
        frames = self.padded[:, : self.config.window_samples]
        for start in range(0, len(power), _BLOCK_FRAMES):
            block = power[start : start + _BLOCK_FRAMES]
            n = len(block)
            np.copyto(frames[:n], self.unwindowed[first + start : first + start + n])
            np.multiply(frames[:n], self.plan.windows[:n], out=frames[:n])
            np.fft.rfft(self.padded[:n], axis=1, out=self.spectra[:n])
            np.copyto(block, self.spectra[:n].view(np.float64), casting="same_kind")
            np.multiply(block, block, out=block)

    def _filter(self, mel: NDArray[Any], first: int) -> None:
        """Fill `mel` with the filters' outputs for the frames from `first` on."""
        power = self.power[: len(mel)]
        self._transform(power, first)
        for group in self.plan.groups:
            np.matmul(power[:, group.values], group.matrix, out=mel[:, group.columns])

    def _take_log(self, mel: NDArray[Any], levels: NDArray[np.float64]) -> None:
        if self.config.floor == "zero-to-epsilon":
            mel[mel == 0] = _EPSILON
        else:
            np.maximum(mel, _LEAST_POWER, out=mel)
        np.multiply(np.log(mel, out=mel), self.plan.log_unit, out=levels)

    def _limit_range(self, levels: NDArray[np.float64]) -> float:
        """Raise what is too far below the clip's maximum; return the level of silence after that."""
        filtered = levels[:, : self.config.n_mels]
        if self.config.range_db == 0 or filtered.size == 0:
            return self.plan.silence
        lowest = max(self.plan.silence, float(filtered.max())) - self.config.range_db
        np.maximum(filtered, lowest, out=filtered)
        return max(self.plan.silence, lowest)
