"""Metadata and names that cannot be right: the speaker or recording concerned is left out, and no other."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from features.corpora.audiomnist import open_audiomnist
from features.corpora.audiomnist_metadata import read_metadata
from features.corpora.catalogue import open_corpus
from features.corpora.recordings import CorpusError
from tests.features.contents import reasons

ENTRY = {"accent": "German", "age": "30", "gender": "male", "native speaker": "no", "origin": "Europe, Germany, Berlin"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two speakers with two recordings each."""
    for speaker in ("01", "02"):
        folder = tmp_path / "data" / speaker
        folder.mkdir(parents=True)
        for digit in range(2):
            noise = np.random.default_rng([int(speaker), digit]).integers(-9_000, 9_000, 800)
            soundfile.write(folder / f"{digit}_{speaker}_0.wav", noise.astype(np.int16), 16_000)
    metadata(tmp_path / "data", json.dumps({"01": ENTRY, "02": ENTRY}))
    return tmp_path / "data"


def metadata(data: Path, text: str) -> None:
    (data / "audioMNIST_meta.txt").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("3", "its entry is 3, an object of texts was expected; correct it"),
        ("[]", "its entry is a list, an object of texts was expected; correct it"),
        ("null", "its entry is None, an object of texts was expected; correct it"),
        ('{"accent": 5}', "accent is 5, a text was expected; correct it"),
        ('{"accent": ["German"]}', "accent is a list, a text was expected; correct it"),
        ('{"gender": {"a": 1}}', "gender is an object, a text was expected; correct it"),
        ('{"age": NaN}', "age is nan, a text was expected; correct it"),
        ('{"age": true}', "age is True, a text was expected; correct it"),
        ('{"age": 1e400}', "age is inf, a text was expected; correct it"),
        ('{"origin": "\\ud800"}', "origin is '\\ud800', a text was expected; correct it"),
        ('{"gender": "male", "gender": "female"}', "gender is given twice, as 'male' and 'female'; keep the right one"),
        (
            json.dumps({**ENTRY, "accent": "French"}) + ', "01": ' + json.dumps(ENTRY),
            "has two entries that differ; keep the right one",
        ),
    ],
)
def test_an_entry_that_cannot_be_right_leaves_out_its_speaker(data: Path, entry: str, said: str) -> None:
    metadata(data, f'{{"02": {json.dumps(ENTRY)}, "01": {entry}}}')
    corpus = open_audiomnist(data)
    assert corpus.recordings["speaker"].unique().tolist() == ["02"]
    reason = f"speaker 01: {said} in audioMNIST_meta.txt"
    assert reasons(corpus) == {"01/0_01_0.wav": reason, "01/1_01_0.wav": reason}
    assert f"Speaker '01' was left out: {said} in audioMNIST_meta.txt." in corpus.notes


def test_what_says_nothing_new_is_no_fault(data: Path) -> None:
    entry = json.dumps(ENTRY)
    metadata(data, f'\ufeff{{"01": {entry}, "01": {entry}, "02": {entry[:-1]}, "age": "30", "mood": [1]}}}}')
    assert len(open_audiomnist(data).recordings) == 4


def test_unknown_and_empty_values_are_missing_and_said(data: Path) -> None:
    odd = {**ENTRY, "gender": "unknown", "age": "9" * 5_000, "accent": " ", "native speaker": None}
    metadata(data, json.dumps({"01": odd, "02": ENTRY}))
    corpus = open_audiomnist(data)
    one = corpus.recordings.iloc[0]
    assert one[["gender", "accent", "native_speaker", "age"]].isna().all()
    assert "gender 'unknown' was read as missing (1 speaker)." in corpus.notes


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "3", '{"01": {}', '{"01": {}} x', "{'01': {}}", '{"a": ' * 100_000, "[" * 100_000),
        *('{"01": ' + "9" * 5_000 + "}", '{"01": "\x00"}'),
    ],
)
def test_broken_json_is_refused(data: Path, text: str) -> None:
    metadata(data, text)
    with pytest.raises(CorpusError, match=r"audioMNIST_meta\.txt: expected a JSON object of speakers"):
        open_audiomnist(data)


