"""AudioMNIST: 60 speakers, 10 digits, 50 takes; a complete or partial checkout, WAV or FLAC.

Layout: ``data/<speaker>/<digit>_<speaker>_<take>.wav`` and ``data/audioMNIST_meta.txt``, a JSON object of one
object per speaker. Labels are cleaned by the tables below, and only by them; the raw value stays beside the clean one.
Source: Becker et al., arXiv 1807.03418.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from features.corpora.probing import probe_recordings
from features.corpora.recordings import (
    Corpus,
    CorpusError,
    offenders,
    quarantine_table,
    recordings_table,
)

METADATA_FILE = "audioMNIST_meta.txt"
AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".m4a", ".aiff")
RECORDING_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>\w+)_(?P<take>\d+)\.(?:wav|flac)")

CLEAN_ACCENTS = {
    "german": "German",
    "Brasilian": "Brazilian",
    "Egyptian_American?": "Egyptian-American",
}
CLEAN_AGES = {"1234": None}  # the recording form's dummy default
CLEAN_ROOMS = {"vr-room": "VR-Room", "VR-room": "VR-Room", "vr-romm": "VR-Room"}
CLEAN_PLACES = {
    "Spanien": "Spain",
    "Wuerzburg": "Würzburg",
    "Muenchen": "Munich",
    "Muenster": "Münster",
    "Alsbach-Haehnlein": "Alsbach-Hähnlein",
    "South-America": "South America",
}
"""Comma-separated parts of ``origin`` that are respelled; German place names get their umlauts back."""


def open_audiomnist(root: Path, *, kind: str = "audiomnist") -> Corpus:
    """Read a checkout of AudioMNIST, or of a corpus in its layout.

    Parameters
    ----------
    root
        The checkout: the folder that holds ``data``, or ``data`` itself.
    kind
        ``virtual`` where the voices are synthetic.

    Raises
    ------
    CorpusError
        The folder or its metadata is missing or malformed, or no recording is found.
    """
    data = data_folder(root)
    speakers = read_metadata(data / METADATA_FILE)
    found, strays = _find(data, speakers)
    if not found:
        raise CorpusError(f"{data}: no recording <speaker>/<digit>_<speaker>_<take>.wav or .flac found")
    rows, unreadable, sample_rate_hz, notes = probe_recordings(data, found)
    if not rows:
        raise CorpusError(f"{data}: none of {len(found)} recordings can be read; the first: {unreadable[0][1]}")
    table = recordings_table(rows)
    return Corpus(
        kind=kind,
        name="AudioMNIST" if kind == "audiomnist" else "embedded virtual speakers (eSpeak NG)",
        root=data,
        recordings=table,
        quarantine=quarantine_table([*strays, *unreadable]),
        sample_rate_hz=sample_rate_hz,
        synthetic=kind == "virtual",
        notes=(*missing_notes(table, speakers, len(unreadable)), *cleaning_notes(table), *notes),
    )


def data_folder(root: Path) -> Path:
    """Find the folder that holds the metadata: `root` or ``root/data``."""
    for folder in (root / "data", root):
        if (folder / METADATA_FILE).is_file():
            return folder
    if not root.is_dir():
        raise CorpusError(f"{root}: no such folder; give the folder of an AudioMNIST checkout")
    raise CorpusError(
        f"{root}: no {METADATA_FILE} in it or in its data folder; give the folder of an AudioMNIST checkout"
    )


def read_metadata(path: Path) -> dict[str, dict[str, Any]]:
    """Read the speakers' metadata: clean and raw labels by speaker, as columns of the recordings table."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CorpusError(f"{path}: expected a JSON object of speakers ({error})") from error
    if not isinstance(content, dict) or not all(isinstance(entry, dict) for entry in content.values()):
        raise CorpusError(f"{path}: expected a JSON object with one object per speaker")
    return {str(speaker): clean_labels(entry) for speaker, entry in content.items()}


