"""How it was done: how intervals were made, what failed, and the manifest."""

from __future__ import annotations

from reports.page.table import Columns, Table, Words, entry
from reports.run_directory.run import flat
from reports.statistics.estimate import interval_methods
from reports.summary.published import AUDIOMNIST_KINDS
from reports.terms import Json

ANCHOR, TITLE = "how", "How it was done"

_SHOWN = "created commit folds_hash corpus protocol mfcc machine versions accelerated settings".split()
"""Entries of the manifest that are shown, in this order."""


def section(summary: Json) -> Json:
    """Return the methods of the intervals, and the tables of failed cells and of the manifest."""
    failed: Columns = [("Cell", lambda row: str(row.get("cell"))), ("Error", Words(lambda row: str(row.get("error"))))]
    manifest: Columns = [("Entry", lambda row: row[0]), ("Value", Words(lambda row: entry(row[1])))]
    entries = [row for key in _SHOWN for row in flat(key, summary.get(key))]
    return {
        "intervals": sorted(interval_methods(summary)),
        "failed": Table.of(summary["cells"].get("failed", []), failed, caption="Cells that failed"),
        "manifest": Table.of(entries, manifest, caption="Manifest"),
        "cites_audiomnist": summary["corpus"].get("kind") in AUDIOMNIST_KINDS,
    }
