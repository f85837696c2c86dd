"""The speed guards of a run, where they ran: ``guards.json``, declared; ``docs/summary.md`` describes its fields."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from reports.run_directory.json_files import EACH_ONCE, JsonFile, Part, Positive
from reports.run_directory.manifest import Machine

SCHEMA = "voxfold-guards/1"


class Guard(Part):
    """One guard: a subject, the reference that it is held against, and whether its ratio is within the limit."""

    name: str
    subject: str
    reference: str
    ratio: Positive
    limit: Positive
    p: Annotated[float, Field(ge=0, le=1)]
    holds: bool
    subject_seconds: Positive
    reference_seconds: Positive
    rounds: Annotated[list[Positive], Field(min_length=1)]


class Guards(JsonFile):
    """The file ``guards.json``."""

    FILE: ClassVar[str] = "guards.json"
    REMEDY: ClassVar[str] = "run the guards again"

    schema_: Annotated[Literal["voxfold-guards/1"], Field(alias="schema")]
    created: str
    machine: Machine
    p_limit: float
    clock: str
    guards: Annotated[list[Guard], EACH_ONCE, Field(min_length=1)]
