"""AudioMNIST's metadata: a JSON object of one object per speaker, cleaned by the tables below, and only by them.

The raw value stays beside the clean one. An entry that cannot be right makes its speaker faulty, and no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.corpora.text_files import Entries, read_entries
from features.files import is_text

CLEAN_ACCENTS = {
    "german": "German",
    "Brasilian": "Brazilian",
    "Egyptian_American?": "Egyptian-American",
}
CLEAN_AGES = {"1234": None}  # the recording form's dummy default
AGE = re.compile("[0-9]{1,3}")
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

_KEYS = {column: column for column in ("accent", "age", "gender", "origin")}
_KEYS |= {"native_speaker": "native speaker", "room": "recordingroom"}
"""The metadata's name of each label that is cleaned."""


METADATA_FILE = "audioMNIST_meta.txt"
RECORDING_NAME = re.compile(r"(?P<digit>[0-9])_(?P<speaker>\w+)_(?P<take>[0-9]{1,6})\.(?:wav|flac)")


@dataclass(frozen=True, kw_only=True)
class Speakers:
    """What the metadata says of whom."""

    labels: dict[str, dict[str, Any]]  # clean and raw labels by speaker, as columns of the recordings table
    faulty: dict[str, str]  # why a speaker's entry cannot be used, by speaker; these are not among `labels`

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each faulty speaker."""
        return tuple(f"Speaker '{name}' was left out: {reason}." for name, reason in sorted(self.faulty.items()))


def read_metadata(path: Path) -> Speakers:
    """Read the speakers' metadata; CorpusError where the file cannot be read or is no JSON object."""
    labels: dict[str, dict[str, Any]] = {}
    faulty: dict[str, str] = {}
    for name, entry in read_entries(path, "of speakers"):
        speaker = name if is_text(name) else ascii(name)
        fault = _fault(entry)
        if fault is None and is_text(name):
            cleaned = clean_labels(dict(entry))
            if labels.setdefault(speaker, cleaned) == cleaned:
                continue
            fault = "has two entries that differ; keep the right one"
        faulty[speaker] = f"{fault or 'its name is no proper text; correct it'} in {path.name}"
    return Speakers(labels={name: own for name, own in labels.items() if name not in faulty}, faulty=faulty)


def _fault(entry: object) -> str | None:
    """Say why a speaker's entry cannot be right; None if it can."""
    if not isinstance(entry, Entries):
        return f"its entry is {_shown(entry)}, an object of texts was expected; correct it"
    values: dict[str, object] = {}
    for key, value in entry:
        if key not in (*_KEYS.values(), "recordingdate"):
            continue
        number = key == "age" and isinstance(value, int) and not isinstance(value, bool)
        if not (value is None or number or (isinstance(value, str) and is_text(value))):
            return f"{key} is {_shown(value)}, a text was expected; correct it"
        if values.setdefault(key, value) != value:
            return f"{key} is given twice, as {_shown(values[key])} and {_shown(value)}; keep the right one"
    return None


def _shown(value: object) -> str:
    if isinstance(value, Entries):
        return "an object"
    return "a list" if isinstance(value, list) else ascii(value)[:40]


def clean_labels(entry: dict[str, Any]) -> dict[str, Any]:
    """Clean one speaker's metadata by the tables of this module; keep the raw values."""
    raw = {column: _text(entry.get(key)) for column, key in _KEYS.items()}
    age = CLEAN_AGES.get(raw["age"] or "", raw["age"])
    gender, native = ((raw[column] or "").lower() for column in ("gender", "native_speaker"))
    return {
        "gender": gender if gender in ("female", "male") else None,
        "accent": CLEAN_ACCENTS.get(raw["accent"] or "", raw["accent"]),
        "native_speaker": native if native in ("yes", "no") else None,
        "age": int(age) if age and AGE.fullmatch(age) and int(age) <= 120 else None,
        "origin": _clean_origin(raw["origin"]),
        "room": CLEAN_ROOMS.get(raw["room"] or "", raw["room"]),
        "recorded_on": _text(entry.get("recordingdate")),
        **{f"{column}_raw": value for column, value in raw.items()},
    }


def _text(value: object) -> str | None:
    return None if value is None or str(value).strip() == "" else str(value)


def _clean_origin(origin: str | None) -> str | None:
    if origin is None:
        return None
    return ", ".join(CLEAN_PLACES.get(part.strip(), part.strip()) for part in origin.split(","))


def recording_row(name: str, path: str, speakers: Speakers) -> dict[str, Any]:
    """Return the row of the recording at `path`: its `name` matches `RECORDING_NAME`, its speaker is known."""
    recording = name.rpartition(".")[0]
    digit, _, said_by = recording.partition("_")
    speaker, _, take = said_by.rpartition("_")
    placed = {"recording_id": recording, "path": path, "speaker": speaker, "digit": int(digit), "take": int(take)}
    return {**placed, **speakers.labels[speaker]}
