"""Mutations of what a run directory keeps of its cells and conditions; going on with it ends in a line at most."""

from __future__ import annotations

import json
import random
from pathlib import Path

from benchmarks import provenance
from benchmarks.cells.cell import Cell
from benchmarks.cells.finished_cell import checksums
from benchmarks.cells.manifest import SCHEMA, cells_entry
from benchmarks.cells.run_directory import RunDirectory
from benchmarks.errors import RunError
from reports.run_directory.manifest import Manifest
from tests.reports.fuzzed import mutated, with_odd_value
from tests.reports.run_directory.test_manifest import GOOD

CELL = {"model": "svm", "protocol": "grouped", "repetition": 0, "fold": 0, "seed": 0}
NAME = "svm-grouped-r0-f0-s0"
THIS = Cell(**CELL, key="0123")
CONDITIONS = {"task": "gender", "threads": 2, "mfcc": {"recipe": "psf"}, "versions": {"numpy": "2"}}
FILES = {
    "cell.json": f"cells/{NAME}/cell.json",
    "error.txt": f"cells/failed/{NAME}/error.txt",
    "manifest.json of conditions": "manifest.json",
}
READERS = tuple(f"{name}, {how}" for name in FILES for how in ("bytes", "values"))


class FuzzedCells:
    """A run directory with one finished cell and one failure; each call tries one input and puts it back."""

    def __init__(self, folder: Path) -> None:
        self.directory = RunDirectory(folder)
        cell = self.directory.cells / NAME
        (cell / "model").mkdir(parents=True)
        (cell / "predictions.parquet").write_bytes(b"rows")
        record = {"key": "0123", "cell": CELL, "settings": {"C": 10.0}, "model_bytes": 12, "savable": True}
        record |= {"machine": provenance.machine(), "machine_name": "a machine", "versions": {}, "source": "4567"}
        contents = {
            "cell.json": {**record, "files": checksums(cell)},
            "error.txt": "ValueError: no",
            "manifest.json of conditions": {"schema": SCHEMA, "conditions": CONDITIONS, "models": []},
        }
        self.whole = {name: json.dumps(content).encode() for name, content in contents.items()}
        (self.directory.cells / "failed" / NAME).mkdir(parents=True)
        for name, content in self.whole.items():
            (folder / FILES[name]).write_bytes(content)

    def tried(self, reader: str, seed: int) -> None:
        """Try the input that `seed` gives."""
        name, _, how = reader.rpartition(", ")
        chance = random.Random(f"{reader} {seed}")
        path = self.directory.path / FILES[name]
        if how == "bytes" or name == "error.txt":
            path.write_bytes(mutated(self.whole[name], chance))
        else:
            path.write_text(json.dumps(with_odd_value(json.loads(self.whole[name]), chance)))
        try:
            self.directory.prepare(CONDITIONS, fresh=False)
        except RunError as error:
            assert str(error)
        record = self.directory.record(THIS)
        assert self.directory.is_done(THIS, save=True) in (True, False)
        (failure,) = self.directory.failures([THIS])
        cells = cells_entry([record] if record else [], [failure])
        Manifest.check_content(json.loads(json.dumps({**GOOD, "cells": cells}, allow_nan=False)))
        self.directory.damaged()
        path.write_bytes(self.whole[name])
