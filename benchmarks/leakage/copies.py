"""Recordings that are copies of each other, or nearly, found by their MFCCs.

**Identical**: every MFCC equal in every bit; so is what models hear, whatever the files' formats and names.

**Near-duplicates**: the distance of two recordings is the mean squared difference of their coefficients 1 and up,
frame by frame, each in units of its standard deviation, halved, so that 0 is the same and 1 is unrelated frames.
Frames weigh by how far coefficient 0 rises over the recording's own quiet quarter, and coefficient 0 itself is left
out: gain changes neither. Of all shifts up to `MAX_SHIFT` frames, in steps of half a frame, the closest counts. A pair
is a near-duplicate when its distance is below a seventh of the median distance that recordings of this corpus have to
their nearest one across sides, and below `MOST`; docs/reliability.md has the measurements behind both.

Not every pair is compared frame by frame: the weighted means over three parts of equal loudness, which neither shift
nor gain moves, tell the few that can be close from the rest, block by block.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 0.04
"""Largest distance of near-duplicates, however far apart the corpus' recordings are."""
SHARE_OF_MEDIAN = 1 / 7
MAX_SHIFT = 6
"""Frames by which a copy may be shifted: 60 ms."""

N_SAMPLED = 100
"""Recordings whose nearest one across sides is looked for, to know how far apart the corpus' recordings are."""
N_NEAREST = 10
N_PARTS = 3

_REACH = 1.6
"""A pair at distance d has its part means within about 1.2 times the root of d; further apart it is not looked at."""
_LEAST_OVERLAP = 0.6
"""Share of the louder weight that must overlap, so that two recordings are not alike in their last syllable only."""
_BLOCK = 1024
_TINY = 1e-9

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class NearDuplicates:
    """The pairs of a search, and what it went by.

    Attributes
    ----------
    first, second, distance
        Rows of the pairs and their distances, closest pair first.
    limit
        Distance below which a pair counts.
    median
        Median distance of the sampled recordings to their nearest one across sides; NaN where there is none.
    n_pairs
        Pairs across sides that were compared.
    """

    first: Rows
    second: Rows
    distance: Floats
    limit: float
    median: float
    n_pairs: int


@dataclass(frozen=True, kw_only=True)
class Sound:
    """The tensor, which may be a memory map, with its first frames that overlap sound and how many do."""

    values: NDArray[Any]
    first_frame: NDArray[Any]
    n_sounding: NDArray[Any]

    def weights(self, rows: Any) -> Floats:
        """Return how much each frame of `rows` counts, 0 to 1, shape ``(n_rows, n_frames)``."""
        loudness = np.asarray(self.values[rows][:, :, 0], dtype=np.float32)
        frame = np.arange(loudness.shape[1])
        first, number = self.first_frame[rows][:, None], self.n_sounding[rows][:, None]
        sounding = (frame >= first) & (frame < first + number)
        rising = np.sort(np.where(sounding, loudness, np.inf), axis=1)
        quiet = np.take_along_axis(rising, number // 4, axis=1)
        loud = np.where(sounding, loudness, -np.inf).max(axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            share = (loudness - quiet) / np.maximum(loud - quiet, 1e-6)
        return np.where(sounding, np.clip(share, 0, 1), 0).astype(np.float32)


def identical(values: NDArray[Any]) -> list[Rows]:
    """Return the sets of rows of `values` that are equal in every bit, each set sorted, smallest row first."""
    rows_of: dict[bytes, list[int]] = defaultdict(list)
    for row, content in enumerate(values):
        rows_of[hashlib.blake2b(content.tobytes(), digest_size=16).digest()].append(row)
    return [np.array(rows, dtype=np.int64) for rows in rows_of.values() if len(rows) > 1]


def near_duplicates(sound: Sound, sides: NDArray[np.int8]) -> NearDuplicates:
    """Return the pairs of recordings that are nearly the same and stand on two sides of a split.

    `sides` has the role of each recording in each split, shape ``(n_splits, n_recordings)``: 0 where it is not in the
    split, another number per role.
    """
    scale = _scale(sound)
    parts = np.concatenate([_parts(sound, scale, rows) for rows in _blocks(len(sound.values))])
    codes = np.unique(sides, axis=1, return_inverse=True)[1].reshape(-1)
    median = _median_distance(sound, scale, parts, sides)
    limit = float(min(MOST, SHARE_OF_MEDIAN * median)) if np.isfinite(median) else MOST
    first, second = _candidates(parts, codes, _REACH * np.sqrt(limit))
    across = _across(sides, first, second)
    first, second = first[across], second[across]
    distance = distances(sound, scale, first, second)
    close = np.flatnonzero(distance < limit)
    order = close[np.lexsort((second[close], first[close], distance[close]))]
    return NearDuplicates(
        first=first[order],
        second=second[order],
        distance=distance[order],
        limit=limit,
        median=float(median),
        n_pairs=_n_pairs(sides, codes),
    )


def _blocks(n: int) -> list[slice]:
    return [slice(start, min(n, start + _BLOCK)) for start in range(0, n, _BLOCK)]


def _scale(sound: Sound) -> tuple[Floats, Floats]:
    """Return weighted mean and standard deviation of coefficients 1 and up over all frames."""
    n_coefficients = sound.values.shape[2] - 1
    total, sums, squares = 0.0, np.zeros(n_coefficients), np.zeros(n_coefficients)
    for rows in _blocks(len(sound.values)):
        x, weights = np.asarray(sound.values[rows][:, :, 1:], dtype=np.float64), sound.weights(rows)
        total += float(weights.sum(dtype=np.float64))
        sums += np.einsum("nf,nfc->c", weights, x)
        squares += np.einsum("nf,nfc->c", weights, x * x)
    mean = sums / max(total, _TINY)
    sd = np.sqrt(np.maximum(squares / max(total, _TINY) - mean**2, 0))
    return mean.astype(np.float32), np.where(sd > 0, sd, 1).astype(np.float32)


def _standard(sound: Sound, scale: tuple[Floats, Floats], rows: Any) -> Floats:
    x: Floats = (np.asarray(sound.values[rows][:, :, 1:], dtype=np.float32) - scale[0]) / scale[1]
    return x


def _parts(sound: Sound, scale: tuple[Floats, Floats], rows: slice) -> Floats:
    """Return the means over parts of equal loudness, ``(n_rows, N_PARTS * (n_coefficients - 1))``, over the root."""
    x, weights = _standard(sound, scale, rows), sound.weights(rows)
    total = weights.sum(axis=1, keepdims=True)
    passed = (np.cumsum(weights, axis=1) - weights / 2) / np.maximum(total, _TINY)
    means = []
    for part in range(N_PARTS):
        centre = (part + 0.5) / N_PARTS
        window = weights * np.clip(1 - np.abs(passed - centre) * N_PARTS, 0, None)
        mean = np.matmul(window[:, None, :], x)[:, 0]
        means.append(mean / np.maximum(window.sum(axis=1, keepdims=True), _TINY))
    joined = np.concatenate(means, axis=1)
    scaled: Floats = (joined / np.sqrt(joined.shape[1])).astype(np.float32)
    return scaled


def _squares(left: Floats, right: Floats) -> Floats:
    squares: Floats = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None] - 2 * left @ right.T
    return squares


def _candidates(parts: Floats, codes: NDArray[Any], radius: float) -> tuple[Rows, Rows]:
    """Return the pairs whose part means lie within `radius` and whose roles differ in any split."""
    pairs: list[tuple[Rows, Rows]] = []
    blocks = _blocks(len(parts))
    for place, above in enumerate(blocks):
        for right in blocks[place:]:
            i, j = np.nonzero(_squares(parts[above], parts[right]) < radius**2)
            i, j = i + above.start, j + right.start
            keep = (i < j) & (codes[i] != codes[j])
            pairs.append((i[keep], j[keep]))
    return np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])


