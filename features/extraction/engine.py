"""The extraction engine: from samples at their place in a clip to liftered coefficients.

Only frames that overlap sound are transformed, in blocks filled across recordings. Between the transforms, compiled
loops (`features.extraction.kernels`) work on every frame by itself, so that its values depend on no other. A frame of
padding is one constant vector per configuration, but for a floor below the clip's own maximum.

The transforms are `features.extraction.spectra`'s. Lengths that it does not take (odd, or with prime factors above 5)
are SciPy's.
Everything is float64; results are rounded once, where float32 is asked for.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from features.extraction import filters
from features.extraction.recipes import WINDOWS, MfccConfig, mel_matrix

BLOCK_FRAMES = 64
"""Most frames that are transformed together: with fewer the inner loops are short, with more the cache is too small."""

_LANES = 16
"""Frames that one instruction works on at most: a few left over would take as long as all of them."""

_HUGE_PAGE = 1 << 21  # bytes, of Linux on most processors

DCT_ROWS, DCT_FRAMES = 4, 64
"""Coefficients that are computed together, and frames whose are."""

POOL_FRAMES = 1024
"""Frames whose filter powers are finished together."""

_EPSILON = float(np.finfo(np.float64).eps)
_LEAST_POWER = 1e-10


@functools.cache
def load_loops() -> tuple[ModuleType, ModuleType]:
    """Load the compiled loops: half a second, which only what extracts should pay."""
    from features.extraction import kernels
    from features.extraction import spectra as fourier

    return kernels, fourier


class PlacedSound(NamedTuple):
    """One recording at its place in the clip."""

    samples: NDArray[np.int16] | NDArray[np.float64]  # one finite channel, contiguous, in the machine's own order
    offset: int  # zero samples in front
    first_frame: int  # that overlaps sound
    n_frames: int  # that do


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What is computed once per configuration: window, filters, DCT, the floors."""

    window: filters.Matrix  # (window_samples,)
    starts: NDArray[np.int64]  # where the mel filters lie and what they weigh, as `filters.neighbours` gives them
    weights: filters.Matrix
    energy_scale: float  # what the sum of a spectrum's squares is multiplied by to be the frame's energy
    dct: filters.Matrix  # of natural logarithms, the energy's last: (n_coefficients, n_mels + 1), then rows of zeros
    least_power: float  # what powers are raised to: in all, and in relation to the clip's highest
    range_factor: float


@functools.lru_cache(maxsize=16)
def _plan(config: MfccConfig) -> _Plan:
    scale = 1 / config.n_fft if config.power_scale == "1/n_fft" else 1.0
    mel = mel_matrix(config.mel_filters, config.n_mels, config.n_fft, config.sample_rate_hz)
    log_unit = 1.0 if config.log == "natural" else 10 / math.log(10)
    dct = log_unit * filters.liftered_dct(
        config.n_mels, config.n_coefficients, lifter=config.lifter, lifter_start=config.lifter_start
    )
    # the frame's energy is one more filter; it goes past the DCT to coefficient 0, or nowhere
    energy = np.zeros((1, config.n_coefficients))
    if config.energy_first:
        dct[:, 0] = 0
        energy[0, 0] = log_unit
    starts, weights = filters.neighbours(scale * mel)
    return _Plan(
        window=WINDOWS[config.window_function](config.window_samples),
        starts=starts,
        weights=weights,
        energy_scale=scale,
        dct=filters.whole_rows(np.vstack([dct, energy]).T, DCT_ROWS),
        least_power=_EPSILON if config.floor == "zero-to-epsilon" else _LEAST_POWER,
        range_factor=10 ** (-config.range_db / 10) if config.range_db else 0.0,
    )


