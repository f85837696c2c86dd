"""Tables in Markdown, by hand."""

from __future__ import annotations

from reports.text.markdown import table


def test_numbers_stand_to_the_right() -> None:
    text = table(["model", "seconds"], [["svm", "1.5"], ["cnn", "20"]], numbers=["seconds"])
    assert text == "| model | seconds |\n|---|---:|\n| svm | 1.5 |\n| cnn | 20 |"


def test_a_table_without_rows_has_its_header() -> None:
    assert table(["a", ""], []) == "| a |  |\n|---|---|"
