"""Mutations of what a run directory and its companions hold; of whatever is read, only our own errors come out."""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.settings import SettingsError, read_settings
from reports.gates.gates_file import GatesError, read_gates
from reports.page.page import rebuild
from reports.run_directory import tables
from reports.run_directory.audit import Audit
from reports.run_directory.files import TableError
from reports.run_directory.guards import Guards
from reports.run_directory.run import load
from reports.two_runs.page import write as compare
from tests.reports.conftest import Recipe, write_run
from tests.reports.run_directory.test_audit import FOUND as AUDIT
from tests.reports.run_directory.test_guards import FOUND

TINY = Recipe(
    n_women=2, n_men=2, n_takes=1, digits=2, n_folds=2, models=("svm",), accuracy=(0.8,), quarantined=1, hostile=False
)
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 2**70, -(10**400), float("nan"), float("inf"), "", "x" * 5_000, "\u202e\n\x00",
    "\ud800", "<b>$\\frac$", [], {}, [[]], [None], {"": {}}, {"name": 1}, ["a", "a"], {"x": [{"y": float("inf")}]},
)  # fmt: skip
GATES = (
    b'[[gate]]\nnumber = "models.svm.balanced_accuracy"\nat_least = 0.7\njudge = "interval"\n'
    b'[[gate]]\ncells = "complete"\n'
)
SETTINGS = b'corpus = "virtual"\nmodels = "svm,cnn"\nfolds = 5\nclip_s = 1.0\nstrict = true\nout = "x"\n'
PAGES = {
    "page, manifest": "manifest.json",
    "page, guards": "guards.json",
    "page, audit": "audit.json",
    "page, borrowed times": "timings-from/origin.json",
}
"""Readers that make a whole page, and the file of which one entry is odd."""

COMPARISON = "comparison, manifest"
TOKENS = (
    b"\xff", b"\x00", b"[", b"[[", b"]", b"{", b"}", b'"', b"'''", b"=", b".", b"\n", b"nan", b"inf", b"1e999",
    b"1979-05-27", b"models", b"at_most", b"ratio", b"*", b"_", b"0x", b"\\ud800", b"PAR1", b"\x7f\xff\xff\xff",
)  # fmt: skip


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return `content` with some bytes changed, cut, doubled, or put in."""
    found = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        place = chance.randrange(len(found) + 1)
        match chance.randrange(5):
            case 0:
                found[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del found[place : place + chance.randrange(1, 40)]
            case 2:
                found[place:place] = found[place : place + chance.randrange(1, 40)]
            case 3:
                found[place:place] = chance.choice(TOKENS)
            case _:
                found = found[:place] if chance.random() < 0.2 else found
    return bytes(found)


def with_odd_value(content: Any, chance: random.Random) -> Any:
    """Return a copy of a structure in which one entry, wherever it is, is another, lacking or double."""
    found = copy.deepcopy(content)
    node, parents = found, []
    while isinstance(node, dict | list) and node and (not parents or chance.random() < 0.8):
        key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
        parents.append((node, key))
        node = node[key]
    above, key = parents[-1]
    if chance.random() < 0.2:
        del above[key]
    else:
        above[key] = chance.choice(ODD)
    return found


def on_a_file(name: str, original: bytes, read: Callable[[Path], object], errors: tuple[type[Exception], ...]):
    def tried(folder: Path, chance: random.Random) -> None:
        (folder / name).write_bytes(mutated(original, chance))
        try:
            read(folder)
        except errors as error:
            assert str(error)

    return tried


class Fuzzed:
    """Readers by name; each call tries one input in a run directory of its own, which is put back afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder = write_run(folder / "run", TINY)
        Guards.write(FOUND, self.folder)
        Audit.write(AUDIT, self.folder)
        other = shutil.copytree(self.folder, folder / "other")
        rebuild(self.folder, other)
        self.whole = {str(path.relative_to(self.folder)): path.read_bytes() for path in _files(self.folder)}
        error = (TableError,)
        readers = {
            f"{name}.parquet": on_a_file(f"{name}.parquet", self.whole[f"{name}.parquet"], load, error)
            for name in tables.SCHEMAS
        }
        readers["gates.toml"] = on_a_file("gates.toml", GATES, lambda at: read_gates(at / "gates.toml"), (GatesError,))
        readers["settings.toml"] = on_a_file(
            "settings.toml", SETTINGS, lambda at: read_settings({}, at / "settings.toml"), (SettingsError,)
        )
        readers["guards.json"] = on_a_file("guards.json", self.whole["guards.json"], Guards.read, error)
        readers["manifest.json, bytes"] = on_a_file("manifest.json", self.whole["manifest.json"], load, error)
        self.readers = {
            **readers,
            "manifest.json, values": self._odd("manifest.json", load),
            "guards.json, values": self._odd("guards.json", Guards.read),
            **{page: self._odd(file, rebuild) for page, file in PAGES.items()},
            COMPARISON: self._odd("manifest.json", lambda at: compare(at, other, folder / "comparison.html")),
        }

    def _odd(self, name: str, read: Callable[[Path], object]) -> Callable[[Path, random.Random], None]:
        content = json.loads(self.whole[name])

        def tried(folder: Path, chance: random.Random) -> None:
            (folder / name).write_text(json.dumps(with_odd_value(content, chance)))
            try:
                read(folder)
            except TableError as error:
                assert str(error)

        return tried

    def tried(self, reader: str, seed: int) -> None:
        """Try the input that `seed` gives."""
        self.readers[reader](self.folder, random.Random(f"{reader} {seed}"))
        for name, content in self.whole.items():
            (self.folder / name).write_bytes(content)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


READERS = (
    *(f"{name}.parquet" for name in tables.SCHEMAS),
    *("gates.toml", "settings.toml", "guards.json", "manifest.json, bytes"),
    *("manifest.json, values", "guards.json, values"),
    *(*PAGES, COMPARISON),
)
