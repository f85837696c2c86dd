"""Two runs at once: on one cache, and a report of a directory in which a run goes on."""

import subprocess
import sys

import pytest

from tests.benchmarks.conftest import write_tones
from tests.benchmarks.terminal.interrupting import ENVIRONMENT, Place


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("tones"))


def test_two_runs_on_one_empty_cache(tones, tmp_path):
    arguments = ("--corpus", f"audiomnist:{tones}", "--models", "majority", "--folds", "3", "--no-premium")
    for number in range(5):
        (tmp_path / str(number)).mkdir()
        alike, other = (Place(tmp_path / str(number), *arguments) for _ in range(2))
        other.command[other.command.index("--out") + 1] = str(other.folder / "other")
        if number % 2:
            other.command += ["--recipe", "seed"]
        with alike.started() as first, other.started() as second:
            said = [process.communicate()[0] for process in (first, second)]
            assert (first.returncode, second.returncode) == (0, 0), said
        assert len(list(alike.cache.glob("mfcc/*"))) == 1 + number % 2
        assert alike.left_over() == []
        if not number % 2:
            assert (other.folder / "other" / "predictions.parquet").read_bytes() == alike.predictions()


def test_reports_of_a_directory_in_which_a_run_goes_on(tones, tmp_path):
    place = Place(tmp_path, "--corpus", f"audiomnist:{tones}", "--models", "majority", "--folds", "3", "--no-premium")
    assert place.finish().returncode == 0
    for folder in place.run.glob("cells/majority-*"):
        (folder / "cell.json").unlink()
    report = [sys.executable, "-m", "benchmarks", "report", str(place.run)]
    made = 0
    with place.started() as process:
        while process.poll() is None:
            done = subprocess.run(report, env=ENVIRONMENT, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), done.stderr
            made += 1
        assert process.returncode == 0
    print(f"{made} reports were made of a directory while a run went on in it")
    assert place.left_over() == []
