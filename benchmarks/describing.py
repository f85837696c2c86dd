"""Describe a corpus in plain text: counts, notes, quarantine."""

from __future__ import annotations

import pandas as pd

from features.corpora.recordings import Corpus
from reports.plain_text import printable

ATTRIBUTES = ("gender", "accent", "native_speaker", "age_band", "origin_bucket", "room", "digit")


def description(corpus: Corpus) -> str:
    """Write counts by speaker, gender, accent and the rest, what was cleaned or is missing, and quarantined files."""
    table = corpus.recordings
    parts = [f"{corpus.name}: {len(table):,} recordings of {table['speaker'].nunique()} speakers, {_audio(corpus)}"]
    parts += [_counts(table, attribute) for attribute in ATTRIBUTES if table[attribute].notna().any()]
    if table["gender"].notna().any() and table["accent"].notna().any():
        parts.append(_section("speakers by accent and gender", _crossed(table).to_string()))
    per_speaker = table.groupby("speaker").size()
    listed = ", ".join(f"{printable(str(speaker))} {count}" for speaker, count in per_speaker.items())
    parts.append(_section("recordings by speaker", listed))
    if corpus.notes:
        parts.append(_section("notes", "\n".join(map(printable, corpus.notes))))
    quarantine = [f"{row.recording}: {row.reason}" for row in corpus.quarantine.itertuples()]
    parts.append(_section(f"quarantined files: {len(quarantine)}", "\n".join(map(printable, quarantine))))
    return "\n\n".join(parts)


def _audio(corpus: Corpus) -> str:
    if corpus.sample_rate_hz is None:
        return "published MFC images"
    seconds = corpus.recordings["n_samples"] / corpus.recordings["sample_rate_hz"]
    return (
        f"{corpus.sample_rate_hz} Hz, {seconds.sum() / 60:.1f} minutes, "
        f"{seconds.min():.2f} to {seconds.max():.2f} s each, median {seconds.median():.2f} s"
    )


def _section(title: str, text: str) -> str:
    return f"{title}\n{text}".rstrip()


def _counts(table: pd.DataFrame, attribute: str) -> str:
    named = table.assign(**{attribute: table[attribute].astype("str").fillna("not stated").map(printable)})
    grouped = named.groupby(attribute)["speaker"]
    counts = pd.DataFrame({"speakers": grouped.nunique(), "recordings": grouped.size()})
    counts = counts.sort_values(["speakers", "recordings"], ascending=False, kind="stable")
    return _section(attribute.replace("_", " "), counts.to_string(index_names=False))


def _crossed(table: pd.DataFrame) -> pd.DataFrame:
    speakers = table.drop_duplicates("speaker").fillna({"gender": "not stated", "accent": "not stated"})
    return pd.crosstab(speakers["accent"].map(printable), speakers["gender"].map(printable))
