"""How long a user waits before anything happens: help, and the answer of a saved SVM.

``python -m benchmarks.speed.start`` fits and saves a support vector machine on synthetic arrays of a published fold's
size, writes short recordings of noise, and runs the commands in turns, each run a process of its own. Elapsed and
processor time are medians over rounds; a further file costs what 200 more files take longer, shared among them. What
the two libraries that such a model needs take by themselves is measured beside them, and has no target.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.cells.executors.local import cell_environment
from benchmarks.settings import usable_cores
from benchmarks.speed.arrays import synthetic_arrays
from features.mfcc import MfccConfig
from models.files import save_model
from models.protocol import Examples, ModelSetup
from models.svm import Svm

LIBRARIES = "import sklearn.svm, skops.io"
N_FURTHER = 200
RATE_HZ = 48_000


def save_svm(folder: Path) -> Path:
    """Fit and save a support vector machine; return its folder."""
    arrays = synthetic_arrays()
    model = Svm(ModelSetup(n_classes=2, seed=0, threads=usable_cores()))
    model.choose(
        Examples(x=arrays["flat_training"], y=arrays["y_training"]), Examples(x=arrays["flat_test"], y=arrays["y_test"])
    )
    card = {"name": "svm", "task": "gender", "classes": ["female", "male"], "mfcc": MfccConfig(recipe="psf").as_dict()}
    save_model(model, folder / "model", card=card)
    return folder / "model"


def write_recordings(folder: Path) -> list[str]:
    """Write one recording of 0.6 s and as many more as are asked about together; return their paths."""
    generator = np.random.default_rng(0)
    paths = [str(folder / f"{number}.wav") for number in range(1 + N_FURTHER)]
    for path in paths:
        soundfile.write(path, generator.standard_normal(RATE_HZ * 6 // 10) / 10, RATE_HZ)
    return paths


def timed_run(arguments: list[str]) -> tuple[float, float]:
    """Return elapsed and processor seconds of Python with `arguments`."""
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")} | {
        "PYTHONPATH": cell_environment(1)["PYTHONPATH"]
    }
    before, started = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-P", *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    elapsed, after = time.perf_counter() - started, os.times()
    children = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    return elapsed, children


def table(seconds: NDArray[np.float64]) -> str:
    """Write medians over rounds of help, one file, many, and the libraries; `seconds` is ``(rounds, 4, 2)``."""
    further = (seconds[:, 2] - seconds[:, 1]) / N_FURTHER
    lines = ["| command | elapsed | processor time | target |", "|---|---|---|---|"]
    for name, own, target in (
        ("`--help`", seconds[:, 0], "0.5 s"),
        ("`predict`, one file", seconds[:, 1], "2.5 s"),
        ("importing scikit-learn and skops", seconds[:, 3], ""),
    ):
        elapsed, processor = np.median(own, axis=0)
        lines.append(f"| {name} | {elapsed:.2f} s | {processor:.2f} s | {target} |")
    elapsed, processor = 1000 * np.median(further, axis=0)
    lines.append(f"| a further file | {elapsed:.1f} ms | {processor:.1f} ms | 5 ms |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often everything is run (default 7)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        model, paths = save_svm(Path(temporary)), write_recordings(Path(temporary))
        predict = ["-m", "benchmarks", "predict", str(model)]
        commands = [["-m", "benchmarks", "--help"], [*predict, paths[0]], [*predict, *paths], ["-c", LIBRARIES]]
        seconds = [[timed_run(command) for command in commands] for _ in range(given.rounds)]
    print(table(np.array(seconds)))
    print(f"\nload average at the end: {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
