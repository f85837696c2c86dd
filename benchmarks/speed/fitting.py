"""How fast models are fitted and asked, against the bare libraries.

``python -m benchmarks.speed.fitting [FOLDER]`` measures each model of `benchmarks.speed.ours` and its like in
`benchmarks.speed.plain` in turns, each time in a process of its own: ours with the environment of a cell, the bare
library with the machine's defaults. Ratios are medians over rounds. XGBoost is measured a second time while another
process keeps one core busy. FOLDER holds AudioMNIST's published MFC images; without it the arrays are synthetic.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cells.executors.local import THREAD_VARIABLES, cell_environment
from benchmarks.settings import usable_cores
from benchmarks.speed.arrays import FITTED_AND_ASKED, Arrays, published_folds, synthetic_arrays

Timings = dict[str, tuple[float, float]]
"""Elapsed and processor seconds by phase."""

SUBJECTS = (("svm", False), ("xgboost", False), ("xgboost", True), ("cnn", False))
"""Models, and whether one core is kept busy meanwhile."""

TARGETS = {
    ("svm", False, "fit"): 8.0,
    ("svm", False, "predict"): 20.0,
    ("xgboost", False, "fit"): 1.0,
    ("xgboost", True, "fit"): 2.0,
    ("cnn", False, "fit"): 1.2,
}
"""How many times faster ours should be at least."""


HEADER = """\
| model | phase | bare library | voxfold | times faster | lowest | highest | in processor time | target |
|---|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Timings of one model, ours and the bare library's, one of each per round."""

    model: str
    busy: bool
    ours: list[Timings]
    plain: list[Timings]

    def rows(self) -> Iterator[str]:
        """Yield a line of the table per phase: median seconds, ratio of elapsed and of processor time, target."""
        for phase in self.ours[0]:
            ours, plain = (np.array([timings[phase] for timings in side]) for side in (self.ours, self.plain))
            ratios = plain / np.maximum(ours, 1e-9)
            elapsed = ratios[:, 0]
            target = TARGETS.get((self.model, self.busy, phase))
            yield (
                f"| {self.model}{', a core busy' if self.busy else ''} | {phase} | {_seconds(np.median(plain[:, 0]))} "
                f"| {_seconds(np.median(ours[:, 0]))} | {np.median(elapsed):.2f} | {elapsed.min():.2f} "
                f"| {elapsed.max():.2f} | {np.median(ratios[:, 1]):.2f} | {'' if target is None else f'{target:g}'} |"
            )


def measure(model: str, path: Path, *, busy: bool, rounds: int) -> Comparison:
    """Measure ours and the bare library in turns, the first of a round alternating."""
    threads = usable_cores()
    sides = {
        "ours": (["benchmarks.speed.ours", model, str(path), str(threads)], cell_environment(threads)),
        "plain": (["benchmarks.speed.plain", model, str(path)], default_environment(threads)),
    }
    found: dict[str, list[Timings]] = {"ours": [], "plain": []}
    with busy_core() if busy else contextlib.nullcontext():
        for number in range(rounds):
            for side in sorted(sides, reverse=number % 2 == 1):
                command, environment = sides[side]
                found[side].append(timed_process(command, environment))
    return Comparison(model=model, busy=busy, **found)


def timed_process(command: list[str], environment: dict[str, str]) -> Timings:
    """Run a module that prints its timings, and return them."""
    done = subprocess.run([sys.executable, "-P", "-m", *command], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    timings: Timings = json.loads(done.stdout.splitlines()[-1])
    return timings


def default_environment(threads: int) -> dict[str, str]:
    """Return a cell's environment without anything that a library reads its threads from."""
    threading = {*THREAD_VARIABLES, "OMP_WAIT_POLICY"}
    return {name: value for name, value in cell_environment(threads).items() if name not in threading}


@contextlib.contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy meanwhile."""
    spinner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        spinner.kill()
        spinner.wait()


def _seconds(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} us"


def _arrays(folder: Path | None, protocol: str, cache: Path) -> tuple[Arrays, str]:
    """Return the arrays, and what they are."""
    if folder is None:
        return synthetic_arrays(), "synthetic arrays"
    return next(published_folds(folder, cache, protocol, FITTED_AND_ASKED)), f"published images, {protocol}, first fold"


def main(arguments: list[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.fitting", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="published MFC images [synthetic arrays]")
    parser.add_argument("--protocol", choices=("official", "grouped"), default="official", help="of the images' folds")
    parser.add_argument("--cache", type=Path, help="folder of the feature cache [a temporary one]")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is timed (default 5)")
    parser.add_argument("--models", default="svm,xgboost,cnn", help="which ones (default all)")
    given = parser.parse_args(arguments)
    if given.rounds < 1:
        parser.error("--rounds must be at least 1")
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "arrays.npz"
        arrays, kind = _arrays(given.folder, given.protocol, given.cache or Path(temporary) / "cache")
        content: dict[str, Any] = dict(arrays)
        np.savez(path, **content)
        sizes = f"fitted on {len(arrays['y_training']):,}, asked about {len(arrays['y_test']):,}"
        print(f"{kind}: {sizes}; {usable_cores()} cores, {given.rounds} rounds\n\n{HEADER}", flush=True)
        for model, busy in SUBJECTS:
            if model in given.models.split(","):
                print("\n".join(measure(model, path, busy=busy, rounds=given.rounds).rows()), flush=True)
        print(f"\nload average at the end: {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
