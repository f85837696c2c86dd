"""The readers of what users give, as functions of bytes, with files to begin mutating from.

Each raises nothing but the project's own errors, in one line, and what it returns can be used and written.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from features.audio import MAX_SAMPLES, SPARE_S, AudioError, probe, read_samples
from features.corpora.audiomnist_metadata import read_metadata
from features.corpora.manifest import open_manifest
from features.corpora.mfc_images import open_mfc_images
from features.corpora.recordings import Corpus, CorpusError, recordings_table
from features.images import ImageError, read_image
from features.mfcc import MfccConfig

OWN_ERRORS = (AudioError, CorpusError, ImageError)
NOISE = np.random.default_rng(2).integers(-9_000, 9_000, 400).astype(np.int16)
IMAGE = MfccConfig(recipe="seed")
ENTRY = {"accent": "German", "age": "30", "gender": "female", "native speaker": "no", "origin": "Europe, Spain, X"}
TOKENS = [
    *(b"RIFF", b"RF64", b"RIFX", b"WAVE", b"fmt ", b"data", b"ds64", b"LIST", b"fact", b"fLaC", b"\xff\xff\xff\xff"),
    *(b'"', b"{", b"}", b"[", b"]", b":", b",", b";", b"\t", b"\r\n", b"..", b"/", b"\xef\xbb\xbf", b"\\ud800", b"NaN"),
    *(
        b"path",
        b"speaker",
        b"gender",
        b"age",
        b"digit",
        b"female",
        b"a.wav",
        b"b/c.wav",
        b'"accent"',
        b'"origin"',
        b"1e9",
    ),
    *(b'"12"', b'"01"', b"01/1_01_0.wav", b"12/0_12_0.wav", b'"mfc_dataset/male_0.jpg"', b'"mfc_dataset/female_0.jpg"'),
    *(b"\xff\xd8", b"\xff\xc0", b"\xff\xc2", b"\xff\xda", b"\xff\xe1", b"Exif\0\0", b"MPF\0", b"JFIF\0", b"\xff\xd9"),
]
"""What the formats are made of."""


def prepare(folder: Path) -> None:
    """Write what the readers need beside the file that is mutated."""
    for name in ("a.wav", "b/c.wav", "mfc_dataset/female_0.jpg", "mfc_dataset/male_0.jpg", "audio_to_mfc_maps/x"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(_wav("PCM_16") if name.endswith("wav") else b"")
    male = {"mfc_dataset/male_0.jpg": "01/1_01_0.wav"}
    (folder / "audio_to_mfc_maps" / "male_idxs_to_wav_fpaths.json").write_text(json.dumps(male))
    (folder / "audioMNIST_meta.txt").write_text(json.dumps({"12": ENTRY, "01": {"gender": "male"}}))


def wav(folder: Path, content: bytes) -> None:
    """Header and samples, as a file and as a stream, which must agree."""
    path = folder / "x.wav"
    path.write_bytes(content)
    told = []
    for source in (path, io.BytesIO(content)):
        try:
            audio = read_samples(source, most_s=0.5 + SPARE_S)
        except AudioError as error:
            told.append(_line(error))
        else:
            assert audio.samples.ndim == 1 and 0 < audio.samples.size < MAX_SAMPLES
            assert np.isfinite(audio.samples).all()
            told.append(repr((audio.samples.tolist(), audio.sample_rate_hz, audio.n_channels)))
    assert told[0] == told[1]
    probe(path)


def metadata(folder: Path, content: bytes) -> None:
    """Speakers' metadata, to a table that can be written."""
    path = folder / "meta.json"
    path.write_bytes(content)
    speakers = read_metadata(path)
    _written([*speakers.notes, *speakers.labels])
    if speakers.labels:
        rows = [{"recording_id": name, "path": name, "speaker": name, **own} for name, own in speakers.labels.items()]
        recordings_table(rows).to_parquet(io.BytesIO())


def manifest(folder: Path, content: bytes) -> None:
    """A manifest, to a corpus none of whose recordings lies outside its folder."""
    path = folder / "manifest.csv"
    path.write_bytes(content)
    corpus = open_manifest(path)
    _usable(corpus)
    root = os.path.realpath(folder)
    for name in corpus.recordings["path"]:
        assert os.path.realpath(folder / name).startswith(f"{root}/")


