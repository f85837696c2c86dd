"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Collection[str] = ()) -> str:
    """Return a table in Markdown, without a line break at its end; columns of `numbers` are set to the right.

    Cells are Markdown themselves: `reports.text.printable.in_markdown` writes names of other people before.
    """
    rule = "|".join("---:" if heading in numbers else "---" for heading in header)
    lines = [f"| {' | '.join(cells)} |" for cells in (header, *rows)]
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])
