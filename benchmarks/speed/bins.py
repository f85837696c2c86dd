"""How many bins XGBoost's values are sorted into: time against the score of validation speakers.

``python -m benchmarks.speed.bins FOLDER`` boosts on the training recordings of every fold of gender of the published
MFC images with each number of bins, in turns, chooses the rounds as a cell does, and prints the mean over folds of the
processor time of a fit of 100 rounds and of the best balanced accuracy of the *validation* speakers; nothing is asked
about the test speakers. Differences to the number in use come with their standard error over folds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.speed.arrays import Arrays, published_folds
from benchmarks.speed.timing import N_ROUNDS, Clock
from models.protocol import Examples, ModelSetup
from models.xgb import MAX_BIN, XgBoost

BINS = (16, 32, 64, 128, 256)
PARTS = {"training": ("train",), "validation": ("validation",)}


def measure(fold: Arrays, max_bin: int) -> tuple[float, float]:
    """Return processor seconds of a fit of ``N_ROUNDS`` rounds, and the validation score of the chosen rounds.

    One thread: more grow the same trees, and would count the time that they wait for each other.
    """
    training = Examples(x=fold["flat_training"], y=fold["y_training"])
    validation = Examples(x=fold["flat_validation"], y=fold["y_validation"])
    model = XgBoost(ModelSetup(n_classes=2, seed=0, threads=1), max_bin=max_bin)
    score = float(model.choose(training, validation)["validation_balanced_accuracy"])
    model.n_rounds = N_ROUNDS
    clock = Clock()
    with clock.time("fit"):
        model.refit(training)
    return clock.seconds["fit"][1], score


def main(arguments: list[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.bins", description=__doc__)
    parser.add_argument("folder", type=Path, help="published MFC images")
    parser.add_argument("--cache", type=Path, help="folder of the feature cache [a temporary one]")
    given = parser.parse_args(arguments)
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        for protocol in ("official", "grouped"):
            for fold in published_folds(given.folder, given.cache or Path(temporary), protocol, PARTS):
                found.append([measure(fold, max_bin) for max_bin in BINS])
                print(".", end="", file=sys.stderr, flush=True)
    seconds, scores = np.moveaxis(np.array(found), 2, 0)  # each (folds, bins)
    differences = scores - scores[:, [BINS.index(MAX_BIN)]]
    errors = differences.std(axis=0, ddof=1) / np.sqrt(len(differences))
    print(f"\n{len(found)} folds, official and grouped\n")
    print(f"| bins | processor time of {N_ROUNDS} rounds | validation score | less that of {MAX_BIN} bins |")
    print("|---|---|---|---|")
    for place, n_bins in enumerate(BINS):
        print(
            f"| {n_bins} | {seconds[:, place].mean():.2f} s | {scores[:, place].mean():.3f} "
            f"| {differences[:, place].mean():+.3f} ± {errors[place]:.3f} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
