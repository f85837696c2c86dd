"""The squared spectra of many real frames at once, compiled.

A frame of an even number of samples is transformed as half as many complex numbers, its even samples the real parts and
its odd ones the imaginary parts, and the halves are told apart afterwards (W. H. Press et al., *Numerical Recipes*,
3rd ed., 12.3.2). The complex transform works in place, in passes of radix 2 to 5 (J. W. Cooley, J. W. Tukey, *Math.
Comput.* 19, 1965): a pass splits every block of rows, which holds a polynomial modulo ``z**size - c``, into as many
blocks as its radix, modulo ``z**(size / radix)`` minus the roots of c. All rows of a block take the same factors, and
frames lie along the last axis, so that the inner loops are long, and no value depends on another frame.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from features.extraction.compilation import compiler

_compiled = compiler(__file__)

_SIN_60 = math.sin(math.pi / 3)
_COS_72 = math.cos(2 * math.pi / 5)
_COS_144 = math.cos(4 * math.pi / 5)
_SIN_72 = math.sin(2 * math.pi / 5)
_SIN_144 = math.sin(4 * math.pi / 5)


class Passes(NamedTuple):
    """How frames of one length are transformed.

    Attributes
    ----------
    radices
        int64, ``(n_passes,)``: of each pass; their product is half the length.
    factors
        float64, ``(n_blocks, 8)``: for each block of each pass, what its second to last part are multiplied by first,
        real and imaginary parts in turns.
    places
        int64, ``(n_rows,)``: the row in which the transform leaves each frequency.
    turns
        float64, ``(n_rows // 2 + 1, 2)``: ``exp(-2 pi i k / length) / 2``, real and imaginary.
    """

    radices: NDArray[np.int64]
    factors: NDArray[np.float64]
    places: NDArray[np.int64]
    turns: NDArray[np.float64]


@functools.lru_cache(maxsize=16)
def passes(n_fft: int) -> Passes | None:
    """Return the passes for frames of `n_fft` samples; None where it is odd or has prime factors above 5."""
    left, odd = divmod(n_fft, 2)
    if odd:
        return None
    n_rows, radices = left, []
    for radix in (4, 2, 3, 5):
        while left % radix == 0:
            radices.append(radix)
            left //= radix
    if left > 1:
        return None
    radices.sort(key=(2, 4, 3, 5).index)  # measured: the shortest inner loops for the largest radix
    frequencies, factors = np.zeros(1, dtype=np.int64), [np.empty((0, 8))]
    for radix in radices:
        n_blocks = len(frequencies)
        roots = np.exp(-2j * np.pi * np.outer(frequencies, np.arange(1, radix)) / (n_blocks * radix))
        factors.append(np.pad(roots.view(np.float64), ((0, 0), (0, 10 - 2 * radix))))
        frequencies = np.add.outer(frequencies, n_blocks * np.arange(radix)).ravel()
    turns = np.exp(-2j * np.pi * np.arange(n_rows // 2 + 1) / n_fft) / 2
    return Passes(
        radices=np.array(radices, dtype=np.int64),
        factors=np.concatenate(factors),
        places=np.argsort(frequencies),
        turns=turns.view(np.float64).reshape(-1, 2),
    )


@numba.njit(nogil=True)
def _by_two(real: Any, imaginary: Any, factors: Any) -> None:
    size = real.size // 2
    ar, ai, br, bi = real[:size], imaginary[:size], real[size:], imaginary[size:]
    cos, sin = factors[0], factors[1]
    for f in range(size):
        xr, xi = br[f] * cos - bi[f] * sin, br[f] * sin + bi[f] * cos
        yr, yi = ar[f], ai[f]
        ar[f], ai[f] = yr + xr, yi + xi
        br[f], bi[f] = yr - xr, yi - xi


@numba.njit(nogil=True)
def _by_three(real: Any, imaginary: Any, factors: Any) -> None:
    size = real.size // 3
    ar, br, cr = real[:size], real[size : 2 * size], real[2 * size :]
    ai, bi, ci = imaginary[:size], imaginary[size : 2 * size], imaginary[2 * size :]
    cos_b, sin_b, cos_c, sin_c = factors[0], factors[1], factors[2], factors[3]
    for f in range(size):
        xr, xi = br[f] * cos_b - bi[f] * sin_b, br[f] * sin_b + bi[f] * cos_b
        yr, yi = cr[f] * cos_c - ci[f] * sin_c, cr[f] * sin_c + ci[f] * cos_c
        zr, zi = ar[f], ai[f]
        sum_r, sum_i = xr + yr, xi + yi
        less_r, less_i = _SIN_60 * (yr - xr), _SIN_60 * (yi - xi)
        middle_r, middle_i = zr - 0.5 * sum_r, zi - 0.5 * sum_i
        ar[f], ai[f] = zr + sum_r, zi + sum_i
        br[f], bi[f] = middle_r - less_i, middle_i + less_r
        cr[f], ci[f] = middle_r + less_i, middle_i - less_r


@numba.njit(nogil=True)
def _by_four(real: Any, imaginary: Any, factors: Any) -> None:
    size = real.size // 4
    ar, br, cr, dr = real[:size], real[size : 2 * size], real[2 * size : 3 * size], real[3 * size :]
    ai, bi = imaginary[:size], imaginary[size : 2 * size]
    ci, di = imaginary[2 * size : 3 * size], imaginary[3 * size :]
    cos_b, sin_b, cos_c, sin_c, cos_d, sin_d = factors[0], factors[1], factors[2], factors[3], factors[4], factors[5]
    for f in range(size):
        xr, xi = br[f] * cos_b - bi[f] * sin_b, br[f] * sin_b + bi[f] * cos_b
        yr, yi = cr[f] * cos_c - ci[f] * sin_c, cr[f] * sin_c + ci[f] * cos_c
        zr, zi = dr[f] * cos_d - di[f] * sin_d, dr[f] * sin_d + di[f] * cos_d
        even_r, even_i = ar[f] + yr, ai[f] + yi
        less_r, less_i = ar[f] - yr, ai[f] - yi
        odd_r, odd_i = xr + zr, xi + zi
        turned_r, turned_i = xi - zi, zr - xr
        ar[f], ai[f] = even_r + odd_r, even_i + odd_i
        br[f], bi[f] = less_r + turned_r, less_i + turned_i
        cr[f], ci[f] = even_r - odd_r, even_i - odd_i
        dr[f], di[f] = less_r - turned_r, less_i - turned_i


@numba.njit(nogil=True)
def _by_five(real: Any, imaginary: Any, factors: Any) -> None:
    size = real.size // 5
    ar, br, cr = real[:size], real[size : 2 * size], real[2 * size : 3 * size]
    dr, er = real[3 * size : 4 * size], real[4 * size :]
    ai, bi, ci = imaginary[:size], imaginary[size : 2 * size], imaginary[2 * size : 3 * size]
    di, ei = imaginary[3 * size : 4 * size], imaginary[4 * size :]
    cos_b, sin_b, cos_c, sin_c = factors[0], factors[1], factors[2], factors[3]
    cos_d, sin_d, cos_e, sin_e = factors[4], factors[5], factors[6], factors[7]
    for f in range(size):
        wr, wi = br[f] * cos_b - bi[f] * sin_b, br[f] * sin_b + bi[f] * cos_b
        xr, xi = cr[f] * cos_c - ci[f] * sin_c, cr[f] * sin_c + ci[f] * cos_c
        yr, yi = dr[f] * cos_d - di[f] * sin_d, dr[f] * sin_d + di[f] * cos_d
        zr, zi = er[f] * cos_e - ei[f] * sin_e, er[f] * sin_e + ei[f] * cos_e
        first_r, first_i = ar[f], ai[f]
        outer_r, outer_i, outer_less_r, outer_less_i = wr + zr, wi + zi, zr - wr, zi - wi
        inner_r, inner_i, inner_less_r, inner_less_i = xr + yr, xi + yi, yr - xr, yi - xi
        ar[f], ai[f] = first_r + (outer_r + inner_r), first_i + (outer_i + inner_i)
        middle_r = first_r + (_COS_72 * outer_r + _COS_144 * inner_r)
        middle_i = first_i + (_COS_72 * outer_i + _COS_144 * inner_i)
        less_r = _SIN_72 * outer_less_r + _SIN_144 * inner_less_r
        less_i = _SIN_72 * outer_less_i + _SIN_144 * inner_less_i
        br[f], bi[f] = middle_r - less_i, middle_i + less_r
        er[f], ei[f] = middle_r + less_i, middle_i - less_r
        middle_r = first_r + (_COS_144 * outer_r + _COS_72 * inner_r)
        middle_i = first_i + (_COS_144 * outer_i + _COS_72 * inner_i)
        less_r = _SIN_144 * outer_less_r - _SIN_72 * inner_less_r
        less_i = _SIN_144 * outer_less_i - _SIN_72 * inner_less_i
        cr[f], ci[f] = middle_r - less_i, middle_i + less_r
        dr[f], di[f] = middle_r + less_i, middle_i - less_r


@_compiled("void(float64[:, :, ::1], int64[::1], float64[:, ::1])")
def transform(parts: Any, radices: Any, factors: Any) -> None:
    """Transform columns of complex numbers in place; `Passes.places` says where each frequency is then.

    Parameters
    ----------
    parts
        Shape ``(2, n_rows, n_columns)``: real parts, imaginary parts.
    radices, factors
        As in `Passes`.
    """
    real = parts[0].reshape(parts[0].size)
    imaginary = parts[1].reshape(parts[1].size)
    row, n_blocks, size = 0, 1, real.size
    for radix in radices:
        for block in range(n_blocks):
            own = slice(block * size, (block + 1) * size)
            if radix == 4:
                _by_four(real[own], imaginary[own], factors[row])
            elif radix == 5:
                _by_five(real[own], imaginary[own], factors[row])
            elif radix == 3:
                _by_three(real[own], imaginary[own], factors[row])
            else:
                _by_two(real[own], imaginary[own], factors[row])
            row += 1
        n_blocks *= radix
        size //= radix


@_compiled("void(float64[:, :, ::1], int64[::1], float64[:, ::1], float64[:, ::1])")
def square(parts: Any, places: Any, turns: Any, squares: Any) -> None:
    """Write the squared magnitudes of the real frames' spectra.

    Parameters
    ----------
    parts
        As `transform` leaves them.
    places, turns
        As in `Passes`.
    squares
        Where to write, shape ``(n_rows + 1, n_columns)``.
    """
    n_rows, n_columns = parts.shape[1], parts.shape[2]
    real, imaginary = parts[0, 0], parts[1, 0]
    lowest, highest = squares[0], squares[n_rows]
    for f in range(n_columns):
        plus, minus = real[f] + imaginary[f], real[f] - imaginary[f]
        lowest[f], highest[f] = plus * plus, minus * minus
    for k in range(1, n_rows // 2 + 1):
        here, mirrored = places[k], places[n_rows - k]
        ar, ai, br, bi = parts[0, here], parts[1, here], parts[0, mirrored], parts[1, mirrored]
        cos, sin = turns[k, 0], turns[k, 1]
        low, high = squares[k], squares[n_rows - k]
        for f in range(n_columns):
            even_r, even_i = 0.5 * (ar[f] + br[f]), 0.5 * (ai[f] - bi[f])
            odd_r, odd_i = ai[f] + bi[f], br[f] - ar[f]
            turned_r, turned_i = odd_r * cos - odd_i * sin, odd_r * sin + odd_i * cos
            xr, xi = even_r + turned_r, even_i + turned_i
            yr, yi = even_r - turned_r, even_i - turned_i
            low[f] = xr * xr + xi * xi
            high[f] = yr * yr + yi * yi
