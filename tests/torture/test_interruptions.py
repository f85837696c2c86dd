"""SIGINT and SIGTERM in every stage of a run: one line, within 2 s, no process left; each at seeded moments."""

import os
import random
import signal
import time

import pytest

from tests.benchmarks.conftest import write_tones
from tests.benchmarks.terminal.interrupting import Place, descendants, living, wait_until, wait_until_gone
from tests.benchmarks.terminal.test_interruption import IN_WORKERS

TIMES = int(os.environ.get("VOXFOLD_INTERRUPTIONS", "8"))
SECONDS = 2.0


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("tones"))


def interrupt(place, number, begun, delay):
    """Send a signal to the whole group `delay` seconds after `begun`; return how long the end took, or None."""
    with place.started() as process:
        if not wait_until(lambda: begun(process), process):
            return None
        start = time.monotonic()
        wait_until(lambda: time.monotonic() - start > delay, process)
        if process.poll() is not None:
            return None
        children = descendants(process)
        sent = time.monotonic()
        os.killpg(process.pid, number)
        said, _ = process.communicate()
        took = time.monotonic() - sent
        assert wait_until_gone(children, SECONDS), living(children)
    if process.returncode == 0:
        return None  # it ended in the moment before the signal came
    assert process.returncode == 128 + number, said
    assert "Traceback" not in said and "Error" not in said and "leaked" not in said, said
    assert said.splitlines()[-1].startswith(
        "interrupted; finished cells are kept, the same command goes on from there: "
    )
    return took


STAGES = {
    "voices spoken": ("virtual", "majority", lambda place, process: descendants(process), 4.0),
    "worker processes extract": ("tones", "majority", lambda place, process: len(descendants(process)) >= 3, 2.0),
    "an SVM fitted": ("tones", "svm", lambda place, process: place.has("first cell begins"), 1.0),
    "a CNN fitted": ("tones", "cnn", lambda place, process: place.has("first cell begins"), 8.0),
    "the report made": ("tones", "majority", lambda place, process: place.has("predictions"), 1.5),
}


@pytest.mark.parametrize("stage", STAGES)
def test_interruptions(tones, tmp_path, stage):
    corpus, models, begun, longest = STAGES[stage]
    generator = random.Random(stage)
    took = []
    (tmp_path / "workers.py").write_text(IN_WORKERS)
    for number in range(TIMES):
        (tmp_path / str(number)).mkdir()
        place = Place(
            tmp_path / str(number),
            "--corpus", f"audiomnist:{tones}" if corpus == "tones" else corpus,
            "--models", models, "--folds", "3", "--no-premium", "--threads", "2",
        )  # fmt: skip
        if stage == "worker processes extract":
            place.command[1:3] = [str(tmp_path / "workers.py")]
        kind = generator.choice([signal.SIGINT, signal.SIGTERM])
        found = interrupt(place, kind, lambda process: begun(place, process), generator.uniform(0, longest))  # noqa: B023
        if found is not None:
            took.append(found)
    print(f"while {stage}: {len(took)} of {TIMES} interrupted, the others had ended; at most {max(took):.2f} s")
    assert max(took) < SECONDS
