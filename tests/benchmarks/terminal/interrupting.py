"""Start real runs, wait for what they do, and kill them: for the tests of interruptions, short and long."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil

from reports.run_directory import tables

CHECKOUT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"}

# what a run does, by the names of files that appear then, in its cache or its directory; in the order in which they
# come. What lasts for a moment only can be missed, so what comes next counts as well.
EVENTS = {
    "extraction begins": ("cache/mfcc/.*-*/new/values.npy", "cache/mfcc/[!.]*"),
    "extraction has its index": ("cache/mfcc/.*-*/new/index.parquet", "cache/mfcc/[!.]*"),
    "extraction is done": ("cache/mfcc/[!.]*/entry.json",),
    "directory is prepared": ("run/cells",),
    "manifest": ("run/manifest.json",),
    "first cell begins": ("run/cells/.*-*/new", "run/cells/[!.]*"),
    "a cell has its predictions": ("run/cells/.*-*/new/predictions.parquet", "run/cells/[!.]*"),
    "first cell is done": ("run/cells/[!.]*/cell.json",),
    "svm begins": ("run/cells/.svm-*/new", "run/cells/svm-*"),
    "svm is done": ("run/cells/svm-*/cell.json",),
    "predictions are written": ("run/.predictions.parquet.*.tmp", "run/predictions.parquet"),
    "predictions": ("run/predictions.parquet",),
    "timings": ("run/timings.parquet",),
    "summary is written": ("run/.summary.json.*.tmp", "run/summary.json"),
    "summary": ("run/summary.json",),
    "examples": ("run/examples",),
    "page is written": ("run/.report.html.*.tmp", "run/report.html"),
    "page": ("run/report.html",),
}


def hear_ctrl_c():
    """Undo what a shell sets for its background jobs, of which these tests may be one."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Place:
    """A run's directory and cache in a folder of their own, and the command that makes it."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.run, self.cache = folder / "run", folder / "cache"
        self.arguments = ["run", *map(str, arguments), "--cache", str(self.cache), "--out", str(self.run)]
        self.command = [sys.executable, "-m", "benchmarks", *self.arguments]

    @contextmanager
    def started(self, **environment):
        """A process that runs the command, in a session of its own; killed at the end if it still lives."""
        process = subprocess.Popen(
            self.command,
            cwd=self.folder,
            env={**ENVIRONMENT, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=hear_ctrl_c,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def finish(self, **environment):
        """Give the command and wait for its end; return what came."""
        return subprocess.run(
            self.command,
            cwd=self.folder,
            env={**ENVIRONMENT, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def has(self, event):
        """Tell whether a run has come to an event, by the file that appears then."""
        return any(next(iter(self.folder.glob(pattern)), None) is not None for pattern in EVENTS[event])

    def stamps(self):
        """When every finished cell was written."""
        return {path: path.stat().st_mtime_ns for path in self.run.glob("cells/[!.]*/cell.json")}

    def left_over(self):
        """Temporary files and folders, wherever they are."""
        return [path for path in self.folder.rglob(".*") if path.name != ".lock"]

    def predictions(self):
        return (self.run / "predictions.parquet").read_bytes()


def wait_until(condition, process, seconds=300):
    """Poll until `condition` holds or the process has ended; return whether it held in time."""
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if condition():
            return True
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)
    return condition()


def moments(n, seconds, seed, events):
    """Draw `n` moments of a run that takes `seconds`: half after a time, half at an event; and the signal.

    Yields (event or None, seconds after it, signal).
    """
    generator = random.Random(seed)
    for number in range(n):
        name = signal.SIGTERM if generator.random() < 0.3 else signal.SIGKILL
        if number % 2:
            yield events[(number // 2) % len(events)], generator.choice([0.0, generator.uniform(0, 0.05)]), name
        else:
            yield None, generator.uniform(0, seconds), name


def descendants(process):
    """The processes that a process has started, and they."""
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        return []


def living(processes):
    """Those that still live; what has ended and waits to be collected does not."""
    found = []
    for process in processes:
        try:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until_gone(processes, seconds=30):
    """Poll until none of the processes lives, no longer than `seconds`; return whether that is so."""
    deadline = time.monotonic() + seconds
    while living(processes) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not living(processes)


def check_goes_on(place, reference, stamps):
    """The same command finishes, repeats no finished cell, predicts the same, and leaves nothing behind."""
    done = place.finish()
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert {path: stamp for path, stamp in place.stamps().items() if path in stamps} == stamps
    assert place.predictions() == reference
    assert place.left_over() == []
    manifest = json.loads((place.run / "manifest.json").read_text(encoding="utf-8"))
    for name in tables.SCHEMAS:
        tables.read(name, place.run, sha256=manifest["files"][f"{name}.parquet"])
    return done
