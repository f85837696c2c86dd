"""Models that hang, eat memory, crash, exit or write garbage: each is one failed cell, and the others go on."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks.cells.executors.supervision import end, wait_within
from benchmarks.cells.limits import MB, Limits, limits_of, machine_memory_bytes
from benchmarks.settings import SettingsError, read_settings
from tests.benchmarks.terminal import interrupting
from tests.benchmarks.terminal.interrupting import Place

FAULTY = """
import os, signal, sys, time
from models.baselines import Majority

class Faulty(Majority):
    def choose(self, training, validation):
        fault = next_fault()
        if fault == "hangs":
            while True:
                pass
        if fault == "eats":
            eaten = []
            while True:
                eaten.append(bytearray(b"x") * 20_000_000)
                time.sleep(0.01)
        if fault == "crashes":
            os.kill(os.getpid(), signal.SIGSEGV)
        if fault == "exits":
            sys.exit(0)
        if fault == "raises":
            raise RuntimeError("planted")
        if fault == "writes":
            os.write(1, b"\\xff\\x00\\x1b[2J" * 500_000)
            os.write(2, b"\\xff\\x00\\x1b[2J" * 500_000)
        return super().choose(training, validation)

def next_fault():
    # every cell takes the next one
    for number, fault in enumerate(os.environ["FAULTS"].split(",")):
        try:
            os.close(os.open(f"{os.environ['TAKEN']}-{number}", os.O_CREAT | os.O_EXCL))
            return fault
        except FileExistsError:
            continue

def faulty(setup):
    return Faulty(setup)
"""

FAULTS = ("hangs", "eats", "crashes", "exits", "writes", "raises")


def test_faulty_models_are_failed_cells_and_the_same_command_goes_on(tones, tmp_path):
    (tmp_path / "plugin.py").write_text(FAULTY)
    place = Place(
        tmp_path, "--corpus", f"audiomnist:{tones}", "--models", "plugin:faulty", "--folds", "3", "--seeds", "2",
        "--no-premium",
    )  # fmt: skip
    environment = {
        "PYTHONPATH": os.pathsep.join([str(interrupting.CHECKOUT), str(tmp_path)]),
        "FAULTS": ",".join(FAULTS),
        "TAKEN": str(tmp_path / "taken"),
    }
    place.command += ["--cell-time-s", "10", "--cell-memory-mb", "600"]
    done = place.finish(**environment)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr and "\x1b" not in done.stdout + done.stderr
    failed = json.loads((place.run / "manifest.json").read_text(encoding="utf-8"))["cells"]["failed"]
    errors = [entry["error"] for entry in failed]
    assert errors[0] == "stopped after 10 s, the time limit of a cell; a longer one: --cell-time-s"
    assert errors[1].startswith("stopped when it held ")
    assert errors[1].endswith(" MB, over 600 MB, the memory limit of a cell; a higher one: --cell-memory-mb")
    assert errors[2:] == [
        "killed by signal 11 (SIGSEGV)",
        "its process ended with exit status 0 before the cell was finished",
        "RuntimeError: planted",
    ]
    page = (place.run / "report.html").read_text(encoding="utf-8")
    assert all(entry["cell"] in page for entry in failed)
    (finished,) = place.stamps()
    stamps = place.stamps()
    place.command[-4:] = ["--cell-time-s", "100", "--cell-memory-mb", "2000"]
    again = place.finish(**environment)
    assert again.returncode == 0, again.stderr
    assert "1 of 6 cells were finished before" in again.stderr and place.stamps()[finished] == stamps[finished]


def test_what_a_cells_own_processes_hold_counts():
    eats = "import time; eaten = bytearray(b'x') * 300_000_000; time.sleep(600)"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {eats!r}])"
    with subprocess.Popen([sys.executable, "-c", starts], start_new_session=True) as process:
        passed = wait_within(process, Limits(memory_bytes=250 * MB, is_default=True))
        children = interrupting.descendants(process)
        end(process)
    assert passed.endswith("over 250 MB, the memory limit of a cell on this machine; a higher one: --cell-memory-mb")
    assert len(children) == 1 and interrupting.wait_until_gone(children)


def test_by_default_cells_share_the_memory_less_a_reserve(tmp_path):
    total = machine_memory_bytes(tmp_path)
    assert limits_of(None, None, 1).memory_bytes == total - max(total // 8, 500 * MB)
    assert limits_of(None, None, 4).memory_bytes == (total - max(total // 8, 500 * MB)) // 4
    assert limits_of(3.5, 700, 4).memory_bytes == 700 * MB and limits_of(3.5, 700, 4).time_s == 3.5


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_a_containers_limit_counts(tmp_path, name):
    (tmp_path / "memory").mkdir()
    (tmp_path / name).write_text("800000000\n")
    assert machine_memory_bytes(tmp_path) == 800_000_000
    (tmp_path / name).write_text("max\n")
    assert machine_memory_bytes(tmp_path) > 800_000_000


@pytest.mark.parametrize(
    ("setting", "value"), [("cell_time_s", 0), ("cell_time_s", float("nan")), ("cell_memory_mb", 1)]
)
def test_limits_out_of_range_are_refused(setting, value):
    with pytest.raises(SettingsError, match="--" + setting.replace("_", "-")):
        read_settings({setting: value})
