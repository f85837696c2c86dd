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


def stages(config: MfccConfig, sound: PlacedSound) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """Return what to prepare and what to time, by name, for a recording of at most `BLOCK_FRAMES` sounding frames."""
    engine = Engine(config)
    pool = engine.pool
    out = np.empty((1, config.n_frames, config.n_coefficients), dtype=config.dtype)
    pool.write_frames(sound, sound.first_frame, sound.n_frames)
    pool.n_waiting = sound.n_frames
    parts = pool.parts.copy()
    squares = pool.squared().copy()
    pool.filter_squares(squares)
    powers = pool.powers[:, : sound.n_frames].copy()

    def wait(n_frames: int) -> None:
        pool.n_waiting = n_frames

    def write_frames() -> None:
        pool.write_frames(sound, sound.first_frame, sound.n_frames)

    def refill() -> None:
        wait(sound.n_frames)
        pool.parts[:] = parts
        pool.powers[:, : sound.n_frames] = powers

    return {
        "pre-emphasis and window": (lambda: wait(0), write_frames),
        "transform, squares": (refill, pool.squared),
        "filters, energy": (refill, lambda: pool.filter_squares(squares)),
        "logarithm, DCT, result": (refill, lambda: engine.write_coefficients(out, [sound])),
        "all in one call": (lambda: wait(0), lambda: engine.extract_into(out, [sound])),
    }


def microseconds(prepare: Callable[[], object], work: Callable[[], object]) -> float:
    """Return the median CPU time of a call, each prepared anew."""
    seconds = []
    for _ in range(REPETITIONS):
        prepare()
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
        for name, (prepare, work) in stages(config, sound).items():
            print(f"| {name} | {microseconds(prepare, work):.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