def _across(sides: NDArray[np.int8], first: Rows, second: Rows) -> NDArray[np.bool_]:
    """Tell which pairs stand on two sides of any split."""
    across = np.zeros(len(first), dtype=bool)
    for roles in sides:
        a, b = roles[first], roles[second]
        across |= (a != b) & (a > 0) & (b > 0)
    return across


def _n_pairs(sides: NDArray[np.int8], codes: NDArray[Any]) -> int:
    """Count the pairs across sides: those of recordings whose roles differ."""
    kinds, counts = np.unique(codes, return_counts=True)
    if len(kinds) > _BLOCK:  # many random splits: nearly every pair, and not worth a matrix of kinds
        n = len(codes)
        return n * (n - 1) // 2
    example = np.array([np.flatnonzero(codes == kind)[0] for kind in kinds])
    left, right = np.triu_indices(len(kinds), k=1)
    across = _across(sides, example[left], example[right])
    return int((counts[left] * counts[right])[across].sum())


def _median_distance(sound: Sound, scale: tuple[Floats, Floats], parts: Floats, sides: NDArray[np.int8]) -> float:
    """Return the median distance of some recordings, evenly spread, to their nearest one across sides."""
    n = len(parts)
    sampled = np.unique(np.linspace(0, n - 1, min(n, N_SAMPLED)).astype(np.int64))
    near = _squares(parts[sampled], parts)
    for place, row in enumerate(sampled):
        near[place, ~_across(sides, np.full(n, row), np.arange(n))] = np.inf
    most = min(N_NEAREST, n)
    second = np.argpartition(near, most - 1, axis=1)[:, :most]
    finite = np.isfinite(np.take_along_axis(near, second, axis=1))
    distance = np.full(second.shape, np.inf, dtype=np.float32)
    distance[finite] = distances(sound, scale, np.repeat(sampled, most)[finite.ravel()], second[finite])
    nearest = distance.min(axis=1)
    known = nearest[np.isfinite(nearest)]
    return float(np.median(known)) if known.size else float("nan")


def distances(sound: Sound, scale: tuple[Floats, Floats], first: Rows, second: Rows) -> Floats:
    """Return the distance of every pair; infinite where no shift lets enough of both overlap."""
    distance = np.empty(len(first), dtype=np.float32)
    for rows in _blocks(len(first)):
        one, other = ((_standard(sound, scale, side[rows]), sound.weights(side[rows])) for side in (first, second))
        distance[rows] = _closest(one, other)
    return distance


def _closest(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> Floats:
    """Return the smallest distance over all shifts, whole frames first, then half ones."""
    between = ((other[0][:, 1:] + other[0][:, :-1]) / 2, np.minimum(other[1][:, 1:], other[1][:, :-1]))
    needed = _LEAST_OVERLAP * np.maximum(one[1].sum(axis=1), other[1].sum(axis=1))
    best = np.full(len(needed), np.inf, dtype=np.float32)
    for x, weights in (other, between):
        for shift in range(-MAX_SHIFT, MAX_SHIFT + 1):
            start, stop = max(0, -shift), min(one[0].shape[1], x.shape[1] - shift)
            both = np.minimum(one[1][:, start:stop], weights[:, start + shift : stop + shift])
            overlap = both.sum(axis=1)
            apart = one[0][:, start:stop] - x[:, start + shift : stop + shift]
            sums = np.einsum("nfc,nfc,nf->n", apart, apart, both, optimize=False)
            value = sums / np.maximum(overlap, _TINY) / (2 * x.shape[2])
            best = np.where((overlap > needed) & (value < best), value, best)
    return best
