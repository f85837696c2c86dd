"""Full and read-only disks: one line, what is finished is kept, the same command finishes when there is room."""

import resource
import subprocess

import pytest

from tests.benchmarks.small_disks import small_disk, told_in_one_line
from tests.benchmarks.terminal.interrupting import ENVIRONMENT, Place, check_goes_on


@pytest.fixture
def arguments(tones):
    return ("--corpus", f"audiomnist:{tones}", "--models", "majority", "--folds", "3", "--no-premium")


def test_a_full_then_read_only_then_larger_disk(arguments, tmp_path):
    with small_disk(tmp_path / "disk", 100_000) as remount:
        place = Place(tmp_path / "disk", *arguments)
        line = told_in_one_line(place.finish())
        assert "No space left on device" in line and "make room and give the same command again" in line
        remount("ro")
        line = told_in_one_line(place.finish())
        assert line == f"voxfold: {place.run}: cannot be written (Read-only file system); choose another --out"
        remount("rw,size=20m")
        place.finish()
        check_goes_on(place, place.predictions(), place.stamps())


def test_an_array_for_which_there_is_no_room_is_an_error_and_kills_nothing(arguments, tmp_path):
    """A limit on the size of files stands in for a full disk, where none can be mounted."""
    place = Place(tmp_path, *arguments)
    done = subprocess.run(
        place.command,
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert "File too large" in told_in_one_line(done)
    assert place.left_over() == []
