"""Mutations of what a run directory keeps of its cells and conditions; going on with it ends in a line at most."""

from __future__ import annotations

import json
import random
from pathlib import Path
from types import SimpleNamespace

from benchmarks.cells import checksums
from benchmarks.results import SCHEMA, RunDirectory, RunError
from reports.declared import Manifest

from ..reports.fuzzed import mutated, with_odd_value
from ..reports.test_declared import GOOD

CELL = {"model": "svm", "protocol": "grouped", "repetition": 0, "fold": 0, "seed": 0}
NAME = "svm-grouped-r0-f0-s0"
JOB = SimpleNamespace(cell=SimpleNamespace(name=NAME, keys=CELL), key="0123", save=True)
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
        record = self.directory.record(JOB)
        assert self.directory.is_done(JOB) in (True, False)
        (failure,) = self.directory.failures([JOB])
        choices = (
            [{**record["cell"], "settings": record["settings"], "model_bytes": record["model_bytes"]}] if record else []
        )
        cells = {"finished": len(choices), "failed": [failure], "choices": choices}
        Manifest.check_content(json.loads(json.dumps({**GOOD, "cells": cells}, allow_nan=False)))
        self.directory.find_damage()
        path.write_bytes(self.whole[name])