def maps(folder: Path, content: bytes) -> None:
    """A map from image to recording, to a corpus of published images."""
    (folder / "audio_to_mfc_maps" / "female_idxs_to_wav_fpaths.json").write_bytes(content)
    _usable(open_mfc_images(folder))


def image(folder: Path, content: bytes) -> None:
    """A published image, to levels of the expected shape."""
    path = folder / "x.jpg"
    path.write_bytes(content)
    levels = read_image(path, IMAGE)
    assert levels.shape == (IMAGE.n_frames, IMAGE.n_coefficients, 3) and levels.dtype == np.uint8


READERS: dict[str, Callable[[Path, bytes], None]] = {
    "wav": wav,
    "metadata": metadata,
    "manifest": manifest,
    "maps": maps,
    "image": image,
}


def tried(reader: str, folder: Path, content: bytes) -> str | None:
    """Read `content`; return the complaint if there is one. Whatever else is raised is a finding."""
    try:
        READERS[reader](folder, content)
    except OWN_ERRORS as error:
        return _line(error)
    return None


def _line(error: Exception) -> str:
    text = str(error)
    assert len(text.splitlines()) == 1, text
    return text


def _written(texts: list[str]) -> None:
    for text in texts:
        text.encode()


def _usable(corpus: Corpus) -> None:
    _written([*corpus.notes, *corpus.quarantine.to_numpy().ravel().tolist()])
    corpus.recordings.to_parquet(io.BytesIO())
    corpus.quarantine.to_parquet(io.BytesIO())


def _wav(subtype: str, form: str = "WAV", n_channels: int = 1, **options: str) -> bytes:
    file = io.BytesIO()
    samples = np.repeat(NOISE[:, None] / 32_768, n_channels, axis=1)
    soundfile.write(file, samples, 8_000, subtype=subtype, format=form, **options)
    return file.getvalue()


def _jpeg(mode: str, size: tuple[int, int], **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, format="JPEG", **options)
    return file.getvalue()


def seeds(reader: str) -> list[bytes]:
    """Return whole files of many forms."""
    if reader == "wav":
        subtypes = ["PCM_16", "PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM"]
        forms = [("WAVEX", 6), ("RF64", 1), ("RF64", 2), ("FLAC", 1), ("FLAC", 2)]
        plain = [_wav(subtype) for subtype in subtypes]
        chunks = _wav("PCM_16") + b"LIST\x08\0\0\0INFOIART"
        return [*plain, *(_wav("PCM_16", form, n) for form, n in forms), _wav("PCM_24", endian="BIG"), chunks]
    if reader == "image":
        whole, turned = (IMAGE.n_frames, IMAGE.n_coefficients), (IMAGE.n_coefficients, IMAGE.n_frames)
        forms = [("RGB", whole), ("L", whole), ("CMYK", whole), ("RGB", turned)]
        exif = Image.Exif()
        exif[0x0112] = 6
        more = [_jpeg("RGB", whole, progressive=True), _jpeg("RGB", whole, exif=exif), _jpeg("RGB", whole, dpi=(9, 9))]
        return [*(_jpeg(*form) for form in forms), *more]
    texts = {
        "metadata": [
            json.dumps({"12": ENTRY, "01": {"gender": "male", "age": 1234}}),
            '{"a": {"age": NaN, "gender": null}, "a": [], "b": {"accent": "\\ud800\\u0000"}}',
        ],
        "maps": [
            json.dumps({"mfc_dataset/female_0.jpg": "../AudioMNIST/data/12/0_12_0.wav"}),
            '{"mfc_dataset/male_0.jpg": "01/1_01_0.wav", "mfc_dataset/female_0.jpg": "0_12_0.wav", "x": [1, {}]}',
        ],
        "manifest": [
            "path,speaker,digit,take,gender,accent,native_speaker,age,origin,room\na.wav,x,1,2,f,German,no,30,a,b\n",
            "path;speaker\n./b/../a.wav;x\nb/c.wav;x\n",
            'speaker\tpath\tage\r\n"x"\t"b//c.wav"\t\r\nx\t/etc/passwd\t5\r\n',
            "\ufeffpath,speaker,gender\na.wav,x,f\na.wav,x,m\nb/c.wav,y,female\n../a.wav,y,\n",
        ],
    }
    return [text.encode() for text in texts[reader]]
