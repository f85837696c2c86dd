"""The speed guards of a run: ``guards.json``, declared here, checked when it is written and when it is read.

It lies beside the tables where the guards ran; ``docs/summary.md`` describes its fields.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from reports import json_files
from reports.declared import Measurement, check_part
from reports.files import write_text
from reports.json_files import fields, is_number
from reports.tables import TableError
from reports.terms import Json

SCHEMA = "voxfold-guards/1"
FILE = "guards.json"

_TOP = {"schema": str, "created": str, "machine": dict, "p_limit": float, "clock": str, "guards": list}
_GUARD = {
    "name": str,
    "subject": str,
    "reference": str,
    "ratio": float,
    "limit": float,
    "p": float,
    "holds": bool,
    "subject_seconds": float,
    "reference_seconds": float,
    "rounds": list,
}
_POSITIVE = ("ratio", "limit", "subject_seconds", "reference_seconds")


def read(folder: Path) -> Json | None:
    """Return the guards of the run directory `folder`; None where they did not run.

    Raises
    ------
    reports.tables.TableError
        The file is not as declared.
    """
    path = folder / FILE
    return check(json_files.read(path, "run the guards again")) if path.exists() else None


def write(found: Json, folder: Path) -> Path:
    """Check `found` and write it to ``folder/guards.json``, whole or not at all."""
    path = folder / FILE
    write_text(path, json.dumps(check(found), indent=1, allow_nan=False) + "\n")
    return path


def check(found: object) -> Json:
    """Return `found` if it is as declared.

    Raises
    ------
    reports.tables.TableError
        A field is missing, unknown or of another type, a number is out of range, a name occurs twice.
    """
    top = fields(found, _TOP, f"{FILE}: ")
    if top["schema"] != SCHEMA:
        raise TableError(f"{FILE}: schema '{top['schema']}', expected '{SCHEMA}'; run the guards again")
    names = [_guard(guard, place)["name"] for place, guard in enumerate(top["guards"])]
    double = sorted({name for name in names if names.count(name) > 1})
    if double or not names:
        raise TableError(f"{FILE}: " + (f"guards {double} occur twice" if double else "no guard in it"))
    check_part(Measurement, top, FILE, "run the guards again")
    return top


def _guard(found: object, place: int) -> Json:
    guard = fields(found, _GUARD, f"{FILE}: guard {place}: ")
    numbers = [*(guard[name] for name in _POSITIVE), *guard["rounds"]]
    usable = all(is_number(value) and 0 < value < math.inf for value in numbers)
    if not (usable and guard["rounds"] and 0 <= guard["p"] <= 1):
        raise TableError(f"{FILE}: guard '{guard['name']}': ratios, seconds and limit must be positive, p in 0 to 1")
    return guard
