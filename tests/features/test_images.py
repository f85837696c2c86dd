"""MFC images: the published ones to the pixel, matplotlib's own colours, and the way back."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.cm import ScalarMappable
from PIL import Image

from features import images
from features.images import ImageError, jpeg_bytes, levels_to_rgb, read_image, undo_viridis, viridis_levels
from features.mfcc import MfccConfig, extract

SEED = MfccConfig(recipe="seed")


def published_rows(shared_data: Path) -> list[dict[str, str]]:
    with (shared_data / "pixel_exact.csv").open() as file:
        return list(csv.DictReader(file))


def pixels(jpeg: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(jpeg)) as image:
        return np.asarray(image)


def test_every_published_pixel(shared_data: Path) -> None:
    rows = published_rows(shared_data)
    assert len(rows) == 38
    for row in rows:
        speaker = row["recording"].split("_")[1]
        samples, _ = soundfile.read(shared_data / "audiomnist" / "data" / speaker / row["recording"], dtype="int16")
        drawn = pixels(jpeg_bytes(samples, SEED, int(row["zeros_in_front"])))
        assert hashlib.sha256(drawn.tobytes()).hexdigest() == row["pixels_sha256"], row["recording"]
        published = (shared_data / "mfc_images" / "mfc_dataset" / row["image"]).read_bytes()
        np.testing.assert_array_equal(drawn, pixels(published), err_msg=row["recording"])


def test_undoing_the_colours_finds_the_mfccs_again(shared_data: Path) -> None:
    # JPEG blurs colours: most values come back within a few hundredths of the clip's range
    for row in published_rows(shared_data)[:5]:
        speaker = row["recording"].split("_")[1]
        samples, _ = soundfile.read(shared_data / "audiomnist" / "data" / speaker / row["recording"], dtype="int16")
        mfcc = extract(samples, SEED, int(row["zeros_in_front"]))
        scaled = (mfcc - mfcc.min()) / (mfcc.max() - mfcc.min())
        found = undo_viridis(read_image(shared_data / "mfc_images" / "mfc_dataset" / row["image"], SEED)[None])[0]
        assert np.median(np.abs(found - scaled)) < 0.05
        assert np.corrcoef(found.ravel(), scaled.ravel())[0, 1] > 0.8


def test_jpeg_ignores_the_dtype_of_the_configuration() -> None:
    samples = np.random.default_rng(1).integers(-9_000, 9_000, 20_000)
    assert jpeg_bytes(samples, SEED) == jpeg_bytes(samples, MfccConfig(recipe="seed", dtype="float64"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_levels_are_matplotlibs(dtype: type, data: st.DataObject) -> None:
    width = 8 * np.dtype(dtype).itemsize
    values = st.floats(-1e3, 1e3, width=width)
    clip = data.draw(arrays(dtype, (5, 4), elements=values))
    expected = ScalarMappable(cmap="viridis").to_rgba(clip, bytes=True)[..., :3]
    np.testing.assert_array_equal(levels_to_rgb(viridis_levels(clip)), expected)


def test_levels_by_hand() -> None:
    clip = np.array([[0.0, 1.0], [0.5, 0.25]])
    levels = viridis_levels(np.stack([clip, 10 - 4 * clip, np.full((2, 2), 7.0)]))
    np.testing.assert_array_equal(levels[0], [[0, 255], [128, 64]])
    np.testing.assert_array_equal(levels[1], [[255, 0], [128, 192]])
    np.testing.assert_array_equal(levels[2], 0)
    assert levels.dtype == np.uint8


def test_the_colour_map_is_undone_exactly_where_colours_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "UNDO_BLOCK_IMAGES", 3)
    levels = np.random.default_rng(2).integers(0, 256, (8, 6, 5)).astype(np.uint8)
    found = undo_viridis(levels_to_rgb(levels))
    assert found.dtype == np.float32
    # viridis has two pairs of neighbours that are the same colour in 8 bits
    np.testing.assert_array_equal(levels_to_rgb(np.rint(found * 255).astype(np.uint8)), levels_to_rgb(levels))
    np.testing.assert_allclose(found * 255, levels, rtol=0, atol=1.001)
    np.testing.assert_array_equal(
        viridis_levels(np.array([[0, 255], [100, 7]], dtype=np.float32) / 255), [[0, 255], [100, 7]]
    )


def test_undoing_picks_the_nearest_colour() -> None:
    colours = images.viridis_colours().astype(int)
    rgb = np.random.default_rng(3).integers(0, 256, (1, 20, 10, 3)).astype(np.uint8)
    found = np.rint(undo_viridis(rgb) * 255).astype(int)
    distances = ((rgb[..., None, :].astype(int) - colours) ** 2).sum(axis=-1)
    chosen = np.take_along_axis(distances, found[..., None], axis=-1)[..., 0]
    np.testing.assert_array_equal(chosen, distances.min(axis=-1))


def test_an_image_is_read_frames_first(tmp_path: Path) -> None:
    rgb = np.zeros((12, 98, 3), dtype=np.uint8)
    rgb[:4, 48:56] = 255  # half a block of 8 by 8 pixels that JPEG takes together
    Image.fromarray(rgb).save(tmp_path / "a.jpg", quality=100, subsampling=0)
    read = read_image(tmp_path / "a.jpg", SEED)
    assert read.shape == (98, 12, 3)
    np.testing.assert_allclose(read.astype(int), rgb.transpose(1, 0, 2), rtol=0, atol=4)


def resized(jpeg: bytes, edge: int) -> bytes:
    """Let a JPEG's header (of type SOF0: marker, length, precision, height, width) promise so many pixels."""
    place = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:place] + struct.pack(">HH", edge, edge) + jpeg[place + 4 :]


def test_refused_images(tmp_path: Path) -> None:
    Image.new("RGB", (97, 12)).save(tmp_path / "narrow.jpg")
    Image.new("L", (98, 12)).save(tmp_path / "grey.jpg")
    whole = jpeg_bytes(np.random.default_rng(4).integers(-99, 99, 20_000), SEED)
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("not an image")
    Image.new("RGB", (98, 12)).save(tmp_path / "png.jpg", format="PNG")
    Image.new("CMYK", (98, 12)).save(tmp_path / "cmyk.jpg")
    (tmp_path / "bomb.jpg").write_bytes(resized(whole, 60_000))
    (tmp_path / "large.jpg").write_bytes(resized(whole, 10_000))  # Pillow only warns of so many pixels
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "empty.jpg").touch()
    for name, message in [
        ("narrow.jpg", "97 x 12 pixels, expected 98 frames x 12 coefficients"),
        ("grey.jpg", "mode L"),
        ("cut.jpg", "cannot be read"),
        ("text.jpg", "no JPEG"),
        ("empty.jpg", "no JPEG"),
        ("png.jpg", "no JPEG: its first bytes are not those of one; draw it anew from its recording, or leave it out"),
        ("cmyk.jpg", "mode CMYK"),
        ("bomb.jpg", "cannot be read .Image size .3600000000 pixels. exceeds limit"),
        ("large.jpg", "10000 x 10000 pixels"),
        ("pipe.jpg", "cannot be opened: a named pipe"),
        ("loop.jpg", "cannot be opened: Too many levels"),
        ("folder.jpg", "cannot be opened: a folder"),
        ("missing.jpg", "No such file"),
    ]:
        with pytest.raises(ImageError, match=message) as caught:
            read_image(tmp_path / name, SEED)
        assert str(caught.value).startswith(name)
        assert "\n" not in str(caught.value)
