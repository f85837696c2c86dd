"""The run directory: conditions, finished and failed cells, and the tables collected from them."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from benchmarks.cells import CellJob, checksums
from benchmarks.executors import COMMAND, Outcome
from benchmarks.provenance import CHECKOUT
from features.cache import Features
from reports import tables
from reports.files import checksum, odd_value, remove_abandoned, write_text

MANIFEST = "manifest.json"
LOCK = ".lock"
SCHEMA = "voxfold-run/1"


class RunError(ValueError):
    """The run directory cannot be used as asked; the message is for the user."""


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

    def table_checksums(self) -> dict[str, str]:
        """Hash the tables of the run: name -> SHA-256, hexadecimal; they go into the manifest."""
        return {f"{name}.parquet": checksum(self.path / f"{name}.parquet") for name in tables.SCHEMAS}

    def record(self, job: CellJob) -> dict[str, Any] | None:
        """Return what a finished cell says of itself; None where it is not finished under this job's key."""
        try:
            content = json.loads((self.cells / job.cell.name / "cell.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        return content if _is_record(content, job) else None

    def is_done(self, job: CellJob) -> bool:
        """Tell whether nothing is left to do for `job`, its model kept if that is asked for and can be done."""
        record = self.record(job)
        if record is None:
            return False
        return not (job.save and record.get("savable")) or (self.cells / job.cell.name / "model").is_dir()

    def find_damage(self) -> dict[Path, str]:
        """Say of finished cells whose files are not those that they were what is wrong with them."""
        cells = sorted(path for path in self.cells.iterdir() if path.name != "failed")
        return {folder: damage for folder in cells if (damage := _damage(folder)) is not None}

    def remove_damaged(self) -> list[str]:
        """Remove damaged cells; return what was wrong."""
        damaged = self.find_damage()
        for folder in damaged:
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
        return [f"cell {folder.name} is damaged ({damage}) and is repeated" for folder, damage in damaged.items()]

    def record_failure(self, outcome: Outcome) -> None:
        """Keep the error, the command and the log of a failed cell."""
        folder = self.cells / f".failed-{outcome.job.cell.name}"
        folder.mkdir(exist_ok=True)
        (folder / "error.txt").write_text(f"{outcome.error}\n", encoding="utf-8")
        (folder / "log.txt").write_text(outcome.log, encoding="utf-8")
        (folder / "job.json").write_text(outcome.job.to_json(), encoding="utf-8")
        command = f"PYTHONPATH={shlex.quote(str(CHECKOUT))} {shlex.join(COMMAND)} < job.json\n"
        (folder / "command.txt").write_text(command, encoding="utf-8")
        (self.cells / "failed").mkdir(exist_ok=True)
        self.forget_failure(outcome.job)
        folder.replace(self.cells / "failed" / outcome.job.cell.name)

    def forget_failure(self, job: CellJob) -> None:
        """Remove what a former failure of the cell left."""
        shutil.rmtree(self.cells / "failed" / job.cell.name, ignore_errors=True)

    def failures(self, jobs: Sequence[CellJob]) -> list[dict[str, str]]:
        """List the cells of `jobs` that failed, with their errors."""
        found = []
        for job in jobs:
            error = self.cells / "failed" / job.cell.name / "error.txt"
            if error.is_file():
                found.append(
                    {"cell": job.cell.name, "error": error.read_text(encoding="utf-8", errors="replace").strip()}
                )
        return found

    def collect(self, jobs: Sequence[CellJob], features: Features) -> None:
        """Write ``predictions.parquet`` and ``timings.parquet`` from the finished cells, and gather saved models."""
        names = [job.cell.name for job in jobs if self.record(job) is not None]
        for table in ("predictions", "timings"):
            parts = [tables.read(table, self.cells / name) for name in names]
            if table == "timings":
                parts.insert(0, _extraction(features))
            tables.write(pd.concat(parts, ignore_index=True), table, self.path)
        for name in names:
            if (self.cells / name / "model").is_dir():
                _copy_whole(self.cells / name / "model", self.path / "models" / name)


def _damage(folder: Path) -> str | None:
    """Say which file of a finished cell is not the one that its record names; None where all are."""
    try:
        record = json.loads((folder / "cell.json").read_text(encoding="utf-8"))
        now = checksums(folder)
        differing = sorted(name for name in {*record["files"], *now} if record["files"].get(name) != now.get(name))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "cell.json is missing or cannot be read"
    return f"{differing[0]} changed or is missing" if differing else None


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


def _is_record(content: object, job: CellJob) -> bool:
    """Tell whether a file's content is what the cell of `job` says of itself, made under the same conditions."""
    if not isinstance(content, dict) or content.get("key") != job.key or content.get("cell") != job.cell.keys:
        return False
    n_bytes = content.get("model_bytes", -1)
    usable = isinstance(content.get("settings"), dict) and (n_bytes is None or type(n_bytes) is int)
    return usable and (n_bytes is None or 0 <= n_bytes < 2**53) and odd_value(content) is None


def _extraction(features: Features) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": ["features"],
            "protocol": [""],
            "repetition": [0],
            "fold": [0],
            "seed": [0],
            "phase": ["extract"],
            "n_recordings": [len(features.index)],
            "seconds": [features.extract_seconds],
            "peak_rss_bytes": [0],
            "threads": [features.extract_jobs],
            "contended": [False],
        }
    )


def corpus_hash(recordings: pd.DataFrame) -> str:
    """Hash the recordings table: contents, labels and speakers, not where the files lie (SHA-256, hexadecimal)."""
    columns = [column for column in recordings.columns if column != "path"]
    lines = ["\t".join(map(str, row)) for row in recordings[columns].itertuples(index=False)]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
