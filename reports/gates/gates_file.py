"""The file of gates: what a run must meet, in TOML; ``docs/gates.md`` describes it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

EVERY = "*"
"""Segment of a path that stands for every model that is no baseline, or for every key where keys are no models."""


class GatesError(ValueError):
    """A gates file cannot be read or does not fit the run; the message is for the user."""


def dotted(path: tuple[str, ...]) -> str:
    """Return a path as a person writes it."""
    return ".".join(path)


Name = Annotated[str, Field(min_length=1)]
Bound = Annotated[float, Field(strict=True, allow_inf_nan=False)]
SummaryPath = Annotated[
    tuple[Name, ...],
    BeforeValidator(lambda value: tuple(value.split(".")) if isinstance(value, str) else value),
    Field(min_length=1),
]
Judge = Literal["value", "interval"]


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Bounded(_Declared):
    at_least: Bound | None = None
    at_most: Bound | None = None

    @model_validator(mode="after")
    def _can_be_met_and_missed(self) -> _Bounded:
        if self.at_least is None and self.at_most is None:
            raise ValueError("needs at_least or at_most")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least:g} is above at_most {self.at_most:g}")
        return self

    @property
    def bounds(self) -> str:
        """The bounds, in words."""
        named = {"at least": self.at_least, "at most": self.at_most}
        return " and ".join(f"{word} {bound:g}" for word, bound in named.items() if bound is not None)


class NumberGate(_Bounded):
    """Bounds of one number of the summary, or of several.

    Attributes
    ----------
    number
        Path in the summary, joined by dots, or as a list where a name holds a dot; `EVERY` as a segment.
    judge
        ``value``: the estimate must be within the bounds; ``interval``: its whole interval.
    """

    number: SummaryPath
    judge: Judge = "value"

    def asked(self, path: tuple[str, ...] | None = None) -> str:
        """Say what is demanded, of the number at `path` where there are several."""
        what = "value" if self.judge == "value" else "whole interval"
        return f"{dotted(path or self.number)}: {what} {self.bounds}"


class GapGate(_Declared):
    """Ceiling of the size of the gap between groups of speakers, whichever group is ahead.

    Attributes
    ----------
    gap
        Attribute whose groups are compared.
    model
        Name of a model, or `EVERY`.
    at_most
        Ceiling of the size, a share: 0.10 is 10 points.
    judge
        ``value``: the size of the estimate; ``interval``: the largest size in its interval.
    """

    gap: Name
    model: Name = EVERY
    at_most: Annotated[float, Field(strict=True, ge=0, lt=1)]
    judge: Judge = "value"

    at_least: ClassVar[None] = None

    @property
    def path(self) -> tuple[str, ...]:
        """Path in the summary."""
        return ("gaps", self.gap, self.model)

    def asked(self, path: tuple[str, ...] | None = None) -> str:
        """Say what is demanded, of the gap at `path` where there are several."""
        what = "size" if self.judge == "value" else "whole interval's size"
        return f"{dotted(path or self.path)}: {what} at most {self.at_most:g}"


class RatioGate(_Bounded):
    """Bounds of a cost or count of the summary divided by another.

    Attributes
    ----------
    ratio
        Paths of the two, in ``runtime`` or ``corpus``.
    """

    ratio: tuple[SummaryPath, SummaryPath]

    def asked(self) -> str:
        """Say what is demanded."""
        return f"{dotted(self.ratio[0])} / {dotted(self.ratio[1])}: {self.bounds}"


class FoldsGate(_Declared):
    """Speakers must be held out (`reports.gates.requirements.speakers_held_out`)."""

    folds: Literal["speakers-held-out"]

    def asked(self) -> str:
        """Say what is demanded."""
        return "folds: speakers held out"


class CellsGate(_Declared):
    """Every cell must be there (`reports.gates.requirements.complete`)."""

    cells: Literal["complete"]

    def asked(self) -> str:
        """Say what is demanded."""
        return "cells: complete"


_KINDS = ("number", "gap", "ratio", "folds", "cells")


def _kind(entry: object) -> str | None:
    kinds = [kind for kind in _KINDS if kind in entry] if isinstance(entry, dict) else []
    return kinds[0] if len(kinds) == 1 else None


Gate = Annotated[
    Annotated[NumberGate, Tag("number")]
    | Annotated[GapGate, Tag("gap")]
    | Annotated[RatioGate, Tag("ratio")]
    | Annotated[FoldsGate, Tag("folds")]
    | Annotated[CellsGate, Tag("cells")],
    Discriminator(_kind, custom_error_type="kind", custom_error_message=f"needs exactly one of {', '.join(_KINDS)}"),
]


class Gates(_Declared):
    """A gates file: one table ``[[gate]]`` per gate, at least one."""

    gate: Annotated[tuple[Gate, ...], Field(min_length=1)]


def read_gates(path: Path) -> Gates:
    """Read and check a gates file.

    Raises
    ------
    GatesError
        It cannot be read, or an entry is not as it must be; the message names the entry.
    """
    try:
        return Gates.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise GatesError(f"{path}: {_first(error)}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise GatesError(f"{path}: cannot be read as gates ({error})") from error


def _first(error: ValidationError) -> str:
    """Write the first error as ``gate 3: at_most: ...``; `loc` is ('gate', index, kind, field, ...)."""
    first = error.errors()[0]
    top, *below = first["loc"]
    where = [f"gate {int(below[0]) + 1}", *map(str, below[2:])] if below else [str(top)]
    got = "" if isinstance(first["input"], dict) else f", got {first['input']!r}"
    return f"{': '.join(where)}: {first['msg'].removeprefix('Value error, ').lower()}{got}"
