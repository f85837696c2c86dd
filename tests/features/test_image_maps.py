"""The maps from images to recordings, entry by entry as published, and the images that belong to them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from features.audio import AudioError
from features.image_maps import MAP_FILES, audio_to_mfc_maps, audiomnist_paths, write_images, write_maps

CHECKOUT = Path(__file__).parents[2]


def table(names: list[str]) -> pd.DataFrame:
    parts = [name.removesuffix(".wav").split("_") for name in names]
    return pd.DataFrame(
        {
            "recording_id": [name.removesuffix(".wav") for name in names],
            "path": [f"data/{speaker}/{name}" for name, (_, speaker, _) in zip(names, parts, strict=True)],
            "speaker": [speaker for _, speaker, _ in parts],
            "digit": pd.array([int(digit) for digit, _, _ in parts], dtype="Int64"),
            "take": pd.array([int(take) for _, _, take in parts], dtype="Int64"),
        }
    )


def test_equal_to_the_published_maps_entry_by_entry(shared_data: Path, tmp_path: Path) -> None:
    write_maps(tmp_path)
    for gender, n_images in (("female", 6_000), ("male", 24_000)):
        written = json.loads((tmp_path / MAP_FILES[gender]).read_text())
        published = json.loads((shared_data / "mfc_images" / "audio_to_mfc_maps" / MAP_FILES[gender]).read_text())
        assert len(written) == n_images
        assert list(written) == list(published)
        assert [f"../{path}" for path in written.values()] == list(published.values())


def test_the_committed_maps_are_what_the_command_writes(tmp_path: Path) -> None:
    write_maps(tmp_path)
    for name in MAP_FILES.values():
        assert (CHECKOUT / "audio_to_mfc_maps" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_the_order_of_the_names_and_the_global_generator_do_not_matter() -> None:
    women, men = audiomnist_paths()
    np.random.default_rng(1).shuffle(women)
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - it is the legacy generator that must be left alone
    assert audio_to_mfc_maps(women, men[::-1]) == audio_to_mfc_maps(*audiomnist_paths())
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_images_are_the_published_ones(shared_data: Path, tmp_path: Path) -> None:
    with (shared_data / "pixel_exact.csv").open() as file:
        rows = list(csv.DictReader(file))[:6]
    recordings = table([row["recording"] for row in rows])
    zeros = {row["recording"].removesuffix(".wav"): int(row["zeros_in_front"]) for row in rows}
    steps: list[tuple[int, int]] = []
    number = write_images(
        shared_data / "audiomnist",
        recordings,
        tmp_path,
        zeros_in_front=zeros,
        on_progress=lambda done, total: steps.append((done, total)),
    )
    assert number == 6
    assert steps == [(done, 6) for done in range(1, 7)]
    for row in rows:
        drawn, published = (
            np.asarray(Image.open(io.BytesIO((folder / "mfc_dataset" / row["image"]).read_bytes())))
            for folder in (tmp_path, shared_data / "mfc_images")
        )
        np.testing.assert_array_equal(drawn, published)


def test_recordings_that_have_no_image(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="recording '0_61_0': not one of AudioMNIST's"):
        write_images(tmp_path, table(["0_61_0.wav"]), tmp_path)
    with pytest.raises(AudioError, match="recording '0_01_0': cannot be opened"):
        write_images(tmp_path, table(["0_01_0.wav"]), tmp_path)
