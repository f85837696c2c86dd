"""The recordings table: one row per recording, the same columns for every corpus.

Conventions: ids are unique; ``path`` is relative to the corpus root, with forward slashes; labels are clean
values and missing where nothing is known; every cleaned label keeps its raw value beside it (``*_raw``).
Bucket columns (``accent_bucket``, ``origin_bucket``) keep values that at least ``MIN_BUCKET_SPEAKERS`` speakers
share and call the rest ``other`` or ``elsewhere``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

MIN_BUCKET_SPEAKERS = 5

RECORDING_COLUMNS: dict[str, str] = {
    "recording_id": "str",
    "path": "str",
    "speaker": "str",
    "digit": "Int64",
    "take": "Int64",  # which of the speaker's recordings of this digit
    "gender": "str",  # female, male
    "gender_raw": "str",
    "accent": "str",
    "accent_raw": "str",
    "accent_bucket": "str",
    "native_speaker": "str",  # yes, no
    "native_speaker_raw": "str",
    "age": "Int64",
    "age_raw": "str",
    "age_band": "str",
    "origin": "str",  # continent, country, place; or the country alone
    "origin_raw": "str",
    "origin_bucket": "str",  # country, or elsewhere
    "room": "str",
    "room_raw": "str",
    "recorded_on": "str",
    "sample_rate_hz": "Int64",
    "n_samples": "Int64",
    "content_hash": "str",  # of the file's bytes; missing until the file has been read
}
"""Columns of the recordings table and their pandas dtypes."""

SPEAKERS_OWN = ("gender", "accent", "native_speaker", "age", "origin")
"""What a speaker has one of."""
CLEANED = ("accent", "age", "gender", "native_speaker", "origin", "room")
"""Labels that keep their raw value beside them."""

QUARANTINE_COLUMNS: dict[str, str] = {"recording": "str", "reason": "str"}

_WHOSE = "has the same bytes as {first}, of speaker {speaker}; nobody knows whose voice it is: keep the right one"
_WHAT = "has the same bytes as {first}, which says another digit; nobody knows which is said: keep the right one"
_AGAIN = "has the same bytes as {first}, which is used; keep one of them"


class CorpusError(ValueError):
    """A corpus, its metadata or one of its recordings is not what was expected; the message is for the user."""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Recordings of known speakers, and what is known to be wrong with them.

    Attributes
    ----------
    kind
        ``virtual``, ``audiomnist``, ``mfc-images`` or ``manifest``.
    name
        The corpus' name as the report prints it.
    root
        Folder that ``recordings.path`` is relative to.
    recordings
        The recordings table (``RECORDING_COLUMNS``), sorted by ``recording_id``.
    quarantine
        Recordings left out, each with its reason (``QUARANTINE_COLUMNS``).
    sample_rate_hz
        The rate all audio is processed at; None for a corpus of images.
    synthetic
        True where the voices are made by a program.
    notes
        What a reader must know: what was cleaned, what is missing, what was resampled or mixed down. One sentence each.
    """

    kind: str
    name: str
    root: Path
    recordings: pd.DataFrame
    quarantine: pd.DataFrame
    sample_rate_hz: int | None
    synthetic: bool = False
    notes: tuple[str, ...] = ()


