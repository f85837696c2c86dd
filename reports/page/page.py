"""The page: one HTML file from the summary, without script and without a request to anywhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from reports.page.drawing.marks import styles
from reports.page.environment import environment
from reports.page.sections import accuracy, audit, corpus, differences, errors, groups, guards, method, premium, runtime
from reports.run_directory.borrowed_times import borrow
from reports.run_directory.files import TableError, write_text
from reports.summary.answer import SYNTHETIC
from reports.summary.summary import title, write_summary
from reports.terms import Json
from reports.text import wording
from reports.text.printable import all_printable

SECTIONS: Sequence[ModuleType] = (corpus, accuracy, premium, audit, groups, runtime, errors, method)
"""The sections below the answer, in the order of the page."""

WITHIN: Sequence[ModuleType] = (differences, guards)
"""Sections that stand inside another one, whose template includes theirs."""

MAX_EXAMPLES_BYTES = 600_000
"""Pictures of recordings beyond this are left out, so that the page stays below 2 MB."""

_MEDIA = {".jpg": "image/jpeg", ".png": "image/png"}

_NO_PROTOCOL: Json = {"folds": None, "repetitions": None, "seeds": [], "sentences": [], "notes": []}
_NO_CORPUS: Json = {"hash": None}


def rebuild(folder: Path, timings_from: Path | None = None) -> Path:
    """Compute the summary of the run directory `folder` and write its page; return the page's path.

    The report shows the measurements of the run `timings_from` from now on; `folder` itself restores its own.
    """
    if timings_from is not None:
        borrow(folder, timings_from)
    write_summary(folder)
    return render(folder)


def render(folder: Path) -> Path:
    """Write ``report.html`` from ``summary.json`` (computed first where it is missing); return its path.

    Raises
    ------
    reports.run_directory.files.TableError
        The summary cannot be read, or a table it needs is missing.
    """
    source = folder / "summary.json"
    if not source.exists():
        write_summary(folder)
    try:
        summary: Json = json.loads(source.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TableError(f"summary.json cannot be read ({error}); delete it and make the report again") from error
    summary = all_printable(summary)
    _embed_pictures(summary["hardest"]["recordings"], folder / "examples")
    path = folder / "report.html"
    write_text(path, environment().get_template("page.html").render(_context(summary)))
    return path


def _embed_pictures(recordings: list[Json], examples: Path) -> None:
    """Give every recording its ``picture`` as a data URI, or None where there is none."""
    left = MAX_EXAMPLES_BYTES
    for recording in recordings:
        candidates = [examples / f"{recording['example']}{suffix}" for suffix in _MEDIA]
        path = next((path for path in candidates if path.is_file() and path.stat().st_size <= left), None)
        content = path.read_bytes() if path else b""
        left -= len(content)
        coded = base64.b64encode(content).decode("ascii")
        recording["picture"] = f"data:{_MEDIA[path.suffix]};base64,{coded}" if path else None


def _context(summary: Json) -> Json:
    """Return what the templates are given: the summary, what every section needs, and each section's own."""
    protocol = {**_NO_PROTOCOL, **summary["protocol"]}
    contents = {_name(module): module.section(summary) for module in (*SECTIONS, *WITHIN)}
    return {
        "s": {**summary, "protocol": protocol, "corpus": {**_NO_CORPUS, **summary["corpus"]}},
        "look": styles(summary),
        "title": title(summary),
        "synthetic": SYNTHETIC if summary["corpus"].get("synthetic") else "",
        "warnings": [warning for warning in summary["answer"]["warnings"] if warning != SYNTHETIC],
        "date": str(summary.get("created") or "")[:10],
        "protocol": wording.protocol(protocol["name"]),
        "sections": [
            {"name": _name(m), "anchor": m.ANCHOR, "title": m.TITLE, "shown": contents[_name(m)] is not None}
            for m in SECTIONS
        ],
        **contents,
    }


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]
