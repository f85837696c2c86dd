"""``corpus``: look at a corpus, fetch AudioMNIST, write the embedded corpus."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks.command_line import Cache, cache_folder, one_line_errors, say

if TYPE_CHECKING:
    from features.corpora.recordings import Corpus

corpus_app = typer.Typer(
    help="Look at a corpus, fetch AudioMNIST, or write the embedded corpus.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@corpus_app.command()
def describe(
    corpus: Annotated[str, typer.Argument(help="virtual, audiomnist:DIR, mfc-images:DIR or manifest:FILE.csv")],
    allow_outside: Annotated[
        bool, typer.Option("--allow-outside", help="also use recordings outside the manifest's folder")
    ] = False,
    cache: Cache = None,
) -> None:
    """Print counts by speaker, gender and accent, what was cleaned, and quarantined files."""
    with one_line_errors():
        from benchmarks.describing import description
        from features.corpora.opening import open_corpus

        opened = open_corpus(corpus, cache=cache_folder(cache), allow_outside=allow_outside)
        say(description(opened))


@corpus_app.command()
def speak(folder: Annotated[Path, typer.Argument(help="where to write data/<speaker>/*.wav")]) -> None:
    """Write the embedded corpus of virtual speakers as WAV files, in AudioMNIST's layout."""
    with one_line_errors():
        from benchmarks.progress import Stages
        from features.corpora.virtual import speak as speak_corpus

        with Stages().stage("speak") as spoken:
            speak_corpus(folder, on_speaker=spoken)
        say(f"corpus: {folder}")


@corpus_app.command()
def download(
    folder: Annotated[Path, typer.Argument(help="what is to hold AudioMNIST; must not exist, or be empty or whole")],
    url: Annotated[
        str | None, typer.Option(help="another address of the same zip archive, https or http://localhost")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="fetch nothing, only verify what is in the folder")] = False,
) -> None:
    """Fetch AudioMNIST (about 1 GB, 2 GB unpacked), verify it and put it in place.

    Stopped, give the same command again; a folder that holds the corpus is only verified.
    """
    with one_line_errors():
        from benchmarks.interruption import announce
        from benchmarks.progress import Stages
        from features.corpora.download import audiomnist

        announce("interrupted; run the same command again, it starts anew unless the whole archive was there")
        if check:
            corpus = audiomnist.check_folder(folder, stages=Stages())
        else:
            corpus = audiomnist.download(folder, stages=Stages(), url=url or audiomnist.URL)
        say(_closing_words(corpus, folder, audiomnist.COMMIT))


def _closing_words(corpus: Corpus, folder: Path, commit: str) -> str:
    """Say what is there, whose it is, and the command that uses it."""
    n_speakers = corpus.recordings["speaker"].nunique()
    return (
        f"corpus: {folder}: {len(corpus.recordings):,} recordings of {n_speakers} speakers, verified\n"
        f"source: github.com/soerenab/AudioMNIST, commit {commit[:12]}; MIT licence; cite Becker et al., "
        "arXiv 1807.03418\n"
        f"run it: python -m benchmarks run --corpus {shlex.quote(f'audiomnist:{folder}')}"
    )
