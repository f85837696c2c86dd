"""The engine's inner loops, compiled by numba: one pass over memory for what would be several in NumPy.

Frames lie along the last axis once they are transformed, so that one instruction does the same for several of them and
none adds up values of two. Every frame is worked on by itself, in the order that is written here, without fused or
reordered operations: its values depend neither on other frames nor on the processor.
"""

from __future__ import annotations

from typing import Any

import numba

from features.extraction.compilation import compiler

_compiled = compiler(__file__)


@numba.njit(nogil=True)
def _emphasise(samples: Any, offset: int, factor: float, signal: Any) -> None:
    """Write `signal`: pre-emphasised samples, the first at the place `offset`, which may be negative, and zeros."""
    end = offset + samples.size
    first = min(max(offset, 0), signal.size)
    last = min(max(end, first), signal.size)
    signal[:first] = 0
    signal[last:] = 0
    if first < last:
        if first == offset:
            signal[first] = samples[0]
            first += 1
        before = samples[first - 1 - offset : last - 1 - offset]
        here = samples[first - offset : last - offset]
        out = signal[first:last]
        for place in range(out.size):
            out[place] = here[place] - factor * before[place]
    if 0 <= end < signal.size:
        signal[end] = -factor * samples[samples.size - 1]


@numba.njit(nogil=True)
def _turn(signal: Any, hop: int, turned: Any) -> None:
    """Write ``turned[r, c] = signal[c * hop + r]``, four columns at a time."""
    n_rows, n_columns = turned.shape
    for c in range(0, n_columns - 3, 4):
        start = c * hop
        first, second = signal[start : start + n_rows], signal[start + hop : start + hop + n_rows]
        third = signal[start + 2 * hop : start + 2 * hop + n_rows]
        fourth = signal[start + 3 * hop : start + 3 * hop + n_rows]
        for r in range(n_rows):
            row = turned[r, c : c + 4]
            row[0] = first[r]
            row[1] = second[r]
            row[2] = third[r]
            row[3] = fourth[r]
    for c in range(n_columns - n_columns % 4, n_columns):
        for r in range(n_rows):
            turned[r, c] = signal[c * hop + r]


