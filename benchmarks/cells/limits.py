"""Limits of a cell: how long its process may live, and how much memory it and the processes it starts may hold.

They keep one model from taking the whole run, or the machine, with it. No result depends on them. Executors keep them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

MB = 1_000_000

_CGROUP_FILES = ("memory.max", "memory/memory.limit_in_bytes")  # versions 2 and 1


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a cell may use: seconds that its process may live, and resident memory of it and those it starts.

    None is any amount. `is_default`: the memory was chosen for the machine, not by the user.
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

    The memory is shared by `jobs`, the cells at a time.
    """
    if memory_mb is not None:
        return Limits(time_s=time_s, memory_bytes=int(memory_mb * MB))
    total = machine_memory_bytes()
    return Limits(time_s=time_s, memory_bytes=(total - max(total // 8, 500 * MB)) // jobs, is_default=True)
