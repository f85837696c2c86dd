"""What all commands share: options, lines for people, and errors of one line.

Heavy libraries are imported inside functions, so that help comes at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

Corpus = Annotated[str, typer.Option(help="virtual, audiomnist:DIR, mfc-images:DIR or manifest:FILE.csv")]
Cache = Annotated[Path | None, typer.Option(help="folder for extracted MFCCs [default: the user's cache folder]")]
TimingsFrom = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="show the times of this other run of the same cells [this run's own]"),
]


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what a user can cause into one line on standard error and exit status 2; Ctrl-C into one line and 130."""
    from benchmarks import interruption

    interruption.watch()
    try:
        yield
    except Exception as error:
        from benchmarks.errors import USER_ERRORS  # knows every room, which a command without errors need not load

        if not isinstance(error, USER_ERRORS):
            raise
        from benchmarks.cells import is_no_room

        full = is_no_room(error) and not isinstance(error, ValueError)  # the project's own errors say what to do
        remedy = "; what is finished is kept: make room and give the same command again" if full else ""
        say(f"voxfold: {' '.join(str(error).split())}{remedy}", err=True)
        raise typer.Exit(2) from None


def say(text: str, *, nl: bool = True, err: bool = False) -> None:
    """Print lines; names in them come from other people's files, and a terminal obeys some characters."""
    from reports.plain_text import printable_lines

    typer.echo(printable_lines(text), nl=nl, err=err)


def cache_folder(cache: Path | None) -> Path:
    """Return the folder given, or the user's cache folder."""
    import platformdirs

    return cache if cache is not None else Path(platformdirs.user_cache_dir("voxfold"))
