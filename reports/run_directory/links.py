"""A run directory holds files and folders: what else lies in one that came from elsewhere is not followed.

A link could lead a report to any file that its reader may read, and a run to any that its user may overwrite; reading
from a pipe or a device may never end.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from reports.run_directory.tables import TableError

_MOST_NAMED = 3


def refuse_links(folder: Path) -> None:
    """Check that `folder`, which may itself be a link, holds files and folders only.

    Raises
    ------
    reports.run_directory.tables.TableError
        There is a link, a pipe or a device somewhere in it.
    """
    strange = sorted(islice(_strange(folder), _MOST_NAMED))
    if strange:
        raise TableError(
            f"{folder}: a run directory holds files and folders only, this one has links or devices: "
            f"{', '.join(map(repr, strange))}; copy what they lead to, or remove them"
        )


def _strange(folder: Path) -> Iterator[str]:
    waiting = [folder]
    while waiting:
        for path in _within(waiting.pop()):
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:  # of a run that goes on: renamed or removed just now
                continue
            if stat.S_ISDIR(mode):
                waiting.append(path)
            elif not stat.S_ISREG(mode):
                yield path.relative_to(folder).as_posix()


def _within(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
