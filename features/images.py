"""MFC images: MFCCs through matplotlib's viridis, and back.

An image file is coefficients high and frames wide, coefficient 0 in the top row, scaled from the clip's own minimum to
its maximum, as the starting design drew them. Arrays are ``(n_frames, n_coefficients, 3)``: files are
transposed once, where they are written and read.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from features.files import open_regular
from features.mfcc import MfccConfig, extract

N_LEVELS = 256
UNDO_BLOCK_IMAGES = 512

Levels = NDArray[np.uint8]


class ImageError(ValueError):
    """A file is no MFC image; the message is one line for the user and names the file."""


@functools.lru_cache(maxsize=1)
def viridis_colours() -> Levels:
    """Return viridis as matplotlib writes it to files: uint8, shape ``(256, 3)``, read-only."""
    from matplotlib import colormaps

    colours: Levels = colormaps["viridis"](np.arange(N_LEVELS), bytes=True)[:, :3].copy()
    colours.flags.writeable = False
    return colours


def viridis_levels(mfcc: NDArray[np.floating[Any]]) -> Levels:
    """Return the place of every value in the colour map, each clip scaled to its own range.

    The same steps in the same precision as matplotlib's: its colours are reproduced exactly.
    `mfcc` is float32 or float64, a clip its last two axes, ``(..., n_frames, n_coefficients)``; levels are uint8 in the
    same shape, 0 throughout for a clip of one value.
    """
    lowest = mfcc.min(axis=(-2, -1), keepdims=True).astype(np.float64)
    extent = mfcc.max(axis=(-2, -1), keepdims=True).astype(np.float64) - lowest
    extent[extent == 0] = 1
    above = (mfcc - lowest).astype(mfcc.dtype)
    scaled = (above / extent).astype(mfcc.dtype) * mfcc.dtype.type(N_LEVELS)
    levels: Levels = np.minimum(scaled, N_LEVELS - 1).astype(np.uint8)
    return levels


def levels_to_rgb(levels: Levels) -> Levels:
    """Return the viridis colours of `levels`: uint8, shape ``(..., 3)``."""
    rgb: Levels = viridis_colours()[levels]
    return rgb


def jpeg_bytes(samples: ArrayLike, config: MfccConfig, zeros_in_front: int | None = None) -> bytes:
    """Return the MFC image of one recording as a JPEG file, the MFCCs computed in float64.

    Parameters
    ----------
    samples, config, zeros_in_front
        As in `features.mfcc.extract`; ``config.dtype`` is ignored, since a rounding difference can move a colour.
    """
    from matplotlib.image import imsave

    mfcc = extract(samples, dataclasses.replace(config, dtype="float64"), zeros_in_front)
    file = io.BytesIO()
    imsave(file, mfcc.T, format="jpg", cmap="viridis", origin="upper")
    return file.getvalue()


def read_image(path: Path, config: MfccConfig) -> Levels:
    """Read one MFC image: uint8, shape ``(n_frames, n_coefficients, 3)``.

    Raises
    ------
    ImageError
        The file is missing, damaged, no RGB image, or of another size than ``config`` makes.
    """
    try:
        file, _ = open_regular(path)
    except OSError as error:
        raise ImageError(f"{path.name}: cannot be opened: {error.strerror}; leave it out") from error
    with file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's doubts; what matters is checked here
        try:
            pixels = _pixels(file, (config.n_frames, config.n_coefficients))
        except ImageError as error:
            raise ImageError(f"{path.name}: {error}; draw it anew from its recording, or leave it out") from error
    return np.ascontiguousarray(pixels.transpose(1, 0, 2))


_BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises of a file that is no image or a damaged one; `UnidentifiedImageError` is an OSError."""


def _pixels(file: io.FileIO, expected: tuple[int, int]) -> Levels:
    """Decode a JPEG, once its header is seen to promise the image that is expected."""
    if file.read(2) != b"\xff\xd8":
        raise ImageError("no JPEG: its first bytes are not those of one")
    file.seek(0)
    try:
        with Image.open(file, formats=["JPEG"]) as image:
            if image.size != expected:
                size = f"{image.size[0]} x {image.size[1]}"
                raise ImageError(f"{size} pixels, expected {expected[0]} frames x {expected[1]} coefficients")
            if image.mode != "RGB":
                raise ImageError(f"mode {image.mode}, expected an RGB image (viridis colours)")
            return np.asarray(image)
    except ImageError:
        raise
    except _BROKEN as error:
        raise ImageError(f"cannot be read ({str(error).partition(' <')[0]})") from error


def undo_viridis(rgb: Levels) -> NDArray[np.float32]:
    """Return where in viridis the colours lie, each at its nearest colour: 0 the darkest, 1 the brightest.

    `rgb` is uint8, shape ``(n, ..., 3)``; places are float32, shape ``(n, ...)``.
    """
    from scipy.spatial import cKDTree  # imported here: only published images need it

    tree = cKDTree(viridis_colours())
    values = np.empty(rgb.shape[:-1], dtype=np.float32)
    for start in range(0, len(rgb), UNDO_BLOCK_IMAGES):
        block = rgb[start : start + UNDO_BLOCK_IMAGES].astype(np.uint32)
        packed = (block[..., 0] << 16) | (block[..., 1] << 8) | block[..., 2]
        colours, inverse = np.unique(packed, return_inverse=True)
        unpacked = np.stack([colours >> 16, (colours >> 8) & 255, colours & 255], axis=1)
        levels = np.asarray(tree.query(unpacked)[1])
        values[start : start + UNDO_BLOCK_IMAGES] = (levels[inverse] / (N_LEVELS - 1)).reshape(packed.shape)
    return values
