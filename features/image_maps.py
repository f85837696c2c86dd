"""Which MFC image is which recording of AudioMNIST: the two ``audio_to_mfc_maps``, and the images that belong to them.

The starting design sorted the paths of each gender, seeded NumPy's legacy generator with 13, shuffled the
men's list, then the women's, and numbered the images in that order. File names alone decide the maps: 60 speakers say
10 digits 50 times each, ``AudioMNIST/data/<speaker>/<digit>_<speaker>_<take>.wav``, and paths are sorted as text.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from features.audio import SPARE_S, AudioError, read_samples, resample
from features.corpora.mfc_images import MAP_FILES
from features.images import jpeg_bytes
from features.mfcc import MfccConfig

SHUFFLE_SEED = 13
FEMALE_SPEAKERS = frozenset(("12", "26", "28", "36", "43", "47", "52", "56", "57", "58", "59", "60"))

IMAGE_FOLDER = "mfc_dataset"

OnProgress = Callable[[int, int], None]


def audiomnist_paths() -> tuple[list[str], list[str]]:
    """Return the paths of all 30,000 recordings: the women's 6,000, the men's 24,000."""
    women: list[str] = []
    men: list[str] = []
    for speaker in [f"{number:02d}" for number in range(1, 61)]:
        paths = women if speaker in FEMALE_SPEAKERS else men
        said = itertools.product(range(10), range(50))
        paths.extend(f"AudioMNIST/data/{speaker}/{digit}_{speaker}_{take}.wav" for digit, take in said)
    return women, men


def audio_to_mfc_maps(women: Sequence[str], men: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return which image is which recording, in the images' order, for the women and for the men.

    Parameters
    ----------
    women, men
        Paths of each gender's recordings, in any order; the same folder must stand in front of all.

    Examples
    --------
    >>> female, male = audio_to_mfc_maps(["data/12/0_12_0.wav"], ["data/01/0_01_0.wav"])
    >>> female
    {'mfc_dataset/female_0.jpg': 'data/12/0_12_0.wav'}
    """
    # the legacy generator is the convention here: its shuffle is what numbered the published images
    legacy = np.random.RandomState(SHUFFLE_SEED)
    shuffled = {"male": sorted(men), "female": sorted(women)}
    for paths in shuffled.values():
        legacy.shuffle(paths)
    female, male = (
        {f"{IMAGE_FOLDER}/{gender}_{number}.jpg": path for number, path in enumerate(shuffled[gender])}
        for gender in ("female", "male")
    )
    return female, male


def write_maps(folder: Path) -> None:
    """Write both maps of all 30,000 recordings into `folder`, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, images in zip(MAP_FILES.values(), audio_to_mfc_maps(*audiomnist_paths()), strict=True):
        (folder / name).write_text(json.dumps(images, indent=0) + "\n", encoding="utf-8", newline="\n")


def write_images(
    root: Path,
    recordings: pd.DataFrame,
    out: Path,
    *,
    zeros_in_front: Mapping[str, int] | None = None,
    on_progress: OnProgress | None = None,
) -> int:
    """Write the MFC images of the recordings that are here, by the maps' names; return how many.

    Parameters
    ----------
    root
        Folder that ``path`` of the recordings is relative to.
    recordings
        Recordings table of AudioMNIST, complete or not: ``recording_id``, ``path``, ``speaker``, ``digit``, ``take``.
    out
        The images go to ``out/mfc_dataset``.
    zeros_in_front
        Zero samples in front of a recording, by ``recording_id``; a recording not named is centred in its clip.
    on_progress
        Called with the number of images done and their total.

    Raises
    ------
    AudioError
        A recording cannot be read, is none of AudioMNIST's 30,000, or its zeros do not fit; the message names it.
    """
    names = _image_names()
    (out / IMAGE_FOLDER).mkdir(parents=True, exist_ok=True)
    offsets = zeros_in_front or {}
    columns = [recordings[name] for name in ("recording_id", "path", "digit", "speaker", "take")]
    for done, (recording, path, *spoken) in enumerate(zip(*columns, strict=True), start=1):
        image = names.get("_".join(map(str, spoken)))
        if image is None:
            raise AudioError(f"recording '{recording}': not one of AudioMNIST's 30,000, so no image belongs to it")
        try:
            (out / image).write_bytes(_draw(root / path, offsets.get(recording)))
        except ValueError as error:
            raise AudioError(f"recording '{recording}': {error}") from error
        if on_progress:
            on_progress(done, len(recordings))
    return len(recordings)


def _draw(path: Path, zeros_in_front: int | None) -> bytes:
    config = MfccConfig(recipe="seed")
    audio = read_samples(path, most_s=config.clip_s + SPARE_S)
    return jpeg_bytes(resample(audio.samples, audio.sample_rate_hz, config.sample_rate_hz), config, zeros_in_front)


def _image_names() -> dict[str, str]:
    """Return the image of every recording, by the recording's name without its ending."""
    maps = audio_to_mfc_maps(*audiomnist_paths())
    return {path.rpartition("/")[2].removesuffix(".wav"): image for images in maps for image, path in images.items()}
