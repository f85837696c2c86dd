"""Both sides of the comparison of fitting: the models of `models`, and the bare libraries as they document themselves.

What is part of a model (C and gamma, depth, rate, rounds, layers, batch size, epochs, class weights) is alike on both
sides; what is not (threads, bins, caches, loops) is the library's default on the bare one. That uses nothing of
`models`, which is imported where ours are made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.studies.turns import timed

Arrays = dict[str, NDArray[Any]]
"""``flat``, ``image`` and ``y``, each for ``training`` (as a cell's refit sees it) and ``test``: ``flat_training``."""

Timings = dict[str, tuple[float, float]]
"""Elapsed and processor seconds by phase, the latter of all threads."""

N_ROUNDS = 100
"""Boosting rounds of a fit."""

N_EPOCHS = 3
"""Epochs of a fit, after one more that compiles."""

_N_SINGLE = 50


def ours(name: str, path: str, threads: int) -> Timings:
    """Time a model of the project on the arrays in file `path`; `refit` is fitting without choosing anything."""
    from models.catalogue import CATALOGUE, resolve
    from models.protocol import Examples, ModelSetup

    model: Any = resolve(name)(ModelSetup(n_classes=2, seed=0, threads=threads))
    arrays, view = read_arrays(Path(path)), CATALOGUE[name].view
    training = Examples(x=arrays[f"{view}_training"], y=arrays["y_training"])
    seconds: Timings = {}
    if name == "xgboost":
        model.n_rounds = N_ROUNDS
    if name == "cnn":
        model.n_epochs = 1
        seconds["first epoch"] = timed(lambda: model.refit(training))
        model.n_epochs = N_EPOCHS
    seconds["fit"] = timed(lambda: model.refit(training))
    return seconds | answer_seconds(lambda x: model.predict(x).y_pred, arrays[f"{view}_test"])


def bare(name: str, path: str) -> Timings:
    """Time the bare library's like of a model on the arrays in file `path`."""
    return {"svm": _svm, "xgboost": _xgboost, "cnn": _cnn}[name](read_arrays(Path(path)))


def read_arrays(path: Path) -> Arrays:
    """Read what ``numpy.savez`` has written of them, every array once."""
    with np.load(path) as file:
        return dict(file)


def answer_seconds(answer: Callable[[Any], NDArray[Any]], x: NDArray[Any]) -> Timings:
    """Time answers for all of `x` together and for one, after a call of each shape that may compile."""
    answer(x)
    together = timed(lambda: answer(x))
    answer(x[:1])
    calls = [timed(partial(answer, x[place : place + 1])) for place in range(_N_SINGLE)]
    elapsed, processor = np.median(calls, axis=0).tolist()
    return {"predict": together, "predict one": (elapsed, processor)}


def _svm(arrays: Arrays) -> Timings:
    """Time scikit-learn's own support vector machine behind a scaler."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    pipeline = make_pipeline(StandardScaler(), SVC(C=10.0, gamma="scale", class_weight="balanced"))
    fit = timed(lambda: pipeline.fit(arrays["flat_training"], arrays["y_training"]))
    return {"fit": fit, **answer_seconds(pipeline.predict, arrays["flat_test"])}


def _xgboost(arrays: Arrays) -> Timings:
    """Time XGBoost's classifier."""
    from xgboost import XGBClassifier

    trees = XGBClassifier(n_estimators=N_ROUNDS, learning_rate=0.3, max_depth=4, colsample_bytree=0.3)
    y = arrays["y_training"]
    fit = timed(lambda: trees.fit(arrays["flat_training"], y, sample_weight=_weights(y)))
    return {"fit": fit, **answer_seconds(trees.predict, arrays["flat_test"])}


def _cnn(arrays: Arrays) -> Timings:
    """Time Keras' ``fit`` and ``predict``."""
    import keras
    from keras import layers

    x, y = arrays["image_training"], arrays["y_training"]
    network = keras.Sequential(
        [
            layers.Input(x.shape[1:]),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    network.compile(keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy")

    def fit(n_epochs: int) -> None:
        network.fit(x, y, sample_weight=_weights(y), batch_size=32, epochs=n_epochs, verbose=0)

    seconds = {"first epoch": timed(lambda: fit(1)), "fit": timed(lambda: fit(N_EPOCHS))}
    return seconds | answer_seconds(lambda x: network.predict(x, verbose=0).argmax(axis=1), arrays["image_test"])


def _weights(y: Any) -> Any:
    return (len(y) / (2 * np.bincount(y)))[y].astype(np.float32)
