"""Where extraction spends its time: ``python -m benchmarks.speed.stages WAV`` times each stage on one recording.

Every stage is repeated by itself, so that its data are in the cache: the sum is what a quiet machine comes near to.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from features.engine import BLOCK_FRAMES, Engine, PlacedSound
from features.mfcc import MfccConfig, sounding_frames

REPETITIONS = 500


def stages(config: MfccConfig, sound: PlacedSound) -> dict[str, Callable[[], object]]:
    """Return what to time, by name, for a recording of at most `BLOCK_FRAMES` sounding frames."""
    engine = Engine(config)
    pool = engine.pool
    out = np.empty((1, config.n_frames, config.n_coefficients), dtype=config.dtype)
    pool.write_frames(sound, sound.first_frame, sound.n_frames)
    pool.n_waiting = sound.n_frames
    squares = pool.squared().copy()
    pool.filter_squares(squares)
    powers = pool.powers[:, : sound.n_frames].copy()

    def write_frames() -> None:
        pool.n_waiting = 0
        pool.write_frames(sound, sound.first_frame, sound.n_frames)
        pool.n_waiting = sound.n_frames

    def write_coefficients() -> None:
        pool.powers[:, : sound.n_frames] = powers  # writing uses them up
        engine.write_coefficients(out, [sound])

    def extract() -> None:
        pool.n_waiting = 0
        engine.extract_into(out, [sound])

    return {
        "pre-emphasis and window": write_frames,
        "transform, squares": pool.squared,
        "filters, energy": lambda: pool.filter_squares(squares),
        "logarithm, DCT, result": write_coefficients,
        "all in one call": extract,
    }


def microseconds(work: Callable[[], object]) -> float:
    """Return the median CPU time of a call."""
    seconds = []
    for _ in range(REPETITIONS):
        started = time.thread_time()
        work()
        seconds.append(time.thread_time() - started)
    return float(np.median(seconds)) * 1e6


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.stages", description=__doc__)
    parser.add_argument("wav", type=Path, help=f"a recording; its first {BLOCK_FRAMES} sounding frames count")
    given = parser.parse_args(arguments)
    samples, rate = soundfile.read(given.wav, dtype="int16", always_2d=True)
    for recipe in ("psf", "seed"):
        config = MfccConfig(recipe=recipe, sample_rate_hz=rate)
        first, number = sounding_frames(len(samples), config)
        number = min(number, BLOCK_FRAMES)
        offset = max(0, config.clip_samples - len(samples)) // 2
        sound = PlacedSound(
            samples=np.ascontiguousarray(samples[:, 0]), offset=offset, first_frame=first, n_frames=number
        )
        print(f"\n{recipe}: {number} sounding frames\n\n| stage | us |\n|---|---|")
        for name, work in stages(config, sound).items():
            print(f"| {name} | {microseconds(work):.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
