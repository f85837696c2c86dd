"""Say how far a run is: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from reports.text.printable import printable

SECONDS_BETWEEN_LINES = 10.0

OnProgress = Callable[[int, int], None]


class Stages:
    """Reports the stages of a run on standard error."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)

    def say(self, line: str) -> None:
        """Print one line; what a terminal would obey is written out."""
        self.console.print(printable(line), markup=False, soft_wrap=True)

    @contextmanager
    def stage(self, name: str) -> Iterator[OnProgress]:
        """Open a stage; the function handed out takes (done, total), total 0 where it is not known."""
        if self.console.is_terminal:
            times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
            columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), *times)
            with Progress(*columns, console=self.console) as progress:
                task = progress.add_task(name, total=None)
                yield lambda done, total: progress.update(task, completed=done, total=total or None)
        else:
            yield self._lines(name)

    def _lines(self, name: str) -> OnProgress:
        started = time.monotonic()
        last = started

        def advance(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if done != total and now - last < SECONDS_BETWEEN_LINES:
                return
            last = now
            elapsed = now - started
            left = f", about {elapsed / done * (total - done):.0f} s left" if 0 < done < total else ""
            of_total = f" of {total}" if total else ""
            self.say(f"{name}: {done}{of_total}, {elapsed:.0f} s{left}")

        return advance
