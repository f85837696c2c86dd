"""The table of the leakage audit and the sentence above it."""

from __future__ import annotations

from reports import audits, wording
from reports.page.sections.accuracy import Table
from reports.run import Json


def table(summary: Json) -> Table | None:
    """Return every check with what it looked for, what it found and what it cannot find; None without an audit."""
    if not summary.get("audit"):
        return None
    rows = [
        [
            entry["title"],
            f"{entry['looked_for']} {entry['looked_at']}",
            f"{wording.capital(entry['outcome'])}{_what(entry)}",
            entry["limits"],
        ]
        for entry in summary["audit"]["checks"]
    ]
    columns = ["Check", "What was looked for, and in what", "What was found", "What it cannot find"]
    return Table(caption="Leakage audit", columns=columns, rows=rows, words=(1, 2, 3))


def telling(summary: Json) -> Table | None:
    """Return how well each attribute alone tells the label; None where that was not measured."""
    checks = summary["audit"]["checks"] if summary.get("audit") else []
    attributes: list[Json] = next(
        (entry["numbers"].get("attributes", []) for entry in checks if entry["name"] == "groups"), []
    )
    rows = [
        [
            wording.attribute(each["attribute"]),
            wording.percent(each["score"], False),
            wording.percent(each["chance"], False),
            wording.probability(each["p"]),
            wording.probability(each["p_holm"]),
            wording.count(each["n_values"]),
            wording.count(each["n_speakers"]),
        ]
        for each in attributes
    ]
    columns = ["Attribute", "Balanced accuracy (%)", "Chance (%)", "p", "p, corrected (Holm)", "Values", "Speakers"]
    caption = "How well one attribute alone tells the label of speakers held out"
    return Table(caption=caption, columns=columns, rows=rows) if rows else None


def sentence(summary: Json) -> str:
    """Say what the audit found; empty without one."""
    if not summary.get("audit"):
        return ""
    checks = summary["audit"]["checks"]
    told = [
        f"{what} in {wording.listed(names)}"
        for outcome, what in ((audits.LEAK, "A leak was found"), (audits.WARNING, "A warning stands"))
        if (names := [entry["title"].lower() for entry in checks if entry["outcome"] == outcome])
    ]
    n_looked = sum(entry["outcome"] != audits.NOT_LOOKED for entry in checks)
    return f"{'; '.join(told)}." if told else f"{wording.counted(n_looked, 'check')} found nothing."


def warning(summary: Json) -> str | None:
    """Return what must be read first where a leak was found; None where not."""
    found = audits.leaks(summary["audit"]) if summary.get("audit") else []
    if not found:
        return None
    named = wording.listed([f"{entry['title'].lower()} ({entry['n_found']})" for entry in found])
    return f"The leakage audit found {named}: scores on this page may be too high."


def _what(entry: Json) -> str:
    if not entry["found"]:
        return ""
    more = entry["n_found"] - len(entry["found"])
    listed = "; ".join(entry["found"])
    return f": {listed}{f'; and {more:,} more' if more > 0 else ''}"
