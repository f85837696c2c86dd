"""A cell's process as its executor sees it: within its limits, what it says, and ended with all that it started.

Memory is looked at from outside: the kernel's own limits count what is reserved, or each process alone, and end a
library in the middle of an allocation (docs/decisions/0022-limits-of-a-cell.md).
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import IO

import psutil

from benchmarks.cells.limits import MB, Limits

SECONDS_BETWEEN_LOOKS = 0.25
SHARE_OF_LOOKING = 0.01
"""Most of one core's time that looking may take; on a machine with many processes a look takes longer."""

LOG_BYTES = 1_000_000
"""The end of what a cell writes to standard error; more of it is not kept."""


def wait_within(process: subprocess.Popen[bytes], limits: Limits) -> str | None:
    """Wait until the process of a cell ends; return which limit it has passed, or None where it ended by itself.

    A process that has passed a limit is still there when this returns.
    """
    started = time.monotonic()
    pause = SECONDS_BETWEEN_LOOKS
    while True:
        left = None if limits.time_s is None else limits.time_s - (time.monotonic() - started)
        if left is not None and left <= 0:
            return f"stopped after {limits.time_s:g} s, the time limit of a cell; a longer one: --cell-time-s"
        try:
            process.wait(pause if left is None else min(pause, left))
            return None
        except subprocess.TimeoutExpired:
            looked = time.perf_counter()
            held = tree_rss_bytes(process.pid)
            pause = max(SECONDS_BETWEEN_LOOKS, (time.perf_counter() - looked) / SHARE_OF_LOOKING)
        if limits.memory_bytes is not None and held > limits.memory_bytes:
            why = "the memory limit of a cell on this machine" if limits.is_default else "the memory limit of a cell"
            return (
                f"stopped when it held {held / MB:,.0f} MB, over {limits.memory_bytes / MB:,.0f} MB, {why}; "
                "a higher one: --cell-memory-mb"
            )


def tree_rss_bytes(process: int) -> int:
    """Return the resident memory of a process and all that it has started, in bytes; 0 where it is gone."""
    held = 0
    with suppress(psutil.Error):
        parent = psutil.Process(process)
        for member in (parent, *parent.children(recursive=True)):
            with suppress(psutil.Error):  # it ended in the meantime
                held += member.memory_info().rss
    return held


def end(process: subprocess.Popen[bytes]) -> None:
    """End a cell's process and whatever it started; nothing of it is to be kept, so at once."""
    started = []
    with suppress(psutil.Error):  # it has ended; what it started has other parents now, but is of its group
        started = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in started:
        with suppress(psutil.Error):
            child.kill()
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


class Log:
    """Reads a cell's standard error to its end, so that it never waits, and keeps the last part."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe, self._kept = pipe, b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while part := os.read(self._pipe.fileno(), 65_536):
            self._kept = (self._kept + part)[-LOG_BYTES:]

    def text(self) -> str:
        """Return what was kept; a process that outlived the cell is not waited for."""
        self._thread.join(timeout=1)
        if not self._thread.is_alive():
            self._pipe.close()
        return self._kept.decode(errors="replace")
