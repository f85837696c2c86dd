"""The commands put together; `main` runs them.

Exit status: 0 done; 1 a cell failed, or a check did not hold; 2 usage or unusable input; 3 nothing was measured, or not
the number that a gate needs. Only this package reads the environment. Its modules import nothing but Typer: what a
command needs is imported inside it, so that help comes at once.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn

import typer

from benchmarks.cli import corpus, results, runs, speed

app = typer.Typer(
    name="voxfold",
    help="Compare models that recognise speakers' properties, on speakers they never heard.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS: dict[str, Callable[..., None]] = {
    "run": runs.run,
    "audit": runs.audit,
    "report": results.report,
    "compare": results.compare,
    "check": results.check_gates,
    "simulate": results.simulate,
    "growth": runs.growth,
    "intervals": results.intervals,
    "predict": results.predict,
    "images": corpus.images,
    "datasheet": corpus.datasheet,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
app.add_typer(corpus.corpus_app, name="corpus")
app.add_typer(speed.speed_app, name="speed")


def main() -> NoReturn:
    """Run the command line, and end the process without taking its libraries apart, which would take 0.3 s."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that a terminal cannot show is no failure
    try:
        app()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    except OSError as error:  # help that cannot be written
        print(f"voxfold: {error}", file=sys.stderr)
        status = 2
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads it, or there is no room for it
        status = status or 2
    os._exit(status)
