"""The run directory: conditions, finished and failed cells, and the tables collected from them."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.cells import CellJob
from benchmarks.executors import COMMAND, Outcome
from benchmarks.provenance import CHECKOUT
from features.cache import Features
from reports import tables

MANIFEST = "manifest.json"
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

    def prepare(self, conditions: dict[str, Any], *, fresh: bool) -> None:
        """Make the directory, or check that what is in it was made under the same conditions.

        Raises
        ------
        RunError
            It holds results made under other conditions, or something that is no run, and `fresh` is not set.
        """
        if self.path.is_dir() and self._holds_something():
            if fresh:
                self._clear()
            else:
                self._check_conditions(conditions)
        try:
            self.cells.mkdir(parents=True, exist_ok=True)
            for unfinished in self.cells.glob(".*"):
                shutil.rmtree(unfinished, ignore_errors=True)
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written ({error.strerror}); choose another --out") from error

    def _holds_something(self) -> bool:
        """Tell whether there is anything but the empty folder that a run killed at once leaves."""
        found = [path for path in self.path.iterdir() if path != self.cells]
        return bool(found) or (self.cells.is_dir() and any(self.cells.iterdir()))

    def _check_conditions(self, conditions: dict[str, Any]) -> None:
        manifest = self.read_manifest()
        if manifest is None:
            raise RunError(f"{self.path}: holds files but no run; choose another --out, or --fresh to replace a run")
        old = manifest.get("conditions", {})
        differing = sorted(key for key in {*old, *conditions} if old.get(key) != conditions.get(key))
        if differing:
            raise RunError(
                f"{self.path}: was made under other conditions ({', '.join(differing)} differ); "
                "use --fresh to replace it, or another --out"
            )

    def _clear(self) -> None:
        if self.read_manifest() is None:
            raise RunError(f"{self.path}: holds files but no run, so --fresh does not delete it; choose another --out")
        doomed = self.path.with_name(f".{self.path.name}-replaced")
        shutil.rmtree(doomed, ignore_errors=True)
        self.path.replace(doomed)  # at once: a half-deleted run would be no run any more
        shutil.rmtree(doomed)

    def read_manifest(self) -> dict[str, Any] | None:
        """Read the manifest; None where there is none, or one of something else than a run."""
        try:
            content = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        return content if isinstance(content, dict) and content.get("schema") == SCHEMA else None

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Write the manifest under a temporary name first."""
        temporary = self.path / f"{MANIFEST}.tmp"
        temporary.write_text(json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False), encoding="utf-8")
        temporary.replace(self.path / MANIFEST)

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

    def record_failure(self, outcome: Outcome) -> None:
        """Keep the error, the command and the log of a failed cell."""
        folder = self.cells / "failed" / outcome.job.cell.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "error.txt").write_text(f"{outcome.error}\n", encoding="utf-8")
        (folder / "log.txt").write_text(outcome.log, encoding="utf-8")
        (folder / "job.json").write_text(outcome.job.to_json(), encoding="utf-8")
        command = f"PYTHONPATH={shlex.quote(str(CHECKOUT))} {shlex.join(COMMAND)} < job.json\n"
        (folder / "command.txt").write_text(command, encoding="utf-8")

    def forget_failure(self, job: CellJob) -> None:
        """Remove what a former failure of the cell left."""
        shutil.rmtree(self.cells / "failed" / job.cell.name, ignore_errors=True)

    def failures(self, jobs: Sequence[CellJob]) -> list[dict[str, str]]:
        """List the cells of `jobs` that failed, with their errors."""
        found = []
        for job in jobs:
            error = self.cells / "failed" / job.cell.name / "error.txt"
            if error.is_file():
                found.append({"cell": job.cell.name, "error": error.read_text(encoding="utf-8").strip()})
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
                shutil.copytree(self.cells / name / "model", self.path / "models" / name, dirs_exist_ok=True)


def _is_record(content: object, job: CellJob) -> bool:
    """Tell whether a file's content is what the cell of `job` says of itself, made under the same conditions."""
    if not isinstance(content, dict) or content.get("key") != job.key or content.get("cell") != job.cell.keys:
        return False
    n_bytes = content.get("model_bytes")
    return isinstance(content.get("settings"), dict) and (n_bytes is None or type(n_bytes) is int)


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
