"""Cells are listed once, and the job of each is made when it is taken: its split as the folds table has it."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.cells.cell import CellJob
from benchmarks.cells.jobs import list_cells, make_jobs
from benchmarks.protocol.inputs import Surroundings, prepare_inputs
from benchmarks.settings import read_settings
from benchmarks.terminal.progress import Stages

MODELS = {"majority": {}, "plugin:mine": {"plug_in": "0123"}}


@pytest.fixture(scope="module", params=["gender", "digit"])
def inputs(request, tones, tmp_path_factory):
    given = {"corpus": f"audiomnist:{tones}", "folds": 3, "task": request.param, "repetitions": 2}
    return prepare_inputs(read_settings(given), Surroundings(cache=tmp_path_factory.mktemp("cache"), stages=Stages()))


def test_every_model_has_every_split_and_a_key_of_its_own(inputs):
    cells = list_cells(inputs, MODELS)
    assert [cell.model for cell in cells] == ["majority"] * 7 + ["plugin:mine"] * 7  # two by three, and a random one
    assert len({cell.key for cell in cells}) == len(cells) == len({cell.name for cell in cells})
    changed = list_cells(inputs, {**MODELS, "plugin:mine": {"plug_in": "4567"}})
    assert [a.key == b.key for a, b in zip(cells, changed, strict=True)] == [True] * 7 + [False] * 7


def test_a_job_has_the_rows_that_the_folds_table_gives(inputs):
    cells = list_cells(inputs, {"majority": {}})
    column = inputs.task.column
    for cell, job in zip(cells, make_jobs(cells, inputs), strict=True):
        folds = inputs.plan.folds
        own = folds[(folds["protocol"] == cell.protocol) & (folds["repetition"] == cell.repetition)]
        expected = own[own["fold"] == cell.fold].merge(inputs.corpus.recordings, on="recording_id")
        expected = expected.sort_values("recording_id", ignore_index=True)
        assert job.cell == cell
        assert job.split["recording_id"].tolist() == expected["recording_id"].tolist()
        assert job.split["gender"].tolist() == expected["gender"].tolist()
        assert job.split["role"].tolist() == expected["role"].tolist()
        assert [job.classes[code] for code in job.split["y"]] == expected[column].astype(str).tolist()
        ids = inputs.features.index["recording_id"].to_numpy()
        assert ids[job.split["tensor_row"]].tolist() == expected["recording_id"].tolist()


def test_a_job_is_the_same_on_the_other_side(inputs):
    job = next(make_jobs(list_cells(inputs, {"majority": {}}), inputs))
    there = CellJob.from_bytes(job.to_bytes())
    for name in ("cell", "features", "classes", "threads", "contended", "refit", "save", "versions", "source", "card"):
        assert getattr(there, name) == getattr(job, name), name
    for name in ("tensor_row", "y", "role"):
        assert np.array_equal(there.split[name], job.split[name])
    here = job.split.astype("object")
    pd.testing.assert_frame_equal(
        there.split.astype("object").where(here.notna(), None), here.where(here.notna(), None)
    )
    assert str(inputs.surroundings.cache).encode() not in job.to_bytes()  # no folder of this machine
