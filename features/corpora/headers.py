"""Look at the header of every recording of a corpus: its rate and length, or why it cannot be read."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pandas as pd

from features.audio import AudioError, Header, probe
from features.corpora.recordings import printable

SUFFIXES = {"WAV": (".wav", ".wave"), "FLAC": (".flac",)}


def probe_recordings(
    root: Path, labels: pd.DataFrame
) -> tuple[pd.DataFrame, list[tuple[str, str]], int | None, tuple[str, ...]]:
    """Add ``sample_rate_hz`` and ``n_samples`` to the labels of each recording.

    Parameters
    ----------
    root
        Folder that ``path`` of each recording is relative to.
    labels
        Labels of each recording, with ``path``.

    Returns
    -------
    readable, unreadable, sample_rate_hz, notes
        The rows of the readable recordings; (recording, reason) of the others; the most common rate, in Hz, which
        the whole corpus is brought to (the higher one of a tie); what a reader must know.
    """
    headers: list[Header | None] = []
    unreadable: list[tuple[str, str]] = []
    paths = list(labels["path"]) if len(labels) else []
    for path in paths:
        try:
            headers.append(probe(os.path.join(root, path)))  # noqa: PTH118 (a Path costs more than looking at the file)
        except AudioError as error:
            headers.append(None)
            unreadable.append((printable(path), str(error)))
    kept = [header for header in headers if header is not None]
    readable = labels[[header is not None for header in headers]].assign(
        sample_rate_hz=[header.sample_rate_hz for header in kept], n_samples=[header.n_samples for header in kept]
    )
    rates = Counter(header.sample_rate_hz for header in kept)
    common = max(rates, key=lambda rate: (rates[rate], rate), default=None)
    n_misnamed = sum(
        header is not None and not path.lower().endswith(SUFFIXES[header.container])
        for path, header in zip(paths, headers, strict=True)
    )
    others = ", ".join(f"{count:,} of {rate} Hz" for rate, count in sorted(rates.items()) if rate != common)
    rate_notes = [f"The corpus mixes sampling rates: {others} were resampled to {common} Hz."] if others else []
    return readable, unreadable, common, (*rate_notes, *_other_notes(kept, n_misnamed))


def _other_notes(headers: list[Header], n_misnamed: int) -> list[str]:
    notes = []
    if n_mixed_down := sum(header.n_channels > 1 for header in headers):
        notes.append(f"{n_mixed_down:,} recordings with more than one channel were mixed down to one.")
    if n_misnamed:
        notes.append(f"{n_misnamed:,} recordings are WAV or FLAC, but their names do not say which; they were used.")
    return notes