class _Powers:
    """What the filters give for at most `n_columns` frames, whichever recordings they are of, in the order put in.

    `powers`, ``(n_mels + 1, n_columns)``, has a column per frame; its last row is for the energy.
    """

    def __init__(self, config: MfccConfig, plan: _Plan, n_columns: int) -> None:
        self.config, self.plan, (self.loops, self.fourier) = config, plan, load_loops()
        self.passes = self.fourier.passes(config.n_fft)
        n_more = (config.window_samples - 1) // config.hop_samples
        n_rows = min(config.hop_samples, config.window_samples)
        self.signal = np.empty((min(BLOCK_FRAMES, config.n_frames) + n_more - 1) * config.hop_samples + n_rows)
        self.room, parts, self.squares = _in_a_huge_page(
            n_rows * (BLOCK_FRAMES + n_more),
            2 * ((config.n_fft + 1) // 2) * BLOCK_FRAMES,
            (config.n_fft // 2 + 1) * BLOCK_FRAMES,
        )
        self.parts = parts.reshape(2, -1, BLOCK_FRAMES)
        self.sums = np.empty((config.n_mels + 2, BLOCK_FRAMES))
        self.powers = np.empty((config.n_mels + 1, n_columns))
        self.n_waiting = self.n_done = 0

    @property
    def n_frames(self) -> int:
        """How many frames have been put in."""
        return self.n_done + self.n_waiting

    def add(self, sound: PlacedSound) -> None:
        """Put the sounding frames of a recording in; they wait until there are enough, or until `finish`."""
        number, left = sound.first_frame, sound.n_frames
        while left:
            n_frames = min(left, self.parts.shape[2] - self.n_waiting)
            self.write_frames(sound, number, n_frames)
            self.n_waiting += n_frames
            number, left = number + n_frames, left - n_frames
            if self.n_waiting == self.parts.shape[2]:
                self.finish()

    def finish(self) -> None:
        """Transform and filter what waits."""
        if self.n_waiting:
            self.filter_squares(self.squared())
            self.n_done += self.n_waiting
            self.n_waiting = 0

    def write_frames(self, sound: PlacedSound, number: int, n_frames: int) -> None:
        """Write windowed frames of a recording behind those that wait."""
        self.loops.write_columns(
            sound.samples,
            sound.offset,
            number,
            n_frames,
            self.config.pre_emphasis,
            self.config.hop_samples,
            self.plan.window,
            self.signal,
            self.room,
            self.parts,
            self.n_waiting,
        )

    def squared(self) -> NDArray[np.float64]:
        """Return the squared spectra of the frames that wait and of some that count nothing, ``(n_bins, n)``."""
        n_samples, n_fft = self.config.window_samples, self.config.n_fft
        n_columns = min(self.n_waiting + -self.n_waiting % _LANES, self.parts.shape[2])
        parts = self.parts[:, :, :n_columns]
        parts[:, :, self.n_waiting :] = 0
        parts[0, (n_samples + 1) // 2 :] = 0
        parts[1, n_samples // 2 :] = 0
        squares = self.squares[: (n_fft // 2 + 1) * n_columns].reshape(-1, n_columns)
        if self.passes is None:
            samples = parts.transpose(1, 0, 2).reshape(-1, n_columns)[:n_fft]
            spectra = scipy.fft.rfft(samples, axis=0)
            np.add(spectra.real**2, spectra.imag**2, out=squares)
            return squares
        parts = np.ascontiguousarray(parts)
        self.fourier.transform(parts, self.passes.radices, self.passes.factors)
        self.fourier.square(parts, self.passes.places, self.passes.turns, squares)
        return squares

    def filter_squares(self, squares: NDArray[np.float64]) -> None:
        """Write what the filters give for the frames that wait."""
        plan, sums = self.plan, self.sums
        self.loops.filter_squares(
            squares, plan.starts, plan.weights, plan.energy_scale, sums, self.powers, self.n_done, self.n_waiting
        )


def _in_a_huge_page(*sizes: int) -> list[filters.Matrix]:
    """Return arrays of these many values from the beginning of a huge page on, where the system has such.

    In small pages, which lie anywhere, the transform takes up to a quarter longer in one process than in another. NumPy
    asks for huge pages for arrays of 4 MiB or more.
    """
    arena = np.empty(max(2 * _HUGE_PAGE, 8 * sum(sizes) + _HUGE_PAGE) // 8)
    start = -arena.ctypes.data % _HUGE_PAGE // 8
    stops = start + np.cumsum(sizes)
    return [arena[stop - size : stop] for size, stop in zip(sizes, stops, strict=True)]


def _keep_freed_memory() -> None:
    """Let glibc keep what is freed for the next block, instead of asking the system for zeroed pages each time.

    Fetching the pages of an engine's buffers costs as much as a recording. glibc keeps blocks up to the size of the
    largest that was ever freed (mallopt(3), M_MMAP_THRESHOLD).
    """
    np.empty(16 << 20, dtype=np.uint8)


class Engine:
    """Buffers of one call, used again for every recording of it."""

    def __init__(self, config: MfccConfig) -> None:
        self.config, self.plan = config, _plan(config)
        _keep_freed_memory()
        n_columns = max(POOL_FRAMES, config.n_frames)
        self.pool = _Powers(config, self.plan, n_columns)
        self.loops = self.pool.loops
        self.sums = np.empty((len(self.plan.dct), DCT_FRAMES))
        self.peaks = np.empty(n_columns)

    def extract_into(self, out: NDArray[Any], sounds: Iterable[PlacedSound]) -> None:
        """Write the MFCCs of `sounds` into `out`: ``config.dtype``, ``(n_recordings, n_frames, n_coefficients)``."""
        waiting: list[PlacedSound] = []
        done = 0
        for sound in sounds:
            if self.pool.n_frames + sound.n_frames > self.peaks.size:
                self._write(out[done : done + len(waiting)], waiting)
                done += len(waiting)
                waiting.clear()
            waiting.append(sound)
            self.pool.add(sound)
        if waiting:
            self._write(out[done:], waiting)

    def _write(self, out: NDArray[Any], sounds: list[PlacedSound]) -> None:
        """Turn the pooled frames into the coefficients of the recordings that they are of."""
        self.pool.finish()
        self.pool.n_done = 0
        self.write_coefficients(out, sounds)

    def write_coefficients(self, out: NDArray[Any], sounds: list[PlacedSound]) -> None:
        """Write the coefficients of the pooled powers, which are used up, into `out`."""
        stops, powers, plan = np.cumsum([sound.n_frames for sound in sounds]), self.pool.powers, self.plan
        lowest = np.full(stops.size, plan.least_power)  # to which quieter filters of each recording are raised
        if plan.range_factor:
            self.loops.find_lowest(powers, stops, plan.least_power, plan.range_factor, self.peaks, lowest)
        self.loops.raise_to_floors(powers, stops, lowest, plan.least_power, self.config.floor == "zero-to-epsilon")
        levels = powers[:, : stops[-1]]
        np.log(levels, out=levels)
        firsts = np.array([sound.first_frame for sound in sounds])
        self.loops.write_coefficients(
            powers, stops, firsts, np.log(lowest), math.log(plan.least_power), plan.dct, self.sums, out
        )
