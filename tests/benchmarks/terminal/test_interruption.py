"""Runs that are killed, interrupted, started twice or find damage: real processes on real files.

The long version, with kills at random moments, is in tests/torture.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from benchmarks.cells.run_directory import RunDirectory
from tests.benchmarks.terminal import interrupting
from tests.benchmarks.terminal.interrupting import (
    Place,
    check_goes_on,
    descendants,
    living,
    wait_until,
    wait_until_gone,
)

SLOW = """
import os, sys, time
from models.baselines import Majority

class Slow(Majority):
    def choose(self, training, validation):
        open(os.environ["FITTING"], "w").close()
        time.sleep(600)

def slow(setup):
    return Slow(setup)
"""

DELETING = """
import os, shutil
from models.baselines import Majority

class Deleting(Majority):
    def choose(self, training, validation):
        shutil.rmtree(os.environ["CACHE"], ignore_errors=True)
        return super().choose(training, validation)

def deleting(setup):
    return Deleting(setup)
"""

# the command line with extraction in two worker processes, however few the recordings
IN_WORKERS = """
import signal, sys
from benchmarks.cli import app
from features import cache

if __name__ == "__main__":
    cache.WORTH_PROCESSES = cache.BLOCK_RECORDINGS = 1
    app.main()
"""


@pytest.fixture(scope="module")
def arguments(tones):
    return ("--corpus", f"audiomnist:{tones}", "--models", "majority", "--folds", "3", "--no-premium")


@pytest.fixture(scope="module")
def finished(arguments, tmp_path_factory):
    """A run that nothing interrupted."""
    place = Place(tmp_path_factory.mktemp("whole"), *arguments)
    done = place.finish()
    assert done.returncode == 0, done.stderr
    return place


def test_a_run_killed_four_times_ends_as_if_it_had_not_been(finished, arguments, tmp_path):
    place = Place(tmp_path, *arguments)
    kept = {}
    for event in ("extraction begins", "first cell is done", "predictions", "summary"):
        with place.started() as process:
            assert wait_until(lambda: place.has(event), process), event  # noqa: B023
            children = descendants(process)
            process.kill()
        assert {path: stamp for path, stamp in place.stamps().items() if path in kept} == kept, event
        kept = place.stamps()
        assert wait_until_gone(children)
    check_goes_on(place, finished.predictions(), kept)


def interrupted(place, number, begun, **environment):
    """Send a signal once `begun` holds, to the whole group as a terminal does; return status and output."""
    with place.started(**environment) as process:
        assert wait_until(lambda: begun(process), process)
        children = descendants(process)
        sent = time.monotonic()
        os.killpg(process.pid, number)
        said, _ = process.communicate()
        assert wait_until_gone(children, 2 - (time.monotonic() - sent)), living(children)
        return process.returncode, said


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_while_fitting_ends_the_cell_and_names_the_command(tones, tmp_path, number, status):
    (tmp_path / "plugin.py").write_text(SLOW)
    place = Place(tmp_path, "--corpus", f"audiomnist:{tones}", "--models", "plugin:slow", "--folds", "3", "--fresh")
    fitting = tmp_path / "fitting"
    path = os.pathsep.join([str(interrupting.CHECKOUT), str(tmp_path)])
    ended, said = interrupted(place, number, lambda _: fitting.exists(), FITTING=str(fitting), PYTHONPATH=path)
    assert ended == status
    resumed = " ".join(["python -m benchmarks", *(argument for argument in place.arguments if argument != "--fresh")])
    last = said.splitlines()[-1]
    assert last == f"interrupted; finished cells are kept, the same command goes on from there: {resumed}"
    assert "Traceback" not in said and place.stamps() == {}


def test_an_interruption_while_worker_processes_extract_is_one_line(tones, tmp_path):
    (tmp_path / "workers.py").write_text(IN_WORKERS)
    place = Place(tmp_path, "--corpus", f"audiomnist:{tones}", "--models", "majority", "--threads", "2")
    place.command[1:3] = ["workers.py"]
    ended, said = interrupted(place, signal.SIGINT, lambda _: place.has("extraction begins"))
    assert ended == 130, said
    *before, last = said.splitlines()
    assert last.startswith("interrupted; finished cells are kept")
    assert all(line.startswith(("read: ", "extract: ")) for line in before), said


def test_two_runs_in_one_directory_the_second_refuses(tones, tmp_path):
    (tmp_path / "plugin.py").write_text(SLOW)
    place = Place(tmp_path, "--corpus", f"audiomnist:{tones}", "--models", "plugin:slow", "--folds", "3")
    fitting = tmp_path / "fitting"
    path = os.pathsep.join([str(interrupting.CHECKOUT), str(tmp_path)])
    with place.started(FITTING=str(fitting), PYTHONPATH=path) as process:
        assert wait_until(fitting.exists, process)
        for more in ([], ["--fresh"]):
            place.command += more
            second = place.finish(PYTHONPATH=path)
            assert second.returncode == 2
            assert second.stderr == (
                f"voxfold: {place.run}: process {process.pid} is running in it; wait for it, or choose another --out\n"
            )
        process.kill()
    with RunDirectory(place.run).claimed():  # the lock went with the process
        assert (place.run / ".lock").read_text() == f"{os.getpid()}\n"


def test_damage_is_found_told_and_made_good(finished, tmp_path):
    shutil.copytree(finished.folder, tmp_path, dirs_exist_ok=True)
    place = Place(tmp_path, *finished.arguments[1:-4])
    damaged, *others = sorted(place.stamps())
    stamps = {path: place.stamps()[path] for path in others}
    (values,) = place.cache.glob("mfcc/*/values.npy")
    for path in (damaged.parent / "predictions.parquet", place.run / "predictions.parquet", values):
        flip(path)
    (place.cache / "hashes.sqlite").write_bytes(b"no database" * 500)
    report = [sys.executable, "-m", "benchmarks", "report", str(place.run)]
    refused = interrupting.subprocess.run(report, env=interrupting.ENVIRONMENT, capture_output=True, text=True)
    assert refused.returncode == 2
    assert refused.stderr == (
        "voxfold: predictions.parquet changed since the run wrote it (checksum); run the benchmark again, "
        "which makes it anew\n"
    )
    done = check_goes_on(place, finished.predictions(), stamps)
    for said in (
        "hashes.sqlite is damaged (file is not a database); it is made anew, all recordings are hashed again",
        f"{values.parent} is damaged (values.npy changed); its MFCCs are extracted anew",
        f"cell {damaged.parent.name} is damaged (predictions.parquet changed or is missing) and is repeated",
        "2 of 3 cells were finished before",
    ):
        assert said in done.stderr


def flip(path):
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_cache_that_is_gone_is_made_again(finished, tmp_path):
    shutil.copytree(finished.folder, tmp_path, dirs_exist_ok=True)
    place = Place(tmp_path, *finished.arguments[1:-4])
    shutil.rmtree(place.cache)
    check_goes_on(place, finished.predictions(), place.stamps())


def test_a_cache_that_is_deleted_while_a_run_goes_on_fails_its_cells_in_a_line_and_is_made_again(tones, tmp_path):
    (tmp_path / "plugin.py").write_text(DELETING)
    place = Place(
        tmp_path, "--corpus", f"audiomnist:{tones}", "--models", "plugin:deleting", "--folds", "3", "--no-premium"
    )
    environment = {"PYTHONPATH": os.pathsep.join([str(interrupting.CHECKOUT), str(tmp_path)])}
    done = place.finish(**environment, CACHE=str(place.cache))
    assert done.returncode != 0 and "Traceback" not in done.stdout + done.stderr
    assert "cannot be read any more" in done.stdout + done.stderr
    stamps = place.stamps()
    assert len(stamps) == 1
    again = place.finish(**environment, CACHE=str(tmp_path / "nowhere"))
    assert again.returncode == 0, again.stderr
    assert "1 of 3 cells were finished before" in again.stderr
    assert stamps.items() <= place.stamps().items()


def test_folders_whose_names_are_no_utf_8(tones, tmp_path):
    strange = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    strange.mkdir()
    place = Place(
        strange, "--corpus", f"audiomnist:{tones}", "--models", "majority,svm,xgboost", "--folds", "3", "--no-premium",
        "--save-models",
    )  # fmt: skip
    done = place.finish()
    assert done.returncode == 0, done.stdout + done.stderr
    recording = next(tones.rglob("*.wav"))
    for model in ("majority", "svm", "xgboost"):
        saved = place.run / "models" / f"{model}-grouped-r0-f0-s0"
        place.command = [sys.executable, "-m", "benchmarks", "predict", str(saved), str(recording)]
        assert place.finish().stdout.split("\t")[1] in ("female", "male")
