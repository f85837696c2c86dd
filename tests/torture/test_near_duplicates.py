"""How many copies of real recordings the audit finds, by what was done to them, and what it takes for copies wrongly.

`-s` prints the table of docs/reliability.md.
"""

import io
import warnings
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import soxr

from benchmarks.leakage import copies as duplicates
from features.audio import read_samples, resample
from features.cache.content_hashes import content_hashes
from features.cache.entries import mfcc_features
from features.corpora.catalogue import open_corpus
from features.mfcc import MfccConfig, extract_batch, sounding_frames

N_COPIES = 100


def coded(samples, rate, kind, subtype):
    file = io.BytesIO()
    soundfile.write(file, samples / 32768, rate, format=kind, subtype=subtype)
    file.seek(0)
    return soundfile.read(file)[0] * 32768


def noisy(samples, decibels):
    level = np.sqrt(np.mean(samples**2)) * 10 ** (-decibels / 20)
    return samples + np.random.default_rng(0).normal(0, level, len(samples))


def delayed(samples, rate, seconds):
    return np.concatenate([np.zeros(round(seconds * rate)), samples])


CHANGES = {
    "the same samples": lambda x, rate: x,
    "6 dB softer": lambda x, rate: x / 2,
    "5 ms later": lambda x, rate: delayed(x, rate, 0.005),
    "30 ms later": lambda x, rate: delayed(x, rate, 0.03),
    "first 20 ms cut off": lambda x, rate: x[round(0.02 * rate) :],
    "noise 40 dB below": lambda x, rate: noisy(x, 40),
    "noise 30 dB below": lambda x, rate: noisy(x, 30),
    "noise 20 dB below": lambda x, rate: noisy(x, 20),
    "Ogg Vorbis": lambda x, rate: coded(x, rate, "OGG", "VORBIS"),
    "MP3": lambda x, rate: coded(x, rate, "MP3", "MPEG_LAYER_III"),
    "half the sampling rate and back": lambda x, rate: soxr.resample(soxr.resample(x, rate, rate / 2), rate / 2, rate),
}
ALWAYS_FOUND = ("the same samples", "6 dB softer")
CORPORA = {
    "audiomnist": "audiomnist:{}/audiomnist",
    "audiomnist_az": "manifest:{}/audiomnist_az/manifest.csv",
    "fsdd": "manifest:{}/fsdd/manifest.csv",
}


@pytest.mark.parametrize("recipe", ["psf", "seed"])
@pytest.mark.parametrize("name", CORPORA)
def test_copies_are_found_and_nothing_else(shared_data, tmp_path, name, recipe):
    corpus = open_corpus(CORPORA[name].format(shared_data), cache=tmp_path)
    corpus = replace(corpus, recordings=corpus.recordings.assign(content_hash=content_hashes(corpus, tmp_path)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = MfccConfig(recipe=recipe, sample_rate_hz=corpus.sample_rate_hz)
    features = mfcc_features(corpus, config, cache=tmp_path)
    speakers = corpus.recordings["speaker"]
    side = (speakers.astype("category").cat.codes.to_numpy() % 2 + 1).astype(np.int8)
    n = len(side)
    sampled = np.linspace(0, n - 1, N_COPIES).astype(int)
    print(f"\n{name}, {recipe}: {n} recordings")
    for change, make in CHANGES.items():
        found, wrong = 0, 0
        # a few at a time: copies of many recordings would themselves be the usual neighbours
        for rows in np.array_split(sampled, max(1, N_COPIES // max(1, n // 50))):
            pairs = pairs_found(features, [changed(corpus, row, make, config) for row in rows], rows, (side, config))
            planted = {(int(row), n + place) for place, row in enumerate(rows)}
            found += len(pairs & planted)
            wrong += len([pair for pair in pairs - planted if pair[1] < n])
        print(f"  {change}: {found} of {N_COPIES}; {wrong} wrong")
        assert not wrong
        assert change not in ALWAYS_FOUND or found == N_COPIES


def pairs_found(features, copies, rows, about):
    """Put copies of `rows` on the other side of their originals, and look for near-duplicates among all."""
    side, config = about
    frames = np.array([sounding_frames(len(samples), config) for samples in copies])
    sound = duplicates.Sound(
        values=np.concatenate([features.values, extract_batch(copies, config)]),
        first_frame=np.concatenate([features.index["first_frame"], frames[:, 0]]),
        n_sounding=np.concatenate([features.index["n_sounding"], frames[:, 1]]),
    )
    near = duplicates.near_duplicates(sound, np.concatenate([side, 3 - side[rows]])[None])
    return set(zip(near.first.tolist(), near.second.tolist(), strict=True))


def changed(corpus, row, make, config):
    audio = read_samples(corpus.root / corpus.recordings["path"].iloc[row])
    samples = resample(audio.samples, audio.sample_rate_hz, config.sample_rate_hz).astype(np.float64)
    return np.clip(np.rint(make(samples, config.sample_rate_hz)), -32768, 32767).astype(np.int16)
