"""Measurements of another run: taken only from one of the same cells, shown as such, kept apart from the run's own."""

import json
import shutil

import pytest

from reports.gates.judgement import judge_folder
from reports.page.page import rebuild
from reports.run_directory import borrowed_times, tables
from reports.run_directory.files import TableError
from reports.run_directory.guards import Guards
from reports.summary.summary import summarise, write_summary
from tests.reports.run_directory.test_guards import FOUND


@pytest.fixture
def two(healthy_run, tmp_path):
    """A run, and another of the same cells that took three times as long, on another machine."""
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for folder in (mine, theirs):
        shutil.copytree(healthy_run, folder)
    timings = tables.read("timings", theirs)
    tables.write(timings.assign(seconds=3 * timings["seconds"]), "timings", theirs)
    manifest = json.loads((theirs / "manifest.json").read_text(encoding="utf-8"))
    manifest["machine"] = {"processor": "another processor"}
    (theirs / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    Guards.write(FOUND, theirs)
    return mine, theirs


def written(folder):
    return json.loads(write_summary(folder).read_text(encoding="utf-8"))


def test_what_was_measured_is_the_other_runs_and_everything_else_its_own(two):
    mine, theirs = two
    before = written(mine)
    borrowed_times.borrow(mine, theirs)
    after, other = written(mine), summarise(theirs)
    assert (after["runtime"], after["guards"]) == (other["runtime"], FOUND)
    assert after["timings_from"]["machine"] == {"processor": "another processor"}
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {"runtime", "guards", "timings_from", "answer"}
    assert len(after["answer"]["warnings"]) == len(before["answer"]["warnings"]) + 1


def test_gates_judge_a_run_by_its_own_times(two, tmp_path):
    mine, theirs = two
    borrowed_times.borrow(mine, theirs)
    own = summarise(mine)["runtime"]["models"]["svm"]["fit_seconds"]
    (tmp_path / "gates.toml").write_text(f'[[gate]]\nnumber = "runtime.models.svm.fit_seconds"\nat_most = {2 * own}\n')
    assert [verdict.outcome for verdict in judge_folder(mine, tmp_path / "gates.toml")] == ["holds"]


def test_a_run_that_names_itself_shows_its_own_times_again(two):
    mine, theirs = two
    before = written(mine)
    borrowed_times.borrow(mine, theirs)
    borrowed_times.borrow(mine, mine)
    assert written(mine) == before


def test_cells_that_only_the_other_run_has_are_left_out(two):
    mine, theirs = two
    for table in ("predictions", "timings"):
        rows = tables.read(table, mine)
        tables.write(rows[rows["model"] != "cnn"], table, mine)
    borrowed_times.borrow(mine, theirs)
    assert "cnn" not in set(borrowed_times.read(mine).timings["model"])
    with pytest.raises(TableError, match=r"has no times of \d+ of this run's \d+ cells: cnn-grouped-r0-f0-s0, "):
        borrowed_times.borrow(theirs, mine)


@pytest.mark.parametrize("condition", ["task", "protocol", "folds", "corpus", "mfcc", "refit"])
def test_other_work_is_refused_and_named(two, condition):
    mine, theirs = two
    manifest = json.loads((theirs / "manifest.json").read_text(encoding="utf-8"))
    manifest["conditions"] = {**manifest.get("conditions", {}), condition: "another"}
    (theirs / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(TableError, match=rf"other work than this run's \({condition} differ\)"):
        borrowed_times.borrow(mine, theirs)
    assert borrowed_times.read(mine) is None


def test_what_is_no_run_is_refused(two, tmp_path):
    with pytest.raises(TableError, match=r"--timings-from .*nowhere: manifest\.json is missing"):
        borrowed_times.borrow(two[0], tmp_path / "nowhere")


@pytest.mark.parametrize("machine", [{"processor": "one"}, {"cores": 4}, {}])
def test_a_page_says_of_the_machine_what_is_known(two, machine):
    mine, theirs = two
    manifest = json.loads((theirs / "manifest.json").read_text(encoding="utf-8"))
    (theirs / "manifest.json").write_text(json.dumps({**manifest, "machine": machine}), encoding="utf-8")
    for page in (rebuild(theirs), rebuild(mine, theirs)):
        cost = page.read_text(encoding="utf-8").partition('<section id="cost"')[2]
        assert ("on one" in cost) == ("processor" in machine)
        assert ("on a processor without a name, 4\N{NO-BREAK SPACE}cores" in cost) == ("cores" in machine)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "[" * 100_000, '{"created": 1, "machine": 2, "commit": 3, "timings_hash": 4}'),
        '{"created": 1.5, "machine": {}, "commit": null, "timings_hash": "4"}',
        '{"created": null, "machine": {"cores": "four"}, "commit": null, "timings_hash": "4"}',
    ],
)
def test_a_damaged_origin_is_told_in_one_line(two, text):
    mine, theirs = two
    borrowed_times.borrow(mine, theirs)
    (mine / "timings-from" / "origin.json").write_text(text)
    with pytest.raises(TableError, match=r"origin\.json.*; give --timings-from again$"):
        write_summary(mine)
