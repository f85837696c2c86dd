"""Limits of a cell: how long its process may live, and how much memory it and the processes it starts may hold.

They keep one model from taking the whole run, or the machine, with it. No result depends on them. Memory is looked at
from the run's own process: the kernel's own limits count what is reserved, or each process alone, and end a library in
the middle of an allocation (docs/decisions/0022-limits-of-a-cell.md).
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

SECONDS_BETWEEN_LOOKS = 0.25
SHARE_OF_LOOKING = 0.01
"""Most of one core's time that looking may take; on a machine with many processes a look takes longer."""

MB = 1_000_000

_CGROUP_FILES = ("memory.max", "memory/memory.limit_in_bytes")  # versions 2 and 1


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a cell may use.

    Attributes
    ----------
    time_s
        Most seconds its process may live; None for any number.
    memory_bytes
        Most resident memory of its process and those it starts; None for any amount.
    is_default
        Whether `memory_bytes` was chosen for the machine, not by the user.
    """

    time_s: float | None = None
    memory_bytes: int | None = None
    is_default: bool = False


def machine_memory_bytes(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the memory of the machine, or of the container that this process is in, if that is less."""
    total = int(psutil.virtual_memory().total)
    for name in _CGROUP_FILES:
        try:
            total = min(total, int((cgroup / name).read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return total


def limits_of(time_s: float | None, memory_mb: float | None, jobs: int) -> Limits:
    """Return the limits asked for; by default any time, and an equal share of 7/8 of the memory, less 0.5 GB at least.

    Parameters
    ----------
    time_s, memory_mb
        As asked, None where they are not.
    jobs
        Cells at a time.
    """
    if memory_mb is not None:
        return Limits(time_s=time_s, memory_bytes=int(memory_mb * MB))
    total = machine_memory_bytes()
    return Limits(time_s=time_s, memory_bytes=(total - max(total // 8, 500 * MB)) // jobs, is_default=True)


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
    try:
        parent = psutil.Process(process)
        members = [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return 0
    return sum(map(_rss_bytes, members))


def _rss_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it ended in the meantime
        return 0
