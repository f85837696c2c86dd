"""Files that are there whole or not at all, their checksums, and values that none of them may hold.

A run directory that came from elsewhere holds files and folders: a link in it could lead a report to any file that its
reader may read, and a run to any that its user may overwrite; reading from a pipe or a device may never end.

What a run directory holds is written under a temporary name and renamed, so that whoever reads it, while it is written
or after the writer was killed, finds the old content or the new.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import psutil

MAX_DEPTH = 40
"""Lists and objects within each other in a JSON file."""

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


class TableError(ValueError):
    """A table of a run directory is missing or is not as declared; the message is for the user."""


class ChangedTableError(TableError):
    """A table is not the one that its run wrote: its checksum is another."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Hand out a temporary name in the folder of `path`; rename to `path` when the block ends without an error."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files in `folder` whose writers are no more."""
    for path in folder.glob(".*.tmp"):
        writer = path.suffixes[-2][1:] if len(path.suffixes) > 1 else ""
        if writer.isdecimal() and not psutil.pid_exists(int(writer)):
            path.unlink(missing_ok=True)


def checksum(path: Path) -> str:
    """Hash a file (SHA-256, hexadecimal; the fastest of hashlib where the processor knows it: 1.2 GB a second)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def odd_value(content: object) -> str | None:
    """Say which number or text of a JSON file no table and no page could hold; None where all can be held."""
    waiting = [(content, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            return f"nested deeper than {MAX_DEPTH}"
        if isinstance(value, dict):
            waiting += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list):
            waiting += [(part, depth + 1) for part in value]
        elif isinstance(value, int) and abs(value) >= 2**63:
            return "a number of more than 64 bits"
        elif isinstance(value, float) and not math.isfinite(value):
            return f"{value} is no number"
        elif isinstance(value, str) and not value.isascii() and _HALF_CHARACTER.search(value):
            return f"a text with half a character, {value!a:.60}"
    return None


def refuse_links(folder: Path) -> None:
    """Check that `folder`, which may itself be a link, holds files and folders only.

    Raises
    ------
    TableError
        There is a link, a pipe or a device somewhere in it.
    """
    if strange := sorted(islice(_strange(folder), 3)):
        raise TableError(
            f"{folder}: a run directory holds files and folders only, this one has links or devices: "
            f"{', '.join(map(repr, strange))}; copy what they lead to, or remove them"
        )


def _strange(folder: Path) -> Iterator[str]:
    waiting = [folder]
    while waiting:
        with suppress(FileNotFoundError):  # of a run that goes on: renamed or removed just now
            path = waiting.pop()
            mode = path.stat(follow_symlinks=path == folder).st_mode
            if stat.S_ISDIR(mode):
                waiting += path.iterdir()
            elif not stat.S_ISREG(mode):
                yield path.relative_to(folder).as_posix()
