"""What holding a run against its gates gives: lines for a person, an exit status for a script, JUnit for CI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from xml.etree import ElementTree

from reports.run_directory.files import replacing
from reports.text.printable import printable

Outcome = Literal["holds", "failed", "not measured"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One requirement, and whether it holds: ``not measured`` where there is nothing to judge by.

    In words: what is asked, what was measured (a value with its interval and counts), and why that does not hold or
    cannot be judged.
    """

    outcome: Outcome
    asked: str
    measured: str
    why: str | None = None

    @property
    def line(self) -> str:
        """The verdict in one line."""
        return printable(f"{self.outcome:<12}  {'; '.join(filter(None, [self.asked, self.measured, self.why]))}")


def exit_status(verdicts: Sequence[Verdict]) -> int:
    """Return 1 if a requirement failed, else 3 if one could not be judged, else 0."""
    outcomes = {verdict.outcome for verdict in verdicts}
    return 1 if "failed" in outcomes else 3 if "not measured" in outcomes else 0


def count_line(verdicts: Sequence[Verdict]) -> str:
    """Return the closing line: how many requirements hold, failed and were not measured."""
    noun = "condition" if len(verdicts) == 1 else "conditions"
    held, failed, unmeasured = (_count(verdicts, outcome) for outcome in get_args(Outcome))
    return f"{len(verdicts)} {noun}: {held} held, {failed} failed, {unmeasured} not measured"


def write_junit(verdicts: Sequence[Verdict], path: Path, *, name: str) -> None:
    """Write `verdicts` as JUnit XML, the suite called `name`: a test case each, ``error`` for what is not measured."""
    name = printable(name)
    counted = {
        "tests": str(len(verdicts)),
        "failures": str(_count(verdicts, "failed")),
        "errors": str(_count(verdicts, "not measured")),
    }
    root = ElementTree.Element("testsuites", {"name": "voxfold gates", **counted})
    suite = ElementTree.SubElement(root, "testsuite", {"name": name, **counted, "skipped": "0", "time": "0"})
    for verdict in verdicts:
        named = {"classname": f"gates.{name}", "name": printable(verdict.asked), "time": "0"}
        case = ElementTree.SubElement(suite, "testcase", named)
        element = {"holds": "system-out", "failed": "failure", "not measured": "error"}[verdict.outcome]
        said = {"message": printable(verdict.why or ""), "type": verdict.outcome}
        ElementTree.SubElement(case, element, said if verdict.outcome != "holds" else {}).text = verdict.line
    ElementTree.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _count(verdicts: Sequence[Verdict], outcome: str) -> int:
    return sum(verdict.outcome == outcome for verdict in verdicts)


def shortened(names: Sequence[str], most: int = 5) -> str:
    """Join names, at most so many, and say how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
