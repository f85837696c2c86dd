"""AudioMNIST: 60 speakers, 10 digits, 50 takes; a complete or partial checkout, WAV or FLAC.

Layout: ``data/<speaker>/<digit>_<speaker>_<take>.wav`` and ``data/audioMNIST_meta.txt``, a JSON object of one
object per speaker (`features.corpora.audiomnist_metadata`).
Source: Becker et al., arXiv 1807.03418.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from features.corpora.audiomnist_metadata import METADATA_FILE, RECORDING_NAME, Speakers, read_metadata, recording_row
from features.corpora.headers import probe_recordings
from features.corpora.recordings import (
    Corpus,
    CorpusError,
    cleaning_notes,
    first_stray,
    offenders,
    printable,
    quarantine_table,
    recordings_table,
)
from features.files import is_text

_MISNAMED = "file name is not <digit>_<speaker>_<take>.wav or .flac; rename or remove it"
AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".m4a", ".aiff")


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
    folder = _data_folder(root)
    speakers = read_metadata(folder / METADATA_FILE)
    rows, strays = _rows(folder, speakers)
    if not rows:
        looked_for = "no recording <speaker>/<digit>_<speaker>_<take>.wav or .flac found"
        raise CorpusError(f"{folder}: {looked_for}{first_stray(strays)}")
    readable, unreadable, sample_rate_hz, notes = probe_recordings(folder, pd.DataFrame(rows))
    if readable.empty:
        raise CorpusError(f"{folder}: none of {len(rows)} recordings can be used; the first: {unreadable[0][1]}")
    table = recordings_table(readable)
    missing = _missing_notes(table, speakers.labels, len(unreadable))
    return Corpus(
        kind=kind,
        name="AudioMNIST" if kind == "audiomnist" else "embedded virtual speakers (eSpeak NG)",
        root=folder,
        recordings=table,
        quarantine=quarantine_table([*strays, *unreadable]),
        sample_rate_hz=sample_rate_hz,
        synthetic=kind == "virtual",
        notes=(*missing, *speakers.notes, *cleaning_notes(table), *notes),
    )


def _data_folder(root: Path) -> Path:
    """Find the folder that holds the metadata: `root` or ``root/data``."""
    for folder in (root / "data", root):
        if (folder / METADATA_FILE).is_file():
            return folder
    fault = f"no {METADATA_FILE} in it or in its data folder" if root.is_dir() else "no such folder"
    raise CorpusError(f"{root}: {fault}; give the folder of an AudioMNIST checkout")


def _rows(checkout: Path, speakers: Speakers) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """List recordings with their labels, and strays: files whose name or speaker cannot be placed."""
    paths, strays = _audio_files(checkout)
    rows: dict[str, dict[str, Any]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        match = RECORDING_NAME.fullmatch(name)
        if match is None:
            strays.append((printable(path), _MISNAMED))
        elif fault := _misplaced(folder, match["speaker"], speakers):
            strays.append((printable(path), fault))
        elif (recording := name.rpartition(".")[0]) in rows:
            strays.append((path, f"the same recording as {rows[recording]['path']}; keep one of them"))
        else:
            rows[recording] = recording_row(name, path, speakers)
    return list(rows.values()), strays


def _misplaced(folder: str, speaker: str, speakers: Speakers) -> str | None:
    """Say why a file of this name does not belong in `folder`, or to nobody who is known; None if all is well."""
    if "/" in folder or not folder:
        return "lies elsewhere than <speaker>/<recording>; move it"
    if speaker != folder:
        return f"name says speaker {speaker}, folder says {printable(folder)}; move or rename it"
    if speaker in speakers.faulty:
        return f"speaker {speaker}: {speakers.faulty[speaker]}"
    if speaker not in speakers.labels:
        return f"speaker {speaker} is not in {METADATA_FILE}; add the speaker's metadata"
    return None


def _audio_files(checkout: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """List what looks like audio, wherever it lies, so that nothing is passed over in silence; and what is closed.

    Speakers' folders may be links; links to folders below them are not followed, they may lead in circles.
    """
    paths: list[str] = []
    closed: list[tuple[str, str]] = []

    def tell(error: OSError) -> None:
        name = Path(str(error.filename)).relative_to(checkout).as_posix()
        closed.append((printable(name), f"cannot be listed: {error.strerror}; make the folder readable"))

    linked = sorted(path for path in checkout.iterdir() if path.is_symlink() and path.is_dir())
    for top in (checkout, *linked):
        for folder, folders, names in os.walk(top, onerror=tell):
            here = Path(folder)
            prefix = "" if here == checkout else f"{here.relative_to(checkout).as_posix()}/"
            paths += [prefix + name for name in names if name.lower().endswith(AUDIO_SUFFIXES)]
            deep = [prefix + name for name in folders if here != checkout and (here / name).is_symlink()]
            closed += [(printable(name), "a link to a folder, not followed; copy the folder") for name in deep]
    closed += [(printable(name), "its name is not UTF-8; rename it") for name in paths if not is_text(name)]
    return sorted(filter(is_text, paths)), closed


def _missing_notes(table: pd.DataFrame, speakers: Collection[str], n_unreadable: int) -> tuple[str, ...]:
    """Say which speakers of the metadata have no recording here, and how many recordings are missing."""
    absent, notes = sorted(set(speakers) - set(table["speaker"])), []
    if absent:
        notes.append(f"{len(absent)} of {len(speakers)} speakers have no recording here: {offenders(absent, most=60)}.")
    per_speaker = int(table["take"].max() + 1) * table["digit"].nunique()
    short = (len(speakers) - len(absent)) * per_speaker - len(table) - n_unreadable
    if short > 0:
        notes.append(f"{short:,} recordings of the speakers that are here are missing.")
    return tuple(notes)
