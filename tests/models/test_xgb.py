"""Boosted trees: the number of rounds."""

from __future__ import annotations

import numpy as np
import pytest

from models.protocol import Examples, ModelSetup
from models.xgb import CANDIDATE_ROUNDS, PATIENCE, XgBoost


def new_model() -> XgBoost:
    return XgBoost(ModelSetup(n_classes=2, seed=0, threads=1))


def test_equally_good_rounds_give_the_fewest(make_examples) -> None:
    x = np.repeat(np.array([[-1.0], [1.0]], dtype=np.float32), 40, axis=0)
    examples = Examples(x=x, y=(x[:, 0] > 0).astype(np.int64))
    settings = new_model().choose(examples, examples)
    assert settings == {"n_rounds": CANDIDATE_ROUNDS[0], "validation_balanced_accuracy": 1.0}


def test_training_goes_on_while_validation_improves(monkeypatch, make_examples) -> None:
    rising = iter([0.5, 0.6, 0.55, 0.7, 0.7, 0.6, 0.6, 0.6, 0.9])
    monkeypatch.setattr("models.xgb.balanced_accuracy", lambda y_true, y_pred: next(rising))
    examples = make_examples("flat", [0, 1] * 30, 1)
    assert new_model().choose(examples, examples)["n_rounds"] == CANDIDATE_ROUNDS[3]
    assert next(rising) == 0.9, f"stopped after {PATIENCE} candidates without improvement, before the last score"


@pytest.mark.parametrize("n_classes", [2, 5])
def test_saved_trees_answer_bit_for_bit_the_same(make_examples, tmp_path, n_classes) -> None:
    model = XgBoost(ModelSetup(n_classes=n_classes, seed=0, threads=1))
    model.refit(make_examples("flat", np.random.default_rng(1).integers(0, n_classes, 300), 1))
    model.save(tmp_path)
    loaded = XgBoost.load(tmp_path)
    x = make_examples("flat", [0, 1] * 1000, 2).x
    np.testing.assert_array_equal(loaded.predict(x).scores.view(np.uint32), model.predict(x).scores.view(np.uint32))
    assert loaded._booster.save_raw("ubj") == model._booster.save_raw("ubj"), "every number of every tree"
