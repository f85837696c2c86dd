"""The models of `models`, timed as `benchmarks.speed.plain` times the bare libraries: same arrays, same phases."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.speed.arrays import Arrays, read_arrays
from benchmarks.speed.timing import N_EPOCHS, N_ROUNDS, Clock
from models.catalogue import CATALOGUE, resolve
from models.protocol import Examples, ModelSetup


def main(arguments: list[str]) -> int:
    """Measure one model, with as many threads as said, and print its seconds."""
    name, path, threads = arguments
    model: Any = resolve(name)(ModelSetup(n_classes=2, seed=0, threads=int(threads)))
    clock = Clock()
    measure(model, name, read_arrays(Path(path)), clock)
    print(json.dumps(clock.seconds))
    return 0


def measure(model: Any, name: str, arrays: Arrays, clock: Clock) -> None:
    """Time one model of the project; `refit` is fitting without choosing anything."""
    view = CATALOGUE[name].view
    training = Examples(x=arrays[f"{view}_training"], y=arrays["y_training"])
    if name == "xgboost":
        model.n_rounds = N_ROUNDS
    if name == "cnn":
        model.n_epochs = 1
        with clock.time("first epoch"):
            model.refit(training)
        model.n_epochs = N_EPOCHS
    with clock.time("fit"):
        model.refit(training)
    clock.time_answers(lambda x: model.predict(x).y_pred, arrays[f"{view}_test"])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
