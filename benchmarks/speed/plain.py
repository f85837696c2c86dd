"""The bare libraries: scikit-learn's SVC, XGBoost and Keras, as their own documentation calls them.

What is part of a model (C and gamma, depth, rate, rounds, layers, batch size, epochs, class weights) is as in `models`;
what is not (threads, bins, caches, loops) is the library's default. ``python -m benchmarks.speed.plain MODEL FILE``
times one model on the arrays of `benchmarks.speed.arrays` and prints a `Timing` as JSON; nothing of `models` is used.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.arrays import Arrays, read_arrays
from benchmarks.speed.timing import N_EPOCHS, N_ROUNDS, Clock


def main(arguments: list[str]) -> int:
    """Measure one model and print its seconds."""
    model, path = arguments
    clock = Clock()
    {"svm": svm, "xgboost": xgboost, "cnn": cnn}[model](read_arrays(Path(path)), clock)
    print(json.dumps(clock.seconds))
    return 0


def svm(arrays: Arrays, clock: Clock) -> None:
    """Time scikit-learn's own support vector machine behind a scaler."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    pipeline = make_pipeline(StandardScaler(), SVC(C=10.0, gamma="scale", class_weight="balanced"))
    with clock.time("fit"):
        pipeline.fit(arrays["flat_training"], arrays["y_training"])
    clock.time_answers(pipeline.predict, arrays["flat_test"])


def xgboost(arrays: Arrays, clock: Clock) -> None:
    """Time XGBoost's classifier."""
    from xgboost import XGBClassifier

    trees = XGBClassifier(n_estimators=N_ROUNDS, learning_rate=0.3, max_depth=4, colsample_bytree=0.3)
    y = arrays["y_training"]
    with clock.time("fit"):
        trees.fit(arrays["flat_training"], y, sample_weight=_weights(y))
    clock.time_answers(trees.predict, arrays["flat_test"])


def cnn(arrays: Arrays, clock: Clock) -> None:
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
    for phase, n_epochs in (("first epoch", 1), ("fit", N_EPOCHS)):
        with clock.time(phase):
            network.fit(x, y, sample_weight=_weights(y), batch_size=32, epochs=n_epochs, verbose=0)
    clock.time_answers(lambda images: network.predict(images, verbose=0).argmax(axis=1), arrays["image_test"])


def _weights(y: Any) -> Any:
    return (len(y) / (2 * np.bincount(y)))[y].astype(np.float32)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
