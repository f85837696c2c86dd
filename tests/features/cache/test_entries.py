"""The cache: extracted once, keyed by content and configuration, unreadable recordings told apart."""

import dataclasses
import json
import os
import shutil
import sqlite3
import zlib
from contextlib import closing
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
import soundfile
from filelock import FileLock
from python_speech_features import mfcc as reference_mfcc

from features.audio import read_samples
from features.cache import blocks
from features.cache import content_hashes as hashes_module
from features.cache import entries as cache_module
from features.cache.content_hashes import content_hashes
from features.cache.entries import mfcc_features
from features.corpora.audiomnist import open_audiomnist
from features.corpora.mfc_images import open_mfc_images
from features.corpora.recordings import Corpus, quarantine_table, recordings_table
from features.files import WHOLE_BYTES
from features.mfcc import MfccConfig


@pytest.fixture
def checkout(shared_data, tmp_path):
    """Two speakers of the real checkout, copied."""
    source = shared_data / "audiomnist" / "data"
    for speaker in ("01", "12"):
        shutil.copytree(source / speaker, tmp_path / "data" / speaker)
    shutil.copy(source / "audioMNIST_meta.txt", tmp_path / "data")
    return tmp_path


def hashed(root, cache):
    corpus = open_audiomnist(root)
    return dataclasses.replace(corpus, recordings=corpus.recordings.assign(content_hash=content_hashes(corpus, cache)))


