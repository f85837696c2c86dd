"""Open a corpus from what a user writes: ``virtual``, ``audiomnist:DIR``, ``mfc-images:DIR``, ``manifest:FILE.csv``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from features.corpora.audiomnist import open_audiomnist
from features.corpora.manifest import open_manifest
from features.corpora.mfc_images import open_mfc_images
from features.corpora.recordings import Corpus, CorpusError
from features.corpora.virtual import virtual_corpus_folder

KINDS = ("virtual", "audiomnist:DIR", "mfc-images:DIR", "manifest:FILE.csv")


def open_corpus(argument: str, *, cache: Path, on_speaker: Callable[[int, int], None] | None = None) -> Corpus:
    """Open the corpus that `argument` names; the embedded one is spoken into `cache` first.

    Raises
    ------
    CorpusError
        The kind is unknown, its path is missing or superfluous, or the corpus itself is not as expected.
    """
    kind, colon, where = argument.partition(":")
    if kind == "virtual" and not colon:
        folder = virtual_corpus_folder(cache, on_speaker=on_speaker)
        return open_audiomnist(folder, kind="virtual")
    openers = {"audiomnist": open_audiomnist, "mfc-images": open_mfc_images, "manifest": open_manifest}
    if kind not in openers or not where:
        raise CorpusError(f"corpus '{argument}': expected one of {', '.join(KINDS)}")
    return openers[kind](Path(where).expanduser())
