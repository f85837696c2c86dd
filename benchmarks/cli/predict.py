"""Command ``predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import one_line_errors


def predict(
    model: Annotated[Path, typer.Argument(help="folder of a saved model (run --save-models)")],
    recordings: Annotated[list[str], typer.Argument(metavar="WAV...", help="audio files; - reads standard input")],
    plug_in: Annotated[
        str | None, typer.Option(help="package.module:Class of a model that is not the project's")
    ] = None,
) -> None:
    """Say what a saved model recognises in audio files: label, score and time per file."""
    with one_line_errors():
        from benchmarks.prediction.answers import predict_files
        from models import plug_ins

        plug_ins.look_here([plug_in] if plug_in else [])
        failed = 0
        for answer in predict_files(model, recordings, plug_in=plug_in):
            typer.echo(answer.line)  # its tabs separate, all else in it is printable
            failed += answer.error is not None
    if failed:
        raise typer.Exit(2)
