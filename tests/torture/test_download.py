"""The download at full length: 30,000 recordings through the command line, and many kills.

Each test prints what docs/reliability.md says of it; ``tox -e torture -- -s tests/torture/test_download.py`` shows it.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from features.corpora.download.audiomnist import COMMIT
from features.corpora.download.zip_archive import unpack
from features.corpora.recordings import CorpusError
from tests.features.corpora.download.archive_server import ENTRY, Answer, serving, wav, zipped
from tests.features.corpora.download.test_audiomnist import ARCHIVE, Killed, moments, said_here
from tests.features.corpora.download.test_transfer import mangled_answers

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("no_proxy")

SPEAKERS = [f"{number:02d}" for number in range(1, 61)]
RENAMINGS = ["before:1", "after:1", "before rename:1", "after rename:1"]


@pytest.fixture(scope="module")
def archive(shared_data, tmp_path_factory):
    """AudioMNIST's 30,000 names: the 469 originals that are here, noise of 20 ms for the others; packed as a file."""
    originals = shared_data / "audiomnist" / "data"
    top = f"AudioMNIST-{COMMIT}"
    path = tmp_path_factory.mktemp("archive") / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for speaker in SPEAKERS:
            for take in range(500):
                name = f"{speaker}/{take % 10}_{speaker}_{take // 10}.wav"
                original = originals / name
                content = original.read_bytes() if original.is_file() else wav([int(speaker), take], n_samples=960)
                packed.writestr(f"{top}/data/{name}", content)
        packed.writestr(f"{top}/data/audioMNIST_meta.txt", json.dumps(dict.fromkeys(SPEAKERS, ENTRY)))
        packed.writestr(f"{top}/LICENSE", "MIT License")
        packed.comment = COMMIT.encode()
    return path.read_bytes()


def started(folder, *options):
    command = [sys.executable, "-m", "benchmarks", "corpus", "download", str(folder), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)


def finished(process):
    """Wait for a command; return its output, seconds and peak memory in MB."""
    begin = time.monotonic()
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    process.stderr.close()
    return output, errors, time.monotonic() - begin, usage.ru_maxrss / 1024


def test_thirty_thousand_recordings_through_the_command_line(archive, tmp_path):
    folder = tmp_path / "AudioMNIST"
    with serving(Answer(body=archive)) as server:
        output, errors, seconds, peak_mb = finished(started(folder, "--url", server.url))
        assert "30,000 recordings of 60 speakers, verified" in output, errors
        assert f"run --corpus audiomnist:{folder}" in output
        assert [path.name for path in tmp_path.iterdir()] == ["AudioMNIST"]
        again, _, again_seconds, _ = finished(started(folder, "--url", server.url))
        assert again == output and len(server.asked) == 1
    known = folder / "data" / "01" / "0_01_0.wav"
    known.write_bytes(wav(0))
    checking = started(folder, "--check")
    _, errors, check_seconds, _ = finished(checking)
    assert checking.returncode == 2 and "1 of 469 recordings with a known SHA-256 differ: '01/0_01_0.wav'" in errors
    print(
        f"\n{len(archive) / 1e6:.0f} MB: {seconds:.1f} s, {peak_mb:.0f} MB of memory; only verified: "
        f"{again_seconds:.1f} s; a changed original found in {check_seconds:.1f} s"
    )


def killed_downloading(folder, server, archive, n_bytes):
    server.answers = [Answer(body=archive, send=n_bytes, stall=True)]
    server.stalled.clear()
    process = started(folder, "--url", server.url)
    assert server.stalled.wait(60)
    process.kill()
    process.communicate()


def killed_unpacking(folder, server, n_files):
    """Kill it when so many files are unpacked: their number is looked at, no time is guessed."""
    process = started(folder, "--url", server.url)
    unpacked = folder.with_name("AudioMNIST.download") / "unpacked"
    while process.poll() is None and sum(len(files) for *_, files in os.walk(unpacked)) < n_files:
        time.sleep(0.2)
    assert process.poll() is None
    process.kill()
    process.communicate()


def test_the_command_line_killed_again_and_again(archive, tmp_path):
    """The same folder all along: six kills while downloading, seven while unpacking or verifying, then it finishes."""
    rng, folder = random.Random(0), tmp_path / "AudioMNIST"
    with serving(Answer(body=archive)) as server:
        for n_bytes in sorted(rng.sample(range(len(archive)), 6)):
            killed_downloading(folder, server, archive, n_bytes)
        server.answers = [Answer(body=archive)]
        rising = [5_000 * step + rng.randrange(1, 2_500) for step in range(6)]  # more than what the killed one left
        for n_files in [*rising, 30_000]:
            killed_unpacking(folder, server, n_files)
            assert not folder.exists()
        output, errors, *_ = finished(started(folder, "--url", server.url))
        assert "30,000 recordings of 60 speakers, verified" in output, errors
        assert [path.name for path in tmp_path.iterdir()] == ["AudioMNIST"]
        assert len(server.asked) == 7
    print("\n13 kills of the command, 7 requests")


@pytest.mark.parametrize("seed", range(3))
def test_kills_while_unpacking_verifying_and_renaming(tmp_path, seed):
    drawn = [*moments(seed=100 + seed, n_each=8), *RENAMINGS]
    for number, moment in enumerate(drawn):
        with serving(Answer(body=ARCHIVE)) as server:
            killed = Killed(tmp_path / str(number) / "AudioMNIST", server)
            killed.kill_when(moment, said_here)
            killed.again()
            assert len(server.asked) == (2 if moment == "before:1" else 1), "it was there already"
    print(f"\n{len(drawn)} kills survived")


def test_kills_while_downloading(tmp_path):
    drawn = random.Random(7).sample(range(1, len(ARCHIVE)), 40)
    for number, n_bytes in enumerate(drawn):
        with serving(Answer(body=ARCHIVE, send=n_bytes, stall=True)) as server:
            killed = Killed(tmp_path / str(number) / "AudioMNIST", server)
            killed.kill_when("", lambda process, server=server: server.stalled.wait(60))
            server.answers = [Answer(body=ARCHIVE)]
            killed.again()
    print(f"\n{len(drawn)} kills survived")


def test_ten_thousand_mangled_answers(tmp_path):
    total = {"fetched": 0, "refused": 0}
    for seed in range(10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        for outcome, count in mangled_answers(folder, seed=1_000 + seed, n_fetches=1_000).items():
            total[outcome] += count
    print(f"\n{total}")


def test_ten_thousand_damaged_archives(tmp_path):
    """One's own error, the system's, or the true bytes."""
    files = {f"data/{number}.wav": wav(number, n_samples=300) for number in range(5)}
    true = {hashlib.sha256(content).digest() for content in files.values()}
    whole, rng, total = zipped(files), random.Random(11), {"unpacked": 0, "refused": 0}
    for number in range(10_000):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        (tmp_path / "a.zip").write_bytes(damaged)
        folder = tmp_path / str(number)
        try:
            unpack(tmp_path / "a.zip", folder, only=("data",), commit=COMMIT)
        except (CorpusError, OSError):
            total["refused"] += 1
        else:
            total["unpacked"] += 1
            written = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
            assert {hashlib.sha256(content).digest() for content in written} <= true
    print(f"\n{total}")
