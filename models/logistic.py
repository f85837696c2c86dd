"""The linear baseline: logistic regression on scaled summary statistics of the MFCCs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from models.balance import balanced_accuracy, spread
from models.files import skops_file
from models.protocol import Examples, ModelFileError, ModelSetup, Prediction, Settings

C_GRID = (0.001, 0.01, 0.1, 1.0)
"""Inverse regularisation strengths that it chooses from."""

_FILE = "logistic.skops"


class Logistic:
    """Logistic regression on scaled summary statistics; its regularisation is chosen on validation speakers."""

    view = "summary"
    save_imports = ("skops.io",)

    def __init__(self, setup: ModelSetup) -> None:
        self._n_classes = setup.n_classes
        self._c = C_GRID[-1]
        self._pipeline: Any = None

    def choose(self, training: Examples, validation: Examples) -> Settings:
        """Try every C of the grid; of equally good ones keep the smallest, the most regularised."""
        best = -1.0
        for c in C_GRID:
            pipeline = _fitted_pipeline(c, training)
            score = balanced_accuracy(validation.y, pipeline.predict(validation.x))
            if score > best:
                best, self._c, self._pipeline = score, c, pipeline
        return {"C": self._c, "validation_balanced_accuracy": best}

    def refit(self, examples: Examples) -> None:
        """Fit on `examples` with the chosen C."""
        self._pipeline = _fitted_pipeline(self._c, examples)

    def predict(self, x: NDArray[np.generic]) -> Prediction:
        """Answer the most probable class."""
        scores = spread(self._pipeline.predict_proba(x), self._pipeline.classes_, self._n_classes)
        return Prediction(y_pred=scores.argmax(axis=1).astype(np.int64), scores=scores)

    def save(self, folder: Path) -> None:
        """Write the fitted pipeline with skops."""
        skops_file.dump({"pipeline": self._pipeline, "n_classes": self._n_classes}, folder / _FILE)

    @classmethod
    def load(cls, folder: Path) -> Logistic:
        """Read the fitted pipeline.

        Raises
        ------
        ModelFileError
            The file holds other types than scikit-learn's own, or another pipeline.
        """
        content = skops_file.load(folder / _FILE)
        pipeline: Any = content.get("pipeline")
        n_classes: Any = content.get("n_classes")
        steps = pipeline.__dict__.get("steps") if type(pipeline) is Pipeline else None
        kinds = [type(step[-1]) for step in steps if step] if isinstance(steps, list) else []
        if kinds != [StandardScaler, LogisticRegression] or type(n_classes) is not int or n_classes < 2:
            raise ModelFileError(f"{_FILE}: not the parts of this kind of model")
        if not set(np.ravel(pipeline[-1].__dict__.get("classes_")).tolist()) <= set(range(n_classes)):
            raise ModelFileError(f"{_FILE}: classes that are none of the {n_classes}")
        model = cls(ModelSetup(n_classes=n_classes, seed=0, threads=1))
        model._pipeline = pipeline
        return model


def _fitted_pipeline(c: float, examples: Examples) -> Any:
    regression = LogisticRegression(C=c, class_weight="balanced", max_iter=2000)
    return make_pipeline(StandardScaler(), regression).fit(examples.x, examples.y)
