"""The command line: ``python -m benchmarks`` and, when installed, ``voxfold``.

Exit status: 0 done; 1 a cell failed, or a check did not hold; 2 usage or unusable input; 3 nothing was measured, or not
the number that a gate needs. Only this module and `command_line` read the environment. Heavy libraries are imported
inside the commands, so that help comes at once.
"""

from __future__ import annotations

import io
import os
import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from benchmarks.command_line import Cache, Corpus, one_line_errors, say, surroundings
from benchmarks.corpus_commands import corpus_app
from benchmarks.speed_commands import speed_app

app = typer.Typer(
    name="voxfold",
    help="Compare models that recognise speakers' properties, on speakers they never heard.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(corpus_app, name="corpus")
app.add_typer(speed_app, name="speed")

TimingsFrom = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="show the times of this other run of the same cells [this run's own]"),
]


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


@app.command()
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
        str | None,
        typer.Option(help="svm, xgboost, cnn, logistic, majority, package.module:factory [svm,xgboost,cnn]"),
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
        from benchmarks.interruption import announce_resuming

        announce_resuming(fresh=True)
        from benchmarks import plug_ins
        from benchmarks.run import closing_words
        from benchmarks.run import run as run_benchmark
        from benchmarks.settings import read_settings

        settings = read_settings(given, config)
        again = [argument for argument in sys.argv[1:] if argument != "--fresh"]
        command = shlex.join(["python", "-m", "benchmarks", *again])
        plug_ins.look_here(settings.models)
        done = run_benchmark(settings, surroundings(settings.cache), command=_without_places(command), created=created)
        if done.report is not None:
            say(closing_words(done.folder))
        for failure in done.failed:
            say(f"failed: {failure['cell']}: {failure['error']}")
        say(f"report: {done.report or 'none, no cell finished'}")
    if done.failed:
        raise typer.Exit(1)


@app.command()
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
        from benchmarks import plug_ins
        from benchmarks.audit import lines
        from benchmarks.errors import LeakError
        from benchmarks.run import audit_corpus
        from benchmarks.settings import read_settings
        from reports.audits import leaks
        from reports.plain_text import printable

        settings = read_settings({**given, "premium": False})
        plug_ins.look_here(settings.models)
        try:
            audited = audit_corpus(settings, surroundings(cache))
        except LeakError as error:
            say(f"leak           {error}")
            raise typer.Exit(1) from None
        say("\n".join(map(printable, lines(audited))))
    if leaks(audited):
        raise typer.Exit(1)


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="run directory")], timings_from: TimingsFrom = None) -> None:
    """Rebuild summary and page of a run from its tables; with --timings-from itself, show its own times again."""
    with one_line_errors():
        from reports.page import rebuild

        say(f"report: {rebuild(folder, timings_from)}")


@app.command()
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
        from reports.two_runs_exhibits import plain
        from reports.two_runs_page import write

        found = write(a, b, page)
        say("\n".join([*plain(found), *found["answer"]["warnings"], f"report: {page}"]))


@app.command(name="check")
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
        from reports.judging import check
        from reports.verdicts import count_line, exit_status, write_junit

        verdicts = check(folder, gates)
        if junit is not None:
            write_junit(verdicts, junit, name=folder.resolve().name)
        say("\n".join([*(verdict.line for verdict in verdicts), count_line(verdicts)]))
    raise typer.Exit(exit_status(verdicts))


@app.command()
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
        from benchmarks.progress import Stages
        from benchmarks.simulating import simulated

        with Stages().stage("simulate") as advance:
            results = simulated(designs, (data_sets, seed), jobs or os.cpu_count() or 1, advance)
        say(results.text)
        if out is not None:
            results.write(out)
    if not results.holds:
        raise typer.Exit(1)


@app.command()
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
        from benchmarks import plug_ins
        from benchmarks.growth import measure_growth, read_sizes
        from benchmarks.growth_tables import content_of, markdown, write
        from benchmarks.settings import read_settings

        settings = read_settings({"corpus": corpus, "models": models, "threads": threads, "premium": False})
        plug_ins.look_here(settings.models)
        numbers = read_sizes(sizes)
        measured = measure_growth(settings, surroundings(cache), sizes=numbers, budget_s=budget_s)
        asked = settings.model_dump(include={"corpus", "models", "threads"})
        content = content_of(measured, {**asked, "sizes": numbers, "budget_s": budget_s})
        page = write(content, out)
        say(markdown(content), nl=False)
        say(f"page: {page}")


@app.command()
def intervals(folder: Annotated[Path, typer.Argument(help="run directory")]) -> None:
    """Print a run's balanced accuracies with the report's intervals and, beside them, those that others print."""
    with one_line_errors():
        from reports.rivals import beside
        from reports.run import load
        from reports.simulation_tables import beside_table

        say(beside_table(beside(load(folder))), nl=False)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="folder of a saved model (run --save-models)")],
    recordings: Annotated[list[str], typer.Argument(metavar="WAV...", help="audio files; - reads standard input")],
    plug_in: Annotated[
        str | None, typer.Option(help="package.module:Class of a model that is not the project's")
    ] = None,
) -> None:
    """Say what a saved model recognises in audio files: label, score and time per file."""
    with one_line_errors():
        from benchmarks import plug_ins
        from benchmarks.predicting import predict_files

        plug_ins.look_here([plug_in] if plug_in else [])
        failed = 0
        for answer in predict_files(model, recordings, plug_in=plug_in):
            typer.echo(answer.line)  # its tabs separate, all else in it is printable
            failed += answer.error is not None
    if failed:
        raise typer.Exit(2)


@app.command()
def images(
    corpus: Annotated[str | None, typer.Option(help="audiomnist:DIR: recordings to draw")] = None,
    out: Annotated[Path, typer.Option(help="folder for mfc_dataset and audio_to_mfc_maps")] = Path(),
    maps_only: Annotated[bool, typer.Option("--maps-only", help="write the two maps, draw nothing")] = False,
) -> None:
    """Write AudioMNIST's MFC images and the maps from image to recording."""
    with one_line_errors():
        from benchmarks.drawing import draw_images, write_audiomnist_maps

        if maps_only:
            say(f"maps: {write_audiomnist_maps(out)}")
        elif corpus is None:
            raise typer.BadParameter("give --corpus audiomnist:DIR, or --maps-only")
        else:
            say(draw_images(corpus, out))


@app.command()
def datasheet(
    metadata: Annotated[Path, typer.Option(help="AudioMNIST's audioMNIST_meta.txt")],
    file: Annotated[Path, typer.Option(help="the datasheet")] = Path("DATASHEET.md"),
    check: Annotated[bool, typer.Option("--check", help="change nothing; exit 1 if counts differ")] = False,
) -> None:
    """Recompute the counts in the datasheet from the metadata."""
    with one_line_errors():
        from benchmarks.datasheet import check as differing_blocks
        from benchmarks.datasheet import recount, speakers_table

        text = file.read_text(encoding="utf-8")
        speakers = speakers_table(metadata)
        differing = differing_blocks(text, speakers)
        if not check:
            file.write_text(recount(text, speakers), encoding="utf-8")
        say(f"{file}: {', '.join(differing) + ' differ' if differing else 'all counts agree'}")
    if check and differing:
        raise typer.Exit(1)


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
