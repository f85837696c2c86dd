"""The embedded corpus of virtual speakers. Expected values are AudioMNIST's layout and the counts of the design."""

import collections
import contextlib
import json
import subprocess
import sys
import threading
import wave
from pathlib import Path

import numpy as np
import pytest

from features import locked_folders
from features.corpora.recordings import CorpusError
from features.corpora.virtual import corpus
from features.corpora.virtual.corpus import speak, virtual_corpus_folder
from features.corpora.virtual.speakers import cast
from tests.features.contents import contents

SOME = (1, 7, 60)
ROOT = Path(corpus.__file__).parents[3]


def samples(path):
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (48_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(int)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spoken")
    speak(folder, speakers=SOME, jobs=2)
    return folder


@pytest.fixture(scope="module")
def recordings(spoken):
    return {path.stem: samples(path) for path in sorted(spoken.glob("data/*/*.wav"))}


def test_layout_is_audiomnists(spoken):
    expected = {
        f"data/{speaker:02d}/{digit}_{speaker:02d}_{repetition}.wav"
        for speaker in SOME
        for digit in range(10)
        for repetition in range(5)
    }
    assert set(contents(spoken)) == {*expected, "data/audioMNIST_meta.txt"}


def test_metadata_has_audiomnists_keys(spoken):
    metadata = json.loads((spoken / "data" / "audioMNIST_meta.txt").read_text(encoding="utf-8"))
    assert list(metadata) == ["01", "07", "60"]
    for entry in metadata.values():
        assert list(entry) == [
            "accent",
            "age",
            "gender",
            "native speaker",
            "origin",
            "recordingdate",
            "recordingroom",
        ]
        assert entry["gender"] in ("female", "male")
        assert entry["native speaker"] == (
            "yes" if entry["accent"] in ("American", "British", "Scottish", "Caribbean") else "no"
        )
        assert len(entry["origin"].split(", ")) == 3
        assert entry["age"] == entry["recordingdate"] == ""


def test_one_speaker_alone_has_the_bytes_of_the_corpus(spoken, tmp_path):
    speak(tmp_path, speakers=[60], jobs=1)
    alone, together = contents(tmp_path / "data" / "60"), contents(spoken / "data" / "60")
    assert len(alone) == 50
    assert alone == together


def test_another_seed_gives_other_bytes(spoken, tmp_path):
    speak(tmp_path, seed=1, speakers=[60])
    other, first = contents(tmp_path / "data" / "60"), contents(spoken / "data" / "60")
    assert other.keys() == first.keys()
    assert not set(other.values()) & set(first.values())


def test_no_two_recordings_are_the_same(recordings):
    assert len({sound.tobytes() for sound in recordings.values()}) == len(recordings) == 150


def test_recordings_are_loud_enough_and_not_clipped(recordings):
    peaks = [int(np.abs(sound).max()) for sound in recordings.values()]
    assert min(peaks) > 500
    assert max(peaks) < 32_000


def test_recordings_last_as_long_as_spoken_digits(recordings):
    seconds = np.array([len(sound) / 48_000 for sound in recordings.values()])
    assert 0.4 < seconds.mean() < 0.8
    assert seconds.min() > 0.15
    assert np.mean(seconds > 0.995) < 0.05


def test_recordings_begin_and_end_in_the_noise_floor(recordings):
    for name, sound in recordings.items():
        edge = np.concatenate([sound[:480], sound[-480:]])
        assert np.abs(edge).max() < 0.2 * np.abs(sound).max(), name


def test_digits_can_be_told_apart(recordings):
    """Most recordings are nearest, in their spectrum over time, to another recording of the same digit."""
    names = list(recordings)
    spectra = np.stack([_course(recordings[name]) for name in names])
    distances = ((spectra[:, None] - spectra[None]) ** 2).sum((2, 3))
    np.fill_diagonal(distances, np.inf)
    nearest = [names[index][0] for index in distances.argmin(1)]
    right = np.mean([name[0] == other for name, other in zip(names, nearest, strict=True)])
    assert right > 0.8  # chance is 0.1


def _course(sound):
    """Log energies in 20 bands (0 to 5 kHz) of 8 equal parts of a recording."""
    parts = [np.abs(np.fft.rfft(part, 9_600)[:1_000]) ** 2 for part in np.array_split(sound, 8)]
    return np.log(np.stack(parts).reshape(8, 20, 50).sum(2) + 1)


def test_speakers_of_the_whole_corpus():
    speakers = cast(0)
    assert [speaker.name for speaker in speakers] == [f"{number:02d}" for number in range(1, 61)]
    assert collections.Counter(speaker.gender for speaker in speakers) == {"female": 24, "male": 36}
    groups = collections.Counter((speaker.accent.label, speaker.gender) for speaker in speakers)
    accents = collections.Counter(speaker.accent.label for speaker in speakers)
    both = [label for label in accents if groups[label, "female"] >= 5 and groups[label, "male"] >= 5]
    assert len(accents) == 10
    assert sorted(both) == ["American", "British", "German"]
    assert sorted(count for count in accents.values() if count < 5) == [1, 1, 1, 2]
    assert all(len(speaker.accent.words) == 10 for speaker in speakers)


def test_every_seed_draws_the_same_groups():
    def groups(seed):
        return sorted((speaker.accent.label, speaker.gender) for speaker in cast(seed))

    assert groups(0) == groups(1)
    assert [speaker.variant for speaker in cast(0)] != [speaker.variant for speaker in cast(1)]


def test_progress_counts_the_speakers(tmp_path):
    seen = []
    speak(tmp_path, speakers=[2, 3], on_speaker=lambda *counts: seen.append(counts))
    assert seen == [(1, 2), (2, 2)]


def test_folder_is_spoken_once(tmp_path, monkeypatch):
    calls = []

    def few(folder, *, seed, on_speaker):
        calls.append(seed)
        speak(folder, seed=seed, on_speaker=on_speaker, speakers=[5])

    monkeypatch.setattr(corpus, "speak", few)
    first = virtual_corpus_folder(tmp_path, seed=3)
    assert virtual_corpus_folder(tmp_path, seed=3) == first
    assert calls == [3]
    assert (first / "data" / "05" / "0_05_0.wav").is_file()
    assert [path.name for path in folders_in(tmp_path / "virtual")] == [first.name]
    assert first != virtual_corpus_folder(tmp_path, seed=4)


def test_an_interrupted_speaking_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(folder, *, seed, on_speaker):
        folder.mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(corpus, "speak", interrupted)
    with pytest.raises(KeyboardInterrupt):
        virtual_corpus_folder(tmp_path)
    assert folders_in(tmp_path / "virtual") == []


def folders_in(folder):
    return [path for path in folder.iterdir() if path.is_dir()]


STOPPED_WHILE_SPEAKING = """
import sys
from pathlib import Path
from features.corpora.virtual import corpus as virtual

def speak(folder, **_):
    (folder / "data" / "01").mkdir(parents=True)
    print("here", flush=True)
    sys.stdin.read()

virtual.speak = speak
virtual.virtual_corpus_folder(Path(sys.argv[1]))
"""


@contextlib.contextmanager
def speaking_process(cache):
    """A process that has begun to speak into `cache` and comes to no end."""
    command = [sys.executable, "-c", STOPPED_WHILE_SPEAKING, str(cache)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        assert process.stdout.readline() == "here\n"
        yield process
        process.kill()


def test_what_a_killed_process_left_is_removed_and_spoken_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "speak", lambda folder, **_: speak(folder, speakers=[5]))
    with speaking_process(tmp_path):
        left = folders_in(tmp_path / "virtual")
        assert len(left) == 1
    folder = virtual_corpus_folder(tmp_path)
    assert folders_in(tmp_path / "virtual") == [folder] and folder not in left
    assert sorted(path.name for path in (folder / "data").iterdir()) == ["05", "audioMNIST_meta.txt"]


def test_a_living_process_is_waited_for_and_what_it_wrote_is_kept(tmp_path, monkeypatch):
    """This process asks for the lock while the other one holds it, and gets it when that one is killed."""
    spoken, asked = [], threading.Event()
    monkeypatch.setattr(corpus, "speak", lambda folder, **_: spoken.append(folder) or folder.mkdir())
    acquire = locked_folders.FileLock.acquire

    def asking(lock, *arguments, **options):
        asked.set()
        return acquire(lock, *arguments, **options)

    monkeypatch.setattr(locked_folders.FileLock, "acquire", asking)
    with speaking_process(tmp_path) as process:
        left = folders_in(tmp_path / "virtual")
        waiting = threading.Thread(target=virtual_corpus_folder, args=[tmp_path])
        waiting.start()
        assert asked.wait(60)
        assert spoken == [] and folders_in(tmp_path / "virtual") == left
        process.kill()
        waiting.join(60)
    assert len(spoken) == 1


def test_missing_extra_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    for action in (speak, virtual_corpus_folder):
        with pytest.raises(CorpusError, match=r"pip install .*voxfold\[voices\].*tox -e bench"):
            action(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"speakers": [0, 1, 61]}, r"virtual speakers \[0, 61\]: expected some of 1 to 60"),
        ({"speakers": []}, "expected some of 1 to 60"),
        ({"seed": -1}, "seed -1: expected at least 0"),
        ({"jobs": 0}, "jobs 0: expected at least 1"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path, wrong, message):
    with pytest.raises(CorpusError, match=message):
        speak(tmp_path, **wrong)


