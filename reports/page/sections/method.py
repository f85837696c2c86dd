"""How it was done: how intervals were made, what failed, and the manifest."""

from __future__ import annotations

from pathlib import Path

from reports.page.table import Table, Words, entry
from reports.run_directory.run import flat
from reports.statistics.estimate import interval_methods
from reports.summary.published import AUDIOMNIST_KINDS
from reports.terms import Json

ANCHOR, TITLE = "how", "How it was done"

_SHOWN = (
    *("created", "commit", "folds_hash", "corpus", "protocol", "mfcc"),
    *("machine", "versions", "accelerated", "settings"),
)
"""Entries of the manifest that are shown, in this order."""


def section(summary: Json, folder: Path) -> Json:
    """Return the methods of the intervals, and the tables of failed cells and of the manifest."""
    return {
        "intervals": sorted(interval_methods(summary)),
        "failed": failed(summary),
        "manifest": manifest(summary),
        "cites_audiomnist": summary["corpus"].get("kind") in AUDIOMNIST_KINDS,
    }


def failed(summary: Json) -> Table:
    """Return the cells that failed, with their errors."""
    return Table.of(
        summary["cells"].get("failed", []),
        [("Cell", lambda row: str(row.get("cell"))), ("Error", Words(lambda row: str(row.get("error"))))],
        caption="Cells that failed",
    )


def manifest(summary: Json) -> Table:
    """Return what ran, flattened to one value a row."""
    return Table.of(
        [row for key in _SHOWN for row in flat(key, summary.get(key))],
        [("Entry", lambda row: row[0]), ("Value", Words(lambda row: entry(row[1])))],
        caption="Manifest",
    )
