"""Crafted model files are refused in one line: no code runs, no other file is read, and memory stays small."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from benchmarks.predicting import predict_files
from models import ubjson
from models.protocol import ModelFileError

from .crafted import CRAFTED, RAN

CHECKOUT = Path(__file__).resolve().parents[2]

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


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"{}", {}),
        (b"[#L" + bytes(8), []),
        (b"{L" + bytes(7) + b"\x01aTL" + bytes(7) + b"\x01bZ}", {"a": True, "b": None}),
        (b"[#L" + bytes(7) + b"\x02i\xffI\x01\x00", [-1, 256]),
        (b"SL" + bytes(7) + b"\x02\xc3\xa9", "é"),
        (b"d\x3f\x80\x00\x00", 1.0),
    ],
)
def test_universal_binary_json_by_hand(content, value) -> None:
    assert ubjson.loads(content) == value
    for end in range(len(content)):
        with pytest.raises(ValueError):
            ubjson.loads(content[:end])
    with pytest.raises(ValueError, match="too many"):
        ubjson.loads(content + b"Z")


def test_universal_binary_json_holds_what_xgboost_writes(save) -> None:
    """Against XGBoost's own JSON of the same trees."""
    model, folder, _ = save("xgboost", 3)
    own = ubjson.loads((folder / "xgboost.ubj").read_bytes())
    theirs = json.loads(bytes(model._booster.save_raw("json")))
    ours, others = (found["learner"]["gradient_booster"]["model"] for found in (own, theirs))
    assert len(ours["trees"]) == len(others["trees"]) > 0
    for tree, other in zip(ours["trees"], others["trees"], strict=True):
        assert tree.keys() == other.keys()
        for name in ("left_children", "right_children", "split_indices", "parents"):
            assert tree[name].tolist() == other[name]
        assert tree["split_conditions"] == pytest.approx(other["split_conditions"], rel=1e-6)
