"""A corpus described by a CSV file: one row per recording, columns ``path``, ``speaker`` and any labels.

Known label columns are ``digit, take, gender, accent, native_speaker, age, origin, room``; ``path`` is relative to the
manifest's folder. Other columns are ignored and named in a note. What is wrong with one row leaves out that row, or all
rows that contradict each other; only a file that is no such table is refused as a whole.
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

import pandas as pd

from features.corpora.headers import probe_recordings
from features.corpora.recordings import (
    CLEANED,
    SPEAKERS_OWN,
    Corpus,
    CorpusError,
    cleaning_notes,
    offenders,
    printable,
    quarantine_table,
    recordings_table,
)
from features.corpora.text_files import read_rows

LABELS = ("digit", "take", "gender", "accent", "native_speaker", "age", "origin", "room")
NUMBERS = {"digit": 9, "take": 999_999_999, "age": 120}
"""The largest number of each column."""
GENDERS = {"f": "female", "female": "female", "woman": "female", "m": "male", "male": "male", "man": "male"}
NATIVE = {"yes": "yes", "no": "no"}
CONTROL = r"[\x00-\x1f\x7f\x85\u2028\u2029]"
SUFFIX = r"(?<=[^/])\.[^./]+$"
OUTSIDE = "lies outside the manifest's folder; move it there, or pass --allow-outside"


def open_manifest(path: Path, *, allow_outside: bool = False) -> Corpus:
    """Read the corpus that the CSV file `path` describes.

    `allow_outside` also uses recordings outside its folder: absolute paths, ``..``, and links that lead there.

    Raises
    ------
    CorpusError
        The file or a needed column is missing, it is no CSV in UTF-8, or no recording can be used.
    """
    rows = read_rows(path, needed=("path", "speaker"), wanted=("path", "speaker", *LABELS))
    if rows.frame.empty and not rows.faults:
        raise CorpusError(f"{path}: lists no recording; give it a line per recording")
    frame, quarantine = _sound_rows(rows.frame, path.parent, allow_outside=allow_outside)
    readable, unreadable, sample_rate_hz, notes = probe_recordings(path.parent, _labelled(frame))
    left_out = [*rows.faults, *quarantine, *unreadable]
    if readable.empty:
        first = ": ".join(left_out[0])
        raise CorpusError(f"{path}: none of {len(left_out)} recordings can be used; the first: {first}")
    table = recordings_table(readable)
    if rows.ignored:
        notes = (*notes, f"Columns of the manifest that were not used: {', '.join(map(printable, rows.ignored[:20]))}.")
    if rows.separator != "comma":
        notes = (*notes, f"The manifest's cells are separated by the {rows.separator}.")
    return Corpus(
        kind="manifest",
        name=path.parent.name if path.stem == "manifest" else path.stem,
        root=path.parent,
        recordings=table,
        quarantine=quarantine_table(left_out),
        sample_rate_hz=sample_rate_hz,
        notes=(*cleaning_notes(table), *notes),
    )


def _sound_rows(frame: pd.DataFrame, root: Path, *, allow_outside: bool) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Tell rows that can be used, their paths in one spelling, from those that cannot: (recording, reason) of these."""
    quarantine: list[tuple[str, str]] = []

    def without(frame: pd.DataFrame, reasons: pd.Series) -> pd.DataFrame:
        bad = reasons.notna()
        names = frame.loc[bad, "path"] + " (line " + frame.loc[bad, "line"].astype("str") + ")"
        quarantine.extend(zip(map(printable, names), reasons[bad], strict=True))
        return frame[~bad]

    frame = without(frame, _bad_cells(frame))
    spelled = [posixpath.normpath(path) for path in frame["path"]]
    frame = frame.assign(path=pd.Series(spelled, index=frame.index, dtype="str"), speaker=frame["speaker"].str.strip())
    if not allow_outside:
        frame = without(frame, _outside(frame["path"], root))
    frame = without(frame, _bad_numbers(frame))
    for faults in (_doubles, _same_but_endings, _contradictions):
        frame = without(frame, faults(frame))
    return frame, quarantine


def _no_reasons(frame: pd.DataFrame | pd.Series) -> pd.Series:
    return pd.Series(None, index=frame.index, dtype=object)


def _bad_cells(frame: pd.DataFrame) -> pd.Series:
    """Say which rows lack what every recording needs."""
    reasons = _no_reasons(frame)
    for column in ("path", "speaker"):
        control = frame[column].str.contains(CONTROL, regex=True)
        reasons[control] = f"a line break or control character in its {column}: is a quotation mark missing?"
        reasons[frame[column].str.strip() == ""] = f"it has no {column}; every recording needs one"
    return reasons


