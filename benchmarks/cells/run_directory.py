"""The run directory: conditions, finished and failed cells, and the tables collected from them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from benchmarks import provenance
from benchmarks.cells.cell import Cell
from benchmarks.cells.executors.base import Outcome
from benchmarks.cells.finished_cell import CellRecord, damage, read_record
from benchmarks.cells.manifest import SCHEMA, cells_entry
from benchmarks.errors import RunError
from benchmarks.protocol.inputs import Inputs
from features.cache.entries import Features
from reports.run_directory import tables
from reports.run_directory.files import checksum, remove_abandoned, write_text

MANIFEST = "manifest.json"
LOCK = ".lock"


@dataclass(frozen=True)
class RunDirectory:
    """Where a run's results are."""

    path: Path

    @property
    def cells(self) -> Path:
        """Folder of the finished cells."""
        return self.path / "cells"

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the directory for this process: the lock is the operating system's, and ends with the process.

        Raises
        ------
        RunError
            Another process holds it, it holds something that is no run, or it cannot be written.
        """
        if self.path.is_dir() and self._holds_something() and self.read_manifest() is None:
            raise RunError(f"{self.path}: holds files but no run; choose another --out (nothing was changed)")
        lock = FileLock(self.path / LOCK)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
            (self.path / LOCK).write_text(f"{os.getpid()}\n", encoding="ascii")
        except Timeout:
            raise RunError(
                f"{self.path}: {self._holder()} is running in it; wait for it, or choose another --out"
            ) from None
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written ({error.strerror}); choose another --out") from error
        try:
            yield
        finally:
            if self.path.is_dir() and not self._holds_something():
                shutil.rmtree(self.path, ignore_errors=True)  # nothing came of it
            lock.release()

    def _holder(self) -> str:
        try:
            return f"process {int((self.path / LOCK).read_text(encoding='ascii'))}"
        except (OSError, ValueError):
            return "another process"

    def prepare(self, conditions: dict[str, Any], *, fresh: bool) -> None:
        """Make or empty the directory, or check that what is in it was made under the same conditions.

        Raises
        ------
        RunError
            It holds results made under other conditions, or something that is no run, and `fresh` is not set.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if self._holds_something():
            if fresh:
                self._clear()
            else:
                self._check_conditions(conditions)
        self.cells.mkdir(parents=True, exist_ok=True)
        for unfinished in self.cells.glob(".*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        remove_abandoned(self.path)

    def _holds_something(self) -> bool:
        """Tell whether there is anything but what a run killed at once leaves: a lock, temporary files, no cell."""
        for path in self.path.iterdir():
            own = path.name == LOCK or fnmatch(path.name, ".*.tmp")
            if not own and not (path == self.cells and path.is_dir() and not any(path.glob("[!.]*"))):
                return True
        return False

    def _check_conditions(self, conditions: dict[str, Any]) -> None:
        manifest = self.read_manifest()
        if manifest is None:
            raise RunError(f"{self.path}: holds files but no run; choose another --out, or --fresh to replace a run")
        noted = manifest.get("conditions")
        old = noted if isinstance(noted, dict) else {}
        differing = sorted(key for key in {*old, *conditions} if old.get(key) != conditions.get(key))
        if differing:
            raise RunError(
                f"{self.path}: was made under other conditions ({', '.join(differing)} differ); "
                "use --fresh to replace it, or another --out"
            )

    def _clear(self) -> None:
        """Delete the run, its manifest last: what a kill leaves of it can be deleted by --fresh again."""
        if self.read_manifest() is None:
            raise RunError(f"{self.path}: holds files but no run, so --fresh does not delete it; choose another --out")
        for path in sorted(self.path.iterdir(), key=lambda path: path.name == MANIFEST):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != LOCK:
                path.unlink()

    def read_manifest(self) -> dict[str, Any] | None:
        """Read the manifest; None where there is none, or one of something else than a run."""
        try:
            content = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        return content if isinstance(content, dict) and content.get("schema") == SCHEMA else None

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Write the manifest, whole or not at all."""
        write_text(self.path / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False))

    def begin(self, inputs: Inputs, manifest: dict[str, Any]) -> None:
        """Write what is known before any cell is run: the manifest, recordings, quarantine and folds."""
        self.write_manifest(manifest)
        tables.write(inputs.corpus.recordings, "recordings", self.path)
        tables.write(inputs.corpus.quarantine, "quarantine", self.path)
        tables.write(inputs.plan.folds, "folds", self.path)

    def record(self, cell: Cell) -> CellRecord | None:
        """Return what a finished cell says of itself; None where it is not finished under this cell's key."""
        record = read_record(self.cells / cell.name)
        return record if record and (record.key, record.cell) == (cell.key, cell.keys) else None

    def is_done(self, cell: Cell, *, save: bool) -> bool:
        """Tell whether nothing is left to do for `cell`, its model kept if it is to `save` it and can be."""
        record = self.record(cell)
        if record is None:
            return False
        return not (save and record.savable) or (self.cells / cell.name / "model").is_dir()

    def damaged(self) -> dict[Path, str]:
        """Say of finished cells whose files are not those that they were what is wrong with them."""
        cells = sorted(path for path in self.cells.iterdir() if path.name != "failed")
        return {folder: what for folder in cells if (what := damage(folder)) is not None}

    def remove_damaged(self) -> list[str]:
        """Remove damaged cells; return what was wrong."""
        damaged = self.damaged()
        for folder in damaged:
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
        return [f"cell {folder.name} is damaged ({what}) and is repeated" for folder, what in damaged.items()]

    def record_failure(self, outcome: Outcome) -> None:
        """Keep the error, the job, the log and the command of a failed cell."""
        cell = outcome.job.cell
        folder = self.cells / f".failed-{cell.name}"
        folder.mkdir(exist_ok=True)
        (folder / "error.txt").write_text(f"{outcome.error}\n", encoding="utf-8")
        (folder / "log.txt").write_text(outcome.log, encoding="utf-8")
        (folder / "job.arrow").write_bytes(outcome.job.to_bytes())
        if outcome.command is not None:
            (folder / "command.txt").write_bytes(os.fsencode(f"{outcome.command}\n"))
        (self.cells / "failed").mkdir(exist_ok=True)
        self.forget_failure(cell)
        folder.replace(self.cells / "failed" / cell.name)

    def forget_failure(self, cell: Cell) -> None:
        """Remove what a former failure of the cell left."""
        shutil.rmtree(self.cells / "failed" / cell.name, ignore_errors=True)

    def failures(self, cells: Sequence[Cell]) -> list[dict[str, str]]:
        """List those of `cells` that failed, with their errors."""
        errors = {cell.name: self.cells / "failed" / cell.name / "error.txt" for cell in cells}
        return [
            {"cell": name, "error": error.read_text(encoding="utf-8", errors="replace").strip()}
            for name, error in errors.items()
            if error.is_file()
        ]

    def collect(self, cells: Sequence[Cell], manifest: dict[str, Any], features: Features) -> bool:
        """Write the tables of the finished cells, and the manifest with how the cells went; False where none finished.

        Saved models are gathered from the cells, too.
        """
        records = {cell.name: record for cell in cells if (record := self.record(cell)) is not None}
        if not records:
            return False
        for table, first in (("predictions", []), ("timings", [_extraction(features)])):
            parts = [*first, *(tables.read(table, self.cells / name) for name in records)]
            tables.write(pd.concat(parts, ignore_index=True), table, self.path)
        for name in records:
            if (self.cells / name / "model").is_dir():
                _copy_whole(self.cells / name / "model", self.path / "models" / name)
        sums = {f"{name}.parquet": checksum(self.path / f"{name}.parquet") for name in tables.SCHEMAS}
        entry = cells_entry(list(records.values()), self.failures(cells))
        self.write_manifest({**manifest, "cells": entry, "files": sums})
        return True


def _copy_whole(source: Path, target: Path) -> None:
    """Copy a folder under a temporary name, then put it in the place of what is there."""
    target.parent.mkdir(exist_ok=True)
    for left in target.parent.glob(".*"):
        shutil.rmtree(left, ignore_errors=True)
    new = target.with_name(f".{target.name}")
    shutil.copytree(source, new)
    if target.exists():
        shutil.rmtree(target)
    new.replace(target)


def _extraction(features: Features) -> pd.DataFrame:
    row = {
        "model": "features",
        "protocol": "",
        **dict.fromkeys(("repetition", "fold", "seed", "peak_rss_bytes"), 0),
        "phase": "extract",
        "n_recordings": len(features.index),
        "seconds": features.extract_seconds,
        "threads": features.extract_jobs,
        "contended": False,
        "machine": provenance.machine_name(),
        "load": float("nan"),  # the cache may have it from another hour
    }
    return pd.DataFrame([row])
