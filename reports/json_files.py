"""JSON files beside the tables of a run, whose fields a module declares: read, and held against the declaration."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports.tables import TableError

MAX_DEPTH = 40


def read(path: Path, remedy: str) -> object:
    """Return what the file `path`, which exists, holds.

    Raises
    ------
    reports.tables.TableError
        It cannot be read, is no JSON, or holds what no table and no page could; the message ends with `remedy`.
    """
    try:
        found: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TableError(f"{path.name} cannot be read ({error}); {remedy}") from error
    if (odd := odd_value(found)) is not None:
        raise TableError(f"{path.name} cannot be read ({odd}); {remedy}")
    return found


def fields(found: object, declared: Mapping[str, type], where: str) -> dict[str, Any]:
    """Return `found` if it has just the fields that are declared, of their types; a ``float`` may be whole.

    Raises
    ------
    reports.tables.TableError
        It has not; the message begins with `where`.
    """
    if not isinstance(found, dict) or set(found) != set(declared):
        got = sorted(map(str, found)) if isinstance(found, dict) else type(found).__name__
        raise TableError(f"{where}expected the fields {sorted(declared)}, got {got}")
    wrong = [name for name, kind in declared.items() if not _is(found[name], kind)]
    if wrong:
        raise TableError(f"{where}fields {wrong} have another type than declared")
    return found


def is_number(value: object) -> bool:
    """Tell whether `value` is a number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is(value: object, kind: type) -> bool:
    return is_number(value) if kind is float else isinstance(value, kind)


def odd_value(found: object) -> str | None:
    """Say which number or text no table and no page could hold; None where all can be held.

    Parameters
    ----------
    found
        What a JSON file holds, or a part of it.
    """
    waiting = [(found, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            return f"nested deeper than {MAX_DEPTH}"
        if isinstance(value, dict):
            waiting += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list):
            waiting += [(part, depth + 1) for part in value]
        elif isinstance(value, int) and abs(value) >= 2**63:
            return "a number of more than 64 bits"
        elif isinstance(value, float) and not math.isfinite(value):
            return f"{value} is no number"
        elif (
            isinstance(value, str)
            and not value.isascii()
            and value.encode("utf-8", "replace") != value.encode("utf-8", "surrogatepass")
        ):
            return f"a text with half a character, {value!a:.60}"
    return None
