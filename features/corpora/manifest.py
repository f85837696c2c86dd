"""A corpus described by a CSV file: one row per recording, columns ``path``, ``speaker`` and any labels.

Known label columns are ``digit, take, gender, accent, native_speaker, age, origin, room``; ``path`` is relative to the
manifest's folder. Other columns are ignored and named in a note.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from features.corpora.probing import probe_recordings
from features.corpora.recordings import Corpus, CorpusError, offenders, quarantine_table, recordings_table

LABELS = ("digit", "take", "gender", "accent", "native_speaker", "age", "origin", "room")
NUMBERS = ("digit", "take", "age")
GENDERS = {"f": "female", "female": "female", "woman": "female", "m": "male", "male": "male", "man": "male"}
RAW = ("gender", "accent", "native_speaker", "age", "origin", "room")


def open_manifest(path: Path) -> Corpus:
    """Read the corpus that the CSV file `path` describes.

    Raises
    ------
    CorpusError
        The file or a needed column is missing, a path is listed twice or leaves the manifest's folder, a number is
        no number, or no recording can be read.
    """
    frame = _read_csv(path)
    _check_cells(path, frame)
    found = [
        _labels(path, line, dict(zip(frame.columns, row, strict=True)))
        for line, row in enumerate(frame.itertuples(index=False, name=None), start=2)
    ]
    rows, unreadable, sample_rate_hz, notes = probe_recordings(path.parent, found)
    if not rows:
        reason = f"; the first: {unreadable[0][0]}: {unreadable[0][1]}" if unreadable else ""
        raise CorpusError(f"{path}: none of {len(found)} recordings can be read{reason}")
    ignored = [str(column) for column in frame.columns if column not in ("path", "speaker", *LABELS)]
    ignored_note = (f"Columns of the manifest that were not used: {', '.join(ignored)}.",) if ignored else ()
    return Corpus(
        kind="manifest",
        name=path.parent.name if path.stem == "manifest" else path.stem,
        root=path.parent,
        recordings=recordings_table(rows),
        quarantine=quarantine_table(unreadable),
        sample_rate_hz=sample_rate_hz,
        notes=(*notes, *ignored_note),
    )


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, dtype="str", encoding="utf-8-sig", keep_default_na=False)
    except FileNotFoundError:
        raise CorpusError(f"{path}: no such manifest; give a CSV file with the columns path and speaker") from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise CorpusError(f"{path}: cannot be read as CSV ({error})") from error
    missing = [column for column in ("path", "speaker") if column not in frame.columns]
    if missing:
        raise CorpusError(
            f"{path}: needs the columns path and speaker; missing {missing}, found {list(frame.columns)[:20]}"
        )
    if frame.empty:
        raise CorpusError(f"{path}: lists no recording")
    return frame


def _check_cells(path: Path, frame: pd.DataFrame) -> None:
    """Check the columns that every recording needs."""
    empty = frame.index[frame["path"].str.strip() == ""] + 2
    if len(empty):
        raise CorpusError(f"{path}: lines {offenders(empty)} have no path; every recording needs one")
    double = frame.loc[frame["path"].duplicated(), "path"]
    if len(double):
        raise CorpusError(f"{path}: {offenders(double)} listed more than once; keep one row per recording")
    outside = [name for name in frame["path"] if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]
    if outside:
        raise CorpusError(f"{path}: {offenders(outside)} lie outside the manifest's folder; use paths relative to it")
    unnamed = frame.loc[frame["speaker"].str.strip() == "", "path"]
    if len(unnamed):
        raise CorpusError(f"{path}: {offenders(unnamed)} have no speaker; every recording needs one")


def _labels(path: Path, line: int, row: dict[str, str]) -> dict[str, Any]:
    labels: dict[str, Any] = {
        "recording_id": str(PurePosixPath(row["path"]).with_suffix("")),
        "path": row["path"],
        "speaker": row["speaker"].strip(),
    }
    for column in LABELS:
        text = row.get(column, "").strip()
        labels[column] = None if text == "" else _number(path, line, (column, text)) if column in NUMBERS else text
    labels.update({f"{column}_raw": row.get(column, "").strip() or None for column in RAW})
    labels["gender"] = GENDERS.get((labels["gender"] or "").lower(), labels["gender"])
    labels["native_speaker"] = labels["native_speaker"] and labels["native_speaker"].lower()
    return labels


def _number(path: Path, line: int, item: tuple[str, str]) -> int:
    column, text = item
    try:
        return int(text)
    except ValueError:
        raise CorpusError(
            f"{path}, line {line}: {column} '{text}' is not a whole number; correct it or leave it empty"
        ) from None