def recordings_table(rows: Iterable[Mapping[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """Make a recordings table from a row per recording, add the bucket and band columns, and `check_recordings`.

    Each row has at least ``recording_id``, ``path`` and ``speaker``; other columns may be absent.
    """
    given = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    table = given.reindex(columns=list(RECORDING_COLUMNS))
    table["age_band"] = table["age"].map(age_band)
    table = table.astype(RECORDING_COLUMNS).sort_values("recording_id", kind="stable", ignore_index=True)
    table["accent_bucket"] = bucket(table["accent"], table["speaker"], rest="other")
    country = table["origin"].str.extract(r"^(?:[^,]*,)?([^,]*)", expand=False).str.strip()
    table["origin_bucket"] = bucket(country, table["speaker"], rest="elsewhere")
    return check_recordings(table)


def bucket(values: pd.Series, speakers: pd.Series, *, rest: str) -> pd.Series:
    """Keep values that ``MIN_BUCKET_SPEAKERS`` speakers share, call the others `rest`; missing stays missing."""
    counts = speakers.groupby(values).nunique()
    large = set(counts.index[counts >= MIN_BUCKET_SPEAKERS])
    return values.where(values.isna() | values.isin(large), rest).astype("str")


def age_band(age: Any) -> str | None:
    """Name the band of an age in years: ``up to 24``, ``25 to 29``, ``30 and over``; None where the age is missing."""
    if pd.isna(age):
        return None
    return "up to 24" if age <= 24 else "25 to 29" if age <= 29 else "30 and over"


def check_recordings(table: pd.DataFrame) -> pd.DataFrame:
    """Return `table` unchanged if it is a proper recordings table.

    Raises
    ------
    CorpusError
        A column is missing or has another dtype, an id or path is missing or double, or a speaker has two values of a
        property that belongs to the speaker.
    """
    dtypes = {column: str(dtype) for column, dtype in table.dtypes.items()}
    if dtypes != RECORDING_COLUMNS:
        wrong = sorted(set(dtypes.items()) ^ set(RECORDING_COLUMNS.items()))
        raise CorpusError(f"recordings table: columns or dtypes differ from the declared ones: {wrong[:5]}")
    for column in ("recording_id", "path"):
        if table[column].isna().any():
            raise CorpusError(f"recordings table: {int(table[column].isna().sum())} rows have no {column}")
        double = table.loc[table[column].duplicated(), column]
        if len(double):
            raise CorpusError(f"{column} must be unique; {offenders(double)} occur more than once")
    nobodys = table.loc[table["speaker"].isna(), "recording_id"]
    if len(nobodys):
        raise CorpusError(f"every recording needs a speaker; {offenders(nobodys)}")
    for column in SPEAKERS_OWN:
        values = table.groupby("speaker")[column].nunique()
        if several := list(values.index[values > 1]):
            raise CorpusError(f"speakers {offenders(several)} have more than one {column}; correct the labels")
    return table


def quarantine_table(rows: Iterable[tuple[str, str]] = ()) -> pd.DataFrame:
    """Make a quarantine table from (recording, reason) pairs."""
    return pd.DataFrame(sorted(rows), columns=list(QUARANTINE_COLUMNS)).astype(QUARANTINE_COLUMNS)


def cleaned_values(speakers: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Look for labels that were cleaned, given a row of the recordings table per speaker.

    Yields the label, its raw and its clean value (``missing`` where it has none), and the rows concerned.
    """
    for column in CLEANED:
        raw, clean = speakers[f"{column}_raw"], speakers[column].astype("str").fillna("")
        changed = raw.notna() & (raw != clean)
        for (before, after), rows in speakers[changed].groupby([raw[changed], clean[changed]]):
            yield column, str(before), str(after) or "missing", rows


def cleaning_notes(table: pd.DataFrame) -> tuple[str, ...]:
    """Say which labels of a recordings table were cleaned, for how many speakers."""
    notes = []
    for column, before, after, rows in cleaned_values(table.drop_duplicates("speaker")):
        clean = after if after == "missing" else f"'{after}'"
        notes.append(f"{column} '{before}' was read as {clean} ({len(rows)} speaker{'s' if len(rows) > 1 else ''}).")
    return tuple(notes)


def without_doubles(corpus: Corpus) -> Corpus:
    """Move recordings whose files have the same bytes to the quarantine, all but the first of a speaker's own.

    Where speakers or digits differ, all of them go: nobody knows which label is right. A recording without a
    ``content_hash`` is nobody's double. Raises CorpusError where no recording is left.
    """
    table = corpus.recordings
    hashes = table["content_hash"]
    same = table[hashes.notna() & hashes.duplicated(keep=False)]
    if same.empty:
        return corpus
    reasons: dict[int, str] = {}
    paths = table["path"].tolist()
    for _, rows in same.groupby("content_hash"):
        reasons.update(_reasons_of_doubles(rows))
    kept = table[~table.index.isin(list(reasons))].reset_index(drop=True)
    if kept.empty:
        first, reason = next(iter(reasons.items()))
        raise CorpusError(f"none of the {len(table)} recordings can be used; {paths[first]} {reason}")
    doubles = [(paths[row], reason) for row, reason in reasons.items()]
    quarantine = quarantine_table([*corpus.quarantine.itertuples(index=False, name=None), *doubles])
    return dataclasses.replace(corpus, recordings=check_recordings(kept), quarantine=quarantine)


def _reasons_of_doubles(rows: pd.DataFrame) -> dict[int, str]:
    """Say of each row that cannot be used why, given all rows of the same bytes in the order of their ids."""
    paths, speakers = rows["path"].tolist(), rows["speaker"].tolist()
    doubtful = _WHOSE if len(set(speakers)) > 1 else _WHAT if rows["digit"].nunique() > 1 else None
    if doubtful is None:
        return dict.fromkeys(rows.index[1:], _AGAIN.format(first=paths[0]))
    other = [1, *[0] * (len(rows) - 1)]  # the first names the second, the others the first
    if doubtful is _WHOSE:
        other = [next(at for at, name in enumerate(speakers) if name != own) for own in speakers]
    texts = [doubtful.format(first=paths[at], speaker=speakers[at]) for at in other]
    return dict(zip(rows.index, texts, strict=True))


def first_stray(strays: Sequence[tuple[str, str]]) -> str:
    """Name the first of the files that are left out, for the message that no other is there."""
    return f"; the first of {len(strays)} others: {': '.join(min(strays))}" if strays else ""


def printable(name: str) -> str:
    """Write a file's name with escapes if it holds a control character or bytes that are not UTF-8."""
    return name if name.isprintable() else ascii(name)[1:-1]


def offenders(ids: Iterable[object], *, most: int = 5) -> str:
    """Write at most `most` ids and the total, for an error message."""
    names = [repr(str(name)) for name in ids]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
