"""The leakage audit: the table of its checks, what each attribute tells, and the sentence above them."""

from __future__ import annotations

from reports.page.table import Columns, Table, Words
from reports.run_directory import audit
from reports.terms import Json
from reports.text import wording

ANCHOR, TITLE = "audit", "Leakage audit"


def section(summary: Json) -> Json:
    """Return the tables and the sentence; without an audit all are empty."""
    return {"table": table(summary), "telling": telling(summary), "sentence": sentence(summary)}


def table(summary: Json) -> Table | None:
    """Return every check with what it looked for, what it found and what it cannot find; None without an audit."""
    if not summary.get("audit"):
        return None
    columns: Columns = [
        ("Check", lambda entry: entry["title"]),
        ("What was looked for, and in what", Words(lambda entry: f"{entry['looked_for']} {entry['looked_at']}")),
        ("What was found", Words(_outcome)),
        ("What it cannot find", Words(lambda entry: entry["cannot_find"])),
    ]
    return Table.of(summary["audit"]["checks"], columns, caption="Leakage audit")


def telling(summary: Json) -> Table:
    """Return how well each attribute alone tells the label; no row where that was not measured."""
    checks = summary["audit"]["checks"] if summary.get("audit") else []
    attributes = [row for e in checks if e["name"] == "groups" for row in e["numbers"].get("attributes", [])]
    columns: Columns = [
        ("Attribute", lambda each: wording.attribute(each["attribute"])),
        ("Balanced accuracy (%)", lambda each: wording.percent(each["score"], False)),
        ("Chance (%)", lambda each: wording.percent(each["chance"], False)),
        ("p", lambda each: wording.probability(each["p"])),
        ("p, corrected (Holm)", lambda each: wording.probability(each["p_holm"])),
        ("Values", lambda each: wording.count(each["n_values"])),
        ("Speakers", lambda each: wording.count(each["n_speakers"])),
    ]
    return Table.of(attributes, columns, caption="How well one attribute alone tells the label of speakers held out")


def sentence(summary: Json) -> str:
    """Say what the audit found; empty without one."""
    if not summary.get("audit"):
        return ""
    checks = summary["audit"]["checks"]
    told = [
        f"{what} in {wording.listed(names)}"
        for outcome, what in ((audit.LEAK, "A leak was found"), (audit.WARNING, "A warning stands"))
        if (names := [entry["title"].lower() for entry in checks if entry["outcome"] == outcome])
    ]
    n_looked = sum(entry["outcome"] != audit.NOT_LOOKED for entry in checks)
    return f"{'; '.join(told)}." if told else f"{wording.counted(n_looked, 'check')} found nothing."


def _outcome(check: Json) -> str:
    return ": ".join(filter(None, [wording.capital(check["outcome"]), audit.findings_of(check)]))
