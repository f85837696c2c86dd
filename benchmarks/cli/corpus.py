"""Commands ``corpus describe``, ``corpus download`` and ``corpus speak``; ``images`` and ``datasheet``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks.cli.options import Cache, cache_folder, one_line_errors, say

if TYPE_CHECKING:
    import pandas as pd

    from features.corpora.recordings import Corpus

ATTRIBUTES = ("gender", "accent", "native_speaker", "age_band", "origin_bucket", "room", "digit")

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
        from features.corpora.catalogue import open_corpus

        opened = open_corpus(corpus, cache=cache_folder(cache), allow_outside=allow_outside)
        say(description(opened))


@corpus_app.command()
def speak(folder: Annotated[Path, typer.Argument(help="where to write data/<speaker>/*.wav")]) -> None:
    """Write the embedded corpus of virtual speakers as WAV files, in AudioMNIST's layout."""
    with one_line_errors():
        from benchmarks.terminal.progress import Stages
        from features.corpora.virtual.corpus import speak as speak_corpus

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
        from benchmarks.terminal.interruption import announce
        from benchmarks.terminal.progress import Stages
        from features.corpora.download import audiomnist

        announce("interrupted; run the same command again, it starts anew unless the whole archive was there")
        if check:
            corpus = audiomnist.check_folder(folder, stages=Stages())
        else:
            corpus = audiomnist.download(folder, stages=Stages(), url=url or audiomnist.URL)
        table = corpus.recordings
        say(f"corpus: {folder}: {len(table):,} recordings of {table['speaker'].nunique()} speakers, verified")
        source = f"github.com/soerenab/AudioMNIST, commit {audiomnist.COMMIT[:12]}"
        say(f"source: {source}; MIT licence; cite Becker et al., arXiv 1807.03418")
        say(f"run it: python -m benchmarks run --corpus {shlex.quote(f'audiomnist:{folder}')}")


def images(
    corpus: Annotated[str | None, typer.Option(help="audiomnist:DIR: recordings to draw")] = None,
    out: Annotated[Path, typer.Option(help="folder for mfc_dataset and audio_to_mfc_maps")] = Path(),
    maps_only: Annotated[bool, typer.Option("--maps-only", help="write the two maps, draw nothing")] = False,
) -> None:
    """Write AudioMNIST's MFC images and the maps from image to recording."""
    with one_line_errors():
        from benchmarks.errors import TaskError
        from benchmarks.terminal.progress import Stages
        from features.corpora.audiomnist import open_audiomnist
        from features.image_maps import write_images, write_maps

        maps = out / "audio_to_mfc_maps"
        if maps_only:
            write_maps(maps)
            say(f"maps: {maps}")
            return
        if corpus is None:
            raise typer.BadParameter("give --corpus audiomnist:DIR, or --maps-only")
        kind, _, where = corpus.partition(":")
        if kind != "audiomnist" or not where:
            raise TaskError(f"images are drawn from AudioMNIST: expected --corpus audiomnist:DIR, got '{corpus}'")
        opened = open_audiomnist(Path(where))
        write_maps(maps)
        with Stages().stage("draw") as drawn:
            n_images = write_images(opened.root, opened.recordings, out, on_progress=drawn)
        say(f"images: {n_images} in {out / 'mfc_dataset'}")


def datasheet(
    metadata: Annotated[Path, typer.Option(help="AudioMNIST's audioMNIST_meta.txt")],
    file: Annotated[Path, typer.Option(help="the datasheet")] = Path("DATASHEET.md"),
    check: Annotated[bool, typer.Option("--check", help="change nothing; exit 1 if counts differ")] = False,
) -> None:
    """Recompute the counts in the datasheet from the metadata."""
    with one_line_errors():
        from benchmarks.cli.datasheet import differing_blocks, recount, speakers_table

        text = file.read_text(encoding="utf-8")
        speakers = speakers_table(metadata)
        differing = differing_blocks(text, speakers)
        if not check:
            file.write_text(recount(text, speakers), encoding="utf-8")
        say(f"{file}: {', '.join(differing) + ' differ' if differing else 'all counts agree'}")
    if check and differing:
        raise typer.Exit(1)


def description(corpus: Corpus) -> str:
    """Write counts by speaker, gender, accent and the rest, what was cleaned or is missing, and quarantined files."""
    from reports.text.printable import printable

    table = corpus.recordings
    parts = [f"{corpus.name}: {len(table):,} recordings of {table['speaker'].nunique()} speakers, {_audio(corpus)}"]
    stated = [attribute for attribute in ATTRIBUTES if table[attribute].notna().any()]
    parts += [_section(attribute.replace("_", " "), _counts(table, attribute)) for attribute in stated]
    if {"gender", "accent"} <= set(stated):
        parts.append(_section("speakers by accent and gender", _crossed(table)))
    per_speaker = table.groupby("speaker").size()
    listed = ", ".join(f"{printable(str(speaker))} {count}" for speaker, count in per_speaker.items())
    parts.append(_section("recordings by speaker", listed))
    if corpus.notes:
        parts.append(_section("notes", "\n".join(map(printable, corpus.notes))))
    quarantine = [f"{row.recording}: {row.reason}" for row in corpus.quarantine.itertuples()]
    parts.append(_section(f"quarantined files: {len(quarantine)}", "\n".join(map(printable, quarantine))))
    return "\n\n".join(parts)


def _audio(corpus: Corpus) -> str:
    if corpus.sample_rate_hz is None:
        return "published MFC images"
    seconds = corpus.recordings["n_samples"] / corpus.recordings["sample_rate_hz"]
    return (
        f"{corpus.sample_rate_hz} Hz, {seconds.sum() / 60:.1f} minutes, "
        f"{seconds.min():.2f} to {seconds.max():.2f} s each, median {seconds.median():.2f} s"
    )


def _section(title: str, text: str) -> str:
    return f"{title}\n{text}".rstrip()


def _counts(table: pd.DataFrame, attribute: str) -> str:
    import pandas as pd

    from reports.text.printable import printable

    values = table[attribute].astype("str").fillna("not stated").map(printable)
    grouped = table.groupby(values)["speaker"]
    counts = pd.DataFrame({"speakers": grouped.nunique(), "recordings": grouped.size()})
    counts = counts.sort_values(["speakers", "recordings"], ascending=False, kind="stable")
    return counts.to_string(index_names=False)


def _crossed(table: pd.DataFrame) -> str:
    import pandas as pd

    from reports.text.printable import printable

    speakers = table.drop_duplicates("speaker").fillna({"gender": "not stated", "accent": "not stated"})
    return pd.crosstab(speakers["accent"].map(printable), speakers["gender"].map(printable)).to_string()
