"""How fast MFCCs are extracted, against the libraries that do the same and the bare Fourier transforms.

``python -m benchmarks.speed.extraction FOLDER`` times every subject on the same decoded recordings, block by block in
turns, so that whatever else the machine does strikes all alike. Only one subject runs at a time, with one thread. Each
has a process of its own: what one library does to the memory allocator makes another up to twice as fast. Times are
CPU time; compare ratios, which are medians over rounds.

librosa and kaldi-native-fbank are measured where they are installed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
import soundfile
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from features.engine import BLOCK_FRAMES
from features.mfcc import MfccConfig, extract, extract_batch, sounding_frames
from features.recipes import WINDOWS

BLOCK_RECORDINGS = 64
"""As many as the cache extracts at once."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

Samples = NDArray[Any]
Prepare = Callable[[list[Samples]], Callable[[], object]]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is timed.

    Attributes
    ----------
    name
        As the table says it.
    prepare
        Takes a block of recordings, makes what is not timed, returns the work to time.
    """

    name: str
    prepare: Prepare


def engine(name: str, work: Callable[[list[Samples]], object]) -> Subject:
    """Return the extraction."""
    return Subject(name=name, prepare=lambda block: lambda: work(block))


def by_python_speech_features(config: MfccConfig) -> Subject:
    """Return python_speech_features as the ``psf`` recipe's oracle calls it, padding included."""
    from python_speech_features import mfcc

    def one(samples: Samples) -> object:
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

    return Subject(name="python_speech_features", prepare=lambda block: lambda: [one(samples) for samples in block])


def by_librosa(config: MfccConfig) -> Subject:
    """Return librosa as the ``seed`` recipe's oracle calls it, in float32, padding and pre-emphasis included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import librosa.feature

    def one(samples: Samples) -> object:
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

    return Subject(name="librosa", prepare=lambda block: lambda: [one(samples) for samples in block])


def by_kaldi_native_fbank(config: MfccConfig) -> Subject:
    """Return kaldi-native-fbank with as many filters and coefficients; its conventions, and so its values, differ."""
    kaldi = importlib.import_module("kaldi_native_fbank")
    options = kaldi.MfccOptions()
    options.frame_opts.samp_freq = config.sample_rate_hz
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = config.n_mels
    options.num_ceps = config.n_coefficients

    def one(samples: Samples) -> object:
        online = kaldi.OnlineMfcc(options)
        online.accept_waveform(config.sample_rate_hz, padded(samples, config).astype(np.float32))
        online.input_finished()
        return [online.get_frame(frame) for frame in range(online.num_frames_ready)]

    return Subject(name="kaldi-native-fbank", prepare=lambda block: lambda: [one(samples) for samples in block])


def bare_transforms(config: MfccConfig) -> Subject:
    """Return nothing but `scipy.fft.rfft` in float32, a call per recording, on its windowed sounding frames."""

    def prepare(block: list[Samples]) -> Callable[[], object]:
        frames = [windowed(samples, config) for samples in block]

        def timed() -> None:
            for rows in frames:
                scipy.fft.rfft(rows)

        return timed

    return Subject(name=f"scipy.fft.rfft {config.n_fft}, a call per recording", prepare=prepare)


def warm_transforms(config: MfccConfig) -> Subject:
    """Return as many transforms, but of one block of frames that is in the cache all the time."""

    def prepare(block: list[Samples]) -> Callable[[], object]:
        rows = np.ones((BLOCK_FRAMES, config.n_fft), dtype=np.float32)
        whole, left = divmod(sum(sounding_frames(len(samples), config)[1] for samples in block), BLOCK_FRAMES)

        def timed() -> None:
            for _ in range(whole):
                scipy.fft.rfft(rows)
            scipy.fft.rfft(rows[: left or 1])

        return timed

    return Subject(name=f"scipy.fft.rfft {config.n_fft}, one block again and again", prepare=prepare)


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


def subjects(config: MfccConfig) -> list[Subject]:
    """Return the engine first, its variants, then what it is compared with."""
    exact = replace(config, dtype="float64")
    found = [
        engine("voxfold", lambda block: extract_batch(block, config)),
        engine("voxfold, one recording per call", lambda block: [extract(samples, config) for samples in block]),
        engine("voxfold, float64", lambda block: extract_batch(block, exact)),
        bare_transforms(config),
        warm_transforms(config),
    ]
    if config.recipe == "psf":
        found.append(by_python_speech_features(config))
        if importlib.util.find_spec("kaldi_native_fbank"):
            found.append(by_kaldi_native_fbank(config))
    elif importlib.util.find_spec("librosa"):
        found.append(by_librosa(config))
    return found


def read(folder: Path) -> tuple[list[Samples], int]:
    """Return the first channel of every WAV file under `folder`, int16, and the rate of the first."""
    paths = sorted(folder.rglob("*.wav"))
    if not paths:
        raise FileNotFoundError(f"{folder}: no WAV file there")
    recordings = [soundfile.read(path, dtype="int16", always_2d=True)[0][:, 0] for path in paths]
    return recordings, soundfile.info(paths[0]).samplerate


def blocks_of(recordings: list[Samples]) -> list[list[Samples]]:
    """Cut the list into blocks of `BLOCK_RECORDINGS`."""
    return [recordings[start : start + BLOCK_RECORDINGS] for start in range(0, len(recordings), BLOCK_RECORDINGS)]


def serve(connection: Connection, folder: Path, recipe: str, place: int) -> None:
    """Time one subject: for each number of a block that comes in, its CPU seconds go out, until None comes."""
    recordings, rate = read(folder)
    subject = subjects(MfccConfig(recipe=recipe, sample_rate_hz=rate))[place]
    blocks = blocks_of(recordings)
    connection.send(subject.name)
    while (number := connection.recv()) is not None:
        work = subject.prepare(blocks[number])
        started = time.process_time()
        work()
        connection.send(time.process_time() - started)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Have processes that are started meanwhile use one thread; their libraries read it when they are loaded."""
    before = dict(os.environ)
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def served(folder: Path, recipe: str, n_subjects: int) -> Iterator[list[Connection]]:
    """Start a process for each subject, and end them."""
    context = get_context("spawn")
    ends, processes = [], []
    try:
        with one_thread():
            for place in range(n_subjects):
                here, there = context.Pipe()
                processes.append(context.Process(target=serve, args=(there, folder, recipe, place), daemon=True))
                processes[-1].start()
                there.close()
                ends.append(here)
        yield ends
        for end in ends:
            end.send(None)
        for process in processes:
            process.join()
    finally:
        for process in processes:
            process.terminate()


