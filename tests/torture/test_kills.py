"""Kills at seeded random moments of a whole run; ``VOXFOLD_KILLS`` and ``VOXFOLD_KILL_SEED`` draw more, or others."""

import collections
import os
import shutil
import signal
import time

import pytest

from tests.benchmarks.conftest import write_tones
from tests.benchmarks.terminal import interrupting

KILLS = int(os.environ.get("VOXFOLD_KILLS", "60"))
SEED = int(os.environ.get("VOXFOLD_KILL_SEED", "0"))


def stage(place):
    """Where a run stood, by what it had written."""
    if not place.has("extraction is done"):
        return "before or in extraction"
    if not place.has("manifest"):
        return "after extraction"
    if not place.has("predictions are written"):
        return "fitting"
    return "collecting and report"


@pytest.fixture(scope="module", params=["majority", "majority,logistic,svm"])
def reference(request, tmp_path_factory):
    tones = write_tones(tmp_path_factory.mktemp("tones"))
    arguments = ("--corpus", f"audiomnist:{tones}", "--models", request.param, "--folds", "3", "--no-premium")
    place = interrupting.Place(tmp_path_factory.mktemp("reference"), *arguments)
    started = time.monotonic()
    assert place.finish().returncode == 0
    return arguments, place.predictions(), time.monotonic() - started


def test_kills_at_random_moments(reference, tmp_path):
    arguments, predictions, seconds = reference
    events = [event for event in interrupting.EVENTS if "svm" in arguments[3] or "svm" not in event]
    stages, survived = collections.Counter(), 0
    for number, (event, delay, name) in enumerate(interrupting.moments(KILLS, seconds, SEED, events)):
        place = interrupting.Place(tmp_path / str(number), *arguments)
        place.folder.mkdir()
        with place.started() as process:
            if event is not None:
                assert interrupting.wait_until(lambda: place.has(event), process), f"no '{event}'"  # noqa: B023
            begun = time.monotonic()
            interrupting.wait_until(lambda: time.monotonic() - begun > delay, process)  # noqa: B023
            where = stage(place)
            children = interrupting.descendants(process)
            os.killpg(process.pid, name) if process.poll() is None else None
            said, _ = process.communicate()
            status = process.returncode
        stages[where, name.name, "ended before" if status == 0 else "killed"] += 1
        assert "Traceback" not in said, said
        assert status in (0, -signal.SIGKILL, 128 + signal.SIGTERM, -signal.SIGTERM), (status, said)
        assert interrupting.wait_until_gone(children), "a process outlived its run"
        interrupting.check_goes_on(place, predictions, place.stamps())
        survived += 1
        shutil.rmtree(place.folder)
        print(
            f"{survived} of {number + 1}: {name.name} at {event or f'{delay:.2f} s'}, {where}, status {status}",
            flush=True,
        )
    for key, count in sorted(stages.items()):
        print(*key, count)
    assert survived == KILLS
