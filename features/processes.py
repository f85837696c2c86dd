"""Processes that the project starts: they end with the one that started them, and Ctrl-C reaches that one alone.

They run no module of the working directory that Python would find there before it is told where to look.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PR_SET_PDEATHSIG = 1  # of <linux/prctl.h>


def end_with(parent: int) -> None:
    """Let Linux end this process at once when the process `parent`, which started it, is gone.

    Everything is written under temporary names, so nothing is lost; what would go on alone would work beside the run
    that comes after.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it went before the call
            os._exit(1)


def work_for(parent: int) -> None:
    """Begin a worker process: it ends with its parent, and ends without taking its libraries apart."""
    end_with(parent)
    atexit.register(os._exit, 0)


@contextmanager
def starting() -> Iterator[None]:
    """Let the processes that this thread starts in the block not hear Ctrl-C: whoever started them ends them.

    For those that multiprocessing starts, which cannot be put into a session of their own: they would each print a
    traceback. They begin as ``python -c``, which looks for modules in the working directory first, unless
    ``PYTHONSAFEPATH`` is set. They extract, which needs no BLAS: its threads would take a quarter of their start-up.
    """
    variables = {"PYTHONSAFEPATH": "1", "OPENBLAS_NUM_THREADS": "1"}
    given = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if hasattr(signal, "pthread_sigmask") else None
    try:
        yield
    finally:
        if before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for name, value in given.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
