"""Corpora described by a CSV file."""

import numpy as np
import pytest
import soundfile

from features.corpora.manifest import open_manifest
from features.corpora.recordings import CorpusError


@pytest.fixture
def folder(tmp_path):
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, np.ones(1600, np.int16), 16000)
    return tmp_path


def manifest(folder, text):
    path = folder / "manifest.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "recordings", "speakers", "rate"), [("audiomnist_az", 3082, 59, 16000), ("fsdd", 3000, 6, 8000)]
)
def test_real_manifests(shared_data, name, recordings, speakers, rate):
    corpus = open_manifest(shared_data / name / "manifest.csv")
    assert len(corpus.recordings) == recordings
    assert corpus.recordings["speaker"].nunique() == speakers
    assert corpus.sample_rate_hz == rate
    assert corpus.quarantine.empty
    assert corpus.name == name


def test_labels_and_byte_order_mark(folder):
    corpus = open_manifest(
        manifest(folder, "\ufeffpath,speaker,gender,age,mood\na.wav,x,F,30,glad\nb.wav,y,male,,sad\n")
    )
    assert corpus.recordings["gender"].tolist() == ["female", "male"]
    assert corpus.recordings["age"].isna().tolist() == [False, True]
    assert corpus.notes == (
        "gender 'F' was read as 'female' (1 speaker).",
        "Columns of the manifest that were not used: mood.",
    )


def test_unreadable_files_are_quarantined(folder):
    (folder / "c.wav").write_text("no audio")
    corpus = open_manifest(manifest(folder, "path,speaker\na.wav,x\nb.wav,y\nc.wav,y\nd.wav,y\n"))
    assert corpus.quarantine["recording"].tolist() == ["c.wav", "d.wav"]
    assert corpus.recordings["path"].tolist() == ["a.wav", "b.wav"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,who\na.wav,x\n", "missing .'path', 'speaker'"),
        ("path,speaker\n", "lists no recording"),
        ("", "cannot be read as CSV"),
        (
            "path,speaker\nq.wav,x\n",
            "none of 1 recordings can be used; the first: q.wav: cannot be opened: No such file",
        ),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(folder, text, message):
    with pytest.raises(CorpusError, match=message):
        open_manifest(manifest(folder, text))


def test_a_missing_manifest_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="no such manifest"):
        open_manifest(tmp_path / "manifest.csv")
