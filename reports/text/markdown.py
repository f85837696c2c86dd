"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Collection[str] = ()) -> str:
    """Return a table in Markdown, without a line break at its end.

    Parameters
    ----------
    header
        The columns' headings.
    rows
        Their cells, Markdown themselves: names of other people are written by `reports.text.printable.in_markdown`
        before.
    numbers
        Headings of columns that are aligned to the right.
    """
    rule = "|".join("---:" if heading in numbers else "---" for heading in header)
    lines = [f"| {' | '.join(cells)} |" for cells in (header, *rows)]
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])