def test_metadata_in_another_encoding_or_no_file_is_refused(data: Path) -> None:
    (data / "audioMNIST_meta.txt").write_bytes('{"01": {"accent": "Österreich"}}'.encode("latin-1"))
    with pytest.raises(CorpusError, match="expected a JSON object of speakers; correct the file"):
        open_audiomnist(data)
    (data / "pipe").parent.mkdir(exist_ok=True)
    os.mkfifo(data / "pipe")
    with pytest.raises(CorpusError, match="cannot be opened: a named pipe or device"):
        read_metadata(data / "pipe")


def test_names_that_cannot_be_placed(data: Path) -> None:
    wav = (data / "01" / "0_01_0.wav").read_bytes()
    names = {
        "01/0_01_99999999999999999999.wav": "file name is not",
        "01/\u0663_01_0.wav": "file name is not",  # a digit, of another script
        "01/0_01_0.flac": "the same recording as 01/0_01_0.flac; keep one of them",
        "01/9_02_0.wav": "name says speaker 02, folder says 01; move or rename it",
        "03/0_03_0.wav": "speaker 03 is not in audioMNIST_meta.txt; add the speaker's metadata",
        "01/deep/0_01_5.wav": "lies elsewhere than <speaker>/<recording>; move it",
    }
    for name in names:
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).write_bytes(wav)
    (data / os.fsdecode(b"01/8_01_\xff.wav")).write_bytes(wav)
    found = reasons(open_audiomnist(data))
    assert found.pop("01/8_01_\\udcff.wav") == "its name is not UTF-8; rename it"
    names["01/0_01_0.wav"] = names.pop("01/0_01_0.flac")  # of two, the first by its path is kept
    assert found.keys() == names.keys()
    for name, said in names.items():
        assert found[name].startswith(said), name


def test_links_to_folders(data: Path) -> None:
    """A speaker's folder may be a link; those that lead in circles are not followed."""
    shutil.move(data / "02", data.parent / "elsewhere")
    (data / "02").symlink_to(data.parent / "elsewhere")
    (data / "01" / "round").symlink_to(data / "01")
    corpus = open_audiomnist(data)
    assert corpus.recordings["speaker"].tolist() == ["01", "02", "01", "02"]
    assert reasons(corpus) == {"01/round": "a link to a folder, not followed; copy the folder"}


def test_files_that_are_none(data: Path) -> None:
    (data / "01" / "2_01_0.wav").mkdir()
    (data / "01" / "3_01_0.wav").symlink_to("nowhere.wav")
    (data / "01" / "4_01_0.wav").symlink_to("4_01_0.wav")
    os.mkfifo(data / "01" / "5_01_0.wav")
    found = reasons(open_audiomnist(data))
    assert found["01/3_01_0.wav"].startswith("cannot be opened: No such file or directory; put a readable file there")
    assert found["01/4_01_0.wav"].startswith("cannot be opened: Too many levels of symbolic links")
    assert found["01/5_01_0.wav"].startswith("cannot be opened: a named pipe or device, not a file")
    assert len(found) == 3  # the folder holds nothing, so nothing is lost


def test_other_rates_channels_and_endings_are_said(data: Path) -> None:
    noise = np.random.default_rng(0).integers(-9_000, 9_000, (800, 2)).astype(np.int16)
    soundfile.write(data / "01" / "2_01_0.wav", noise[:, 0], 8_000)
    soundfile.write(data / "01" / "3_01_0.wav", noise[:, 0], 44_100)
    soundfile.write(data / "01" / "4_01_0.wav", noise, 16_000)
    soundfile.write(data / "01" / "5_01_0.wav", noise[:, 1], 16_000, format="FLAC")
    notes = open_audiomnist(data).notes
    assert notes[-3:] == (
        "The corpus mixes sampling rates: 1 of 8000 Hz, 1 of 44100 Hz were resampled to 16000 Hz.",
        "1 recordings with more than one channel were mixed down to one.",
        "1 recordings are WAV or FLAC, but their names do not say which; they were used.",
    )


def test_a_corpus_without_a_recording_says_why(data: Path) -> None:
    metadata(data, "{}")
    with pytest.raises(CorpusError, match=r"the first of 4 others: 01/0_01_0\.wav: speaker 01 is not in"):
        open_audiomnist(data)


def test_a_folder_whose_name_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="the name of its folder is not UTF-8; rename the folder"):
        open_corpus(f"audiomnist:{tmp_path}/{os.fsdecode(bytes([0xFF]))}", cache=tmp_path)
