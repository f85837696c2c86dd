"""Commands ``speed run`` and ``speed baseline``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import one_line_errors, say

speed_app = typer.Typer(help="Run the speed guards, or set their limits.", no_args_is_help=True, rich_markup_mode=None)


@contextmanager
def _guards_measured() -> Iterator[None]:
    """Say in one line why there is no verdict: exit 3 nothing measured, 1 a guard broken, 2 a baseline not theirs."""
    from benchmarks.speed.guards.measurements import BrokenGuardError, NothingMeasuredError
    from benchmarks.speed.guards.verdicts import BaselineError

    status = {NothingMeasuredError: 3, BrokenGuardError: 1, BaselineError: 2}
    try:
        with one_line_errors():
            yield
    except tuple(status) as error:
        say(f"voxfold: {error}", err=True)
        raise typer.Exit(status[type(error)]) from None


@speed_app.command(name="run")
def run_guards(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="run directory whose report is to show them")
    ] = None,
) -> None:
    """Measure every guard and hold it against its limit: exit 0 all hold, 1 one is too slow, 3 nothing was measured."""
    with _guards_measured():
        from benchmarks.speed.guards.baseline import read_baseline
        from benchmarks.speed.guards.measurements import measure
        from benchmarks.speed.guards.verdicts import judge_all, line, record

        limit_of = read_baseline()
        verdicts = judge_all(measure(), limit_of)
        say("\n".join(map(line, verdicts)))
        if folder is not None and (page := record(verdicts, folder)):
            say(f"report: {page}")
    if not all(verdict.holds for verdict in verdicts):
        raise typer.Exit(1)


@speed_app.command()
def baseline() -> None:
    """Measure every guard several times and rewrite the limits in benchmarks/speed/guards/baseline.toml."""
    with _guards_measured():
        from benchmarks.speed.guards.baseline import BASELINE, PASSES, median_ratios, write_baseline
        from benchmarks.speed.guards.measurements import measure

        ratios = median_ratios([measure() for _ in range(PASSES)])
        write_baseline(ratios)
        say(f"{BASELINE}: limits of {len(ratios)} guards")
