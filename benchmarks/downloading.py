"""What `corpus download` says when it is done."""

from __future__ import annotations

import shlex
from pathlib import Path

from features.corpora.download import COMMIT
from features.corpora.recordings import Corpus


def closing_words(corpus: Corpus, folder: Path) -> str:
    """Say what is there, whose it is, and the command that uses it."""
    table = corpus.recordings
    argument = shlex.quote(f"audiomnist:{folder}")
    return "\n".join(
        [
            f"corpus: {folder}: {len(table):,} recordings of {table['speaker'].nunique()} speakers, verified",
            f"source: github.com/soerenab/AudioMNIST, commit {COMMIT[:12]}; MIT licence; cite Becker et al., "
            "arXiv 1807.03418",
            f"run it: python -m benchmarks run --corpus {argument}",
        ]
    )
