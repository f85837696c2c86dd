"""Views of the MFCC tensor: shapes, sharing of memory, and the statistics against SciPy's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from features import views
from features.images import levels_to_rgb, viridis_levels
from features.views import SUMMARY_STATISTICS, VIEWS, view


@pytest.fixture
def tensor() -> np.ndarray:
    return np.random.default_rng(1).normal(3, 10, (7, 98, 12)).astype(np.float32)


FIRST = np.array([0, 5, 20, 97, 0, 40, 3])
NUMBER = np.array([98, 60, 30, 1, 0, 2, 95])


def seen(tensor: np.ndarray, name: str, **more: np.ndarray) -> np.ndarray:
    return view(tensor, name, first_frame=FIRST[: len(tensor)], n_sounding=NUMBER[: len(tensor)], **more)


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("flat", (7, 1_176), "float32"),
        ("summary", (7, 72), "float32"),
        ("image", (7, 98, 12, 3), "uint8"),
        ("image-mono", (7, 98, 12, 1), "uint8"),
    ],
)
def test_shapes(tensor: np.ndarray, name: str, shape: tuple[int, ...], dtype: str) -> None:
    found = seen(tensor, name)
    assert (found.shape, found.dtype) == (shape, dtype)
    assert not found.flags.writeable
    assert tensor.flags.writeable
    assert np.isfinite(found).all()
    assert name in VIEWS


def test_flat_shares_a_memory_map(tensor: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "values.npy", tensor)
    mapped = np.load(tmp_path / "values.npy", mmap_mode="r")
    flat = seen(mapped, "flat")
    assert np.shares_memory(flat, mapped)
    np.testing.assert_array_equal(flat[2, 12:24], tensor[2, 1])


def test_image_of_the_tensor_and_of_published_pixels(tensor: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "BLOCK_RECORDINGS", 3)
    np.testing.assert_array_equal(seen(tensor, "image"), levels_to_rgb(viridis_levels(tensor)))
    np.testing.assert_array_equal(seen(tensor, "image-mono")[..., 0], viridis_levels(tensor))
    published = np.random.default_rng(2).integers(0, 256, (7, 98, 12, 3)).astype(np.uint8)
    np.testing.assert_array_equal(seen(tensor, "image", images=published), published)
    assert published.flags.writeable


def test_summary_against_scipy(tensor: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "BLOCK_RECORDINGS", 3)
    found = seen(tensor, "summary").reshape(7, len(SUMMARY_STATISTICS), 12)
    for row in (0, 1, 2, 6):
        sound = tensor[row, FIRST[row] : FIRST[row] + NUMBER[row]].astype(np.float64)
        deltas = np.diff(sound, axis=0)
        expected = [
            sound.mean(axis=0),
            sound.std(axis=0),
            scipy.stats.skew(sound),
            scipy.stats.kurtosis(sound),
            deltas.mean(axis=0),
            deltas.std(axis=0),
        ]
        np.testing.assert_allclose(found[row], expected, rtol=1e-5, atol=1e-5)


def test_summary_ignores_what_is_not_sound(tensor: np.ndarray) -> None:
    other = tensor.copy()
    for row in range(7):
        other[row, : FIRST[row]] = -300
        other[row, FIRST[row] + NUMBER[row] :] = 1e6
    np.testing.assert_array_equal(seen(other, "summary"), seen(tensor, "summary"))


def test_constant_clips_have_no_spread() -> None:
    still = np.full((3, 98, 12), -36.04365, dtype=np.float32)
    summary = view(still, "summary", first_frame=np.array([0, 10, 4]), n_sounding=np.array([98, 1, 0]))
    np.testing.assert_allclose(summary[:2, :12], -36.04365, rtol=1e-6)
    np.testing.assert_array_equal(summary[:, 12:], 0)
    np.testing.assert_array_equal(summary[2], 0)
    np.testing.assert_array_equal(seen(still, "image-mono"), 0)


def test_refusals(tensor: np.ndarray) -> None:
    with pytest.raises(ValueError, match="view 'round' is unknown; choose from flat, summary, image, image-mono"):
        seen(tensor, "round")
    with pytest.raises(ValueError, match="tensor has shape"):
        seen(tensor[0], "flat")
    with pytest.raises(ValueError, match="first_frame and n_sounding"):
        view(tensor, "summary", first_frame=FIRST[:3], n_sounding=NUMBER)
    with pytest.raises(ValueError, match="images have shape"):
        seen(tensor, "image", images=np.zeros((7, 12, 98, 3), dtype=np.uint8))
