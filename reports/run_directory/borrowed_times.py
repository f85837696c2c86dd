"""Measurements taken from another run, so that two runs of one thing can be the same in every byte.

``timings-from/`` in a run directory holds what the other run measured of the same cells: ``timings.parquet`` (seconds,
peak memory, threads, load), ``guards.json`` where its speed guards ran, and ``origin.json``, which says where all that
comes from. The report shows it in place of the run's own, and says so; gates and comparisons judge a run by its own.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports.run_directory import tables
from reports.run_directory.files import TableError
from reports.run_directory.guards import Guards
from reports.run_directory.manifest import Origin
from reports.run_directory.run import read_manifest
from reports.terms import Json

FOLDER = "timings-from"

_ALIKE = ("task", "protocol", "folds", "corpus", "mfcc", "refit")
"""Conditions under which cells of the same name do the same work; others change how long it takes."""


@dataclass(frozen=True, kw_only=True)
class Borrowed:
    """What another run measured: its origin, its timings of extraction and this run's cells, its guards if they ran."""

    origin: Json
    timings: pd.DataFrame
    guards: Json | None


def read(folder: Path) -> Borrowed | None:
    """Return what the run directory `folder` has borrowed; None where it shows its own measurements.

    Raises
    ------
    reports.run_directory.files.TableError
        It cannot be read.
    """
    place = folder / FOLDER
    if not place.is_dir():
        return None
    origin = Origin.read(place)
    if origin is None:
        raise TableError(f"{Origin.FILE} is missing in {place}; {Origin.REMEDY}")
    return Borrowed(origin=origin, timings=tables.read("timings", place), guards=Guards.read(place))


def check_source(source: Path, conditions: Json, cells: set[tuple[object, ...]]) -> None:
    """Stop unless `source` is a run of the same work (by `conditions` of this run's manifest) that has timed all cells.

    Of `cells` the keys are given, `reports.run_directory.tables.CELL_KEYS`.

    Raises
    ------
    reports.run_directory.files.TableError
        `source` is no run, or not one of these cells.
    """
    try:
        theirs = read_manifest(source).get("conditions", {})
        timed = _cells(tables.read("timings", source))
    except TableError as error:
        raise TableError(f"--timings-from {source}: {error}") from error
    if differing := [name for name in _ALIKE if theirs.get(name) != conditions.get(name)]:
        raise TableError(
            f"--timings-from {source}: other work than this run's ({', '.join(differing)} differ); "
            "name a run of the same corpus, task, folds and MFCCs"
        )
    if absent := sorted("{}-{}-r{}-f{}-s{}".format(*cell) for cell in cells - timed):
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        raise TableError(
            f"--timings-from {source}: has no times of {len(absent)} of this run's {len(cells)} cells: "
            f"{', '.join(absent[:5])}{more}; name a run of the same models, repetitions and seeds"
        )


def borrow(folder: Path, source: Path) -> None:
    """Let the run directory `folder` show what `source` measured of its cells; naming itself, its own again.

    Raises
    ------
    reports.run_directory.files.TableError
        See `check_source`.
    """
    if source.resolve() == folder.resolve():
        give_back(folder)
        return
    cells = _cells(tables.read("timings", folder))
    check_source(source, read_manifest(folder).get("conditions", {}), cells)
    timings = tables.read("timings", source)
    keys = pd.MultiIndex.from_frame(timings[list(tables.CELL_KEYS)])
    own = timings[(timings["protocol"] == "") | keys.isin(sorted(cells))].reset_index(drop=True)
    temporary = folder / f".{FOLDER}-new"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        tables.write(own, "timings", temporary)
        if (guards := Guards.read(source)) is not None:
            Guards.write(guards, temporary)
        Origin.write(_origin(source, own), temporary)
        give_back(folder)
        temporary.replace(folder / FOLDER)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def give_back(folder: Path) -> None:
    """Let the run directory `folder` show its own measurements again."""
    if (folder / FOLDER).is_dir():
        shutil.rmtree(folder / FOLDER)


def _origin(source: Path, timings: pd.DataFrame) -> Json:
    manifest = read_manifest(source)
    rows = "\n".join("\t".join(map(repr, row)) for row in timings.itertuples(index=False, name=None))
    return {
        "created": manifest.get("created"),
        "machine": manifest.get("machine") or {},
        "commit": manifest.get("commit"),
        "timings_hash": hashlib.sha256(rows.encode()).hexdigest(),
    }


def _cells(timings: pd.DataFrame) -> set[tuple[object, ...]]:
    """Return the keys of the cells in a timings table; extraction belongs to none."""
    rows = timings.loc[timings["protocol"] != "", list(tables.CELL_KEYS)]
    return set(rows.itertuples(index=False, name=None))
