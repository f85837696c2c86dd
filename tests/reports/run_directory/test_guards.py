"""The speed guards of a run: read and checked."""

import copy
import shutil

import pytest

from reports.run_directory.files import TableError
from reports.run_directory.guards import Guards
from reports.summary.summary import summarise

FAST = {
    "name": "fast",
    "subject": "extraction <of> one",
    "reference": "bare FFTs",
    "ratio": 2.0,
    "limit": 2.5,
    "p": 0.9,
    "holds": True,
    "subject_seconds": 0.002,
    "reference_seconds": 0.001,
    "rounds": [1.9, 2.0, 2.1],
}
SLOW = {**FAST, "name": "slow", "subject": "page", "ratio": 30.0, "p": 1e-5, "holds": False, "rounds": [29, 30, 31]}
FOUND = {
    "schema": "voxfold-guards/1",
    "created": "2025-03-04T05:06:07+00:00",
    "machine": {"processor": "a processor"},
    "p_limit": 0.002,
    "clock": "process_time",
    "guards": [FAST, SLOW],
}


def changed(**fields):
    found = copy.deepcopy(FOUND)
    found["guards"][0].update(fields)
    return found


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], "got list"),
        ({**FOUND, "schema": "voxfold-guards/9"}, "voxfold-guards/9"),
        ({**FOUND, "guards": []}, "guards: .*at least 1 item"),
        ({**FOUND, "guards": [FAST, FAST]}, r"\['fast'\] occur twice"),
        ({key: value for key, value in FOUND.items() if key != "clock"}, "clock"),
        (changed(ratio="2"), r"guards\.0\.ratio: "),
        (changed(holds=1), r"guards\.0\.holds: "),
        (changed(extra=1), "extra"),
        (changed(rounds=[]), r"guards\.0\.rounds: "),
        (changed(rounds=[1.0, "x"]), r"guards\.0\.rounds\.1: "),
        (changed(rounds=[1.0, float("inf")]), "inf is no number"),
        (changed(p=1.5), r"guards\.0\.p: "),
        (changed(name=True), r"guards\.0\.name: "),
        (changed(subject_seconds=True), r"guards\.0\.subject_seconds: "),
        (changed(**{"\n": 1}), r"guards\.0\.'\\n': "),
        (changed(limit=0.0), r"guards\.0\.limit: "),
        (changed(p=float("nan")), "nan is no number"),
    ],
)
def test_what_is_not_as_declared_is_refused(found, expected):
    with pytest.raises(TableError, match=expected):
        Guards.check_content(found)


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_a_damaged_file_is_told(tmp_path, text):
    (tmp_path / "guards.json").write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=r"guards\.json cannot be read"):
        Guards.read(tmp_path)


def test_damaged_guards_stop_the_summary(healthy_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(healthy_run, folder)
    (folder / "guards.json").write_text("{}", encoding="utf-8")
    with pytest.raises(TableError, match=r"guards\.json"):
        summarise(folder)
