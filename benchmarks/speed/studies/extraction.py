"""How fast MFCCs are extracted, against the libraries that do the same and the bare Fourier transforms.

Every subject is timed on the same decoded recordings, block by block, with one thread. Times are CPU time.
librosa is measured where it is installed.
"""

from __future__ import annotations

import importlib.util
import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from glob import glob
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import scipy.fft
import typer
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from benchmarks.cells.executors.local import cell_environment
from benchmarks.speed.studies.turns import Rounds, Subject, in_rounds, timed, with_range
from features.audio import read_samples
from features.extraction.engine import BLOCK_FRAMES, Engine, PlacedSound
from features.extraction.recipes import WINDOWS
from features.mfcc import MfccConfig, extract, extract_batch, sounding_frames
from reports.text.markdown import table

BLOCK_RECORDINGS = 64
"""As many as the cache extracts at once."""

RECIPES = ("psf", "seed")

Folder = Annotated[Path, typer.Argument(help="folder of WAV files of one sampling rate, searched with subfolders")]
Samples = NDArray[Any]
Work = Callable[[], object]
Prepare = Callable[[list[Samples]], Work]
"""Takes a block of recordings, makes what is not timed, returns the work to time."""


def compare(folder: Folder, rounds: Rounds = 7) -> None:
    """Time the extraction of decoded recordings, and what it is compared with."""
    blocks, rate = decoded(folder)
    recordings = list(itertools.chain(*blocks))
    for recipe in RECIPES:
        config = MfccConfig(recipe=recipe, sample_rate_hz=rate)
        environment = cell_environment(1)
        asked = [
            Subject(name=name, function=cpu_seconds, arguments=(str(folder), recipe, name), environment=environment)
            for name in subjects(config)
        ]
        seconds = in_rounds(asked, rounds)
        frames = np.mean([sounding_frames(len(samples), config)[1] for samples in recordings])
        print(f"\n{recipe}: {len(recordings)} recordings at {rate} Hz, {frames:.1f} sounding frames in the mean\n")
        print(as_table(list(seconds), np.array(list(seconds.values())) / len(recordings)), flush=True)


def cpu_seconds(folder: str, recipe: str, name: str) -> float:
    """Return the CPU time that subject `name` takes for the recordings under `folder`, after a block to warm up."""
    blocks, rate = decoded(Path(folder))
    prepare = subjects(MfccConfig(recipe=recipe, sample_rate_hz=rate))[name]
    prepare(blocks[0])()
    return sum(timed(prepare(block))[1] for block in blocks)


def as_table(names: list[str], seconds: NDArray[np.float64]) -> str:
    """Write medians over rounds: microseconds per recording, and times the first subject's, with the range.

    Parameters
    ----------
    names, seconds
        Of the subjects; per recording, shape ``(n_subjects, rounds)``.
    """
    header = ["subject", "us per recording", "times voxfold's", "lowest", "highest"]
    rows = [
        [name, f"{np.median(own) * 1e6:,.0f}", *with_range(own / seconds[0])]
        for name, own in zip(names, seconds, strict=True)
    ]
    return table(header, rows, numbers=header[1:])


def wav_files(folder: Path, most: int | None = None) -> list[str]:
    """List the WAV files under `folder`, by their paths in it, in order; refuse a folder without one."""
    # a Path costs as much as the look at a file's header
    names = sorted(glob("**/*.wav", root_dir=folder, recursive=True, include_hidden=True))[:most]  # noqa: PTH207
    if not names:
        raise typer.BadParameter(f"{folder}: no WAV file there")
    return names


def decoded(folder: Path, most: int | None = None) -> tuple[list[list[Samples]], int]:
    """Return the recordings under `folder`, in blocks, and the sampling rate of the first file."""
    audio = [read_samples(folder / name) for name in wav_files(folder, most)]
    recordings: list[Samples] = [one.samples for one in audio]
    starts = range(0, len(recordings), BLOCK_RECORDINGS)
    return [recordings[start : start + BLOCK_RECORDINGS] for start in starts], audio[0].sample_rate_hz


def subjects(config: MfccConfig) -> dict[str, Prepare]:
    """Return the engine first, its variants, then what it is compared with."""
    exact = replace(config, dtype="float64")
    chosen: dict[str, Prepare] = {
        "voxfold": lambda block: lambda: extract_batch(block, config),
        "voxfold, one recording per call": _each(lambda samples: extract(samples, config)),
        "voxfold, float64": lambda block: lambda: extract_batch(block, exact),
        f"scipy.fft.rfft {config.n_fft}, a call per recording": lambda block: bare_transforms(block, config),
        f"scipy.fft.rfft {config.n_fft}, one block again and again": lambda block: warm_transforms(block, config),
    }
    if config.recipe == "psf":
        chosen["python_speech_features"] = _each(lambda samples: by_python_speech_features(samples, config))
    elif importlib.util.find_spec("librosa"):
        chosen["librosa"] = _each(lambda samples: by_librosa(samples, config))
    return chosen


def _each(one: Callable[[Samples], object]) -> Prepare:
    return lambda block: lambda: [one(samples) for samples in block]


