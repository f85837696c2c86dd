"""The leakage audit of a run: ``audit.json``, declared; ``docs/summary.md`` describes its fields."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from reports.run_directory.json_files import EACH_ONCE, JsonFile, Part
from reports.terms import Json

SCHEMA = "voxfold-audit/2"

Outcome = Literal["nothing found", "leak", "warning", "not looked for"]
CLEAR: Outcome = "nothing found"
LEAK: Outcome = "leak"
WARNING: Outcome = "warning"
NOT_LOOKED: Outcome = "not looked for"


class Check(Part):
    """One check of the audit: what it looked for, in what, and what it cannot find."""

    name: str
    title: str
    looked_for: str
    looked_at: str
    outcome: Outcome
    cannot_find: str
    n_findings: Annotated[int, Field(ge=0)]
    findings: list[str]
    numbers: dict[str, Any]


class Audit(JsonFile):
    """The file ``audit.json``."""

    FILE: ClassVar[str] = "audit.json"

    schema_: Annotated[Literal["voxfold-audit/2"], Field(alias="schema")]
    protocol: str
    checks: Annotated[list[Check], EACH_ONCE, Field(min_length=1)]


def findings_of(check: Json) -> str:
    """Return the findings that are named, and how many more there are; empty where nothing was found."""
    more = check["n_findings"] - len(check["findings"])
    return "; ".join(check["findings"]) + (f"; and {more:,} more" if check["findings"] and more > 0 else "")


def leaks(audit: Json) -> list[Json]:
    """Return the checks of an audit that found a leak."""
    return [check for check in audit["checks"] if check["outcome"] == LEAK]
