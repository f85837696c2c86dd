"""Commands ``run``, ``audit`` and ``growth``: what trains models."""

from __future__ import annotations

import os
import shlex
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.cli.options import Cache, Corpus, TimingsFrom, one_line_errors, say, surroundings
from models.catalogue import CATALOGUE


def _date_of_the_run() -> datetime:
    """Read ``SOURCE_DATE_EPOCH`` before any library does: NumPy cannot even be imported where it is no number."""
    from benchmarks.settings import SettingsError, moment

    try:
        return moment(os.environ.get("SOURCE_DATE_EPOCH"))
    except SettingsError as error:
        say(f"voxfold: {error}", err=True)
        raise typer.Exit(2) from None


_PLACES = ("--out", "--cache", "--timings-from")
"""Options that say where things lie and change no answer: not part of the command that a report records."""


def _without_places(command: str) -> str:
    """Return a command line without `_PLACES`, so that the same run in another folder records the same one."""
    kept: list[str] = []
    arguments = iter(shlex.split(command))
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name not in _PLACES:
            kept.append(argument)
        elif not value:
            next(arguments, None)
    return shlex.join(kept)


def run(
    corpus: Annotated[
        str | None, typer.Option(help="virtual, audiomnist:DIR, mfc-images:DIR, manifest:FILE.csv [virtual]")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="gender, digit, accent, native-speaker, age, origin [gender]")
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="official, grouped, leave-accent-out, recording-random [grouped]")
    ] = None,
    models: Annotated[
        str | None, typer.Option(help=f"{', '.join(CATALOGUE)}, package.module:factory [svm,xgboost,cnn]")
    ] = None,
    folds: Annotated[int | None, typer.Option(help="folds per repetition [5, or what the speakers allow]")] = None,
    repetitions: Annotated[int | None, typer.Option(help="how often all folds are drawn [1]")] = None,
    seeds: Annotated[int | None, typer.Option(help="training seeds per split [1]")] = None,
    recipe: Annotated[str | None, typer.Option(help="MFCC conventions, psf or seed [psf]")] = None,
    clip_s: Annotated[float | None, typer.Option(help="clip length in seconds [the recipe's, about 1]")] = None,
    threads: Annotated[int | None, typer.Option(help="threads per cell [every core]")] = None,
    jobs: Annotated[int | None, typer.Option(help="cells at a time; more than 1 spoils timings [1]")] = None,
    premium: Annotated[
        bool | None, typer.Option("--premium/--no-premium", help="one random split beside the protocol [yes]")
    ] = None,
    refit: Annotated[
        bool | None, typer.Option("--refit/--no-refit", help="fit again with the validation speakers [yes]")
    ] = None,
    save_models: Annotated[bool | None, typer.Option("--save-models", help="keep what was trained")] = None,
    cell_time_s: Annotated[float | None, typer.Option(help="stop a cell that takes longer, in seconds [never]")] = None,
    cell_memory_mb: Annotated[
        float | None, typer.Option(help="stop a cell that holds more memory [7/8 of the machine's, shared by the jobs]")
    ] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict", help="stop at the first recording that cannot be used")
    ] = None,
    allow_outside: Annotated[
        bool | None, typer.Option("--allow-outside", help="also use recordings outside the manifest's folder")
    ] = None,
    fresh: Annotated[bool | None, typer.Option("--fresh", help="replace the run in the folder")] = None,
    cache: Cache = None,
    out: Annotated[Path | None, typer.Option(help="run directory [artifacts/<corpus>-<task>-<protocol>]")] = None,
    timings_from: TimingsFrom = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of these settings; options win")] = None,
) -> None:
    """Train, test and time models on one corpus, and write the report."""
    given = {name: value for name, value in locals().items() if name != "config"}
    created = _date_of_the_run()
    with one_line_errors():
        from benchmarks.terminal import interruption

        interruption.announce_resuming(fresh=True)
        from benchmarks.run import closing_words
        from benchmarks.run import run as run_benchmark
        from benchmarks.settings import read_settings
        from models import plug_ins

        settings = read_settings(given, config)
        command = _without_places(interruption.command_line(fresh=False))
        plug_ins.look_here(settings.models)
        done = run_benchmark(settings, surroundings(settings.cache), command=command, created=created)
        if done.report is not None:
            say(closing_words(done.folder))
        for failure in done.failed:
            say(f"failed: {failure['cell']}: {failure['error']}")
        say(f"report: {done.report or 'none, no cell finished'}")
    if done.failed:
        raise typer.Exit(1)


def audit(
    corpus: Corpus = "virtual",
    task: Annotated[str, typer.Option(help="as in run")] = "gender",
    protocol: Annotated[str, typer.Option(help="as in run")] = "grouped",
    models: Annotated[str, typer.Option(help="models to try whether they look at test recordings")] = "logistic",
    folds: Annotated[int | None, typer.Option(help="as in run")] = None,
    repetitions: Annotated[int, typer.Option(help="as in run")] = 1,
    recipe: Annotated[str | None, typer.Option(help="as in run")] = None,
    clip_s: Annotated[float | None, typer.Option(help="as in run")] = None,
    threads: Annotated[int | None, typer.Option(help="as in run")] = None,
    allow_outside: Annotated[bool, typer.Option("--allow-outside", help="as in run")] = False,
    cache: Cache = None,
) -> None:
    """Look for ways by which a model could know a test label without recognising the speaker.

    Exit status: 0 nothing found, or a warning; 1 a leak; 2 usage.
    """
    given = locals()
    with one_line_errors():
        from benchmarks.errors import LeakError
        from benchmarks.leakage.audit import lines
        from benchmarks.run import audit_corpus
        from benchmarks.settings import read_settings
        from models import plug_ins
        from reports.run_directory.audit import leaks
        from reports.text.printable import printable

        settings = read_settings({**given, "premium": False})
        plug_ins.look_here(settings.models)
        try:
            leak_audit = audit_corpus(settings, surroundings(cache))
        except LeakError as error:
            say(f"leak           {error}")
            raise typer.Exit(1) from None
        say("\n".join(map(printable, lines(leak_audit))))
    if leaks(leak_audit):
        raise typer.Exit(1)


def growth(
    corpus: Corpus = "virtual",
    models: Annotated[str, typer.Option(help="as in run")] = "svm,xgboost,cnn",
    sizes: Annotated[str, typer.Option(help="numbers of recordings, rising")] = "1500,3000,6000,12000,30000",
    budget_s: Annotated[float, typer.Option(min=1, help="skip what is expected to train longer, in seconds")] = 900,
    threads: Annotated[int | None, typer.Option(min=1, help="threads per cell [every core]")] = None,
    cache: Cache = None,
    out: Annotated[Path, typer.Option(help="folder for growth.json, .md and .html")] = Path("artifacts/growth"),
) -> None:
    """Measure how extraction, training, answers and the report grow, and how far this machine goes."""
    with one_line_errors():
        from benchmarks.growth.measurements import measure_growth, read_sizes
        from benchmarks.growth.tables import content_of, markdown, write
        from benchmarks.settings import read_settings
        from models import plug_ins

        settings = read_settings({"corpus": corpus, "models": models, "threads": threads, "premium": False})
        plug_ins.look_here(settings.models)
        numbers = read_sizes(sizes)
        costs = measure_growth(settings, surroundings(cache), sizes=numbers, budget_s=budget_s)
        asked = settings.model_dump(include={"corpus", "models", "threads"})
        content = content_of(costs, {**asked, "sizes": numbers, "budget_s": budget_s})
        page = write(content, out)
        say(markdown(content), nl=False)
        say(f"page: {page}")
