"""Tables: columns as declared, words set to the left, none where there is no row."""

from __future__ import annotations

from reports.page.table import MANY_ROWS, Columns, Table, Words

COLUMNS: Columns = [
    ("Name", lambda row: row["name"]),
    ("Seconds", lambda row: f"{row['seconds']:.1f}"),
    ("Note", Words(lambda row: row["note"])),
]


def test_a_row_says_of_its_subject_what_the_columns_declare() -> None:
    rows = [{"name": "a", "seconds": 1, "note": "x"}, {"name": "b", "seconds": 2.5, "note": ""}]
    table = Table.of(rows, COLUMNS, caption="Two", models=["a", "b"])
    assert table == Table(
        caption="Two",
        columns=["Name", "Seconds", "Note"],
        rows=[["a", "1.0", "x"], ["b", "2.5", ""]],
        words=[2],
        models=["a", "b"],
    )


def test_a_table_without_rows_is_false_and_one_of_many_is_long() -> None:
    rows = [{"name": str(number), "seconds": number, "note": ""} for number in range(MANY_ROWS + 1)]
    assert not Table.of([], COLUMNS, caption="None")
    assert Table.of(rows, COLUMNS, caption="Many").is_long
    assert not Table.of(rows[1:], COLUMNS, caption="Some").is_long


def test_columns_of_one_heading_are_both_kept() -> None:
    table = Table.of(["x"], [("SVM", str.upper), ("SVM", str.lower)], caption="Twins")
    assert (table.columns, table.rows) == (["SVM", "SVM"], [["X", "x"]])