@_compiled(
    *(
        f"void(Array({samples}, 1, 'C', readonly=True), int64, int64, int64, float64, int64, float64[::1], "
        "float64[::1], float64[::1], float64[:, :, ::1], int64)"
        for samples in ("int16", "float64")
    )
)
def write_columns(
    samples: Any,
    offset: int,
    number: int,
    n_frames: int,
    factor: float,
    hop: int,
    window: Any,
    signal: Any,
    room: Any,
    parts: Any,
    column: int,
) -> None:
    """Write pre-emphasised, windowed frames, a column each: even samples, odd samples.

    A frame shares all but `hop` of its samples with the next: what is turned is the signal, not every frame of it.

    Parameters
    ----------
    samples
        int16 or float64, the first at place `offset` of the clip.
    number, n_frames
        The first frame wanted, and how many.
    factor, hop
        Of the pre-emphasis; samples from a frame to the next.
    window
        Shape ``(window_samples,)``.
    signal
        Room for the pre-emphasised signal from the first frame's beginning to the last one's end, and a hop more.
    room
        For the same by columns, at least ``min(hop, window_samples)`` times as many columns as the frames touch.
    parts
        Where to write, shape ``(2, at least half a window, n_columns)``.
    column
        The first frame's.
    """
    n_rows = min(hop, window.size)
    n_columns = n_frames + (window.size - 1) // hop
    touched = signal[: (n_columns - 1) * hop + n_rows]
    _emphasise(samples, offset - number * hop, factor, touched)
    turned = room[: n_rows * n_columns].reshape(n_rows, n_columns)
    _turn(touched, hop, turned)
    for place in range(window.size):
        later = place // hop
        sound = turned[place - later * hop, later : later + n_frames]
        out = parts[place % 2, place // 2, column : column + n_frames]
        weight = window[place]
        for f in range(n_frames):
            out[f] = sound[f] * weight


@_compiled(
    "void(float64[:, ::1], int64[::1], float64[:, ::1], float64, float64[:, ::1], float64[:, ::1], int64, int64)"
)
def filter_squares(
    squares: Any, starts: Any, weights: Any, scale: float, sums: Any, powers: Any, column: int, n_frames: int
) -> None:
    """Write each frame's filter outputs and energy into a column of `powers`.

    Parameters
    ----------
    squares
        Shape ``(n_bins, n)``, squared magnitudes, by frame; some may count nothing.
    starts, weights
        As `filters.neighbours` gives them.
    scale
        What the sum of all squares is multiplied by to be the energy.
    sums
        Room, shape ``(n_mels + 2, at least n)``.
    powers
        Shape ``(n_mels + 1, n_columns)``, the last row for the energy.
    column, n_frames
        The first frame's column, and how many frames count.
    """
    n = squares.shape[1]
    n_mels = starts.size - 1
    sums[:, :n] = 0
    energy = sums[n_mels + 1, :n]
    for m in range(n_mels):
        falling = sums[m, :n]
        rising = sums[m + 1, :n]
        for k in range(starts[m], starts[m + 1]):
            row = squares[k]
            down = weights[k, 0]
            up = weights[k, 1]
            for f in range(n):
                energy[f] += row[f]
                falling[f] += down * row[f]
                rising[f] += up * row[f]
    for m in range(n_mels):
        powers[m, column : column + n_frames] = sums[m + 1, :n_frames]
    powers[n_mels, column : column + n_frames] = scale * energy[:n_frames]


@_compiled("void(float64[:, ::1], int64[::1], float64, float64, float64[::1], float64[::1])")
def find_lowest(powers: Any, stops: Any, least: float, range_factor: float, peaks: Any, lowest: Any) -> None:
    """Write for each recording the power below which a filter's output does not count.

    Parameters
    ----------
    powers, stops
        As `filter_squares` writes them; the column after each recording's last, the first recording begins at 0.
    least, range_factor
        The lowest power of all, and what the recording's highest is multiplied by.
    peaks, lowest
        Room, at least as long as there are columns; where to write, shape ``(n_recordings,)``.
    """
    n = stops[-1]
    peaks[:n] = 0
    for m in range(powers.shape[0] - 1):
        row = powers[m, :n]
        for f in range(n):
            peaks[f] = max(peaks[f], row[f])
    start = 0
    for place in range(stops.size):
        highest = 0.0
        for f in range(start, stops[place]):
            highest = max(highest, peaks[f])
        lowest[place] = max(least, highest * range_factor)
        start = stops[place]


@_compiled("void(float64[:, ::1], int64[::1], float64[::1], float64, boolean)")
def raise_to_floors(powers: Any, stops: Any, lowest: Any, least: float, zeros_only: bool) -> None:
    """Raise what is lower than `least` (or zeros alone) to it, then each recording's filters to its `lowest`."""
    start = 0
    n_mels = powers.shape[0] - 1
    for place in range(stops.size):
        for m in range(n_mels + 1):
            row = powers[m, start : stops[place]]
            for f in range(row.size):
                if row[f] == 0 or not zeros_only:
                    row[f] = max(row[f], least)
            if m < n_mels and lowest[place] > least:
                for f in range(row.size):
                    row[f] = max(row[f], lowest[place])
        start = stops[place]


@numba.njit(nogil=True)
def _multiply_by_dct(levels: Any, start: int, n: int, dct: Any, sums: Any) -> None:
    """Write the DCT of `n` columns of `levels` into `sums`, four coefficients at a time."""
    for c in range(0, dct.shape[0], 4):
        first = sums[c, :n]
        second = sums[c + 1, :n]
        third = sums[c + 2, :n]
        fourth = sums[c + 3, :n]
        first[:] = second[:] = third[:] = fourth[:] = 0
        for m in range(dct.shape[1]):
            row = levels[m, start : start + n]
            a, b, c_, d = dct[c, m], dct[c + 1, m], dct[c + 2, m], dct[c + 3, m]
            for f in range(n):
                first[f] += a * row[f]
                second[f] += b * row[f]
                third[f] += c_ * row[f]
                fourth[f] += d * row[f]


@_compiled(
    *(
        "void(float64[:, ::1], int64[::1], int64[::1], float64[::1], float64, float64[:, ::1], float64[:, ::1], "
        f"{real}[:, :, ::1])"
        for real in ("float32", "float64")
    )
)
def write_coefficients(
    levels: Any, stops: Any, firsts: Any, padding: Any, least: float, dct: Any, sums: Any, out: Any
) -> None:
    """Multiply the logarithms by the DCT, and put each recording's frames between those of padding.

    Parameters
    ----------
    levels
        Logarithms, shape ``(n_mels + 1, n_columns)``.
    stops
        As for `find_lowest`.
    firsts
        The first sounding frame of each recording.
    padding, least
        The levels of a frame without sound: of its filters, by recording, and of its energy.
    dct
        Shape ``(n_rows, n_mels + 1)``, at least a row per coefficient, `n_rows` a multiple of 4.
    sums
        Room, shape ``(n_rows, n)``, for `n` frames at a time.
    out
        Where to write, shape ``(n_recordings, n_frames, n_coefficients)``.
    """
    for place in range(stops.size):
        for c in range(out.shape[2]):
            silent = 0.0
            for m in range(dct.shape[1] - 1):
                silent += dct[c, m]
            out[place, :, c] = silent * padding[place] + dct[c, dct.shape[1] - 1] * least
    place = 0
    before = 0
    for start in range(0, stops[-1], sums.shape[1]):
        n = min(sums.shape[1], stops[-1] - start)
        _multiply_by_dct(levels, start, n, dct, sums)
        for f in range(n):
            while start + f >= stops[place]:
                before = stops[place]
                place += 1
            frame = firsts[place] + start + f - before
            for c in range(out.shape[2]):
                out[place, frame, c] = sums[c, f]
