"""AudioMNIST's layout and metadata, on the real partial checkout and on planted faults."""

import json
import shutil

import numpy as np
import pytest
import soundfile

from features.corpora.audiomnist import open_audiomnist
from features.corpora.audiomnist_metadata import clean_labels
from features.corpora.recordings import CorpusError
from tests.features.contents import reasons

ENTRY = {
    "accent": "german",
    "age": "1234",
    "gender": "male",
    "native speaker": "no",
    "origin": "Europe, Spanien, Mallorca",
    "recordingdate": "17-07-10-17-06-17",
    "recordingroom": "vr-romm",
}


@pytest.fixture
def checkout(tmp_path):
    for speaker in ("01", "02"):
        folder = tmp_path / "data" / speaker
        folder.mkdir(parents=True)
        for digit in range(2):
            tone = (np.sin(np.arange(4800) * 0.05) * 9000).astype(np.int16)
            soundfile.write(folder / f"{digit}_{speaker}_0.wav", tone, 48000, subtype="PCM_16")
    metadata = tmp_path / "data" / "audioMNIST_meta.txt"
    metadata.write_text(json.dumps({"01": ENTRY, "02": ENTRY, "03": ENTRY}))
    return tmp_path


def test_the_real_partial_checkout(shared_data):
    corpus = open_audiomnist(shared_data / "audiomnist")
    assert len(corpus.recordings) == 469
    assert corpus.recordings["speaker"].nunique() == 27
    assert corpus.sample_rate_hz == 48000
    assert corpus.quarantine.empty
    assert any(note.startswith("33 of 60 speakers have no recording here: '04', '05', '09'") for note in corpus.notes)
    assert any(note.startswith("13,031 recordings") for note in corpus.notes)  # 27 x 500 - 469
    by_speaker = corpus.recordings.drop_duplicates("speaker").set_index("speaker")
    assert by_speaker.loc["01", "accent"] == "German" and by_speaker.loc["01", "accent_raw"] == "german"
    assert by_speaker.loc["52", "room"] == "VR-Room" and by_speaker.loc["52", "room_raw"] == "vr-romm"


def test_labels_are_cleaned_and_raw_values_kept():
    labels = clean_labels(ENTRY)
    assert (labels["accent"], labels["accent_raw"]) == ("German", "german")
    assert (labels["age"], labels["age_raw"]) == (None, "1234")
    assert labels["origin"] == "Europe, Spain, Mallorca"
    assert labels["room"] == "VR-Room"
    assert clean_labels({**ENTRY, "age": 30})["age"] == 30
    assert clean_labels({**ENTRY, "gender": "unknown"})["gender"] is None


def test_speakers_without_recordings_are_named(checkout):
    corpus = open_audiomnist(checkout)
    assert corpus.recordings["recording_id"].tolist() == ["0_01_0", "0_02_0", "1_01_0", "1_02_0"]
    assert "1 of 3 speakers have no recording here: '03'." in corpus.notes
    assert open_audiomnist(checkout / "data").recordings.equals(corpus.recordings)


def test_files_that_cannot_be_placed_or_read_are_quarantined(checkout):
    data = checkout / "data"
    (data / "01" / "5_01_0.wav").write_text("no audio")
    (data / "01" / "hello.wav").write_bytes(b"")
    shutil.copy(data / "02" / "0_02_0.wav", data / "01" / "7_02_0.wav")
    (data / "09").mkdir()
    shutil.copy(data / "02" / "0_02_0.wav", data / "09" / "0_09_0.wav")
    (data / "1_01_0.wav").write_bytes((data / "01" / "0_01_0.wav").read_bytes())
    (data / "01" / "take.mp3").write_bytes(b"")
    corpus = open_audiomnist(checkout)
    left_out = reasons(corpus)
    assert set(left_out) == {
        *("01/5_01_0.wav", "01/hello.wav", "01/7_02_0.wav", "09/0_09_0.wav"),
        *("1_01_0.wav", "01/take.mp3"),
    }
    assert "folder says 01" in left_out["01/7_02_0.wav"]
    assert "not in audioMNIST_meta.txt" in left_out["09/0_09_0.wav"]
    assert len(corpus.recordings) == 4


def test_flac_is_read_too(checkout):
    samples, rate = soundfile.read(checkout / "data" / "01" / "0_01_0.wav", dtype="int16")
    (checkout / "data" / "01" / "0_01_0.wav").unlink()
    soundfile.write(checkout / "data" / "01" / "0_01_0.flac", samples, rate)
    assert "01/0_01_0.flac" in open_audiomnist(checkout).recordings["path"].tolist()


def test_mixed_rates_are_said(checkout):
    soundfile.write(checkout / "data" / "01" / "2_01_0.wav", np.zeros(800, np.int16), 8000)
    corpus = open_audiomnist(checkout)
    assert corpus.sample_rate_hz == 48000
    assert "The corpus mixes sampling rates: 1 of 8000 Hz were resampled to 48000 Hz." in corpus.notes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected a JSON object"),
        ("[]", "expected a JSON object of speakers; correct"),
        ('{"01": 3}', "its entry is 3, an object of texts was expected"),
    ],
)
def test_broken_metadata_is_refused(checkout, content, message):
    (checkout / "data" / "audioMNIST_meta.txt").write_text(content)
    with pytest.raises(CorpusError, match=message):
        open_audiomnist(checkout)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="no such folder"):
        open_audiomnist(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match=r"no audioMNIST_meta\.txt"):
        open_audiomnist(tmp_path)
