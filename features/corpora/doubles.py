"""Two names with the same bytes: one recording, of which nobody knows more than its labels agree on."""

from __future__ import annotations

import dataclasses

import pandas as pd

from features.corpora.recordings import Corpus, CorpusError, check_recordings, quarantine_table

_WHOSE = "has the same bytes as {first}, of speaker {speaker}; nobody knows whose voice it is: keep the right one"
_WHAT = "has the same bytes as {first}, which says another digit; nobody knows which is said: keep the right one"
_AGAIN = "has the same bytes as {first}, which is used; keep one of them"


def without_doubles(corpus: Corpus) -> Corpus:
    """Move recordings whose files have the same bytes to the quarantine, all but the first of a speaker's own.

    Where speakers or digits differ, all of them go: nobody knows which label is right.

    Parameters
    ----------
    corpus
        Recordings whose ``content_hash`` is filled in; one without a hash is nobody's double.

    Raises
    ------
    CorpusError
        No recording is left.
    """
    table = corpus.recordings
    hashes = table["content_hash"]
    same = table[hashes.notna() & hashes.duplicated(keep=False)]
    if same.empty:
        return corpus
    reasons: dict[int, str] = {}
    paths = table["path"].tolist()
    for _, rows in same.groupby("content_hash"):
        reasons.update(_reasons(rows))
    kept = table[~table.index.isin(list(reasons))].reset_index(drop=True)
    if kept.empty:
        first, reason = next(iter(reasons.items()))
        raise CorpusError(f"none of the {len(table)} recordings can be used; {paths[first]} {reason}")
    found = [(paths[row], reason) for row, reason in reasons.items()]
    quarantine = quarantine_table([*corpus.quarantine.itertuples(index=False, name=None), *found])
    return dataclasses.replace(corpus, recordings=check_recordings(kept), quarantine=quarantine)


def _reasons(rows: pd.DataFrame) -> dict[int, str]:
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
