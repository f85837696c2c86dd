"""One seed, one machine: the same bytes in any surroundings; and times from another run, which the page says."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reports.page.page import rebuild
from reports.run_directory import tables

CHECKOUT = Path(__file__).resolve().parents[2]
SAME = ("folds.parquet", "predictions.parquet", "summary.json", "report.html")
MODELS = ("--models", "svm,logistic", "--folds", "3", "--no-premium")
DATE = "1700000000"


def voxfold(*arguments, cwd=CHECKOUT, umask=-1, **environment):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "SOURCE_DATE_EPOCH": DATE, **environment},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )


def files_of(folder, names=SAME):
    return {name: (folder / name).read_bytes() for name in names}


def written_backwards(corpus):
    """Write the files of `corpus` anew, last name first, so that the folder lists them in another order."""
    files = sorted((path for path in corpus.rglob("*") if path.is_file()), reverse=True)
    contents = [(path, path.read_bytes()) for path in files]
    shutil.rmtree(corpus)
    for path, content in contents:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture(scope="module")
def corpus(tones, tmp_path_factory):
    path = tmp_path_factory.mktemp("same") / "corpus"
    shutil.copytree(tones, path)
    return path


@pytest.fixture(scope="module")
def first(corpus):
    """A run, the source of all times."""
    out = corpus.parent / "first"
    done = voxfold("run", "--corpus", f"audiomnist:{corpus}", "--cache", out.parent / "cache", "--out", out, *MODELS)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def second(corpus, first):
    """The same again with everything changed that must not matter: it must be one run as any other."""
    written_backwards(corpus)
    elsewhere = corpus.parent / "elsewhere"
    elsewhere.mkdir()
    out = corpus.parent / "second"
    # `tox` fixes the hash seed, so the other one is named
    surroundings = {"PYTHONHASHSEED": "4242", "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONPATH": str(CHECKOUT)}
    done = voxfold(
        *("run", "--corpus", f"audiomnist:{corpus}", "--cache", "cold", "--out", out, "--timings-from", first, *MODELS),
        cwd=elsewhere,
        umask=0o077,
        **surroundings,
    )
    assert done.returncode == 0, done.stderr
    return out


def test_other_surroundings_give_the_same_tables(first, second):
    names = ("recordings.parquet", "quarantine.parquet", "folds.parquet", "predictions.parquet")
    assert files_of(first, names) == files_of(second, names)


def test_with_the_same_times_two_runs_are_the_same_in_every_byte(first, second, tmp_path):
    copy = tmp_path / "first"
    shutil.copytree(first, copy)
    again = voxfold("report", copy, "--timings-from", first)
    assert again.returncode == 0, again.stderr
    assert files_of(copy) == files_of(second)


def test_the_report_says_that_its_times_are_from_another_run(first, second):
    own, borrowed = (json.loads((folder / "summary.json").read_text()) for folder in (first, second))
    assert own["timings_from"] is None and own["created"] == borrowed["created"] == "2023-11-14T22:13:20+00:00"
    assert borrowed["runtime"] == own["runtime"]
    assert borrowed["timings_from"]["created"] == own["created"]
    warnings = [line for line in borrowed["answer"]["warnings"] if line not in own["answer"]["warnings"]]
    assert len(warnings) == 1 and "were not measured in this run" in warnings[0]
    page = (second / "report.html").read_text()
    assert warnings[0] in page and "Measured in another run on" in page
    assert "Measured in another run" not in (first / "report.html").read_text()
    # its own times stay where gates and comparisons find them
    assert not tables.read("timings", second).equals(tables.read("timings", first))


def test_the_recorded_command_names_no_folder_for_results(first, second, corpus):
    commands = {json.loads((folder / "manifest.json").read_text())["command"] for folder in (first, second)}
    assert commands == {
        f"python -m benchmarks run --corpus audiomnist:{corpus} --models svm,logistic --folds 3 --no-premium"
    }


def test_a_run_shows_its_own_times_again_when_asked(second, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(second, copy)
    assert files_of(rebuild(copy).parent) == files_of(second)
    rebuild(copy, copy)
    assert json.loads((copy / "summary.json").read_text())["timings_from"] is None
    assert not (copy / "timings-from").exists()


def test_times_of_other_work_are_refused_before_anything_is_written(first, corpus, tmp_path):
    given = ["--models", "svm", "--folds", "4", "--no-premium", "--timings-from", first]
    refused = voxfold(
        *("run", "--corpus", f"audiomnist:{corpus}", "--cache", first.parent / "cache", "--out", tmp_path / "o", *given)
    )
    assert refused.returncode == 2 and "Traceback" not in refused.stderr
    assert refused.stderr.splitlines()[-1] == (
        f"voxfold: --timings-from {first}: other work than this run's (folds differ); "
        "name a run of the same corpus, task, folds and MFCCs"
    )
    assert not (tmp_path / "o").exists()


def test_a_date_that_is_none_is_refused_in_one_line(tmp_path):
    refused = voxfold("run", "--corpus", "audiomnist:/nowhere", "--out", tmp_path / "o", SOURCE_DATE_EPOCH="yesterday")
    assert refused.returncode == 2
    assert (
        refused.stderr == "voxfold: SOURCE_DATE_EPOCH: expected whole seconds since 1970, got 'yesterday'; unset it\n"
    )
