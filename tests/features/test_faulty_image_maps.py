"""Maps of published images that say a thing twice, or against the image's name: the images concerned are left out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from features.corpora.mfc_images import open_mfc_images
from features.corpora.recordings import Corpus, CorpusError
from tests.features.contents import reasons

METADATA = {"12": {"gender": "female"}, "01": {"gender": "male"}, "02": {"gender": 3}}
M0, M1 = '"mfc_dataset/male_0.jpg"', '"mfc_dataset/male_1.jpg"'
FEMALE = '"mfc_dataset/female_0.jpg": "../AudioMNIST/data/12/0_12_0.wav"'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mfc_dataset").mkdir()
    (tmp_path / "audio_to_mfc_maps").mkdir()
    for name in ("female_0", "male_0", "male_1"):
        (tmp_path / "mfc_dataset" / f"{name}.jpg").touch()  # images are read later, when they are extracted
    (tmp_path / "audioMNIST_meta.txt").write_text(json.dumps(METADATA))
    return tmp_path


def opened(root: Path, male: str, female: str = FEMALE) -> Corpus:
    for gender, text in (("female", female), ("male", male)):
        (root / "audio_to_mfc_maps" / f"{gender}_idxs_to_wav_fpaths.json").write_text(f"{{{text}}}")
    return open_mfc_images(root)


@pytest.mark.parametrize(
    ("male", "said"),
    [
        ("", "this image is in neither map"),
        ('{M0}: "01/0_01_0.wav", {M0}: "01/1_01_0.wav"', "the maps name more than one recording for it"),
        (
            '{M0}: "01/0_01_0.wav", {M1}: "x/01/0_01_0.wav"',
            "the maps give recording 0_01_0 to 2 images, among them mfc_dataset/male_0.jpg and",
        ),
        ('{M0}: "../../etc/passwd"', "the map names '../../etc/passwd', no <digit>_<speaker>_<take>.wav"),
        ("{M0}: 5", "the map names 5, no <digit>"),
        ('{M0}: ["01/0_01_0.wav"]', "the map names ['01/0_01_0.wav'], no <digit>"),
        ('{M0}: "02/0_01_0.wav"', "the map names '02/0_01_0.wav': the folder is not that of speaker 01"),
        ('{M0}: "03/0_03_0.wav"', "the map names speaker 03, who is not in audioMNIST_meta.txt"),
        ('{M0}: "02/0_02_0.wav"', "speaker 02: gender is 3, a text was expected"),
        ('{M0}: "12/1_12_0.wav"', "its name says male, the metadata of speaker 12 says otherwise"),
    ],
)
def test_an_image_of_which_the_maps_say_wrong_is_left_out(root: Path, male: str, said: str) -> None:
    corpus = opened(root, male.replace("{M0}", M0).replace("{M1}", M1))
    assert corpus.recordings["recording_id"].tolist() == ["0_12_0"]
    left_out = reasons(corpus)
    assert left_out["mfc_dataset/male_0.jpg"].startswith(said)
    assert len(left_out) == 2


def test_names_that_no_map_can_give(root: Path) -> None:
    for name in (b"M\xfcller.jpg", b"female_1.JPG", b"female_2.png"):
        (root / "mfc_dataset" / os.fsdecode(name)).touch()
    corpus = opened(root, '"mfc_dataset/../x.jpg": "01/0_01_0.wav", "mfc_dataset/female_2.png": "12/5_12_0.wav"')
    left_out = reasons(corpus)
    assert (
        left_out["mfc_dataset/M\\udcfcller.jpg"]
        == left_out["mfc_dataset/female_1.JPG"]
        == "this image is in neither map"
    )
    assert left_out["mfc_dataset/female_2.png"].startswith("its name is not mfc_dataset/<gender>_<index>.jpg")
    assert corpus.notes[0] == "1 of the 3 images that the maps name are not here."  # the one with .. is never opened


@pytest.mark.parametrize("text", ["[", "3", "[" * 100_000, '{"a": ' * 100_000, "{} {}"])
def test_broken_maps_are_refused(root: Path, text: str) -> None:
    opened(root, "")
    (root / "audio_to_mfc_maps" / "male_idxs_to_wav_fpaths.json").write_text(text)
    with pytest.raises(CorpusError, match="expected a JSON object from image to recording"):
        open_mfc_images(root)


def test_without_a_mapped_image_the_first_other_is_named(root: Path) -> None:
    with pytest.raises(
        CorpusError, match=r"the first of 3 others: mfc_dataset/female_0\.jpg: this image is in neither"
    ):
        opened(root, "", female="")
