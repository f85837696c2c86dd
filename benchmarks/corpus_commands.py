"""``corpus``: look at a corpus, fetch AudioMNIST, write the embedded corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.command_line import Cache, cache_folder, one_line_errors, say

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

    A download that was stopped goes on; a folder that holds the corpus is only verified.
    """
    with one_line_errors():
        from benchmarks.downloading import closing_words
        from benchmarks.interruption import announce
        from benchmarks.progress import Stages
        from features.corpora import download as fetching

        announce("interrupted; run the same command again, it goes on with what is there")
        stages = Stages()
        if check:
            corpus = fetching.check(folder, stages=stages)
        else:
            corpus = fetching.download(folder, stages=stages, url=url or fetching.URL)
        say(closing_words(corpus, folder))
