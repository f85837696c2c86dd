"""Open a corpus from what a user writes: ``virtual``, ``audiomnist:DIR``, ``mfc-images:DIR``, ``manifest:FILE.csv``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from features.corpora.audiomnist import open_audiomnist
from features.corpora.manifest import open_manifest
from features.corpora.mfc_images import open_mfc_images
from features.corpora.recordings import Corpus, CorpusError
from features.corpora.virtual.corpus import virtual_corpus_folder
from features.files import is_text

KINDS = ("virtual", "audiomnist:DIR", "mfc-images:DIR", "manifest:FILE.csv")


def open_corpus(
    argument: str,
    *,
    cache: Path,
    on_speaker: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] | None = None,
    allow_outside: bool = False,
) -> Corpus:
    """Open the corpus that `argument` names; the embedded one is spoken first.

    Parameters
    ----------
    argument
        The kind and, for all but ``virtual``, where it is.
    cache, on_speaker, say
        As in `virtual_corpus_folder`, for the embedded corpus.
    allow_outside
        As in `open_manifest`.

    Raises
    ------
    CorpusError
        The kind is unknown, its path is missing or superfluous, or the corpus itself is not as expected.
    """
    kind, colon, where = argument.partition(":")
    if kind == "virtual" and not colon:
        folder = virtual_corpus_folder(cache, on_speaker=on_speaker, say=say)
        return open_audiomnist(folder, kind="virtual")
    openers: dict[str, Callable[[Path], Corpus]] = {
        "audiomnist": open_audiomnist,
        "mfc-images": open_mfc_images,
        "manifest": partial(open_manifest, allow_outside=allow_outside),
    }
    if kind not in openers or not where:
        raise CorpusError(f"corpus '{argument}': expected one of {', '.join(KINDS)}")
    if not is_text(where):
        raise CorpusError(f"corpus {argument!a}: the name of its folder is not UTF-8; rename the folder")
    return openers[kind](Path(where).expanduser())
