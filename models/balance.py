"""Class balance: the weights every trainable model is fitted with, and the score its settings are chosen by.

Both look only at the classes that occur, because a fold's training or validation speakers may lack one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def balanced_accuracy(y_true: NDArray[np.int64], y_pred: NDArray[np.int64]) -> float:
    """Return the mean recall of the classes that occur in `y_true`, 0 to 1.

    The same number as scikit-learn's ``balanced_accuracy_score``, which warns where `y_pred` has a class that `y_true`
    lacks.

    Parameters
    ----------
    y_true, y_pred
        Class indexes, shape ``(n_recordings,)``, at least one.
    """
    n_true = np.bincount(y_true)
    n_right = np.bincount(y_true[y_true == y_pred], minlength=n_true.size)
    present = n_true > 0
    return float(np.mean(n_right[present] / n_true[present]))


def balanced_weights(y: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return a weight per recording that gives every class of `y` the same total; the weights' mean is 1.

    Parameters
    ----------
    y
        Class indexes, shape ``(n_recordings,)``.
    """
    n_of_class = np.bincount(y)
    per_class = y.size / (np.count_nonzero(n_of_class) * np.maximum(n_of_class, 1))
    weights: NDArray[np.float32] = per_class[y].astype(np.float32)
    return weights


def spread(scores: NDArray[np.floating], classes: NDArray[np.int64], n_classes: int) -> NDArray[np.float32]:
    """Return scores of the classes a model knows as scores of all classes; a class it has never seen scores 0.

    Parameters
    ----------
    scores
        Shape ``(n_recordings, len(classes))``.
    classes
        The class index of each column.
    n_classes
        Number of columns of the answer.
    """
    wide = np.zeros((len(scores), n_classes), dtype=np.float32)
    wide[:, classes] = scores
    return wide
