"""The leakage audit of a run: ``audit.json``, declared here, checked when it is written and when it is read.

It lies beside the tables; ``docs/summary.md`` describes its fields.
"""

from __future__ import annotations

import json
from pathlib import Path

from reports import json_files
from reports.files import write_text
from reports.json_files import fields
from reports.tables import TableError
from reports.terms import Json

SCHEMA = "voxfold-audit/1"
FILE = "audit.json"

CLEAR, LEAK, WARNING, NOT_LOOKED = "nothing found", "leak", "warning", "not looked for"
OUTCOMES = (CLEAR, LEAK, WARNING, NOT_LOOKED)

_TOP = {"schema": str, "protocol": str, "checks": list}
_CHECK = {
    "name": str,
    "title": str,
    "looked_for": str,
    "looked_at": str,
    "outcome": str,
    "n_found": int,
    "found": list,
    "limits": str,
    "numbers": dict,
}


def read(folder: Path) -> Json | None:
    """Return the audit of the run directory `folder`; None where there was none.

    Raises
    ------
    reports.tables.TableError
        The file is not as declared.
    """
    path = folder / FILE
    return check(json_files.read(path, "run the benchmark again")) if path.exists() else None


def write(found: Json, folder: Path) -> Path:
    """Check `found` and write it to ``folder/audit.json``, whole or not at all."""
    path = folder / FILE
    write_text(path, json.dumps(check(found), indent=1, allow_nan=False, ensure_ascii=False) + "\n")
    return path


def check(found: object) -> Json:
    """Return `found` if it is as declared.

    Raises
    ------
    reports.tables.TableError
        A field is missing, unknown or of another type, or a check occurs twice.
    """
    top = fields(found, _TOP, f"{FILE}: ")
    if top["schema"] != SCHEMA:
        raise TableError(f"{FILE}: schema '{top['schema']}', expected '{SCHEMA}'; run the benchmark again")
    names = [_check(entry, place)["name"] for place, entry in enumerate(top["checks"])]
    if not names or len(set(names)) < len(names):
        raise TableError(f"{FILE}: expected checks with a name each, got {names}; run the benchmark again")
    return top


def leaks(found: Json) -> list[Json]:
    """Return the checks of an audit that found a leak."""
    return [entry for entry in found["checks"] if entry["outcome"] == LEAK]


def _check(found: object, place: int) -> Json:
    entry = fields(found, _CHECK, f"{FILE}: check {place}: ")
    usable = entry["outcome"] in OUTCOMES and all(isinstance(text, str) for text in entry["found"])
    if not usable or isinstance(entry["n_found"], bool) or entry["n_found"] < 0:
        raise TableError(f"{FILE}: check '{entry['name']}': outcome, found or n_found are not as declared")
    return entry
