"""What a run costs beside its fits: processes, tables, timing, writing.

``python -m benchmarks.speed.harness`` runs the cells of a benchmark in a temporary folder, as ``run`` does, measures
how long each cell's process lived, and takes away what the cell has timed as a phase (import of the model's libraries,
choosing, fitting, answers). What is left is the harness. Options are those of ``run``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import pandas as pd
import platformdirs

from benchmarks.cells.executors.local import LocalExecutor
from benchmarks.cells.jobs import list_cells, make_jobs
from benchmarks.plug_ins import sources
from benchmarks.progress import Stages
from benchmarks.protocol.inputs import Surroundings, prepare_inputs
from benchmarks.settings import RunSettings, read_settings
from reports import tables

FITTING = ["select", "fit"]


def measure(settings: RunSettings, cache: Path) -> pd.DataFrame:
    """Run every cell and return a row each: ``model, process, import, fits, answers, harness``, in seconds."""
    inputs = prepare_inputs(settings, Surroundings(cache=cache, stages=Stages()))
    settings.folder.mkdir(parents=True)
    executor = LocalExecutor(features=cache, results=settings.folder)
    rows = []
    for outcome in executor.run(make_jobs(list_cells(inputs, sources(settings.models)), inputs)):
        if outcome.folder is None:
            raise RuntimeError(f"cell {outcome.job.cell.name} failed: {outcome.error}")
        seconds = tables.read("timings", outcome.folder).groupby("phase")["seconds"].sum()
        process = seconds.pop("process")
        fits = seconds.reindex(FITTING).sum()
        rows.append(
            {
                "model": outcome.job.cell.model,
                "process": process,
                "import": seconds["import"],
                "fits": fits,
                "answers": seconds.sum() - fits - seconds["import"],
                "harness": process - seconds.sum(),
            }
        )
    return pd.DataFrame(rows)


def table(cells: pd.DataFrame) -> str:
    """Write the medians of a model's cells, and what the harness adds to the sum of all fits."""
    columns = ["process", "import", "fits", "answers", "harness"]
    lines = [f"| model | cells | {' | '.join(columns)} |", "|---" * 7 + "|"]
    for model, own in cells.groupby("model", sort=False):
        medians = " | ".join(f"{seconds:.2f} s" for seconds in own[columns].median())
        lines.append(f"| {model} | {len(own)} | {medians} |")
    share = 100 * cells["harness"].sum() / cells["fits"].sum()
    lines.append(f"\nThe harness adds {share:.1f} % to the fits; at most {cells['harness'].max():.2f} s in a cell.")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.harness", description=__doc__)
    for name, text in (
        ("--corpus", "as in run [virtual]"),
        ("--protocol", "as in run [grouped]"),
        ("--models", "as in run [svm,xgboost,cnn]"),
    ):
        parser.add_argument(name, help=text)
    parser.add_argument("--cache", type=Path, help="folder of the feature cache [the user's]")
    given = vars(parser.parse_args(arguments))
    cache = given.pop("cache") or Path(platformdirs.user_cache_dir("voxfold"))
    with tempfile.TemporaryDirectory() as temporary:
        settings = read_settings({**given, "premium": False, "out": Path(temporary) / "run"})
        print(table(measure(settings, cache)))
    print(f"load average at the end: {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
