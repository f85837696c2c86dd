"""Commands ``report``, ``compare``, ``check``, ``intervals``, ``simulate`` and ``predict``: what runs are good for."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import TimingsFrom, one_line_errors, say


def report(folder: Annotated[Path, typer.Argument(help="run directory")], timings_from: TimingsFrom = None) -> None:
    """Rebuild summary and page of a run from its tables; with --timings-from itself, show its own times again."""
    with one_line_errors():
        from reports.page.page import rebuild

        say(f"report: {rebuild(folder, timings_from)}")


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="run directory")],
    b: Annotated[Path, typer.Argument(metavar="B", help="run directory of the same task, on the same recordings")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="the page [artifacts/compare-<A>-<B>.html]")
    ] = None,
) -> None:
    """Say what changed from run A to run B, paired by recording: accuracy, gaps, runtime; page and numbers."""
    page = out or Path("artifacts") / f"compare-{a.resolve().name}-{b.resolve().name}.html"
    if page.suffix != ".html":
        raise typer.BadParameter(f"'{page}' does not end in .html", param_hint="--out")
    with one_line_errors():
        from reports.two_runs.page import write
        from reports.two_runs.tables import plain

        changes = write(a, b, page)
        say("\n".join([*plain(changes), *changes["answer"]["warnings"], f"report: {page}"]))


def check_gates(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="run directory")],
    gates: Annotated[Path, typer.Option(help="TOML file of gates (docs/gates.md)")],
    junit: Annotated[Path | None, typer.Option(help="write the verdicts as JUnit XML")] = None,
) -> None:
    """Hold a run against a file of gates: a line per condition, its numbers computed anew from the tables.

    Exit status: 0 all hold; 1 one failed; 3 none failed, but one could not be judged, since its number was not
    measured or has no interval; 2 usage, and nothing was judged.
    """
    with one_line_errors():
        from reports.gates.judgement import judge_folder
        from reports.gates.verdicts import count_line, exit_status, write_junit

        verdicts = judge_folder(folder, gates)
        if junit is not None:
            write_junit(verdicts, junit, name=folder.resolve().name)
        say("\n".join([*(verdict.line for verdict in verdicts), count_line(verdicts)]))
    raise typer.Exit(exit_status(verdicts))


def intervals(folder: Annotated[Path, typer.Argument(help="run directory")]) -> None:
    """Print a run's balanced accuracies with the report's intervals and, beside them, those that others print."""
    with one_line_errors():
        from reports.run_directory.run import load
        from reports.simulation.other_intervals import beside
        from reports.simulation.tables import beside_table

        say(beside_table(beside(load(folder))), nl=False)


def simulate(
    data_sets: Annotated[int, typer.Option(min=1, help="data sets of each design")] = 10_000,
    designs: Annotated[str, typer.Option(help="only designs whose name contains this, such as 48+12 or refitted")] = "",
    seed: Annotated[int, typer.Option(min=0, help="of all random numbers")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="designs at a time [every core]")] = None,
    out: Annotated[Path | None, typer.Option(help="file for the tables, .md or .json")] = None,
) -> None:
    """Check on data sets with known truth that 95 % intervals cover 95 % and tests reject 5 %; exit 1 if not."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # designs run side by side: threads of each would only be in the way
    with one_line_errors():
        from benchmarks.settings import SettingsError
        from benchmarks.terminal.progress import Stages
        from reports.run_directory.files import write_text
        from reports.simulation import tables as tables

        n_processes = jobs or os.cpu_count() or 1
        with Stages().stage("simulate") as advance:
            try:
                parts = tables.chosen(designs)
            except ValueError as error:
                raise SettingsError(str(error)) from error
            run_all = tables.run_here if n_processes == 1 else tables.run_in_processes(n_processes, advance)
            simulation = tables.simulate(parts, data_sets, seed, run_all)
        say(tables.markdown(simulation))
        if out is not None:
            as_json = out.suffix == ".json"
            out.parent.mkdir(parents=True, exist_ok=True)
            write_text(out, json.dumps(simulation, indent=1) + "\n" if as_json else tables.markdown(simulation))
    if not all(gate["holds"] for gate in simulation["gates"]):
        raise typer.Exit(1)


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
