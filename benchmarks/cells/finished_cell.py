"""What a cell leaves: a folder of ``predictions.parquet``, ``timings.parquet``, ``cell.json`` and perhaps ``model/``.

The process of a cell writes all but what only its executor knows: how long the process lived, and the checksums that
say of the folder that it is whole. Every executor ends a cell by `complete` and `put_in_place`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from reports.run_directory import tables
from reports.run_directory.files import checksum, odd_value
from reports.run_directory.manifest import Machine

RECORD = "cell.json"


class CellRecord(BaseModel):
    """What ``cell.json`` says of a finished cell.

    Attributes
    ----------
    key, cell
        ``Cell.key`` and ``Cell.keys``.
    settings
        What the model chose.
    model_bytes
        Size of the saved model; None where none was saved, as where it is not `savable`.
    files
        Checksums of the folder's other files: name -> SHA-256, hexadecimal.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    key: str
    cell: dict[str, str | int]
    settings: dict[str, Any]
    model_bytes: int | None = Field(ge=0, lt=2**53)
    savable: bool
    machine: Machine
    machine_name: str
    versions: dict[str, str]
    source: str
    files: dict[str, str]


def read_record(folder: Path) -> CellRecord | None:
    """Read what a cell says of itself; None where it is not finished, or says what no cell does."""
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return None if odd_value(content) is not None else CellRecord.model_validate(content)
    except (OSError, ValueError, RecursionError):  # ValidationError is a ValueError
        return None


def damage(folder: Path) -> str | None:
    """Say which file of a finished cell is not the one that its record names; None where all are."""
    try:
        noted = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
        now = checksums(folder)
        differing = sorted(name for name in {*noted, *now} if noted.get(name) != now.get(name))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"{RECORD} is missing or cannot be read"
    return f"{differing[0]} changed or is missing" if differing else None


def checksums(folder: Path) -> dict[str, str]:
    """Hash every file of a cell but ``cell.json``: name -> SHA-256, hexadecimal."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / RECORD)
    return {path.relative_to(folder).as_posix(): checksum(path) for path in files}


def complete(folder: Path, process_seconds: float) -> None:
    """Add to what a cell's process has written how long it lived, and the checksums of all files.

    Raises
    ------
    reports.run_directory.files.TableError, OSError, ValueError
        What the process left is no cell, or cannot be written.
    """
    timings = tables.read("timings", folder)
    lived = timings.tail(1).assign(phase="process", n_recordings=0, seconds=process_seconds, peak_rss_bytes=0)
    tables.write(pd.concat([timings, lived], ignore_index=True), "timings", folder)
    written = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    write_record(folder, {**written, "files": checksums(folder)})


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write ``cell.json``."""
    text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False)
    (folder / RECORD).write_text(text, encoding="utf-8")


def put_in_place(folder: Path, target: Path) -> None:
    """Give a complete cell its name at once, in place of what is there; that is left beside `folder`, as ``old``."""
    if target.exists():
        target.replace(folder.with_name("old"))
    folder.replace(target)
