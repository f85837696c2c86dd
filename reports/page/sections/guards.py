"""The table of the speed guards and the sentence above it."""

from __future__ import annotations

from reports import wording
from reports.page.sections.accuracy import Table
from reports.run import Json


def table(summary: Json) -> Table | None:
    """Return subject, reference, ratio, limit and verdict of every guard; None where they did not run."""
    if summary["guards"] is None:
        return None
    rows = [
        [
            guard["subject"],
            guard["reference"],
            wording.seconds(guard["subject_seconds"]),
            wording.seconds(guard["reference_seconds"]),
            number(guard["ratio"]),
            number(guard["limit"]),
            wording.probability(guard["p"]),
            wording.count(len(guard["rounds"])),
            "holds" if guard["holds"] else "too slow",
        ]
        for guard in summary["guards"]["guards"]
    ]
    columns = ["Subject", "Reference", "Subject takes", "Reference takes", "Ratio", "Limit", "p", "Rounds", "Verdict"]
    caption = "Speed guards: processor time of subject and reference, medians over rounds"
    return Table(caption=caption, columns=columns, rows=rows, words=(1, 8))


def sentence(summary: Json) -> str:
    """Say how many guards hold; empty where they did not run."""
    if summary["guards"] is None:
        return ""
    found = summary["guards"]["guards"]
    failed = [guard["subject"] for guard in found if not guard["holds"]]
    if failed:
        return f"{len(failed)} of {wording.counted(len(found), 'guard')} too slow: {wording.listed(failed)}."
    return f"All {wording.counted(len(found), 'guard')} hold."


def number(ratio: float) -> str:
    """Return a ratio with three significant digits: ``0.213``, ``8.15``, ``1,230``."""
    return f"{ratio:,.0f}" if ratio >= 99.95 else f"{ratio:#.3g}"
