"""Gradient-boosted trees by XGBoost's histogram method on the flat MFCCs.

The number of rounds is chosen among ``CANDIDATE_ROUNDS`` only: the score of validation speakers moves up and down from
round to round, and its highest peak over every single round is often a lucky one after very few trees.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from models.balance import balanced_accuracy, balanced_weights
from models.files.xgboost_file import read_trees
from models.protocol import Examples, ModelFileError, ModelSetup, Prediction, Settings

CANDIDATE_ROUNDS = tuple(range(25, 301, 25))
"""Numbers of boosting rounds that validation speakers choose from for two classes, one tree a round."""

CANDIDATE_ROUNDS_OF_MANY_CLASSES = tuple(range(25, 151, 25))
"""The same for more classes: each round grows a tree per class."""

PATIENCE = 4
"""Candidates without improvement after which no more are tried."""

MAX_BIN = 64
"""Bins per value: more cost time and validation speakers are not recognised reliably better (docs/performance.md)."""

_FILE = "xgboost.json"
_FORMER_FILE = "xgboost.ubj"
_TREES: dict[str, Any] = {
    "tree_method": "hist",
    "eta": 0.3,
    "max_depth": 4,
    "colsample_bytree": 0.3,
    "verbosity": 0,
}


class XgBoost:
    """Boosted trees, class-balanced by weight, as many rounds as suit the validation speakers.

    Parameters
    ----------
    setup
        Classes, seed and threads.
    max_bin
        Bins that each value is sorted into.

    Attributes
    ----------
    n_rounds
        Rounds that `refit` boosts; `choose` sets it.
    """

    view = "flat"

    def __init__(self, setup: ModelSetup, max_bin: int = MAX_BIN) -> None:
        self._n_classes = setup.n_classes
        self._parameters = _TREES | {"seed": setup.seed, "nthread": setup.threads, "max_bin": max_bin}
        if setup.n_classes == 2:
            self._parameters |= {"objective": "binary:logistic"}
            self._candidates = CANDIDATE_ROUNDS
        else:
            self._parameters |= {"objective": "multi:softprob", "num_class": setup.n_classes}
            self._candidates = CANDIDATE_ROUNDS_OF_MANY_CLASSES
        self.n_rounds = self._candidates[-1]
        self._booster: Any = None

    def choose(self, training: Examples, validation: Examples) -> Settings:
        """Boost on `training`; keep the number of rounds with the best score, of equally good ones the smallest."""
        matrix = self._matrix(training)
        booster = self._new_booster(matrix)
        scores: list[float] = []
        for n_rounds in self._candidates:
            self._boost(booster, matrix, n_rounds)
            scores.append(balanced_accuracy(validation.y, _decide(self._probabilities(booster, validation.x))))
            best = int(np.argmax(scores))
            if len(scores) - 1 - best >= PATIENCE:
                break
        self.n_rounds = self._candidates[best]
        self._booster = booster[: self.n_rounds]
        return {"n_rounds": self.n_rounds, "validation_balanced_accuracy": scores[best]}

    def refit(self, examples: Examples) -> None:
        """Boost from scratch on `examples` for the chosen number of rounds."""
        matrix = self._matrix(examples)
        self._booster = self._new_booster(matrix)
        self._boost(self._booster, matrix, self.n_rounds)

    def predict(self, x: NDArray[np.generic]) -> Prediction:
        """Answer the most probable class."""
        scores = self._probabilities(self._booster, x)
        return Prediction(y_pred=_decide(scores), scores=scores)

    def save(self, folder: Path) -> None:
        """Write the trees as JSON, in XGBoost's own form."""
        (folder / _FILE).write_bytes(self._booster.save_raw(raw_format="json"))

    @classmethod
    def load(cls, folder: Path) -> XgBoost:
        """Read the trees.

        Raises
        ------
        ModelFileError
            The file holds no trees of this kind of model.
        """
        if (folder / _FORMER_FILE).exists():
            raise ModelFileError(
                f"{_FORMER_FILE}: an earlier version saved these trees; train and save the model again"
            )
        content, n_classes = read_trees(folder / _FILE)
        try:
            # one thread from the first answer on: others would wait for work by spinning
            booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(content))
        except xgboost.core.XGBoostError as error:
            raise ModelFileError(f"{_FILE}: not a model file that XGBoost can read") from error
        model = cls(ModelSetup(n_classes=n_classes, seed=0, threads=1))
        model._booster = booster
        return model

    def _matrix(self, examples: Examples) -> Any:
        return xgboost.QuantileDMatrix(
            examples.x,
            examples.y,
            weight=balanced_weights(examples.y),
            max_bin=self._parameters["max_bin"],
            nthread=self._parameters["nthread"],
        )

    def _new_booster(self, matrix: Any) -> Any:
        return xgboost.Booster(self._parameters, [matrix])

    def _boost(self, booster: Any, matrix: Any, n_rounds: int) -> None:
        for iteration in range(booster.num_boosted_rounds(), n_rounds):
            booster.update(matrix, iteration)

    def _probabilities(self, booster: Any, x: NDArray[np.generic]) -> NDArray[np.float32]:
        probabilities: NDArray[np.float32] = booster.inplace_predict(x)
        if probabilities.ndim == 1:
            return np.stack([1 - probabilities, probabilities], axis=1)
        return probabilities


def _decide(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    decision: NDArray[np.int64] = scores.argmax(axis=1).astype(np.int64)
    return decision
