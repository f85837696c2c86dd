"""Names that would do something, as text that does nothing."""

from __future__ import annotations

import unicodedata

import pytest

from reports.text.printable import all_printable, cell, in_markdown, isolated, printable, printable_lines


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("German", "German"),
        ("Zoë 中文 שלום 😀", "Zoë 中文 שלום 😀"),
        ("no\u00a0break", "no\u00a0break"),
        ("a\x1b[2J\x07", "a\\x1b[2J\\x07"),
        ("a\nreport: b\r\tc", "a\\nreport: b\\r\\tc"),
        ("\u202egpj.exe\u202c", "\\u202egpj.exe\\u202c"),
        ("a\u200bb\u2068\ufeff\u2028", "a\\u200bb\\u2068\\ufeff\\u2028"),
        ("\x9b31m\x00\x7f", "\\x9b31m\\x00\\x7f"),
        ("caf\udce9", "caf\\udce9"),
        ("\U000e0041", "\\U000e0041"),
        ("e\u0301", "e\u0301"),
    ],
)
def test_what_cannot_be_printed_is_written_out(name, shown) -> None:
    assert printable(name) == shown
    assert printable(shown) == shown
    assert shown.encode("utf-8")


def test_every_character_of_unicode() -> None:
    """What is left are letters, marks, numbers, signs and spaces, and nothing that a terminal or XML minds."""
    everything = "".join(map(chr, range(0x110000)))
    left = set(map(unicodedata.category, set(printable(everything))))
    assert not left & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert "\x1b" not in printable_lines(everything) and printable_lines("a\nb\x1b") == "a\nb\\x1b"


def test_a_structure_keeps_its_numbers() -> None:
    assert all_printable({"a\x1b": [1, None, "b\n", {"c": True}]}) == {"a\\x1b": [1, None, "b\\n", {"c": True}]}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("German, 5 speakers", "German, 5 speakers"),
        ("Zoë", "Zoë"),
        ("שלום", "\u2068שלום\u2069"),
        ("of שלום עולם, 5 of عربي.", "of \u2068שלום עולם\u2069, 5 of \u2068عربي\u2069."),
        ("שלום a שלום", "\u2068שלום\u2069 a \u2068שלום\u2069"),
    ],
)
def test_what_is_written_to_the_left_is_set_apart(text, shown) -> None:
    assert isolated(text) == shown


def test_markdown_shows_a_name_as_it_is() -> None:
    assert in_markdown("a|b\n<i>*x*") == "a\\|b\\\\n\\<i\\>\\*x\\*"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=HYPERLINK(A1)", "'=HYPERLINK(A1)"),
        ("+1", "'+1"),
        ("-1+1|x", "'-1+1|x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "\\t=1"),
        ("\r=1", "\\r=1"),
        ("-", "-"),
        ("a=1.wav", "a=1.wav"),
    ],
)
def test_no_cell_is_a_formula(text, shown) -> None:
    assert cell(text) == shown
