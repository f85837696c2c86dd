"""AudioMNIST's download: a real server, real processes that are killed, and folders that must stay as they were."""

import dataclasses
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import filelock
import pytest

from features.corpora.download import audiomnist, transfer, zip_archive
from features.corpora.download.audiomnist import COMMIT, URL, check_folder, download
from features.corpora.download.originals import Whole, published_hashes
from features.corpora.recordings import CorpusError
from tests.benchmarks.terminal.interrupting import hear_ctrl_c
from tests.features.contents import contents
from tests.features.corpora.download.archive_server import (
    Answer,
    Quiet,
    serving,
    small_corpus,
    small_whole,
    wav,
    zipped,
)

FILES = small_corpus()
ARCHIVE = zipped(FILES)
WHOLE = small_whole(FILES)
WANTED = {name: content for name, content in FILES.items() if not name.startswith("models/")}
ROOT = Path(audiomnist.__file__).parents[3]
pytestmark = pytest.mark.usefixtures("no_proxy")


@pytest.fixture(autouse=True)
def small_disk_and_no_waits(monkeypatch):
    monkeypatch.setattr(audiomnist, "ARCHIVE_BYTES", 200_000)
    monkeypatch.setattr(audiomnist, "UNPACKED_BYTES", 200_000)
    monkeypatch.setattr(transfer, "time", SimpleNamespace(sleep=lambda seconds: None))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "place" / "AudioMNIST"


def assert_only_the_corpus(folder):
    assert contents(folder) == WANTED
    assert list(folder.parent.iterdir()) == [folder], "nothing may remain beside it"


def fetch_small(folder, *answers):
    stages = Quiet()
    with serving(*answers) as server:
        corpus = download(folder, stages=stages, url=server.url, whole=WHOLE)
    return corpus, stages, server


def test_the_archive_becomes_the_corpus(folder):
    corpus, stages, _ = fetch_small(folder, Answer(body=ARCHIVE))
    assert_only_the_corpus(folder)
    assert corpus.root == folder / "data" and len(corpus.recordings) == 12
    assert [name for name, *_ in dict.fromkeys((name,) for name, *_ in stages.told)] == [
        *("download MB", "unpack", "verify"),
    ]
    assert stages.told[-1] == ("verify", 12, 12)


def test_an_empty_folder_is_taken_and_a_whole_one_only_verified(folder):
    folder.mkdir(parents=True)
    fetch_small(folder, Answer(body=ARCHIVE))
    _, _, server = fetch_small(folder, Answer(status=500))
    assert server.asked == []
    assert_only_the_corpus(folder)


def test_a_link_to_an_empty_folder_is_followed(folder, tmp_path):
    folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(folder)
    fetch_small(tmp_path / "link", Answer(body=ARCHIVE))
    assert_only_the_corpus(folder)


@pytest.mark.parametrize("name", ["letter.txt", "data/song.wav", ".hidden"])
def test_a_folder_that_holds_something_else_is_left_alone(folder, name):
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("mine")
    with pytest.raises(
        CorpusError, match=r"no audioMNIST_meta\.txt .*; nothing was changed: give a folder that does not"
    ):
        fetch_small(folder, Answer(body=ARCHIVE))
    assert contents(folder.parent) == {f"AudioMNIST/{name}": b"mine"}


def test_a_partial_corpus_is_left_alone(folder):
    fetch_small(folder, Answer(body=ARCHIVE))
    (folder / "data" / "01" / "0_01_1.wav").unlink()
    with pytest.raises(CorpusError, match=r"11 recordings, expected 12.*'1 of digit 0 by 01'; nothing was changed"):
        fetch_small(folder, Answer(body=ARCHIVE))
    assert len(contents(folder)) == len(WANTED) - 1


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CorpusError, match="is no folder"):
        fetch_small(tmp_path / "file", Answer(body=ARCHIVE))


