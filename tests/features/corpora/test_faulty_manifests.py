"""Manifests that cannot be right: the row concerned is left out; what is no table at all is refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from features.corpora.manifest import open_manifest
from features.corpora.recordings import Corpus, CorpusError
from tests.features.contents import reasons

HEADER = "path,speaker,digit,gender,age\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "corpus"
    (inside / "a").mkdir(parents=True)
    for name in ("a/1.wav", "a/2.wav", "b.wav", "b.flac", "../outside.wav"):
        noise = np.random.default_rng(len(name)).integers(-9_000, 9_000, 800).astype(np.int16)
        soundfile.write(inside / name, noise, 16_000)
    return inside


def opened(folder: Path, text: str | bytes, *, allow_outside: bool = False) -> Corpus:
    path = folder / "manifest.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return open_manifest(path, allow_outside=allow_outside)


NUMBER = "is no whole number from 0 to {}; correct it or leave it empty"
CELLS = "it has not 5 cells, as the header has; correct the line"
CONTROL = "a line break or control character in its path: is a quotation mark missing?"
MISSING = "cannot be opened: No such file or directory; put a readable file there, or leave it out"
SPEAKERS = "listed under more than one speaker; keep the right line"
GENDERS = "speaker x has more than one gender ('female', 'male'); correct it"
OUTSIDE = "lies outside the manifest's folder; move it there, or pass --allow-outside"


@pytest.mark.parametrize(
    ("rows", "left_out"),
    [
        (",x,1,f,30", {" (line 3)": "it has no path; every recording needs one"}),
        ("b.wav, ,1,f,30", {"b.wav (line 3)": "it has no speaker; every recording needs one"}),
        ("b.wav,x", {"line 3": CELLS}),
        ("b.wav,x,1,f,30,more", {"line 3": CELLS}),
        ("b.wav,x,two,f,30", {"b.wav (line 3)": f"digit 'two' {NUMBER.format(9)}"}),
        ("b.wav,x,1,f,1234", {"b.wav (line 3)": f"age '1234' {NUMBER.format(120)}"}),
        ("b.wav,x,-1,f,", {"b.wav (line 3)": f"digit '-1' {NUMBER.format(9)}"}),
        ("b.wav,x," + "9" * 60 + ",f,", {"b.wav (line 3)": f"digit '{'9' * 40}' {NUMBER.format(9)}"}),
        ('"b\n.wav",x,1,f,30', {"b\\n.wav (line 3)": CONTROL}),
        ("missing.wav,x,1,f,30", {"missing.wav": MISSING}),
        ("b.wav,x,1,f,\nb.wav,x,1,f,", {"b.wav (line 4)": "listed before, in line 3; keep one line"}),
        ("b.wav,x,1,f,\n./b.wav,x,1,f,", {"b.wav (line 4)": "listed before, in line 3; keep one line"}),
        (
            "b.wav,x,1,f,\nb.flac,x,1,f,",
            {"b.flac (line 4)": "the same name but for its ending as b.wav; keep one of them"},
        ),
        ("a/2.wav,x,1,f,\na//./2.wav,y,1,f,", {"a/2.wav (line 3)": SPEAKERS, "a/2.wav (line 4)": SPEAKERS}),
        (
            "a/2.wav,x,1,f,\na/../a/2.wav,x,2,f,",
            {f"a/2.wav (line {n})": "listed again with other labels; keep the right line" for n in (3, 4)},
        ),
        ("b.wav,x,1,f,\na/2.wav,x,1,male,", {"b.wav (line 3)": GENDERS, "a/2.wav (line 4)": GENDERS}),
        ("/etc/passwd,x,1,f,", {"/etc/passwd (line 3)": OUTSIDE}),
        ("../outside.wav,x,1,f,", {"../outside.wav (line 3)": OUTSIDE}),
        ("..,x,1,f,", {".. (line 3)": OUTSIDE}),
    ],
)
def test_a_row_that_cannot_be_right_is_left_out(folder: Path, rows: str, left_out: dict[str, str]) -> None:
    corpus = opened(folder, f"{HEADER}a/1.wav,good,1,m,30\n{rows}\n")
    assert reasons(corpus) == left_out
    assert "a/1.wav" in corpus.recordings["path"].tolist()
    assert len(corpus.recordings) + len(left_out) == 1 + len(rows.replace("b\n", "b").splitlines())


def test_recordings_outside_can_be_allowed(folder: Path) -> None:
    (folder / "link.wav").symlink_to("../outside.wav")
    (folder / "linked").symlink_to("..")
    (folder / "inner.wav").symlink_to("a/2.wav")
    absolute = str(folder / "b.wav")
    text = f"path,speaker\na/1.wav,x\n../outside.wav,x\n{absolute},x\nlink.wav,x\nlinked/outside.wav,x\ninner.wav,x\n"
    corpus = opened(folder, text)
    assert corpus.recordings["path"].tolist() == ["a/1.wav", "inner.wav"]
    assert reasons(corpus)["link.wav (line 5)"].startswith("a link, or in one, that lies outside the manifest's folder")
    assert len(corpus.quarantine) == 4
    corpus = opened(folder, text, allow_outside=True)
    assert len(corpus.recordings) == 6 and corpus.quarantine.empty
    assert absolute in corpus.recordings["path"].tolist()


def test_a_corpus_behind_a_link_is_not_outside_itself(folder: Path) -> None:
    (folder.parent / "door").symlink_to(folder)
    assert len(opened(folder.parent / "door", "path,speaker\na/1.wav,x\n").recordings) == 1


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolon"), ("\t", "tab")])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_other_separators(folder: Path, separator: str, name: str, mark: bytes, end: str) -> None:
    lines = [' "path" ,speaker,age', '"a/1.wav",x,30', "b.wav,y,", ""]
    corpus = opened(folder, mark + end.join(lines).replace(" ", "").replace(",", separator).encode())
    assert corpus.recordings[["path", "speaker"]].to_numpy().tolist() == [["a/1.wav", "x"], ["b.wav", "y"]]
    assert corpus.recordings["age"].tolist()[0] == 30
    assert f"The manifest's cells are separated by the {name}." in corpus.notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "it is empty"),
        (b"path,speaker\n", "lists no recording; give it a line per recording"),
        (b"path\na/1.wav\n", "needs the columns path and speaker; missing .'speaker'., found 'path'; name them"),
        (b"path,speaker,path\na/1.wav,x,b.wav\n", "the columns 'path' are there more than once; keep one of each"),
        (b"path,speaker\na/1.wav,M\xfcller\n", r"line 2 is not UTF-8 .byte 0xfc; Latin-1..; save the file as UTF-8"),
        ("path,speaker\na/1.wav,x\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        (b"path,speaker\na/1.wav,x\0\n", "has NUL bytes, so it is no text file; save it as CSV in UTF-8"),
        (b'path,speaker\n"a/1.wav,x\n', "line 2: unexpected end of data; is a quotation mark missing or too many?"),
        (b'path,speaker\n"a"/1.wav,x\n', "line 2: ',' expected after '\"'; is a quotation mark missing"),
        (b"path,speaker\n" + b"a" * 200_000 + b",x\n", "field larger than field limit"),
    ],
)
def test_what_is_no_table_is_refused(folder: Path, text: bytes, said: str) -> None:
    with pytest.raises(CorpusError, match=said) as caught:
        opened(folder, text)
    assert "\n" not in str(caught.value)


def test_a_manifest_that_is_no_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe.csv")
    with pytest.raises(CorpusError, match="a named pipe or device, not a file"):
        open_manifest(folder / "pipe.csv")
    with pytest.raises(CorpusError, match="a folder, not a file"):
        open_manifest(folder)


def test_unknown_labels_are_missing_and_said(folder: Path) -> None:
    corpus = opened(folder, "path,speaker,gender,native_speaker\na/1.wav,x,Unknown,perhaps\nb.wav,y,F,YES\n")
    assert corpus.recordings["gender"].tolist()[1] == "female" and corpus.recordings["gender"].isna().tolist()[0]
    assert corpus.recordings["native_speaker"].tolist()[1] == "yes"
    assert "gender 'Unknown' was read as missing (1 speaker)." in corpus.notes
    assert "native_speaker 'perhaps' was read as missing (1 speaker)." in corpus.notes


def test_a_manifest_without_a_usable_recording_says_why(folder: Path) -> None:
    with pytest.raises(CorpusError, match=r"none of 2 recordings can be used; the first: /x\.wav \(line 2\): lies out"):
        opened(folder, "path,speaker\n/x.wav,x\ny.wav,x\n")


@pytest.mark.parametrize(
    "text",
    [
        "pa\tth;speaker\na/1.wav;x\n",  # a name of a column
        "path;speaker\na/\t1.wav;x\n",  # of a file that is not there
        "path\tspeaker\na/1.wav,x\n",  # a row that is separated by something else
        "path;speaker;gender\na/1.wav;x\ty;f\tm\n",
    ],
)
def test_what_is_said_of_a_manifest_is_one_line_without_tabs(folder: Path, text: str) -> None:
    try:
        corpus = opened(folder, text)
        said = [*corpus.notes, *corpus.quarantine.to_numpy().ravel()]
    except CorpusError as error:
        said = [str(error)]
    assert said and not any(character in line for line in said for character in "\t\n")
