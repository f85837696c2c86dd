"""The baseline that hears nothing: the most frequent class; `models.logistic` is the linear one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.protocol import Examples, ModelSetup, Prediction, Settings

_MAJORITY_FILE = "majority.json"


class Majority:
    """Answers the most frequent training class, whatever it hears; its scores are the classes' shares.

    It is the one model without class weights: balanced classes have no majority.
    """

    view = "summary"

    def __init__(self, setup: ModelSetup) -> None:
        self._n_classes = setup.n_classes
        self._shares = np.full(setup.n_classes, np.nan, dtype=np.float32)

    def choose(self, training: Examples, validation: Examples) -> Settings:
        """Count the classes of `training`; there is nothing to choose."""
        self.refit(training)
        return {}

    def refit(self, examples: Examples) -> None:
        """Count the classes of `examples`."""
        counts = np.bincount(examples.y, minlength=self._n_classes)
        self._shares = (counts / counts.sum()).astype(np.float32)

    def predict(self, x: NDArray[np.generic]) -> Prediction:
        """Answer the same for every recording in `x`; of equally frequent classes, the first."""
        decision = np.full(len(x), np.argmax(self._shares), dtype=np.int64)
        return Prediction(y_pred=decision, scores=np.tile(self._shares, (len(x), 1)))

    def save(self, folder: Path) -> None:
        """Write the shares as JSON."""
        (folder / _MAJORITY_FILE).write_text(json.dumps({"shares": self._shares.tolist()}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Majority:
        """Read the shares.

        Raises
        ------
        ValueError
            The file holds anything but at least two shares.
        """
        shares = json.loads((folder / _MAJORITY_FILE).read_text(encoding="utf-8"))["shares"]
        model = cls(ModelSetup(n_classes=len(shares), seed=0, threads=1))
        model._shares = np.array(shares, dtype=np.float32)
        return model
