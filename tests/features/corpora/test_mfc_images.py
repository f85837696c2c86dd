"""Published MFC images as a corpus."""

import json

import pytest

from features.corpora.mfc_images import open_mfc_images
from features.corpora.recordings import CorpusError


def test_the_real_images(shared_data):
    corpus = open_mfc_images(shared_data / "mfc_images")
    speakers = corpus.recordings.drop_duplicates("speaker")
    assert len(corpus.recordings) == 12_000
    assert speakers["gender"].value_counts().to_dict() == {"male": 48, "female": 12}
    assert speakers["accent_bucket"].value_counts().to_dict() == {"German": 41, "other": 19}
    assert speakers["origin_bucket"].value_counts().to_dict() == {"Germany": 40, "elsewhere": 20}
    assert speakers["age_band"].value_counts().to_dict() == {"25 to 29": 29, "30 and over": 17, "up to 24": 13}
    assert corpus.sample_rate_hz is None
    row = corpus.recordings.set_index("path").loc["mfc_dataset/female_0.jpg"]
    assert (row["recording_id"], row["speaker"], row["digit"], row["take"]) == ("7_56_10", "56", 7, 10)


def test_a_stray_image_is_quarantined(shared_data, tmp_path):
    source = shared_data / "mfc_images"
    (tmp_path / "mfc_dataset").mkdir()
    for name in ("female_0.jpg", "male_0.jpg"):
        (tmp_path / "mfc_dataset" / name).write_bytes((source / "mfc_dataset" / name).read_bytes())
    (tmp_path / "mfc_dataset" / "child_0.jpg").write_bytes(b"")
    (tmp_path / "audio_to_mfc_maps").symlink_to(source / "audio_to_mfc_maps")
    (tmp_path / "audioMNIST_meta.txt").symlink_to(source / "audioMNIST_meta.txt")
    corpus = open_mfc_images(tmp_path)
    assert corpus.quarantine["recording"].tolist() == ["mfc_dataset/child_0.jpg"]
    assert len(corpus.recordings) == 2
    assert corpus.notes[0] == "29,998 of the 30,000 images that the maps name are not here."


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(CorpusError, match="no such folder"):
        open_mfc_images(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="expected a JSON object of speakers"):
        open_mfc_images(tmp_path)
    (tmp_path / "audioMNIST_meta.txt").write_text(json.dumps({"01": {"gender": "male"}}))
    with pytest.raises(CorpusError, match="from image to recording"):
        open_mfc_images(tmp_path)