def by_python_speech_features(samples: Samples, config: MfccConfig) -> object:
    """Call python_speech_features as the ``psf`` recipe's oracle does, padding included."""
    from python_speech_features import mfcc

    return mfcc(
        padded(samples, config),
        config.sample_rate_hz,
        winlen=config.window_s,
        winstep=config.hop_s,
        numcep=config.n_coefficients,
        nfilt=config.n_mels,
        nfft=config.n_fft,
        ceplifter=config.lifter,
        winfunc=np.hamming,
    )


def by_librosa(samples: Samples, config: MfccConfig) -> object:
    """Call librosa as the ``seed`` recipe's oracle does, in float32, padding and pre-emphasis included."""
    import librosa.feature

    clip = padded(samples, config).astype(np.float32)
    clip[1:] -= np.float32(config.pre_emphasis) * clip[:-1]
    return librosa.feature.mfcc(
        y=clip,
        sr=config.sample_rate_hz,
        n_mfcc=config.n_coefficients,
        dct_type=2,
        norm="ortho",
        lifter=config.lifter,
        n_fft=config.n_fft,
        hop_length=config.hop_samples,
        power=2,
        center=False,
        window="hann",
        n_mels=config.n_mels,
    ).T


def bare_transforms(block: list[Samples], config: MfccConfig) -> Work:
    """Return nothing but `scipy.fft.rfft` in float32, a call per recording, on its windowed sounding frames."""
    frames = [windowed(samples, config) for samples in block]
    return lambda: [scipy.fft.rfft(rows) for rows in frames]


def warm_transforms(block: list[Samples], config: MfccConfig) -> Work:
    """Return as many transforms, but of one block of frames that is in the cache all the time."""
    rows = np.ones((BLOCK_FRAMES, config.n_fft), dtype=np.float32)
    whole, left = divmod(sum(sounding_frames(len(samples), config)[1] for samples in block), BLOCK_FRAMES)

    def timed() -> None:
        for _ in range(whole):
            scipy.fft.rfft(rows)
        scipy.fft.rfft(rows[: left or 1])

    return timed


def padded(samples: Samples, config: MfccConfig) -> Samples:
    """Return the recording in the middle of its clip."""
    cut = samples[: config.clip_samples]
    front = (config.clip_samples - len(cut)) // 2
    clip = np.zeros(config.clip_samples, dtype=samples.dtype)
    clip[front : front + len(cut)] = cut
    return clip


def windowed(samples: Samples, config: MfccConfig) -> NDArray[np.float32]:
    """Return a recording's frames for the bare transforms: float32, ``(n_sounding, n_fft)``."""
    clip = padded(samples, config).astype(np.float64)
    clip[1:] -= config.pre_emphasis * clip[:-1]
    first, number = sounding_frames(len(samples), config)
    frames = sliding_window_view(clip, config.window_samples)[:: config.hop_samples][first : first + number]
    rows = np.zeros((number, config.n_fft), dtype=np.float32)
    rows[:, : config.window_samples] = frames * WINDOWS[config.window_function](config.window_samples)
    return rows


def take_apart(
    wav: Annotated[Path, typer.Argument(help=f"a recording; its first {BLOCK_FRAMES} sounding frames count")],
    repetitions: Annotated[int, typer.Option(min=1, help="how often each stage is timed")] = 500,
) -> None:
    """Time each stage of extracting one recording.

    Every stage is repeated by itself, so that what it works on is in the cache: the sum is what a quiet machine comes
    near to.
    """
    audio = read_samples(wav)
    for recipe in RECIPES:
        config = MfccConfig(recipe=recipe, sample_rate_hz=audio.sample_rate_hz)
        first, number = sounding_frames(len(audio.samples), config)
        sound = PlacedSound(
            samples=np.asarray(audio.samples, dtype=np.int16),
            offset=max(0, config.clip_samples - len(audio.samples)) // 2,
            first_frame=first,
            n_frames=min(number, BLOCK_FRAMES),
        )
        rows = [[name, f"{microseconds(*works, repetitions):.0f}"] for name, works in stages(config, sound).items()]
        print(f"\n{recipe}: {sound.n_frames} sounding frames\n\n{table(['stage', 'us'], rows, numbers=['us'])}")


def microseconds(prepare: Work, work: Work, repetitions: int) -> float:
    """Return the median CPU time of a call, each prepared anew."""
    seconds = []
    for _ in range(repetitions):
        prepare()
        started = time.thread_time()
        work()
        seconds.append(time.thread_time() - started)
    return float(np.median(seconds)) * 1e6


def stages(config: MfccConfig, sound: PlacedSound) -> dict[str, tuple[Work, Work]]:
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

    def empty() -> None:
        pool.n_waiting = 0

    def refill() -> None:
        pool.n_waiting = sound.n_frames
        pool.parts[:] = parts
        pool.powers[:, : sound.n_frames] = powers

    return {
        "pre-emphasis and window": (empty, lambda: pool.write_frames(sound, sound.first_frame, sound.n_frames)),
        "transform, squares": (refill, pool.squared),
        "filters, energy": (refill, lambda: pool.filter_squares(squares)),
        "logarithm, DCT, result": (refill, lambda: engine.write_coefficients(out, [sound])),
        "all in one call": (empty, lambda: engine.extract_into(out, [sound])),
    }
