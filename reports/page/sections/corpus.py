"""Who was heard: what is confounded with what, which values were cleaned, which recordings were left out."""

from __future__ import annotations

from reports.page.table import Columns, Table, Words
from reports.terms import Json
from reports.text import wording

ANCHOR, TITLE = "who", "Who was heard"

MOST_LEFT_OUT = 1_000
"""Of more recordings left out for one reason, the page does not list the rest."""

_CROSSED = ("gender_x_accent_bucket", "gender_x_accent", "gender_x_room")


def section(summary: Json) -> Json:
    """Return the notes on the corpus and the tables of who stands in which group."""
    # what the table of cleaned values says need not be said twice
    repeated = [f"'{row['raw']}' was read as" for row in summary["cleaned"]]
    notes = summary["corpus"].get("notes") or []
    return {
        "notes": [note for note in notes if not any(beginning in note for beginning in repeated)],
        "confounding": [
            confounding(summary["confounding"][name]) for name in _CROSSED if name in summary["confounding"]
        ],
        "cleaned": cleaned(summary),
        "quarantine": quarantine(summary),
    }


def confounding(crossed: Json) -> Table:
    """Return one confounding table."""
    rows = [
        [name, *map(wording.count, counts), wording.count(sum(counts))]
        for name, counts in zip(crossed["rows"], crossed["counts"], strict=True)
    ]
    label = wording.attribute(crossed["attribute"])
    caption = f"Speakers by gender and {label[0].lower() + label[1:]}"
    return Table(caption=caption, columns=[label, *crossed["columns"], "All"], rows=rows)


def cleaned(summary: Json) -> Table:
    """Return what the corpus' cleaning has changed."""
    columns: Columns = [
        ("As written", lambda row: row["raw"]),
        ("Read as", Words(lambda row: row["clean"])),
        ("Attribute", Words(lambda row: wording.attribute(row["attribute"]))),
        ("Speakers", lambda row: wording.count(row["n_speakers"])),
        ("Recordings", lambda row: wording.count(row["n_recordings"])),
    ]
    return Table.of(summary["cleaned"], columns, caption="Values that were cleaned")


def quarantine(summary: Json) -> Table:
    """Return every recording that was left out, by reason."""
    by_reason: dict[str, list[str]] = {}
    for row in summary["quarantine"]:
        by_reason.setdefault(row["reason"], []).append(row["recording"])
    columns: Columns = [
        ("Reason", str),
        ("How many", lambda reason: wording.count(len(by_reason[reason]))),
        ("Recordings", Words(lambda reason: _most(by_reason[reason]))),
    ]
    return Table.of(sorted(by_reason), columns, caption="Recordings left out")


def _most(names: list[str]) -> str:
    """List names, but no million of them."""
    more = len(names) - MOST_LEFT_OUT
    listed = ", ".join(names[:MOST_LEFT_OUT])
    return f"{listed} and {wording.count(more)} more, in quarantine.parquet" if more > 0 else listed
