"""A run directory that came from elsewhere runs no code, reads nothing outside itself, and overwrites nothing there."""

import json
import os
import shutil

import pytest

from reports.page.page import rebuild
from reports.run_directory import tables
from reports.run_directory.files import TableError
from reports.run_directory.run import load
from reports.two_runs.changes import compare
from tests.benchmarks.test_runs import CHECKOUT, PLUGIN, run, voxfold

PLANTED = "from pathlib import Path\nPath('RAN').touch()\n" + PLUGIN
"""A plug-in that leaves a file where it is imported."""


@pytest.fixture(scope="module")
def of_plug_in(tones, tmp_path_factory):
    """A finished run of a plug-in and of one model of our own."""
    folder = tmp_path_factory.mktemp("plugged")
    (folder / "planted.py").write_text(PLANTED)
    arguments = ("--models", "majority,planted:slow", "--folds", "3", "--no-premium")
    done = run(tones, folder, *arguments, cwd=folder, env={"PYTHONPATH": str(CHECKOUT)})
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def foreign(of_plug_in, tmp_path):
    """A working directory with that run, its cache, and the plug-in's module, which nobody names."""
    folder = shutil.copytree(of_plug_in, tmp_path / "here")
    for trace in folder.rglob("RAN"):
        trace.unlink()
    return folder


def go_on(tones, foreign, *arguments):
    given = ("--corpus", f"audiomnist:{tones}", "--cache", foreign / "cache", "--out", foreign / "run")
    checkout = {"PYTHONPATH": str(CHECKOUT)}
    return voxfold("run", *given, "--folds", "3", "--no-premium", *arguments, cwd=foreign, env=checkout)


def test_plug_ins_of_a_former_run_are_kept_and_not_imported(tones, foreign):
    (foreign / "planted.py").unlink()  # `python -m` looks in the working directory itself, whatever we do
    (foreign / "run" / "planted.py").write_text(PLANTED)
    done = go_on(tones, foreign, "--models", "logistic")
    assert done.returncode == 0, done.stderr
    told = (
        "model 'planted:slow' of a former run is a plug-in and not named now: its 3 finished cells stay in the report"
    )
    assert told in done.stderr
    assert set(tables.read("predictions", foreign / "run")["model"]) == {"majority", "logistic", "slow"}
    again = go_on(tones, foreign, "--models", "logistic")
    assert again.returncode == 0 and told in again.stderr


def test_no_model_of_a_manifest_is_imported(tones, foreign):
    path = foreign / "run" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["models"] += [{"argument": "planted:other"}, {"argument": "os:system"}, {"argument": 7}, "planted:slow", 3]
    manifest["settings"]["models"] = ["planted:other", "os:system", {"x": 1}]
    path.write_text(json.dumps(manifest))
    for name in ("slow", "other", "system"):
        shutil.copytree(foreign / "run" / "cells" / "slow-grouped-r0-f0-s0", foreign / "run" / "cells" / f"{name}-x")
    done = go_on(tones, foreign, "--models", "majority")
    assert done.returncode == 0, done.stderr
    assert "model 'planted:other' of a former run is a plug-in and not named now: it is left out" in done.stderr
    assert not (foreign / "RAN").exists()
    assert set(tables.read("predictions", foreign / "run")["model"]) == {"majority", "slow"}


def test_named_again_it_runs(tones, foreign):
    done = go_on(tones, foreign, "--models", "planted:slow")
    assert done.returncode == 0, done.stderr
    assert "6 of 6 cells were finished before" in done.stderr
    assert (foreign / "RAN").exists()


LINKS = {
    "cells": "a folder that is emptied of what begins with a dot",
    "models": "a folder that is written into",
    "examples": "a folder whose pictures are deleted",
    "manifest.json": "a file that is read into the page",
    "predictions.parquet": "a table from elsewhere",
    "report.html": "a file that is overwritten",
    "summary.json": "a file that is overwritten",
    "guards.json": "a file that is read",
    "cells/majority-grouped-r0-f0-s0/cell.json": "a file that is read",
}


def lead_out(foreign, name):
    """Put a link in the place of a part of the run; return where it leads, and what is there."""
    outside = foreign / "outside"
    place = foreign / "run" / name
    if name in ("cells", "models", "examples"):
        (outside / ".ssh").mkdir(parents=True)
        (outside / "keep.png").write_text("x")
        shutil.rmtree(place, ignore_errors=True)
    else:
        outside.write_text("{}")
        place.unlink(missing_ok=True)
    place.symlink_to(outside)
    return outside, seen(outside)


def seen(outside):
    return [(path.name, path.is_dir() or path.read_text()) for path in (outside, *sorted(outside.rglob("*")))]


@pytest.mark.parametrize("name", LINKS)
def test_links_in_a_run_are_refused(foreign, name):
    outside, before = lead_out(foreign, name)
    for read in (rebuild, load, lambda folder: compare(folder, folder)):
        with pytest.raises(TableError, match="holds files and folders only, this one has links or devices: "):
            read(foreign / "run")
    assert seen(outside) == before


def test_links_are_refused_before_a_run_cleans_up(tones, foreign):
    outside, before = lead_out(foreign, "cells")
    done = go_on(tones, foreign, "--models", "majority")
    assert done.returncode == 2 and done.stderr.startswith("voxfold: ") and done.stderr.count("\n") == 1
    assert "holds files and folders only, this one has links or devices: 'cells'" in done.stderr
    assert seen(outside) == before


def test_a_pipe_is_not_waited_for(foreign):
    (foreign / "run" / "timings.parquet").unlink()
    os.mkfifo(foreign / "run" / "timings.parquet")
    with pytest.raises(TableError, match=r"links or devices: 'timings\.parquet'"):
        load(foreign / "run")