def test_a_folder_of_the_user_that_has_the_name_of_ours_keeps_its_files(folder):
    work = folder.with_name("AudioMNIST.download")
    work.mkdir(parents=True)
    (work / "diary.txt").write_text("mine")
    fetch_small(folder, Answer(body=ARCHIVE))
    assert contents(work) == {"diary.txt": b"mine"} and contents(folder) == WANTED


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(status=404), "answers 404"),
        (Answer(status=503), r"not fetched, the server answers 503 \(try 8 of 8\); run the same command again"),
        (Answer(body=b"<html>", headers={"Content-Type": "text/html"}), "expected an archive, got a page"),
        (Answer(body=b"<html>"), "no whole zip archive .*; what came was removed, run the same command again to fetch"),
        (Answer(body=ARCHIVE, length=5_000), "no whole zip archive"),
        (Answer(body=ARCHIVE, send=5_000, length=None), "no whole zip archive"),
        (Answer(body=zipped({"../../x": b"bad", **FILES})), "lead outside the folder"),
        (Answer(body=zipped({**FILES, "data/01/9_01_0.wav": bytes(50_000_000)})), "are larger than 5000000 bytes"),
        (Answer(body=zipped(FILES, comment="0" * 40)), f"made from commit {'0' * 40}, expected {COMMIT}"),
        (Answer(body=zipped({"README.md": b"empty"})), r"no audioMNIST_meta\.txt"),
        (
            Answer(body=zipped({**FILES, "data/01/0_01_0.wav": wav(77)})),
            "1 of 6 recordings with a known SHA-256 differ",
        ),
        (Answer(body=zipped({**FILES, "data/01/0_01_1.wav": b"RIFF"})), "1 files cannot be used: '01/0_01_1.wav'"),
        (Answer(body=zipped({**FILES, "data/01/0_02_1.wav": wav(1)})), "name says speaker 02, folder says 01"),
        (Answer(body=zipped({**FILES, "data/01/2_01_0.wav": wav(1)})), "13 recordings, expected 12"),
        (
            Answer(body=zipped({**FILES, "data/01/0_01_1.wav": wav(1, rate=16_000)})),
            "not at 48000 Hz: '01/0_01_1.wav'",
        ),
        (Answer(body=zipped({**FILES, "data/audioMNIST_meta.txt": b"{"})), "expected a JSON object of speakers"),
    ],
)
def test_what_is_not_the_corpus_leaves_nothing(folder, answer, message):
    with pytest.raises(CorpusError, match=message) as refused:
        fetch_small(folder, answer)
    assert "\n" not in str(refused.value)
    assert list(folder.parent.iterdir()) == []


def test_a_speaker_too_few_is_named(folder):
    files = {name: content for name, content in FILES.items() if not name.startswith("data/60/")}
    with pytest.raises(CorpusError, match=r"2 speakers, expected 3; 8 recordings, expected 12"):
        fetch_small(folder, Answer(body=zipped(files)))


