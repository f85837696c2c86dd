"""The four views of one MFCC tensor; none of them reads audio.

==============  =======  =====================================  ================================================
view            dtype    shape                                  what
==============  =======  =====================================  ================================================
``flat``        float32  ``(n, n_frames * n_coefficients)``     the tensor itself, frame after frame
``summary``     float32  ``(n, 6 * n_coefficients)``            moments and deltas over the sounding frames
``image``       uint8    ``(n, n_frames, n_coefficients, 3)``   viridis, as the starting design drew it
``image-mono``  uint8    ``(n, n_frames, n_coefficients, 1)``   the same before the colours
==============  =======  =====================================  ================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.images import levels_to_rgb, viridis_levels

VIEWS = ("flat", "summary", "image", "image-mono")

SUMMARY_STATISTICS = ("mean", "sd", "skewness", "excess_kurtosis", "delta_mean", "delta_sd")
"""Blocks of the ``summary`` view, each with one column per coefficient; a delta is the step to the next frame."""

BLOCK_RECORDINGS = 256

_STILL = 1e-6
"""Spreads below this share of the values are rounding: such a coefficient is constant and has no shape."""

Tensor = NDArray[np.floating[Any]]


def view(
    tensor: Tensor,
    name: str,
    *,
    first_frame: NDArray[np.integer[Any]],
    n_sounding: NDArray[np.integer[Any]],
    images: NDArray[np.uint8] | None = None,
) -> NDArray[Any]:
    """Return one view of the MFCC tensor, read-only; ``flat`` shares its memory where that is float32.

    Parameters
    ----------
    tensor
        MFCCs, shape ``(n_recordings, n_frames, n_coefficients)``.
    name
        One of `VIEWS`.
    first_frame, n_sounding
        First frame that overlaps sound and how many do, shape ``(n_recordings,)``.
    images
        Published images, uint8 ``(n_recordings, n_frames, n_coefficients, 3)``: the view ``image`` as it is.

    Raises
    ------
    ValueError
        The view is unknown, or the shapes do not belong together.
    """
    _check_shapes(tensor, first_frame, n_sounding, images)
    seen: NDArray[Any]
    if name == "flat":
        seen = tensor.reshape(len(tensor), -1).astype(np.float32, copy=False)
    elif name == "summary":
        frame, end = np.arange(tensor.shape[1]), (first_frame + n_sounding)[:, None]
        sounding = (frame >= first_frame[:, None]) & (frame < end)
        shape = (len(tensor), len(SUMMARY_STATISTICS) * tensor.shape[2])
        seen = _in_blocks(lambda rows: _summary(tensor[rows], sounding[rows]), np.empty(shape, dtype=np.float32))
    elif name == "image" and images is not None:
        seen = images
    elif name == "image":
        colours = np.empty((*tensor.shape, 3), dtype=np.uint8)
        seen = _in_blocks(lambda rows: levels_to_rgb(viridis_levels(tensor[rows])), colours)
    elif name == "image-mono":
        levels = np.empty((*tensor.shape, 1), dtype=np.uint8)
        seen = _in_blocks(lambda rows: viridis_levels(tensor[rows])[..., None], levels)
    else:
        raise ValueError(f"view '{name}' is unknown; choose from {', '.join(VIEWS)}")
    read_only = seen.view()
    read_only.flags.writeable = False
    return read_only


def _check_shapes(
    tensor: Tensor,
    first_frame: NDArray[np.integer[Any]],
    n_sounding: NDArray[np.integer[Any]],
    images: NDArray[np.uint8] | None,
) -> None:
    if tensor.ndim != 3:
        raise ValueError(f"tensor has shape {tensor.shape}; (n_recordings, n_frames, n_coefficients) was expected")
    if first_frame.shape != (len(tensor),) or n_sounding.shape != (len(tensor),):
        shapes = f"{first_frame.shape} and {n_sounding.shape}"
        raise ValueError(f"first_frame and n_sounding have shapes {shapes}; both must be ({len(tensor)},)")
    if images is not None and images.shape != (*tensor.shape, 3):
        raise ValueError(f"images have shape {images.shape}; {(*tensor.shape, 3)} was expected")


def _in_blocks(make: Callable[[slice], NDArray[Any]], out: NDArray[Any]) -> NDArray[Any]:
    """Fill `out` block by block, so that what `make` needs beside it stays small."""
    for start in range(0, len(out), BLOCK_RECORDINGS):
        rows = slice(start, start + BLOCK_RECORDINGS)
        out[rows] = make(rows)
    return out


def _summary(tensor: Tensor, sounding: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the statistics of `SUMMARY_STATISTICS`, ``(n, 6 * n_coefficients)``."""
    values = tensor.astype(np.float64)
    mean, deviations, sd = _moments(values, sounding)
    count = np.maximum(sounding.sum(axis=1), 1)[:, None]
    unit = np.where(sd > 0, sd, 1)
    standard = deviations / unit[:, None, :]
    skewness = (standard**3).sum(axis=1) / count
    excess_kurtosis = np.where(sd > 0, (standard**4).sum(axis=1) / count - 3, 0)
    delta_mean, _, delta_sd = _moments(np.diff(values, axis=1), sounding[:, 1:] & sounding[:, :-1])
    return np.concatenate([mean, sd, skewness, excess_kurtosis, delta_mean, delta_sd], axis=1)


def _moments(
    values: NDArray[np.float64], counted: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return mean, deviations from it (0 where not counted) and standard deviation over the counted frames."""
    weights = counted[:, :, None]
    count = np.maximum(counted.sum(axis=1), 1)[:, None]
    mean = (values * weights).sum(axis=1) / count
    deviations = (values - mean[:, None, :]) * weights
    sd = np.sqrt((deviations**2).sum(axis=1) / count)
    still = sd <= _STILL * np.abs(values * weights).max(axis=1, initial=0)
    deviations *= ~still[:, None, :]
    return mean, deviations, np.where(still, 0, sd)
