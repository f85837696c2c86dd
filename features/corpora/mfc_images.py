"""Published MFC images instead of audio: JPEGs, and maps from image to recording.

Layout: ``mfc_dataset/<gender>_<index>.jpg``, ``audio_to_mfc_maps/{female,male}_idxs_to_wav_fpaths.json`` and
``audioMNIST_meta.txt``. Only the images that are there are used; the map names many more.
What the maps say twice, or against the image's own name, leaves out the images concerned.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from features.corpora.audiomnist_metadata import METADATA_FILE, RECORDING_NAME, Speakers, read_metadata, recording_row
from features.corpora.recordings import (
    Corpus,
    CorpusError,
    cleaning_notes,
    first_stray,
    printable,
    quarantine_table,
    recordings_table,
)
from features.corpora.text_files import read_entries

MAP_FILES = {"female": "female_idxs_to_wav_fpaths.json", "male": "male_idxs_to_wav_fpaths.json"}
IMAGE_NAME = re.compile(r"mfc_dataset/(?P<gender>female|male)_[0-9]+\.jpg")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


def open_mfc_images(root: Path) -> Corpus:
    """Read a folder of published MFC images.

    Raises
    ------
    CorpusError
        The folder, a map or the metadata is missing or malformed, or no mapped image is there.
    """
    if not root.is_dir():
        raise CorpusError(f"{root}: no such folder; give the folder that holds mfc_dataset and audio_to_mfc_maps")
    speakers = read_metadata(root / METADATA_FILE)
    mapped = _read_maps(root / "audio_to_mfc_maps")
    here = _images(root / "mfc_dataset")
    faults = _faults(mapped, speakers)
    strays = [(printable(image), "this image is in neither map") for image in here - mapped.keys()]
    strays += [(printable(image), faults[image]) for image in here & faults.keys()]
    names = {image: str(mapped[image][0]).rpartition("/")[2] for image in here & mapped.keys() - faults.keys()}
    rows = [recording_row(name, image, speakers) for image, name in sorted(names.items())]
    if not rows:
        looked_for = "no image mfc_dataset/<gender>_<index>.jpg that the maps name"
        raise CorpusError(f"{root}: {looked_for}{first_stray(strays)}")
    table = recordings_table(rows)
    absent = len(mapped.keys() - here)
    absent_note = (f"{absent:,} of the {len(mapped):,} images that the maps name are not here.",) if absent else ()
    return Corpus(
        kind="mfc-images",
        name="AudioMNIST, published MFC images",
        root=root,
        recordings=table,
        quarantine=quarantine_table(strays),
        sample_rate_hz=None,
        notes=(*absent_note, *speakers.notes, *cleaning_notes(table)),
    )


def _images(folder: Path) -> set[str]:
    """List what looks like an image, by the name that a map would give it."""
    names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208 (names are all that is wanted)
    return {f"mfc_dataset/{name}" for name in names if name.lower().endswith(IMAGE_SUFFIXES)}


def _read_maps(folder: Path) -> dict[str, list[object]]:
    """Return what both maps say of each image, each thing once."""
    mapped: dict[str, list[object]] = {}
    for name in MAP_FILES.values():
        for image, recording in read_entries(folder / name, "from image to recording"):
            said = mapped.setdefault(image, [])
            if not isinstance(recording, str) or recording not in said:
                said.append(recording)
    return mapped


def _faults(mapped: dict[str, list[object]], speakers: Speakers) -> dict[str, str]:
    """Say which images cannot be used for what the maps say of them, and why."""
    faults: dict[str, str] = {}
    images_of: dict[str, list[str]] = {}
    for image, said in mapped.items():
        if fault := _fault(image, said, speakers):
            faults[image] = fault
        else:
            images_of.setdefault(str(said[0]).rpartition("/")[2].rpartition(".")[0], []).append(image)
    for recording, images in images_of.items():
        if len(images) > 1:
            named = f"the maps give recording {recording} to {len(images)} images"
            faults.update(dict.fromkeys(images, f"{named}, among them {images[0]} and {images[1]}; correct the map"))
    return faults


def _fault(image: str, said: list[object], speakers: Speakers) -> str | None:
    if len(said) > 1:
        return "the maps name more than one recording for it; correct the map"
    recording = said[0] if isinstance(said[0], str) else ""
    folder, _, name = recording.rpartition("/")
    match, own = RECORDING_NAME.fullmatch(name), IMAGE_NAME.fullmatch(image)
    if own is None:
        return "its name is not mfc_dataset/<gender>_<index>.jpg; rename it in the folder and in the map"
    if match is None:  # the folders in front are never opened: the published maps begin with ../AudioMNIST
        return f"the map names {ascii(said[0])[:80]}, no <digit>_<speaker>_<take>.wav of the corpus; correct the map"
    speaker = match["speaker"]
    if folder and folder.rpartition("/")[2] != speaker:
        return f"the map names {ascii(recording)[:80]}: the folder is not that of speaker {speaker}; correct the map"
    if speaker in speakers.faulty:
        return f"speaker {speaker}: {speakers.faulty[speaker]}"
    if speaker not in speakers.labels:
        return f"the map names speaker {speaker}, who is not in {METADATA_FILE}; add the speaker's metadata"
    if speakers.labels[speaker]["gender"] not in (None, own["gender"]):
        return f"its name says {own['gender']}, the metadata of speaker {speaker} says otherwise; correct one of them"
    return None
