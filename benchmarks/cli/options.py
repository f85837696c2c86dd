"""What all commands share: options, lines for people, and errors of one line.

Heavy libraries are imported inside functions, so that help comes at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from benchmarks.protocol.inputs import Surroundings

Corpus = Annotated[str, typer.Option(help="virtual, audiomnist:DIR, mfc-images:DIR or manifest:FILE.csv")]
Cache = Annotated[Path | None, typer.Option(help="folder for extracted MFCCs [default: the user's cache folder]")]
TimingsFrom = Annotated[
    Path | None, typer.Option(metavar="DIR", help="show the times of this other run of the same cells [this run's own]")
]


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what a user can cause into one line on standard error and exit status 2; Ctrl-C into one line and 130."""
    from benchmarks.terminal import interruption

    interruption.watch()
    try:
        yield
    except Exception as error:
        if not isinstance(error, _user_errors()):
            raise
        from benchmarks.errors import is_no_room

        full = is_no_room(error) and not isinstance(error, ValueError)  # the project's own errors say what to do
        remedy = "; what is finished is kept: make room and give the same command again" if full else ""
        say(f"voxfold: {' '.join(str(error).split())}{remedy}", err=True)
        raise typer.Exit(2) from None


def _user_errors() -> tuple[type[Exception], ...]:
    """Return the errors that a user can cause; they are of every room, which a command without errors need not load."""
    import sqlite3

    from benchmarks.errors import RunError, TaskError
    from benchmarks.settings import SettingsError
    from features.audio import AudioError
    from features.cache.entries import CacheError
    from features.corpora.recordings import CorpusError
    from features.images import ImageError
    from models.catalogue import UnknownModelError
    from models.protocol import ModelFileError
    from reports.gates.gates_file import GatesError
    from reports.run_directory.files import TableError

    return (
        *(OSError, sqlite3.Error),  # a file or folder that cannot be read or written; the same of the cache
        *(AudioError, CacheError, CorpusError, GatesError, ImageError, ModelFileError),
        *(RunError, SettingsError, TableError, TaskError, UnknownModelError),
    )


def say(text: str, *, nl: bool = True, err: bool = False) -> None:
    """Print lines; names in them come from other people's files, and a terminal obeys some characters."""
    from reports.text.printable import printable_lines

    typer.echo(printable_lines(text), nl=nl, err=err)


def cache_folder(cache: Path | None) -> Path:
    """Return the folder given, or the user's cache folder."""
    import platformdirs

    return cache if cache is not None else Path(platformdirs.user_cache_dir("voxfold"))


def surroundings(cache: Path | None) -> Surroundings:
    """Return what a run finds here: the cache folder given or the user's, progress, what the environment says."""
    from benchmarks.protocol.inputs import Surroundings
    from benchmarks.terminal.progress import Stages

    return Surroundings(cache=cache_folder(cache), stages=Stages(), keras_backend=os.environ.get("KERAS_BACKEND"))
