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
_TREES: dict[str, Any] = {"tree_method": "hist", "eta": 0.3, "max_depth": 4, "colsample_bytree": 0.3, "verbosity": 0}


class XgBoost:
    """Boosted trees, class-balanced by weight, as many rounds as suit the validation speakers.

    Attributes
    ----------
    n_rounds
        Rounds that `refit` boosts; `choose` sets it.
    """

    view = "flat"

    def __init__(self, setup: ModelSetup) -> None:
        self._parameters = _TREES | {"seed": setup.seed, "nthread": setup.threads, "max_bin": MAX_BIN}
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
        booster = xgboost.Booster(self._parameters, [matrix])
        scores: list[float] = []
        for n_rounds in self._candidates:
            _boost(booster, matrix, n_rounds)
            scores.append(balanced_accuracy(validation.y, _probabilities(booster, validation.x).argmax(axis=1)))
            best = int(np.argmax(scores))
            if len(scores) - 1 - best >= PATIENCE:
                break
        self.n_rounds = self._candidates[best]
        self._booster = booster[: self.n_rounds]
        return {"n_rounds": self.n_rounds, "validation_balanced_accuracy": scores[best]}

    def refit(self, examples: Examples) -> None:
        """Boost from scratch on `examples` for the chosen number of rounds."""
        matrix = self._matrix(examples)
        self._booster = xgboost.Booster(self._parameters, [matrix])
        _boost(self._booster, matrix, self.n_rounds)

    def predict(self, x: NDArray[np.generic]) -> Prediction:
        """Answer the most probable class."""
        scores = _probabilities(self._booster, x)
        return Prediction(y_pred=scores.argmax(axis=1).astype(np.int64), scores=scores)

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
        sizes = {name: self._parameters[name] for name in ("max_bin", "nthread")}
        return xgboost.QuantileDMatrix(examples.x, examples.y, weight=balanced_weights(examples.y), **sizes)


def _boost(booster: Any, matrix: Any, n_rounds: int) -> None:
    for iteration in range(booster.num_boosted_rounds(), n_rounds):
        booster.update(matrix, iteration)


def _probabilities(booster: Any, x: NDArray[np.generic]) -> NDArray[np.float32]:
    probabilities: NDArray[np.float32] = booster.inplace_predict(x)
    return np.stack([1 - probabilities, probabilities], axis=1) if probabilities.ndim == 1 else probabilities