def measure(connections: list[Connection], n_blocks: int, rounds: int) -> NDArray[np.float64]:
    """Return CPU seconds, ``(rounds, n_subjects)``, of all blocks; one more round, not returned, warms up."""
    seconds = np.zeros((rounds + 1, len(connections)))
    for row in seconds:
        for number in range(n_blocks):
            for place, connection in enumerate(connections):
                connection.send(number)
                row[place] += connection.recv()
    return seconds[1:]


def table(names: list[str], seconds: NDArray[np.float64]) -> str:
    """Write medians over rounds: microseconds per recording, and times the first subject's, with the range.

    Parameters
    ----------
    names
        The subjects'.
    seconds
        Per recording, shape ``(rounds, n_subjects)``.
    """
    width = max(map(len, names))
    lines = [
        f"| {'subject':{width}} | us per recording | times voxfold's | lowest | highest |",
        "|---|---|---|---|---|",
    ]
    ratios = seconds / seconds[:, :1]
    for place, name in enumerate(names):
        own = ratios[:, place]
        lines.append(
            f"| {name:{width}} | {np.median(seconds[:, place]) * 1e6:16,.0f} | {np.median(own):15.2f} "
            f"| {own.min():6.2f} | {own.max():7.2f} |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.extraction", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of WAV files of one sampling rate, searched with subfolders")
    parser.add_argument("--rounds", type=int, default=7, help="how often everything is timed (default 7)")
    given = parser.parse_args(arguments)
    try:
        recordings, rate = read(given.folder)
    except FileNotFoundError as error:
        parser.error(str(error))
    if given.rounds < 1:
        parser.error("--rounds must be at least 1")
    for recipe in ("psf", "seed"):
        config = MfccConfig(recipe=recipe, sample_rate_hz=rate)
        with served(given.folder, recipe, len(subjects(config))) as connections:
            names = [connection.recv() for connection in connections]
            seconds = measure(connections, len(blocks_of(recordings)), given.rounds) / len(recordings)
        frames = np.mean([sounding_frames(len(samples), config)[1] for samples in recordings])
        print(f"\n{recipe}: {len(recordings)} recordings at {rate} Hz, {frames:.1f} sounding frames in the mean\n")
        print(table(names, seconds), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