def clean_labels(entry: dict[str, Any]) -> dict[str, Any]:
    """Clean one speaker's metadata by the tables of this module; keep the raw values."""
    raw = {
        key: _text(entry.get(key)) for key in ("accent", "age", "gender", "native speaker", "origin", "recordingroom")
    }
    age = CLEAN_AGES.get(raw["age"] or "", raw["age"])
    gender = (raw["gender"] or "").lower()
    native = (raw["native speaker"] or "").lower()
    return {
        "gender": gender if gender in ("female", "male") else None,
        "gender_raw": raw["gender"],
        "accent": CLEAN_ACCENTS.get(raw["accent"] or "", raw["accent"]),
        "accent_raw": raw["accent"],
        "native_speaker": native if native in ("yes", "no") else None,
        "native_speaker_raw": raw["native speaker"],
        "age": int(age) if age and age.isdecimal() and int(age) <= 120 else None,
        "age_raw": raw["age"],
        "origin": _clean_origin(raw["origin"]),
        "origin_raw": raw["origin"],
        "room": CLEAN_ROOMS.get(raw["recordingroom"] or "", raw["recordingroom"]),
        "room_raw": raw["recordingroom"],
        "recorded_on": _text(entry.get("recordingdate")),
    }


def _text(value: object) -> str | None:
    return None if value is None or str(value).strip() == "" else str(value)


def _clean_origin(origin: str | None) -> str | None:
    if origin is None:
        return None
    return ", ".join(CLEAN_PLACES.get(part.strip(), part.strip()) for part in origin.split(","))


def _find(data: Path, speakers: dict[str, dict[str, Any]]) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """List recordings with their labels, and strays: files whose name or speaker cannot be placed."""
    found: list[dict[str, Any]] = []
    strays: list[tuple[str, str]] = []
    for path in _audio_files(data):
        relative = path.relative_to(data).as_posix()
        match = RECORDING_NAME.fullmatch(path.name)
        if match is None:
            strays.append((relative, "file name is not <digit>_<speaker>_<take>.wav or .flac; rename or remove it"))
        elif path.parent.parent != data:
            strays.append((relative, "lies elsewhere than <speaker>/<recording>; move it"))
        elif match["speaker"] != path.parent.name:
            strays.append(
                (
                    relative,
                    f"name says speaker {match['speaker']}, folder says {path.parent.name}; move or rename it",
                )
            )
        elif match["speaker"] not in speakers:
            strays.append(
                (
                    relative,
                    f"speaker {match['speaker']} is not in {METADATA_FILE}; add the speaker's metadata",
                )
            )
        else:
            labels = speakers[match["speaker"]]
            found.append(
                {
                    "recording_id": path.stem,
                    "path": relative,
                    "speaker": match["speaker"],
                    "digit": int(match["digit"]),
                    "take": int(match["take"]),
                    **labels,
                }
            )
    return found, strays


def _audio_files(data: Path) -> list[Path]:
    """List what looks like audio, wherever it lies, so that nothing is passed over in silence."""
    return sorted(path for path in data.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)


def missing_notes(table: pd.DataFrame, speakers: dict[str, dict[str, Any]], n_unreadable: int) -> tuple[str, ...]:
    """Say which speakers of the metadata have no recording here, and how many recordings are missing."""
    absent = sorted(set(speakers) - set(table["speaker"]))
    per_speaker = int(table["take"].max() + 1) * table["digit"].nunique()
    notes = []
    if absent:
        notes.append(f"{len(absent)} of {len(speakers)} speakers have no recording here: {offenders(absent, most=60)}.")
    short = len(speakers) * per_speaker - len(absent) * per_speaker - len(table) - n_unreadable
    if short > 0:
        notes.append(f"{short:,} recordings of the speakers that are here are missing.")
    return tuple(notes)


def cleaning_notes(table: pd.DataFrame) -> tuple[str, ...]:
    """Say which labels were cleaned, for how many speakers."""
    speakers = table.drop_duplicates("speaker")
    notes = []
    for column in ("accent", "age", "gender", "native_speaker", "origin", "room"):
        raw, clean = speakers[f"{column}_raw"], speakers[column].astype("str")
        changed = raw.notna() & (raw != clean.fillna(""))
        counts = Counter(zip(raw[changed], clean[changed].fillna(""), strict=True))
        for (before, after), count in sorted(counts.items()):
            result = f"'{after}'" if after else "missing"
            notes.append(f"{column} '{before}' was read as {result} ({count} speaker{'s' if count > 1 else ''}).")
    return tuple(notes)