def test_the_tensor_holds_each_recordings_mfccs_in_the_tables_order(checkout, tmp_path):
    corpus = hashed(checkout, tmp_path / "cache")
    features = mfcc_features(corpus, MfccConfig(recipe="psf"), cache=tmp_path / "cache")
    assert features.index["recording_id"].tolist() == corpus.recordings["recording_id"].tolist()
    assert features.values.shape == (len(corpus.recordings), 98, 12)
    assert not features.values.flags.writeable
    for row in (0, len(corpus.recordings) - 1):
        sound = read_samples(corpus.root / corpus.recordings["path"][row]).samples
        clip = np.zeros(47760)
        front = (len(clip) - len(sound)) // 2
        clip[front : front + len(sound)] = sound
        expected = reference_mfcc(
            clip, 48000, winlen=0.025, winstep=0.01, numcep=12, nfilt=40, nfft=2048, ceplifter=22, winfunc=np.hamming
        )
        np.testing.assert_allclose(features.values[row], expected, rtol=0, atol=1e-5)
        first, number = features.index.loc[row, ["first_frame", "n_sounding"]]
        assert first == max(0, (front - 1200) // 480 + 1)
        assert first + number - 1 == min(97, (front + len(sound)) // 480)


def test_a_second_call_reads_no_audio(checkout, tmp_path, monkeypatch):
    corpus = hashed(checkout, tmp_path / "cache")
    first = mfcc_features(corpus, MfccConfig(), cache=tmp_path / "cache")
    monkeypatch.setattr(blocks, "read_samples", None)
    again = mfcc_features(corpus, MfccConfig(), cache=tmp_path / "cache")
    assert (first.reused, again.reused) == (False, True)
    assert again.folder == first.folder and again.extract_seconds == first.extract_seconds


def test_other_content_or_another_configuration_is_another_entry(checkout, tmp_path):
    corpus = hashed(checkout, tmp_path / "cache")
    entry = mfcc_features(corpus, MfccConfig(), cache=tmp_path / "cache").folder
    assert mfcc_features(corpus, MfccConfig(recipe="seed"), cache=tmp_path / "cache").folder != entry
    assert mfcc_features(corpus, MfccConfig(dtype="float64"), cache=tmp_path / "cache").folder != entry
    path = corpus.root / corpus.recordings["path"][0]
    shutil.copy(corpus.root / corpus.recordings["path"][1], path)
    os.utime(path, ns=(1, 1))
    assert mfcc_features(hashed(checkout, tmp_path / "cache"), MfccConfig(), cache=tmp_path / "cache").folder != entry


def test_hashes_are_remembered_by_size_and_time(checkout, tmp_path):
    corpus = open_audiomnist(checkout)
    before = content_hashes(corpus, tmp_path / "cache")
    assert before.is_unique and before.str.fullmatch("[0-9a-f]{64}").all()
    path = corpus.root / corpus.recordings["path"][0]
    status = path.stat()
    path.write_bytes(bytes(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    pd.testing.assert_series_equal(content_hashes(corpus, tmp_path / "cache"), before)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert content_hashes(corpus, tmp_path / "cache")[0] != before[0]


def test_a_recording_that_fails_is_told_and_the_others_are_there(checkout, tmp_path):
    corpus = hashed(checkout, tmp_path / "cache")
    path = corpus.root / corpus.recordings["path"][3]
    path.write_bytes(path.read_bytes()[:2000])
    features = mfcc_features(corpus, MfccConfig(), cache=tmp_path / "cache")
    assert features.index["error"].notna().sum() == 1 and isinstance(features.index["error"][3], str)
    assert np.any(features.values[2]) and not np.any(features.values[3])


def test_samples_far_out_of_scale_stop_no_other_recording(checkout, tmp_path):
    corpus = open_audiomnist(checkout)
    soundfile.write(corpus.root / corpus.recordings["path"][3], np.full(4800, 1e30), 48000, subtype="FLOAT")
    corpus = hashed(checkout, tmp_path / "cache")
    features = mfcc_features(corpus, MfccConfig(), cache=tmp_path / "cache")
    assert features.index["error"].notna().tolist() == [row == 3 for row in range(len(corpus.recordings))]
    assert np.any(features.values[2]) and np.any(features.values[4])


def test_two_processes_extract_what_one_does(checkout, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(cache_module, "BLOCK_RECORDINGS", 8)
    corpus = hashed(checkout, tmp_path / "cache")
    one = mfcc_features(corpus, MfccConfig(), cache=tmp_path / "one", jobs=1)
    two = mfcc_features(corpus, MfccConfig(), cache=tmp_path / "two", jobs=2)
    assert two.extract_jobs == 2
    np.testing.assert_array_equal(np.asarray(one.values), np.asarray(two.values))


def test_hashes_by_several_threads_are_in_order(checkout, tmp_path, monkeypatch):
    monkeypatch.setattr(hashes_module, "BLOCK_RECORDINGS", 3)
    corpus = open_audiomnist(checkout)
    (corpus.root / corpus.recordings["path"][5]).unlink()
    seen = []
    found = content_hashes(corpus, tmp_path / "cache", lambda done, total: seen.append((done, total)), jobs=4)
    assert seen[-1] == (len(corpus.recordings), len(corpus.recordings)) and seen == sorted(seen)
    paths = [corpus.root / path for path in corpus.recordings["path"]]
    expected = [sha256(path.read_bytes()).hexdigest() if path.exists() else None for path in paths]
    assert found.astype(object).where(found.notna(), None).tolist() == expected


def test_hashes_of_an_earlier_version_are_made_anew(checkout, tmp_path):
    corpus = open_audiomnist(checkout)
    expected = content_hashes(corpus, tmp_path)
    with closing(sqlite3.connect(tmp_path / "hashes.sqlite")) as database:
        rows = database.execute("SELECT path, size, mtime_ns, hash FROM hashes").fetchall()
        short = [
            (shorter + f"{zlib.crc32(f'{path}|{size}|{mtime_ns}|{shorter}'.encode()):08x}", path)
            for path, size, mtime_ns, shorter in ((*row[:3], row[3][:32]) for row in rows)
        ]
        database.executemany("UPDATE hashes SET hash = ? WHERE path = ?", short)
        database.commit()
    assert content_hashes(corpus, tmp_path).equals(expected)


def test_an_unfinished_entry_is_not_read(checkout, tmp_path):
    corpus = hashed(checkout, tmp_path / "cache")
    entry = mfcc_features(corpus, MfccConfig(), cache=tmp_path / "cache").folder
    (entry / "entry.json").unlink()
    (entry / "values.npy").write_bytes(b"")
    assert mfcc_features(corpus, MfccConfig(), cache=tmp_path / "cache").values.shape[1:] == (98, 12)
    assert json.loads((entry / "entry.json").read_text())["config"]["recipe"] == "psf"


def test_published_images_give_their_tensor(shared_data, tmp_path):
    corpus = open_mfc_images(shared_data / "mfc_images")
    few = corpus.recordings.iloc[:200].reset_index(drop=True)
    corpus = dataclasses.replace(corpus, recordings=few)
    corpus = dataclasses.replace(corpus, recordings=few.assign(content_hash=content_hashes(corpus, tmp_path)))
    features = mfcc_features(corpus, MfccConfig(recipe="seed"), cache=tmp_path)
    assert features.images is not None and features.images.shape == (200, 98, 12, 3)
    assert features.values.min() >= 0 and features.values.max() <= 1
    # undone and drawn again, viridis gives nearly the published colours (JPEG blurs them)
    colours = viridis(np.asarray(features.values))
    assert np.median(np.abs(colours.astype(int) - np.asarray(features.images).astype(int))) <= 6


def viridis(values):
    from matplotlib import colormaps

    return (colormaps["viridis"](values)[..., :3] * 255).astype(np.uint8)


def test_a_pipe_is_not_waited_for_and_a_large_file_is_hashed_in_pieces(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    large = np.random.default_rng(3).bytes(3 * WHOLE_BYTES + 7)
    (tmp_path / "large.wav").write_bytes(large)
    table = recordings_table(
        {"recording_id": name, "path": name, "speaker": "x"} for name in ("large.wav", "missing.wav", "pipe.jpg")
    )
    corpus = Corpus(
        kind="manifest", name="x", root=tmp_path, recordings=table, quarantine=quarantine_table(), sample_rate_hz=8_000
    )
    hashes = content_hashes(corpus, tmp_path / "cache")
    assert hashes.isna().tolist() == [False, True, True]
    assert hashes[0] == sha256(large).hexdigest()


def test_a_lock_that_a_killed_process_left_is_removed_and_one_that_is_held_is_not(checkout, tmp_path):
    cache = tmp_path / "cache"
    corpus = hashed(checkout, cache)
    entry = mfcc_features(corpus, MfccConfig(), cache=cache).folder
    left, held = (entry.with_name(f".{name}.lock") for name in (entry.name, "another"))
    left.touch()
    with FileLock(held):
        assert mfcc_features(corpus, MfccConfig(), cache=cache).reused
        assert (left.exists(), held.exists()) == (False, True)
    assert mfcc_features(corpus, MfccConfig(), cache=cache).reused
    assert [path.name for path in entry.parent.iterdir()] == [entry.name]
