"""The baseline that hears nothing: the most frequent class; `models.logistic` is the linear one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.protocol import Examples, ModelFileError, ModelSetup, Prediction, Settings

MAX_BYTES = 1_000_000

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
        ModelFileError
            The file holds anything but at least two shares.
        """
        path = folder / _MAJORITY_FILE
        try:
            shares = json.loads(path.read_text(encoding="utf-8"))["shares"]
            if path.stat().st_size > MAX_BYTES or not all(type(share) is float and 0 <= share <= 1 for share in shares):
                raise ValueError("not shares")
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise ModelFileError(f"{_MAJORITY_FILE}: not the shares of classes ({type(error).__name__})") from error
        if len(shares) < 2:
            raise ModelFileError(f"{_MAJORITY_FILE}: shares of {len(shares)} classes, expected at least 2")
        model = cls(ModelSetup(n_classes=len(shares), seed=0, threads=1))
        model._shares = np.array(shares, dtype=np.float32)
        return model