def _outside(paths: pd.Series, root: Path) -> pd.Series:
    """Say which normalised paths lead out of `root`, which itself may be a link: by their spelling, or by links."""
    spelled = paths.str.startswith("/") | paths.str.match(r"\.\.(?:/|$)")
    home = os.path.realpath(root)
    folders: dict[str, str] = {}
    linked = [not out and _is_linked_out(path, home, folders) for path, out in zip(paths, spelled, strict=True)]
    reasons = _no_reasons(paths)
    reasons[spelled] = OUTSIDE
    reasons[linked] = f"a link, or in one, that {OUTSIDE}"
    return reasons


def _is_linked_out(path: str, home: str, folders: dict[str, str]) -> bool:
    """Say whether links lead out of `home`; where each folder really lies is asked once."""
    folder, _, name = path.rpartition("/")
    if folder not in folders:
        folders[folder] = os.path.realpath(f"{home}/{folder}")
    place = f"{folders[folder]}/{name}"
    real = os.path.realpath(place) if os.path.islink(place) else place  # noqa: PTH114
    return not real.startswith(home.rstrip("/") + "/")


def _bad_numbers(frame: pd.DataFrame) -> pd.Series:
    reasons = _no_reasons(frame)
    for column, most in NUMBERS.items():
        if column not in frame:
            continue
        text = frame[column].str.strip()
        number = pd.to_numeric(text.where(text.str.fullmatch("[0-9]{1,9}")), errors="coerce")
        bad = (text != "") & ~(number <= most).fillna(False).astype(bool)
        said = f"' is no whole number from 0 to {most}; correct it or leave it empty"
        reasons[bad] = f"{column} '" + text[bad].str.slice(0, 40) + said
    return reasons


def _doubles(frame: pd.DataFrame) -> pd.Series:
    """Say which rows name a file again: all of them where they contradict each other, else the later ones."""
    reasons = _no_reasons(frame)
    again = frame[frame["path"].duplicated(keep=False)]
    if again.empty:
        return reasons
    labels = again["speaker"]
    for column in again.columns.difference(["path", "line", "speaker"]):
        labels = labels + "\x1f" + again[column]
    groups = again.assign(labels=labels).groupby("path", sort=False)
    later = groups.cumcount() > 0
    first = groups["line"].transform("first").astype("str")
    reasons[again.index[later]] = "listed before, in line " + first[later] + "; keep one line"
    for column, reason in (
        ("labels", "listed again with other labels; keep the right line"),
        ("speaker", "listed under more than one speaker; keep the right line"),
    ):
        reasons[again.index[groups[column].transform("nunique") > 1]] = reason
    return reasons


def _same_but_endings(frame: pd.DataFrame) -> pd.Series:
    """Say which files have the name of an earlier one but for its ending: one recording, most likely."""
    names = frame["path"].str.replace(SUFFIX, "", regex=True)
    first = frame.groupby(names, sort=False)["path"].transform("first")
    reasons = _no_reasons(frame)
    later = names.duplicated()
    reasons[later] = "the same name but for its ending as " + first[later] + "; keep one of them"
    return reasons


def _contradictions(frame: pd.DataFrame) -> pd.Series:
    """Say which speakers have two of what they can have one of."""
    reasons = _no_reasons(frame)
    labels = _labelled(frame)
    for column in SPEAKERS_OWN:
        values = labels.groupby("speaker")[column].nunique()
        rows = labels[labels["speaker"].isin(values.index[values > 1])]
        faults = {
            speaker: f"speaker {speaker} has more than one {column} ({offenders(sorted(map(str, own)))}); correct it"
            for speaker, own in rows.dropna(subset=column).groupby("speaker")[column].unique().items()
        }
        reasons[rows.index] = rows["speaker"].map(faults).astype(object)
    return reasons


def _labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """Make columns of the recordings table from the manifest's text."""
    missing = pd.Series(None, index=frame.index, dtype="str")
    text = {column: frame[column].str.strip().replace("", None) if column in frame else missing for column in LABELS}
    numbers = {column: pd.to_numeric(text[column]).astype("Int64") for column in NUMBERS}
    return pd.DataFrame(
        {
            "recording_id": frame["path"].str.replace(SUFFIX, "", regex=True),
            "path": frame["path"],
            "speaker": frame["speaker"],
            **{column: text[column] for column in ("accent", "origin", "room")},
            **numbers,
            "gender": text["gender"].str.lower().map(GENDERS),
            "native_speaker": text["native_speaker"].str.lower().map(NATIVE),
            **{f"{column}_raw": text[column] for column in CLEANED},
        }
    )
