"""The door for executors: a job is enough, anywhere; what comes back says where, how long and beside what it ran."""

import dataclasses
import shutil
import subprocess
import time

import pytest

from benchmarks import provenance
from benchmarks.cells.cell import CellJob
from benchmarks.cells.executors.base import Outcome
from benchmarks.cells.executors.local import LocalExecutor
from benchmarks.cells.finished_cell import complete, damage, put_in_place, read_record
from benchmarks.cells.jobs import list_cells, make_jobs
from benchmarks.cells.limits import Limits
from benchmarks.cells.process import run_cell
from benchmarks.protocol.inputs import Surroundings, prepare_inputs
from benchmarks.settings import read_settings
from benchmarks.terminal.progress import Stages
from reports.run_directory import tables


@pytest.fixture(scope="module")
def inputs(tones, tmp_path_factory):
    settings = read_settings({"corpus": f"audiomnist:{tones}", "folds": 3, "premium": False, "save_models": True})
    return prepare_inputs(settings, Surroundings(cache=tmp_path_factory.mktemp("cache"), stages=Stages()))


@pytest.fixture(scope="module")
def jobs(inputs):
    return list(make_jobs(list_cells(inputs, {"majority": {}}), inputs))


@pytest.fixture(scope="module")
def local(inputs, jobs, tmp_path_factory):
    """The first cell, in a process of this machine."""
    results = tmp_path_factory.mktemp("local")
    (outcome,) = LocalExecutor(features=inputs.surroundings.cache, results=results).run(jobs[:1])
    assert outcome.error is None, outcome.log
    return outcome


class Elsewhere:
    """Runs cells as another machine would: of a job's bytes, with features brought there, where no run is."""

    def __init__(self, features, there, results):
        self.features, self.there, self.results = features, there, results

    def run(self, jobs):
        for job in jobs:
            sent, started = job.to_bytes(), time.perf_counter()
            run_cell(CellJob.from_bytes(sent), features=self.features, folder=self.there / job.cell.name)
            brought = self.results / f".{job.cell.name}" / "new"
            shutil.copytree(self.there / job.cell.name, brought)
            seconds = time.perf_counter() - started
            complete(brought, seconds)
            put_in_place(brought, self.results / job.cell.name)
            brought.parent.rmdir()
            yield Outcome(job=job, seconds=seconds, folder=self.results / job.cell.name)


def test_a_cell_run_elsewhere_leaves_what_it_leaves_here(inputs, jobs, local, tmp_path):
    for name in ("features", "there", "results"):
        (tmp_path / name).mkdir()
    shutil.copytree(inputs.features.folder, tmp_path / "features" / jobs[0].features)
    (outcome,) = Elsewhere(*(tmp_path / name for name in ("features", "there", "results"))).run(jobs[:1])
    for name in ("predictions.parquet", "model/model.json"):
        assert (outcome.folder / name).read_bytes() == (local.folder / name).read_bytes()
    here, there = read_record(local.folder), read_record(outcome.folder)
    assert here.model_copy(update={"files": {}}) == there.model_copy(update={"files": {}})
    assert damage(outcome.folder) is damage(local.folder) is None
    assert [path.name for path in outcome.folder.parent.iterdir()] == [jobs[0].cell.name]


def test_a_cell_says_where_it_ran_how_long_and_beside_what(local):
    record, timings = read_record(local.folder), tables.read("timings", local.folder)
    assert record.machine.model_dump() == provenance.machine() and record.machine_name == provenance.machine_name()
    assert (record.versions, record.source) == (provenance.versions(), provenance.source_hash())
    assert set(timings["machine"]) == {provenance.machine_name()} and timings["load"].nunique() == 1
    assert timings["load"].iloc[0] >= 0
    process = timings[timings["phase"] == "process"]
    assert process["seconds"].tolist() == [local.seconds] and process["n_recordings"].tolist() == [0]
    assert local.seconds > timings.loc[timings["phase"] != "process", "seconds"].sum()


def test_other_versions_or_source_fail_in_one_line(inputs, jobs, tmp_path):
    numpy = dataclasses.replace(jobs[0], versions={**jobs[0].versions, "numpy": "1.0", "torch": "9"})
    source = dataclasses.replace(jobs[1], source="0" * 64)
    executor = LocalExecutor(features=inputs.surroundings.cache, results=tmp_path, at_a_time=2)
    outcomes = {outcome.job.cell.fold: outcome for outcome in executor.run([numpy, source])}
    here = provenance.versions()["numpy"]
    assert outcomes[0].error == (
        f"made with other versions than the run: numpy is {here} where this cell runs, 1.0 in the run (and 1 more "
        "differ); install the same there, or give the command again"
    )
    assert "source of features and models is" in outcomes[1].error and "000000000000 in the run" in outcomes[1].error
    assert all(outcome.log.strip() == outcome.error and outcome.had_room for outcome in outcomes.values())
    assert list(tmp_path.iterdir()) == []


def test_the_command_of_a_failed_cell_repeats_it(inputs, jobs, local, tmp_path):
    executor = LocalExecutor(features=inputs.surroundings.cache, results=tmp_path, limits=Limits(time_s=0.01))
    (outcome,) = executor.run(jobs[:1])
    assert outcome.folder is None and outcome.error.startswith("stopped after 0.01 s, the time limit of a cell")
    (tmp_path / "job.arrow").write_bytes(outcome.job.to_bytes())
    subprocess.run(outcome.command, shell=True, cwd=tmp_path, check=True)
    repeated = tmp_path / "repeated" / "predictions.parquet"
    assert repeated.read_bytes() == (local.folder / "predictions.parquet").read_bytes()


def test_jobs_are_made_as_cells_end_and_ending_early_starts_no_more(inputs, jobs, tmp_path):
    taken = []

    def lazily():
        for job in [*jobs, *jobs]:
            taken.append(job)
            yield job

    outcomes = LocalExecutor(features=inputs.surroundings.cache, results=tmp_path).run(lazily())
    first = next(outcomes)
    assert first.folder is not None and len(taken) == 2
    outcomes.close()
    assert len(taken) == 2 and [path.name for path in tmp_path.iterdir()] == [jobs[0].cell.name]
