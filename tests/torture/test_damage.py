"""Damaged caches: random bits, lost ends and lost files, in real entries; nothing damaged is ever used."""

import dataclasses
import random
import shutil

import numpy as np
import pytest

from features.cache.content_hashes import FILE, content_hashes
from features.cache.entries import find_damage, mfcc_features
from features.corpora.audiomnist import open_audiomnist
from features.mfcc import MfccConfig
from tests.benchmarks.conftest import write_tones

TIMES = 1000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return open_audiomnist(write_tones(tmp_path_factory.mktemp("tones")))


def damage(path, generator):
    """Flip a bit, cut the end, or delete; return what was done."""
    kind = generator.choice(["flipped", "flipped", "flipped", "cut", "deleted", "emptied"])
    if kind == "deleted":
        path.unlink()
        return kind
    content = bytearray(path.read_bytes())
    if kind == "flipped":
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    else:
        del content[0 if kind == "emptied" else generator.randrange(len(content)) :]
    path.write_bytes(content)
    return kind


def test_a_damaged_entry_is_never_used(corpus, tmp_path):
    config = MfccConfig()
    corpus = dataclasses.replace(
        corpus, recordings=corpus.recordings.assign(content_hash=content_hashes(corpus, tmp_path))
    )
    entry = mfcc_features(corpus, config, cache=tmp_path).folder
    truth = np.array(mfcc_features(corpus, config, cache=tmp_path).values)
    generator = random.Random(0)
    shutil.copytree(entry, tmp_path / "whole")
    for number in range(TIMES):
        shutil.rmtree(entry)
        shutil.copytree(tmp_path / "whole", entry)
        path = generator.choice(sorted(entry.iterdir()))
        kind = damage(path, generator)
        assert find_damage(entry) is not None or path.read_bytes() == (tmp_path / "whole" / path.name).read_bytes(), (
            path,
            kind,
        )
        if number % 50 == 0:
            said = []
            again = mfcc_features(corpus, config, cache=tmp_path, say=said.append)
            assert not again.reused and len(said) == 1
            np.testing.assert_array_equal(np.asarray(again.values), truth)
    print(f"{TIMES} damaged entries, all found; {TIMES // 50} made anew, all with the same values")


def test_a_damaged_memory_of_hashes_is_never_believed(corpus, tmp_path):
    truth = content_hashes(corpus, tmp_path).tolist()
    whole = (tmp_path / FILE).read_bytes()
    generator = random.Random(1)
    told = 0
    for _ in range(TIMES):
        (tmp_path / FILE).write_bytes(whole)
        for _ in range(generator.choice([1, 1, 20])):
            if (tmp_path / FILE).exists() and (tmp_path / FILE).stat().st_size:
                damage(tmp_path / FILE, generator)
        said = []
        assert content_hashes(corpus, tmp_path, say=said.append).tolist() == truth
        assert len(said) <= 1
        told += bool(said)
    print(f"{TIMES} damaged databases: all hashes right; {told} were told and made anew")