def test_a_failing_process_is_reported_in_one_line(tmp_path, monkeypatch):
    reason = "eSpeak NG refused voice 'xx+m1' (code 2)"
    failed = subprocess.CompletedProcess([], 1, "", f"a warning\n{reason}\n")
    monkeypatch.setattr(corpus.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(CorpusError, match=r"^virtual speaker 03 \(.*\): eSpeak NG refused voice 'xx\+m1' \(code 2\)$"):
        speak(tmp_path, speakers=[3])


def test_a_voice_that_takes_no_variant_is_refused():
    program = """
from features.corpora.virtual.espeak import Espeak, EspeakError
try:
    Espeak(seed=1).set_voice("en-gb", "m3")
except EspeakError as error:
    print(error)
"""
    assert answer(program) == "eSpeak NG refused voice 'en-gb+m3' (code 2)"


def test_the_noise_of_breathy_voices_follows_the_seed():
    """Unless told otherwise, eSpeak seeds it with the time: the second in which a speaker is spoken."""

    def nine(seed):
        return answer(f"""
import hashlib
from features.corpora.virtual.espeak import Espeak
espeak = Espeak(seed={seed})
espeak.set_voice("en-us", "f5")
print(hashlib.sha256(espeak.say("nine").tobytes()).hexdigest())
""")

    assert nine(1) == nine(1) != nine(2)


def answer(program):
    """Run a program in a process of its own, as eSpeak needs it, and return what it prints."""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
