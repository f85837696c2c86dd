"""The same answer from all three models, whatever surrounds a run: one thing changed at a time, every file compared.

`-s` prints what docs/reliability.md says: how many labels differ, and by how much scores do.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reports.page.page import rebuild
from reports.run_directory import tables
from tests.benchmarks.test_same_answer import SAME, written_backwards

CHECKOUT = Path(__file__).resolve().parents[2]
OPTIONS = ("--folds", "3", "--no-premium")
THREADS = ("--threads", "2")
MOST = {"svm": 0.01, "xgboost": 1e-5, "cnn": 1.0}
"""Largest difference of scores that another number of threads may make."""
MOST_LABELS = 0.2
"""Largest share of labels that it may change."""


def turkish(folder):
    """A Turkish locale, where upper and lower case of i are other letters; built here where none is installed."""
    folder.mkdir()
    command = ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(folder / "tr_TR.UTF-8")]
    if shutil.which("localedef") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs localedef and the sources of the Turkish locale")
    return {"LOCPATH": str(folder), "LC_ALL": "tr_TR.UTF-8"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the corpus of tones that the other tests use."""
    where = CHECKOUT / "tests" / "benchmarks" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tones_of_the_tests", where)
    tones = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tones)
    folder = tmp_path_factory.mktemp("same")
    tones.write_tones(folder / "corpus")
    return folder


def run(place, name, *options, cwd=CHECKOUT, umask=-1, cache="cache", **environment):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "run", "--corpus", f"audiomnist:{place / 'corpus'}"),
            *("--cache", str(place / cache), "--out", str(place / name), *OPTIONS, *options),
        ],
        cwd=cwd,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "PYTHONPATH": str(CHECKOUT), **environment},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return place / name


@pytest.fixture(scope="module")
def first(place):
    return run(place, "first", *THREADS)


def differences(one, other):
    """Labels that differ, of how many, and the largest difference of scores, by model."""
    a, b = (tables.read("predictions", folder) for folder in (one, other))
    assert a["recording_id"].tolist() == b["recording_id"].tolist()
    apart = np.abs(np.stack(a["scores"].to_list()) - np.stack(b["scores"].to_list())).max(axis=1)
    rows = a.assign(other=a["y_pred"] != b["y_pred"], apart=apart).groupby("model")
    return {model: (int(row["other"].sum()), len(row), float(row["apart"].max())) for model, row in rows}


SURROUNDINGS = {
    "again": {},
    "hash seed": {"PYTHONHASHSEED": "4242"},
    "time zone": {"TZ": "Pacific/Kiritimati"},
    "locale C": {"LC_ALL": "C", "LANG": "C"},
    "Turkish locale": {},
    "umask": {"umask": 0o077},
    "empty cache": {"cache": "empty"},
    "order of files": {},
    "working directory": {},
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_other_surroundings_change_no_byte(place, first, name):
    given = dict(SURROUNDINGS[name])
    if name == "Turkish locale":
        given = turkish(place / "locales")
    if name == "working directory":
        (place / "elsewhere").mkdir()
        given["cwd"] = place / "elsewhere"
    if name == "order of files":
        written_backwards(place / "corpus")
    other = run(place, name.replace(" ", "-"), *THREADS, "--timings-from", str(first), **given)
    copy = place / f"first-beside-{other.name}"
    shutil.copytree(first, copy)
    rebuild(copy, first)
    print(f"\n{name}: {differences(first, other)}")
    for file in SAME:
        assert (copy / file).read_bytes() == (other / file).read_bytes(), file


def test_cells_side_by_side_give_the_same_answers(place, first):
    other = run(place, "jobs", *THREADS, "--jobs", "3")
    print(f"\n3 jobs: {differences(first, other)}")
    for file in ("folds.parquet", "predictions.parquet"):
        assert (first / file).read_bytes() == (other / file).read_bytes(), file


@pytest.mark.parametrize("threads", [1, 3])
def test_other_threads_change_only_what_rounding_excuses(place, first, threads):
    other = run(place, f"threads-{threads}", "--threads", str(threads))
    found = differences(first, other)
    print(f"\n{threads} threads against 2: {found}")
    assert (first / "folds.parquet").read_bytes() == (other / "folds.parquet").read_bytes()
    assert all(apart <= MOST[model] for model, (_, _, apart) in found.items()), found
    assert all(changed <= MOST_LABELS * total for changed, total, _ in found.values()), found
    assert json.loads((other / "manifest.json").read_text())["conditions"]["threads"] == threads
