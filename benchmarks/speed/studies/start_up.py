"""How long a user waits before anything happens: help, and the answer of a saved SVM.

A support vector machine is fitted and saved on synthetic arrays of a published fold's size, short recordings of noise
are written, and the commands run in turns. Elapsed and processor time are medians over rounds; a further file costs
what 200 more files take longer, shared among them. What the two libraries that such a model needs take by themselves is
measured beside them, and has no target.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.settings import usable_cores
from benchmarks.speed.studies.fitting import synthetic_arrays
from benchmarks.speed.studies.turns import Rounds, Subject, in_rounds, timed
from features.mfcc import MfccConfig
from models.files.saved_models import save_model
from models.protocol import Examples, ModelSetup
from models.svm import Svm
from reports.text.markdown import table

LIBRARIES = "import sklearn.svm, skops.io"
N_FURTHER = 200
RATE_HZ = 48_000


def compare(rounds: Rounds = 7) -> None:
    """Time what a user waits for: help, and the first answers of a saved model."""
    with tempfile.TemporaryDirectory() as temporary:
        model, paths = save_svm(Path(temporary)), write_recordings(Path(temporary))
        predict = ["-m", "benchmarks", "predict", str(model)]
        commands = {
            "help": ["-m", "benchmarks", "--help"],
            "one": [*predict, paths[0]],
            "many": [*predict, *paths],
            "libraries": ["-c", LIBRARIES],
        }
        subjects = [Subject(name=name, function=run_python, arguments=words) for name, words in commands.items()]
        timings = in_rounds(subjects, rounds)
    print(as_table({name: np.array(seconds) for name, seconds in timings.items()}))


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


def run_python(*arguments: str) -> tuple[float, float]:
    """Return elapsed and processor seconds of Python with `arguments`, in an environment that says next to nothing."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    command = [sys.executable, "-P", *arguments]
    return timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment))


def as_table(seconds: dict[str, NDArray[np.float64]]) -> str:
    """Write medians over rounds; `seconds` of help, one file, many, and the libraries are ``(rounds, 2)`` each."""
    rows = []
    for name, own, target in (
        ("`--help`", seconds["help"], "0.5 s"),
        ("`predict`, one file", seconds["one"], "2.5 s"),
        ("importing scikit-learn and skops", seconds["libraries"], ""),
    ):
        elapsed, processor = np.median(own, axis=0)
        rows.append([name, f"{elapsed:.2f} s", f"{processor:.2f} s", target])
    elapsed, processor = 1000 * np.median((seconds["many"] - seconds["one"]) / N_FURTHER, axis=0)
    rows.append(["a further file", f"{elapsed:.1f} ms", f"{processor:.1f} ms", "5 ms"])
    return table(["command", "elapsed", "processor time", "target"], rows)
