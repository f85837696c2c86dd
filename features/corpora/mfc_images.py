"""Published MFC images instead of audio: JPEGs, and maps from image to recording.

Layout: ``mfc_dataset/<gender>_<index>.jpg``, ``audio_to_mfc_maps/{female,male}_idxs_to_wav_fpaths.json`` and
``audioMNIST_meta.txt``. Only the images that are there are used; the map names many more.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from features.corpora.audiomnist import (
    METADATA_FILE,
    RECORDING_NAME,
    cleaning_notes,
    read_metadata,
)
from features.corpora.recordings import Corpus, CorpusError, quarantine_table, recordings_table

MAP_FILES = ("female_idxs_to_wav_fpaths.json", "male_idxs_to_wav_fpaths.json")


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
    mapped = {
        image: recording for name in MAP_FILES for image, recording in _read_map(root / "audio_to_mfc_maps" / name)
    }
    here = {f"mfc_dataset/{path.name}" for path in (root / "mfc_dataset").glob("*.jpg")}
    strays = [(image, "this image is in neither map") for image in here - mapped.keys()]
    rows = [_row(image, mapped[image], speakers) for image in sorted(here & mapped.keys())]
    if not rows:
        raise CorpusError(f"{root}: no image mfc_dataset/<gender>_<index>.jpg that the maps name")
    table = recordings_table(rows)
    absent = len(mapped) - len(rows)
    absent_note = (f"{absent:,} of the {len(mapped):,} images that the maps name are not here.",) if absent else ()
    return Corpus(
        kind="mfc-images",
        name="AudioMNIST, published MFC images",
        root=root,
        recordings=table,
        quarantine=quarantine_table(strays),
        sample_rate_hz=None,
        notes=(*absent_note, *cleaning_notes(table)),
    )


def _read_map(path: Path) -> list[tuple[str, str]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CorpusError(f"{path}: expected a JSON object from image to recording ({error})") from error
    if not isinstance(content, dict):
        raise CorpusError(f"{path}: expected a JSON object from image to recording")
    return [(str(image), str(recording)) for image, recording in content.items()]


def _row(image: str, recording: str, speakers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    match = RECORDING_NAME.fullmatch(recording.rsplit("/", 1)[-1])
    if match is None or match["speaker"] not in speakers:
        raise CorpusError(
            f"{image}: the map names recording '{recording}', which is not of a speaker in {METADATA_FILE}"
        )
    return {
        "recording_id": f"{match['digit']}_{match['speaker']}_{match['take']}",
        "path": image,
        "speaker": match["speaker"],
        "digit": int(match["digit"]),
        "take": int(match["take"]),
        **speakers[match["speaker"]],
    }
