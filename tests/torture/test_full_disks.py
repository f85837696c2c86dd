"""A disk that is full at every stage: cache and run directory on a tmpfs of growing size."""

import collections

import pytest

from tests.benchmarks.conftest import write_tones
from tests.benchmarks.small_disks import small_disk, told_in_one_line
from tests.benchmarks.terminal.interrupting import Place, check_goes_on

SIZES = [*range(40, 440, 80), *range(440, 800, 40)]
"""In units of 1,024 bytes; the run needs about 750."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    tones = write_tones(tmp_path_factory.mktemp("tones"))
    arguments = ("--corpus", f"audiomnist:{tones}", "--models", "majority", "--folds", "3", "--no-premium")
    place = Place(tmp_path_factory.mktemp("reference"), *arguments)
    assert place.finish().returncode == 0
    return arguments, place.predictions()


def test_disks_of_growing_size(reference, tmp_path):
    arguments, predictions = reference
    said = collections.Counter()
    for size in SIZES:
        with small_disk(tmp_path / str(size), f"{size}k") as remount:
            place = Place(tmp_path / str(size), *arguments)
            first = place.finish()
            line = "finished" if first.returncode == 0 else told_in_one_line(first)
            print(f"{size} KiB, {len(place.stamps())} cells kept: {line}", flush=True)
            said["finished" if first.returncode == 0 else "one line"] += 1
            kept = place.stamps()
            remount("size=20m")
            check_goes_on(place, predictions, kept)
    print(dict(said))
    assert said["one line"] >= 10
