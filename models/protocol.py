"""What every model offers: choose settings on validation speakers, refit, predict; and, if it can, be saved.

A model is made by a *factory*, ``factory(setup: ModelSetup) -> Model``. Labels are integer class indexes
``0 .. n_classes - 1``. A cell calls, in this order: ``choose`` (fit on the training recordings, choose settings by
balanced accuracy on the validation recordings), ``refit`` on both (unless the run says not to), then ``predict``. Every
trainable model weighs classes to balance. A model sees one view of the MFCCs, named in ``view``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Settings = dict[str, int | float | str]


@dataclass(frozen=True, kw_only=True)
class ModelSetup:
    """What a factory is told.

    Attributes
    ----------
    n_classes
        Number of classes, at least 2.
    seed
        Seed of everything random in the model; same seed, same predictions, on the same machine and versions.
    threads
        Threads the model may use, at least 1.
    """

    n_classes: int
    seed: int
    threads: int


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Recordings as a model sees them.

    Attributes
    ----------
    x
        The view, shape ``(n_recordings, ...)``: ``flat`` and ``summary`` float32 of rank 2; ``image`` uint8
        ``(n, n_frames, n_coefficients, 3)``; ``image-mono`` uint8 ``(n, n_frames, n_coefficients, 1)``. Read-only.
    y
        Class indexes, int64, shape ``(n_recordings,)``.
    """

    x: NDArray[np.generic]
    y: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Answers for some recordings.

    Attributes
    ----------
    y_pred
        The model's decision: class indexes, int64, shape ``(n_recordings,)``.
    scores
        Probabilities in the order of the classes, float32, shape ``(n_recordings, n_classes)``; NaN where the
        model has none. Their maximum need not be at ``y_pred`` (an SVM's are calibrated apart from its decision).
    """

    y_pred: NDArray[np.int64]
    scores: NDArray[np.float32]


class ModelFileError(ValueError):
    """A model file is missing, damaged or not one of ours; the message is for the user."""


class Model(Protocol):
    """A classifier of recordings."""

    view: str

    def choose(self, training: Examples, validation: Examples) -> Settings:
        """Fit on `training`, choose settings by balanced accuracy on `validation`; return what was chosen.

        Afterwards the model is the one fitted on `training` alone with the chosen settings.
        """

    def refit(self, examples: Examples) -> None:
        """Fit from scratch on `examples` (training and validation together) with the chosen settings."""

    def predict(self, x: NDArray[np.generic]) -> Prediction:
        """Answer for the recordings in `x`; fast for one recording as for many."""


@runtime_checkable
class SavableModel(Protocol):
    """A model that can be written to a folder and read back without running code from the file.

    Where it has an attribute ``save_imports``, those modules are imported, and timed as imports, before it is saved.
    """

    def save(self, folder: Path) -> None:
        """Write the fitted model into `folder`, which exists and is empty."""

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Read a model that `save` has written; refuse anything else."""
