"""Ctrl-C and SIGTERM: end all processes, say one line, exit with 130 or 143; within 2 s whatever is going on.

Nothing is unwound: every file is written under a temporary name and renamed, so ending at once leaves what a kill would
leave, and an exception thrown into a library at any line could be swallowed or printed there. A thread waits for the
signal, since Python's own handlers wait for the main thread, which may be inside a database's lock or a large product.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

import psutil

SECONDS_TO_END = 0.4
"""How long processes may take to end after SIGTERM; then they are killed."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_TIDIER = "multiprocessing.resource_tracker"  # ends by itself, after it has removed what pools leave in shared memory

_line = "interrupted"
_is_watched = False


def announce(line: str) -> None:
    """Set the line that an interruption prints from now on."""
    global _line
    _line = line


def watch() -> None:
    """Watch for SIGINT and SIGTERM from now on, unless they are watched already or this process is to ignore them."""
    global _is_watched
    if _is_watched or threading.current_thread() is not threading.main_thread():
        return
    _is_watched = True
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(reader, writer), name="interruption", daemon=True).start()
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and a shell's background jobs set it
            signal.signal(number, _hold)


def _hold(number: int, frame: FrameType | None) -> None:
    """Keep the main thread from going on with, and from telling of, work whose processes are being ended."""
    while True:
        time.sleep(SECONDS_TO_END)


def _wait(reader: socket.socket, writer: socket.socket) -> None:
    """Wait for the first signal that ends, then end; `writer` is kept from being closed."""
    while True:
        number = reader.recv(1)[0]
        if number in _SIGNALS and signal.getsignal(number) is _hold:
            break
    _say(_line)
    _end_processes()
    os._exit(128 + number)


def _say(line: str) -> None:
    """Write to standard error past all libraries: one of their locks may be held by the thread that was stopped."""
    with suppress(OSError):  # nobody reads it
        is_terminal = os.isatty(2)
        text = f"\r\033[K\033[?25h{line}\n" if is_terminal else f"{line}\n"  # a bar is wiped, the cursor shown again
        os.write(2, text.encode(errors="backslashreplace"))


def _end_processes() -> None:
    started = _started()
    for process in started:
        with suppress(psutil.Error):  # it has ended
            process.terminate()
    psutil.wait_procs(started, timeout=SECONDS_TO_END)
    for process in {*started, *_started()}:
        with suppress(psutil.Error):
            process.kill()


def _started() -> Sequence[psutil.Process]:
    """Return all processes that this one has started, and they, but for Python's own tidier."""
    processes = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if not any(_TIDIER in part for part in process.cmdline()):
                processes.append(process)
    return processes


def announce_resuming(*, fresh: bool) -> None:
    """Let an interruption name the command that goes on with this one; with its ``--fresh`` or without."""
    announce(f"interrupted; finished cells are kept, the same command goes on from there: {command_line(fresh=fresh)}")


def command_line(*, fresh: bool) -> str:
    """Return the command line of this process, for people, with its ``--fresh`` or without."""
    arguments = [argument for argument in sys.argv[1:] if fresh or argument != "--fresh"]
    return shlex.join(["python", "-m", "benchmarks", *arguments])
