"""The tables of the page: text in cells, ready to be printed; each column is a heading and what a cell says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from reports.terms import Json
from reports.text import wording

MANY_ROWS = 12
"""A table with more rows is folded on the screen."""

Columns = Sequence[tuple[str, Callable[[Any], str]]]
"""For each column its heading, and what gives the text of a cell from what its row is about."""


class Words(partial[str]):
    """What gives the cells of a column that holds words and is set to the left; all other columns hold numbers."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of the page; false where it has no row, since the page then leaves it out.

    The first of `columns` (headings) names the row. `words` are the columns after it that hold words and are set to the
    left; all others hold numbers. `models` are those that the rows are about, or none: the page puts a model's mark
    before the row's name.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Sequence[int] = ()
    models: Sequence[str] = ()

    @classmethod
    def of(cls, subjects: Iterable[Any], columns: Columns, *, caption: str, models: Sequence[str] = ()) -> Table:
        """Return a table with a row for each of `subjects`, whose cells are what `columns` say of it."""
        return cls(
            caption=caption,
            columns=[heading for heading, _ in columns],
            rows=[[cell(subject) for _, cell in columns] for subject in subjects],
            words=[place for place, (_, cell) in enumerate(columns) if isinstance(cell, Words)],
            models=models,
        )

    def __bool__(self) -> bool:
        return bool(self.rows)

    @property
    def is_long(self) -> bool:
        """Tell whether the table is folded on the screen."""
        return len(self.rows) > MANY_ROWS


def ranked(summary: Json) -> list[str]:
    """Sort models by balanced accuracy, highest first."""
    models = summary["models"]
    return sorted(summary["model_order"], key=lambda n: (-(models[n]["balanced_accuracy"]["value"] or 0.0), n))


def with_interval(number: Json) -> str:
    """Return a share in percent and, on a second line, its interval or why there is none."""
    return two_lines(percent(number), wording.interval(number)) if number["value"] is not None else wording.NONE


def percent(number: Json) -> str:
    """Return a share in percent, without the sign."""
    return wording.percent(number["value"], False)


def two_lines(value: str, interval: str) -> str:
    """Return a cell of two lines that break nowhere else."""
    return f"{value}\n{interval}".replace(" ", "\u00a0")


def entry(value: object) -> str:
    """Return an entry of the manifest as text."""
    return wording.NONE if value is None else str(value)
