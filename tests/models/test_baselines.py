"""The baselines: majority by hand, logistic against scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.baselines import Majority
from models.logistic import C_GRID, Logistic
from models.protocol import ModelSetup


def test_majority_by_hand(make_examples) -> None:
    model = Majority(ModelSetup(n_classes=3, seed=0, threads=1))
    training = make_examples("summary", [2, 2, 0, 2], 1)
    assert model.choose(training, training) == {}
    answer = model.predict(training.x)
    np.testing.assert_array_equal(answer.y_pred, [2, 2, 2, 2])
    np.testing.assert_allclose(answer.scores[0], [0.25, 0, 0.75])


def test_logistic_chooses_the_c_that_suits_validation_speakers(make_examples) -> None:
    training, validation = make_examples("summary", [0] * 60 + [1] * 15, 1), make_examples("summary", [0, 1] * 40, 2)
    scores = []
    for c in C_GRID:
        pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=c, class_weight="balanced", max_iter=2000))
        y_pred = pipeline.fit(training.x, training.y).predict(validation.x)
        scores.append(balanced_accuracy_score(validation.y, y_pred))
    settings = Logistic(ModelSetup(n_classes=2, seed=0, threads=1)).choose(training, validation)
    assert settings["C"] == C_GRID[int(np.argmax(scores))]
