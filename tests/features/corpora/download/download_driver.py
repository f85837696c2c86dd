"""Run a download in a process that stops, and waits to be killed, at the moment it is told.

Arguments: JSON of folder, url, whole, and stop: "<stage>:<done>" after so much of a stage,
"write:<n>" in the middle of the n-th member, "before:<n>" and "after:<n>" around the n-th renaming, or "" for nowhere.
"""

import json
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

from features.corpora.download import audiomnist
from features.corpora.download.originals import Whole


def stop(moment):
    if moment == TOLD["stop"]:
        print("here", flush=True)
        sys.stdin.read()


class Told:
    @contextmanager
    def stage(self, name):
        yield lambda done, total: stop(f"{name}:{done}")

    def say(self, line):
        print(line, file=sys.stderr)


class Counted:
    """A function of the standard library, with stops around each call."""

    def __init__(self, function, before, after):
        self.function, self.before, self.after, self.calls = function, before, after, 0

    def __call__(self, *arguments, **options):
        self.calls += 1
        stop(f"{self.before}:{self.calls}")
        returned = self.function(*arguments, **options)
        stop(f"{self.after}:{self.calls}")
        return returned


def half_written(packed, file, *sizes):
    file.write(packed.read(100))
    file.flush()
    copied.calls += 1
    stop(f"write:{copied.calls}")
    return copied.function(packed, file, *sizes)


if __name__ == "__main__":
    TOLD = json.loads(sys.argv[1])
    copied = Counted(shutil.copyfileobj, "", "")
    shutil.copyfileobj = half_written
    replaced, renamed = Counted(Path.replace, "before", "after"), Counted(Path.rename, "before rename", "after rename")
    Path.replace = lambda *both: replaced(*both)
    Path.rename = lambda *both: renamed(*both)
    audiomnist.ARCHIVE_BYTES = audiomnist.UNPACKED_BYTES = 200_000
    audiomnist.download(Path(TOLD["folder"]), stages=Told(), url=TOLD["url"], whole=Whole(**TOLD["whole"]))
    print("done", flush=True)
