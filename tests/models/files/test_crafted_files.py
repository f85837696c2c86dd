"""Crafted model files are refused in one line: no code runs, no other file is read, and memory stays small."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from benchmarks.prediction.answers import predict_files
from models.files.saved_models import load_model
from models.protocol import ModelFileError
from tests.models.conftest import forge_checksums
from tests.models.files.crafted import CRAFTED, RAN

CHECKOUT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

MAX_BYTES = 1_000_000_000

ALL = [(model, name) for model, crafts in CRAFTED.items() for name in crafts]


@pytest.mark.parametrize(("model", "name"), ALL)
def test_a_crafted_file_is_refused(save, tmp_path, monkeypatch, model, name) -> None:
    monkeypatch.chdir(tmp_path)
    _, folder, _ = save(model)
    CRAFTED[model][name](folder)
    tracemalloc.start()
    with pytest.raises(ModelFileError) as caught:
        list(predict_files(folder, ["nothing.wav"]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert peak < MAX_BYTES
    assert not list(tmp_path.rglob(RAN)) and not (tmp_path.parent / RAN).exists()


ON_THE_COMMAND_LINE = [
    ("svm", "code_in_a_reduce"),
    ("majority", "clip_s 1000000000.0"),
]


@pytest.mark.parametrize(("model", "name"), ON_THE_COMMAND_LINE)
def test_predict_says_so_in_one_line(save, tmp_path, model, name) -> None:
    _, folder, _ = save(model)
    CRAFTED[model][name](folder)
    command = [sys.executable, "-m", "benchmarks", "predict", str(folder), "nothing.wav"]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    out, err = process.communicate()
    told = [line for line in err.splitlines() if line.startswith("voxfold: ")]
    assert process.returncode == 2 and out == "" and len(told) == 1 and "Traceback" not in err, err
    assert not list(tmp_path.rglob(RAN))


def test_trees_of_an_earlier_version_are_told_apart(save) -> None:
    _, folder, _ = save("xgboost")
    CRAFTED["xgboost"]["trees_of_an_earlier_version"](folder)
    with pytest.raises(ModelFileError, match=r"an earlier version saved these trees; train and save the model again"):
        load_model(folder)


def test_the_check_lets_a_model_pass_that_only_its_crafts_spoil(save) -> None:
    """The files are written anew by Python, as those of `crafted` are, so that nothing else is refused in them."""
    model, folder, x = save("xgboost", 3)
    path = folder / "xgboost.json"
    path.write_text(json.dumps(json.loads(path.read_bytes())))
    forge_checksums(folder)
    np.testing.assert_array_equal(load_model(folder)[0].predict(x).scores, model.predict(x).scores)
