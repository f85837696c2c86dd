"""The leakage audit of a run: ``audit.json``, declared here, checked when it is written and when it is read.

It lies beside the tables; ``docs/summary.md`` describes its fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from reports.files import write_text
from reports.run import Json
from reports.tables import TableError

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
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TableError(f"{FILE} cannot be read ({error}); run the benchmark again") from error
    return check(found)


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
    top = _fields(found, _TOP, "")
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
    entry = _fields(found, _CHECK, f"check {place}: ")
    usable = entry["outcome"] in OUTCOMES and all(isinstance(text, str) for text in entry["found"])
    if not usable or isinstance(entry["n_found"], bool) or entry["n_found"] < 0:
        raise TableError(f"{FILE}: check '{entry['name']}': outcome, found or n_found are not as declared")
    return entry


def _fields(found: object, declared: Mapping[str, type], where: str) -> Json:
    if not isinstance(found, dict) or set(found) != set(declared):
        got = sorted(map(str, found)) if isinstance(found, dict) else type(found).__name__
        raise TableError(f"{FILE}: {where}expected the fields {sorted(declared)}, got {got}")
    wrong = [name for name, kind in declared.items() if not isinstance(found[name], kind)]
    if wrong:
        raise TableError(f"{FILE}: {where}fields {wrong} have another type than declared")
    return found
