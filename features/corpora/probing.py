"""Look at the header of every recording of a corpus: its rate and length, or why it cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from features.audio import AudioError, probe


def probe_recordings(
    root: Path, found: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[tuple[str, str]], int | None, tuple[str, ...]]:
    """Add ``sample_rate_hz`` and ``n_samples`` to the labels of each recording.

    Parameters
    ----------
    root
        Folder that ``path`` of each recording is relative to.
    found
        Labels of each recording, with ``path`` and ``recording_id``.

    Returns
    -------
    rows, unreadable, sample_rate_hz, notes
        The readable recordings; (recording, reason) of the others; the most common rate, in Hz, which the
        whole corpus is brought to (the higher one of a tie); what a reader must know.
    """
    rows: list[dict[str, Any]] = []
    unreadable: list[tuple[str, str]] = []
    n_mixed_down = 0
    for labels in found:
        try:
            header = probe(root / labels["path"])
        except AudioError as error:
            unreadable.append((labels["path"], str(error)))
            continue
        n_mixed_down += header.n_channels > 1
        rows.append({**labels, "sample_rate_hz": header.sample_rate_hz, "n_samples": header.n_samples})
    rates = Counter(row["sample_rate_hz"] for row in rows)
    common = max(rates, key=lambda rate: (rates[rate], rate), default=None)
    notes = []
    if len(rates) > 1:
        others = {rate: count for rate, count in sorted(rates.items()) if rate != common}
        listed = ", ".join(f"{count:,} of {rate} Hz" for rate, count in others.items())
        notes.append(f"The corpus mixes sampling rates: {listed} were resampled to {common} Hz.")
    if n_mixed_down:
        notes.append(f"{n_mixed_down:,} recordings with more than one channel were mixed down to one.")
    return rows, unreadable, common, tuple(notes)
