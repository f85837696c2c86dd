"""How the virtual speakers sound: ``python -m features.corpora.virtual.speech SEED SPEAKER FOLDER`` speaks one of them.

A word goes from eSpeak through resampling (which also scales the vocal tract: what is played faster has a shorter
one), a microphone's colouring and a room's ring, down to int16 over a floor of noise. This runs in a process of its own
per speaker (see `features.corpora.virtual.espeak`) and so imports little.
"""

from __future__ import annotations

import sys
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from features.corpora.virtual.espeak import Espeak, EspeakError
from features.corpora.virtual.speakers import COLOUR_HZ, Room, Speaker, cast
from features.processes import end_with

SAMPLE_RATE_HZ = 48_000
N_DIGITS = 10
N_REPETITIONS = 5

_SILENCE = 0.01  # of the peak: what lies below it at both ends is cut
_N_FFT = 65_536  # 1.37 s
_LONGEST_S = 1.1  # longer words would not fit; none has been heard

Samples = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a speaker's room and noise do to sound, over the frequencies of an FFT of `_N_FFT` samples at 48 kHz."""

    response: NDArray[np.complex128]
    noise: Samples


def speak_one(seed: int, number: int, folder: Path) -> None:
    """Write all recordings of speaker `number` of the corpus drawn from `seed` into `folder`."""
    folder = folder.resolve()
    speaker = cast(seed)[number - 1]
    rng = np.random.default_rng([seed, number, 1])
    espeak = Espeak(seed=int(np.random.default_rng([seed, number, 3]).integers(2**31)))
    espeak.set_voice(speaker.accent.language, speaker.variant)
    place = _place(speaker, seed)
    for repetition in range(N_REPETITIONS):
        for digit in range(N_DIGITS):
            sound = _record(_utter(espeak, speaker, digit, rng), speaker, place, rng)
            _write(folder / f"{digit}_{speaker.name}_{repetition}.wav", sound)


def _utter(espeak: Espeak, speaker: Speaker, digit: int, rng: np.random.Generator) -> Samples:
    """Return a digit at 48 kHz, without silence at its ends, with a peak of 1."""
    scale = speaker.tract_scale * np.exp(rng.normal(0, 0.005))
    pitch = speaker.pitch * np.exp(rng.normal(0, 0.02)) / scale
    espeak.set(
        rate=round(speaker.words_per_minute * np.exp(rng.normal(0, 0.03)) / scale),
        pitch=round(float(np.clip(50 + 50 * np.log2(pitch), 0, 99))),
        range=round(float(np.clip(50 * np.exp(rng.normal(0, 0.2)), 0, 99))),
        volume=50,  # at 100 some variants clip
    )
    said = espeak.say(speaker.accent.words[digit]).astype(np.float64)
    loud = np.flatnonzero(np.abs(said) > _SILENCE * np.abs(said).max())
    said = said[loud[0] : loud[-1] + 1]
    resampled: Samples = soxr.resample(said, espeak.sample_rate_hz * scale, SAMPLE_RATE_HZ)
    resampled = resampled[: int(_LONGEST_S * SAMPLE_RATE_HZ)]
    peak: float = np.abs(resampled).max()
    return resampled / peak


def _record(sound: Samples, speaker: Speaker, place: Place, rng: np.random.Generator) -> NDArray[np.int16]:
    """Return what the microphone hears of `sound`, with a little of the room before and after it."""
    before, after = (rng.uniform(0.02, 0.05, 2) * SAMPLE_RATE_HZ).astype(int)
    n_samples = int(before + len(sound) + after)
    level = speaker.level * np.exp(rng.normal(0, 0.15))
    padded = np.zeros(_N_FFT)
    padded[before : before + len(sound)] = sound
    voice = np.fft.irfft(np.fft.rfft(padded) * place.response, _N_FFT)[:n_samples]
    start = int(rng.integers(len(place.noise) - n_samples))
    voice *= level / np.abs(voice).max()
    return np.clip(np.rint(voice + place.noise[start : start + n_samples]), -32_768, 32_767).astype(np.int16)


def _place(speaker: Speaker, seed: int) -> Place:
    frequency_hz = np.fft.rfftfreq(_N_FFT, 1 / SAMPLE_RATE_HZ)
    room = speaker.room
    colour = 10 ** (np.interp(np.log(frequency_hz + 1), np.log(COLOUR_HZ), speaker.colour_db) / 20)
    passed = 1 / np.sqrt(1 + (room.low_cut_hz / (frequency_hz + 1)) ** 4)
    passed /= np.sqrt(1 + (frequency_hz / room.high_cut_hz) ** 4)
    return Place(response=colour * passed * np.fft.rfft(_ring(room, seed), _N_FFT), noise=_noise(speaker, seed))


def _noise(speaker: Speaker, seed: int) -> Samples:
    rng = np.random.default_rng([seed, speaker.number, 2])
    spectrum = np.fft.rfft(rng.standard_normal(8 * _N_FFT))
    noise = np.fft.irfft(spectrum / np.sqrt(1 + np.fft.rfftfreq(8 * _N_FFT, 1 / SAMPLE_RATE_HZ) / 1_000))
    noise *= speaker.level * 10 ** (speaker.noise_db / 20) / noise.std()
    return noise


def _ring(room: Room, seed: int) -> Samples:
    """Return the room's impulse response: the direct sound, and noise that dies away."""
    rng = np.random.default_rng([seed, *room.name.encode()])
    time_s = np.arange(int(room.ring_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    ring = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / room.ring_s)
    ring *= room.ring_gain / np.linalg.norm(ring)
    ring[0] = 1.0
    return ring


def _write(path: Path, samples: NDArray[np.int16]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())


def main(arguments: list[str]) -> int:
    """Speak one speaker; print an error of eSpeak's in one line and return 1.

    A fourth argument is the number of the process that started this one; it then ends with that one.
    """
    seed, number, folder, *parent = arguments
    if parent:
        end_with(int(parent[0]))
    try:
        speak_one(int(seed), int(number), Path(folder))
    except EspeakError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
