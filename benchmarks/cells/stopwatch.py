"""Timed phases of a cell, and the peak memory of a process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Stopwatch:
    """Times phases of one cell; a row of the timings table per call."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def time(self, phase: str, n_recordings: int) -> Iterator[None]:
        """Time the block as one call of `phase`."""
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        self.rows.append(
            {"phase": phase, "n_recordings": n_recordings, "seconds": seconds, "peak_rss_bytes": peak_rss_bytes()}
        )


def peak_rss_bytes(process: int | str = "self") -> int:
    """Peak resident memory of a process in bytes (VmHWM), of this one by default; 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
