"""What folders and quarantines hold, as dictionaries to compare."""

from __future__ import annotations

from pathlib import Path

from features.corpora.recordings import Corpus


def contents(folder: Path) -> dict[str, bytes]:
    """Every file's bytes, by its path below `folder`."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def reasons(corpus: Corpus) -> dict[str, str]:
    """Why each recording was left out."""
    return dict(corpus.quarantine.itertuples(index=False, name=None))
