"""What a run costs beside its fits: processes, tables, timing, writing.

A cell's timings have how long its process lived, and what it has timed as a phase (import of the model's libraries,
choosing, fitting, answers). What no phase has timed is the harness.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from reports.run_directory import tables
from reports.run_directory.files import TableError
from reports.text.markdown import table

FITTING = ["select", "fit"]
COLUMNS = ["process", "import", "fits", "answers", "harness"]


def tell(run: Annotated[Path, typer.Option(help="run directory; its cells ran one at a time")]) -> None:
    """Tell what a run's cells spent on other things than models."""
    try:
        timings = tables.read("timings", run)
    except TableError as error:
        raise typer.BadParameter(str(error)) from error
    if "process" not in set(timings["phase"]):
        raise typer.BadParameter(f"{run} does not say how long its cells' processes lived; run it again")
    print(as_text(seconds_of_cells(timings)))


def seconds_of_cells(timings: pd.DataFrame) -> pd.DataFrame:
    """Return a row per cell of a run: ``model`` and `COLUMNS`, in seconds."""
    of_cells = timings[timings["phase"] != "extract"]
    keys = list(tables.CELL_KEYS)
    seconds = of_cells.pivot_table(index=keys, columns="phase", values="seconds", aggfunc="sum", sort=False)
    fits = seconds.reindex(columns=FITTING).sum(axis=1)
    phases = seconds.drop(columns="process").sum(axis=1)
    answers = phases - fits - seconds["import"]
    cells = seconds.assign(fits=fits, answers=answers, harness=seconds["process"] - phases)
    return cells.reset_index()[["model", *COLUMNS]]


def as_text(cells: pd.DataFrame) -> str:
    """Write the medians of a model's cells, and what the harness adds to the sum of all fits."""
    rows = [
        [str(model), str(len(own)), *(f"{seconds:.2f} s" for seconds in own[COLUMNS].median())]
        for model, own in cells.groupby("model", sort=False)
    ]
    share = 100 * cells["harness"].sum() / cells["fits"].sum()
    added = f"The harness adds {share:.1f} % to the fits; at most {cells['harness'].max():.2f} s in a cell."
    return f"{table(['model', 'cells', *COLUMNS], rows)}\n\n{added}"
