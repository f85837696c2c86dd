"""Verdicts: their exit status, their lines, and JUnit that CI systems read, whatever a name holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from reports.gates.verdicts import Verdict, count_line, exit_status, write_junit

HOSTILE = 'a"/><failure/> & \x1b[31m\x00\ud800\n::error::]]>\u202e<!--'


def verdict(outcome: Any, asked: str = "asked", why: str | None = None) -> Verdict:
    return Verdict(outcome=outcome, asked=asked, measured="found", why=why)


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        (("holds", "holds"), 0),
        (("holds", "failed"), 1),
        (("not measured", "holds"), 3),
        (("not measured", "failed", "holds"), 1),
    ],
)
def test_the_exit_status_of_mixed_outcomes(outcomes: tuple[str, ...], status: int) -> None:
    assert exit_status([verdict(outcome) for outcome in outcomes]) == status


def test_the_closing_line_counts() -> None:
    verdicts = [verdict(outcome) for outcome in ("holds", "failed", "failed", "not measured")]
    assert count_line(verdicts) == "4 conditions: 1 held, 2 failed, 1 not measured"
    assert count_line(verdicts[:1]) == "1 condition: 1 held, 0 failed, 0 not measured"


def test_a_line_stays_one_line() -> None:
    line = verdict("failed", HOSTILE, HOSTILE).line
    assert line.isprintable() and line.splitlines() == [line]


def test_junit_has_a_case_per_condition(tmp_path: Path) -> None:
    path = tmp_path / "new" / "gates.xml"
    verdicts = [verdict("holds", "a"), verdict("failed", "b", "too low"), verdict("not measured", "c", "3 speakers")]
    write_junit(verdicts, path, name="run")
    root = ElementTree.parse(path).getroot()
    counts = {"tests": "3", "failures": "1", "errors": "1"}
    assert root.tag == "testsuites" and counts.items() <= root.attrib.items()
    (suite,) = root
    assert suite.attrib == {"name": "run", **counts, "skipped": "0", "time": "0"}
    assert [(case.tag, case.get("classname"), case.get("name")) for case in suite] == [
        ("testcase", "gates.run", name) for name in "abc"
    ]
    assert [[(part.tag, part.get("message"), part.get("type")) for part in case] for case in suite] == [
        [("system-out", None, None)],
        [("failure", "too low", "failed")],
        [("error", "3 speakers", "not measured")],
    ]
    assert [case[0].text for case in suite] == [verdict.line for verdict in verdicts]


def test_no_name_breaks_out_of_junit(tmp_path: Path) -> None:
    path = tmp_path / "gates.xml"
    write_junit([verdict("not measured", HOSTILE, HOSTILE)], path, name=HOSTILE)
    (suite,) = ElementTree.parse(path).getroot()
    (case,) = suite
    assert [part.tag for part in case] == ["error"]
    for text in (suite.get("name"), case.get("name"), case[0].get("message"), case[0].text):
        assert text is not None and 'a"/><failure/> & \\x1b[31m' in text and text.isprintable()
