"""Write AudioMNIST's MFC images and the maps that say which image is which recording."""

from __future__ import annotations

from pathlib import Path

from benchmarks.errors import TaskError
from benchmarks.progress import Stages
from features.corpora.audiomnist import open_audiomnist
from features.maps import write_images, write_maps


def write_audiomnist_maps(out: Path) -> Path:
    """Write both maps of all 30,000 recordings to ``out/audio_to_mfc_maps``; return that folder."""
    folder = out / "audio_to_mfc_maps"
    folder.mkdir(parents=True, exist_ok=True)
    write_maps(folder)
    return folder


def draw_images(corpus: str, out: Path) -> str:
    """Write the maps, and the images of the recordings that are here; return a line that says how many."""
    kind, _, where = corpus.partition(":")
    if kind != "audiomnist" or not where:
        raise TaskError(f"images are drawn from AudioMNIST: expected --corpus audiomnist:DIR, got '{corpus}'")
    opened = open_audiomnist(Path(where))
    write_audiomnist_maps(out)
    with Stages().stage("draw") as drawn:
        number = write_images(opened.root, opened.recordings, out, on_progress=drawn)
    return f"images: {number} in {out / 'mfc_dataset'}"
