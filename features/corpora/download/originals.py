"""Tell whether a folder holds AudioMNIST whole and as published.

What is known for certain of the originals: 60 speakers, 10 digits, 50 takes, 48 kHz, and the SHA-256 of 469 recordings
of 27 speakers, taken from copies of them (``audiomnist_sha256.txt``, in the form of ``sha256sum``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import pandas as pd

from features.audio import AudioError, read_samples
from features.corpora.audiomnist import open_audiomnist
from features.corpora.recordings import Corpus, CorpusError, offenders
from features.files import sha256

OnProgress = Callable[[int, int], None]


def published_hashes() -> dict[str, str]:
    """Return the SHA-256 (hexadecimal) of the recordings that are known, by their path below ``data``."""
    text = files("features.corpora.download").joinpath("audiomnist_sha256.txt").read_text(encoding="ascii")
    return {path: digest for digest, path in (line.split() for line in text.splitlines())}


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What a whole corpus has: every speaker says every digit `n_takes` times; `hashes` are SHA-256 by path."""

    n_speakers: int = 60
    n_digits: int = 10
    n_takes: int = 50
    sample_rate_hz: int = 48_000
    hashes: Mapping[str, str] = field(default_factory=published_hashes)

    @property
    def n_recordings(self) -> int:
        """Recordings of the whole corpus."""
        return self.n_speakers * self.n_digits * self.n_takes


def check_originals(
    folder: Path, *, whole: Whole | None = None, on_recording: OnProgress = lambda done, total: None
) -> Corpus:
    """Read every recording of `folder`, and return the corpus if nothing is missing, unreadable or changed.

    `on_recording` is called after each recording with the number of those read and of all.

    Raises
    ------
    CorpusError
        What differs, in one line that names recordings.
    """
    whole = whole or Whole()
    corpus = open_audiomnist(folder)
    problems = [*_quarantined(corpus), *_other_than_expected(corpus.recordings, whole)]
    problems += [*_unreadable(corpus, on_recording), *_changed(corpus.root, whole.hashes)]
    if problems:
        raise CorpusError(f"{folder}: not AudioMNIST as published: {'; '.join(problems)}")
    return corpus


def _quarantined(corpus: Corpus) -> Iterator[str]:
    rows = list(corpus.quarantine.itertuples(index=False, name=None))
    if rows:
        path, reason = rows[0]
        yield f"{len(rows)} files cannot be used: {offenders(path for path, _ in rows)} (the first: {path} {reason})"


def _other_than_expected(table: pd.DataFrame, whole: Whole) -> Iterator[str]:
    n_speakers = table["speaker"].nunique()
    if n_speakers != whole.n_speakers:
        yield f"{n_speakers} speakers, expected {whole.n_speakers}"
    if len(table) != whole.n_recordings:
        yield f"{len(table):,} recordings, expected {whole.n_recordings:,}"
    takes = table.groupby(["speaker", "digit"], as_index=False).size()
    rows = takes[takes["size"] != whole.n_takes].itertuples(index=False, name=None)
    if uneven := [f"{n} of digit {digit} by {speaker}" for speaker, digit, n in rows]:
        yield f"expected {whole.n_takes} takes of each digit, got {offenders(uneven)}"
    others = table.loc[table["sample_rate_hz"] != whole.sample_rate_hz, "path"]
    if len(others):
        yield f"not at {whole.sample_rate_hz} Hz: {offenders(others)}"


def _unreadable(corpus: Corpus, on_recording: OnProgress) -> Iterator[str]:
    paths, unreadable = corpus.recordings["path"].tolist(), []
    for done, path in enumerate(paths, start=1):
        try:
            read_samples(corpus.root / path)
        except AudioError as error:
            unreadable.append(f"{path} ({error})")
        on_recording(done, len(paths))
    if unreadable:
        yield f"unreadable: {offenders(unreadable)}"


def _changed(data: Path, hashes: Mapping[str, str]) -> Iterator[str]:
    """Compare the recordings whose SHA-256 is known; missing ones count too."""
    wrong = sorted(
        path for path, known in hashes.items() if not (data / path).is_file() or sha256(data / path) != known
    )
    if wrong:
        yield f"{len(wrong)} of {len(hashes)} recordings with a known SHA-256 differ: {offenders(wrong)}"