def test_a_corrupt_member_leaves_nothing(folder):
    damaged = bytearray(ARCHIVE)
    damaged[len(damaged) // 2] ^= 0xFF
    with pytest.raises(CorpusError, match="is damaged"):
        fetch_small(folder, Answer(body=bytes(damaged)))
    assert list(folder.parent.iterdir()) == []


def test_a_copied_take_is_part_of_what_was_published(folder):
    """Two takes of speaker 36 are copies of others (upstream's data/36/notes.txt)."""
    files = {**FILES, "data/01/0_01_1.wav": FILES["data/01/0_01_0.wav"]}
    corpus, *_ = fetch_small(folder, Answer(body=zipped(files)))
    assert len(corpus.recordings) == 12


def test_an_archive_that_another_program_made_needs_no_comment(folder):
    fetch_small(folder, Answer(body=zipped(FILES, comment="")))
    assert_only_the_corpus(folder)


def test_trouble_on_the_way_is_said_and_outlived(folder):
    trouble = [
        Answer(status=503),
        Answer(status=429, headers={"Retry-After": "0"}),
        Answer(body=ARCHIVE, send=50_000),
        Answer(body=ARCHIVE, send=20_000),
        Answer(body=ARCHIVE),
    ]
    _, stages, server = fetch_small(folder, *trouble)
    assert_only_the_corpus(folder)
    assert len(server.asked) == 5 and len(stages.lines) == 4


def test_too_little_room_is_said_before_the_first_request(folder, monkeypatch):
    usage = type("Usage", (), {"free": 399_999})
    monkeypatch.setattr(zip_archive.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(CorpusError, match=r"GB needed, .* GB free; make room"), serving(Answer(body=ARCHIVE)) as server:
        download(folder, stages=Quiet(), url=server.url, whole=WHOLE)
    assert server.asked == [] and list(folder.parent.iterdir()) == []


def test_too_little_room_for_unpacking_keeps_the_archive(folder, monkeypatch):
    free = iter([10**9, 1])
    monkeypatch.setattr(zip_archive.shutil, "disk_usage", lambda path: type("Usage", (), {"free": next(free)}))
    with pytest.raises(CorpusError, match="make room"):
        fetch_small(folder, Answer(body=ARCHIVE))
    monkeypatch.undo()
    _, _, server = fetch_small(folder, Answer(status=500))
    assert server.asked == []
    assert_only_the_corpus(folder)


def test_a_full_disk_is_one_line(folder, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(audiomnist, "fetch", full)
    with pytest.raises(CorpusError, match="the disk is full; make room and run the same command again"):
        fetch_small(folder, Answer())


def test_a_second_process_is_refused_and_the_first_not_disturbed(folder):
    work = folder.with_name("AudioMNIST.download")
    work.mkdir(parents=True)
    (work / "archive.zip.part").write_bytes(b"of the first")
    with filelock.FileLock(work / "lock"), pytest.raises(CorpusError, match="another process is downloading into it"):
        fetch_small(folder, Answer(body=ARCHIVE))
    assert (work / "archive.zip.part").read_bytes() == b"of the first"


def test_checking_changes_nothing(folder, tmp_path):
    fetch_small(folder, Answer(body=ARCHIVE))
    before = contents(tmp_path)
    assert len(check_folder(folder, stages=Quiet(), whole=WHOLE).recordings) == 12
    with pytest.raises(CorpusError, match=r"12 recordings, expected 30,000; .*469 of 469 recordings .* differ"):
        check_folder(folder, stages=Quiet())
    assert contents(tmp_path) == before
    for empty in (tmp_path / "nowhere", tmp_path / "empty"):
        with pytest.raises(CorpusError, match="nothing in it to check"):
            check_folder(empty, stages=Quiet())


def test_the_hashes_are_those_of_the_real_recordings(shared_data):
    data = shared_data / "audiomnist" / "data"
    hashes = published_hashes()
    assert len(hashes) == 469
    assert set(hashes) == {path.relative_to(data).as_posix() for path in data.rglob("*.wav")}
    for path in random.Random(0).sample(sorted(hashes), 50):
        assert hashlib.sha256((data / path).read_bytes()).hexdigest() == hashes[path]


def test_the_real_partial_checkout_is_told_from_the_whole(shared_data):
    with pytest.raises(CorpusError) as refused:
        check_folder(shared_data / "audiomnist", stages=Quiet())
    assert "27 speakers, expected 60; 469 recordings, expected 30,000" in str(refused.value)
    assert "SHA-256" not in str(refused.value) and "unreadable" not in str(refused.value)


def test_what_is_fetched_is_one_commit():
    assert re.fullmatch("[0-9a-f]{40}", COMMIT)
    assert URL == f"https://github.com/soerenab/AudioMNIST/archive/{COMMIT}.zip"
    assert Whole().n_recordings == 30_000


def test_the_command_refuses_in_one_line(folder):
    """As a user starts it; the archive is real, but small."""
    with serving(Answer(body=ARCHIVE)) as server:
        done = command(folder, "--url", server.url)
        assert done.returncode == 2 and done.stdout == ""
        assert "not AudioMNIST as published: 3 speakers, expected 60" in done.stderr
        assert done.stderr.splitlines()[-1].startswith("voxfold: ")
    assert list(folder.parent.iterdir()) == []


def test_the_command_interrupted_says_how_to_go_on(folder):
    with serving(Answer(body=ARCHIVE, send=60_000, stall=True)) as server:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        arguments = [sys.executable, "-m", "benchmarks", "corpus", "download", str(folder), "--url", server.url]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(arguments, cwd=ROOT, env=environment, preexec_fn=hear_ctrl_c, **pipes) as process:
            assert server.stalled.wait(60)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, "")
    assert (
        errors.splitlines()[-1]
        == "interrupted; run the same command again, it starts anew unless the whole archive was there"
    )
    assert not folder.exists()


def command(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-m", "benchmarks", "corpus", "download", *map(str, arguments)]
    return subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


class Killed:
    """One download in a process of its own, killed at a moment, then done again by this process."""

    def __init__(self, folder, server):
        self.folder, self.server = folder, server

    def start(self, stop):
        told = {
            "folder": str(self.folder),
            "url": self.server.url,
            "whole": dataclasses.asdict(WHOLE),
            "stop": stop,
        }
        command = [sys.executable, "-m", "tests.features.corpora.download.download_driver", json.dumps(told)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, **pipes)

    def kill_when(self, stop, reached):
        """Start a download and kill it when `reached`, given its process, returns."""
        process = self.start(stop)
        with process:
            reached(process)
            process.kill()
        assert process.returncode == -9

    def again(self):
        download(self.folder, stages=Quiet(), url=self.server.url, whole=WHOLE)
        assert_only_the_corpus(self.folder)


def said_here(process):
    assert process.stdout.readline() == "here\n"


def moments(seed, n_each):
    """Seeded moments of unpacking, verifying, writing a member and renaming."""
    rng = random.Random(seed)
    n_files = len(WANTED)
    drawn = [f"unpack:{number}" for number in rng.sample(range(1, n_files + 1), n_each)]
    drawn += [f"verify:{number}" for number in rng.sample(range(1, 13), n_each)]
    drawn += [f"write:{number}" for number in rng.sample(range(1, n_files + 1), n_each)]
    return drawn


@pytest.mark.parametrize("moment", ["before rename:1", "after rename:1", *moments(seed=0, n_each=1)])
def test_killed_after_the_download_it_does_not_download_again(folder, moment):
    with serving(Answer(body=ARCHIVE)) as server:
        killed = Killed(folder, server)
        killed.kill_when(moment, said_here)
        assert folder.exists() == (moment == "after rename:1")
        killed.again()
        assert len(server.asked) == 1


@pytest.mark.parametrize("moment", ["before:1", "after:1"])
def test_killed_around_the_renaming_of_the_download(folder, moment):
    with serving(Answer(body=ARCHIVE)) as server:
        killed = Killed(folder, server)
        killed.kill_when(moment, said_here)
        killed.again()
        assert len(server.asked) == (2 if moment == "before:1" else 1)


@pytest.mark.parametrize("n_bytes", random.Random(1).sample(range(20_000, len(ARCHIVE)), 2))
def test_killed_while_downloading_it_starts_anew(folder, n_bytes):
    with serving(Answer(body=ARCHIVE, send=n_bytes, stall=True)) as server:
        killed = Killed(folder, server)
        killed.kill_when("", lambda process: server.stalled.wait(60))
        server.answers = [Answer(body=ARCHIVE)]
        assert not folder.exists()
        killed.again()
        assert len(server.asked) == 2


def test_two_processes_at_once_one_is_refused(folder):
    with serving(Answer(body=ARCHIVE, send=30_000, stall=True)) as server:
        first = Killed(folder, server).start("")
        with first:
            assert server.stalled.wait(60)
            with pytest.raises(CorpusError, match="another process is downloading"):
                download(folder, stages=Quiet(), url=server.url, whole=WHOLE)
            server.answers = [Answer(body=ARCHIVE)]
            server.stopped.set()  # the first one's connection ends, and it asks again
            assert first.stdout.readline() == "done\n"
    assert_only_the_corpus(folder)
