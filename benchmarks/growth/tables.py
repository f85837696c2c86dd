"""What growth says: laws, how far one machine goes, as JSON, Markdown and a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psutil

from benchmarks import provenance
from benchmarks.growth.laws import fit_law, size_at
from benchmarks.growth.measurements import Growth
from reports.page import growth as growth_page
from reports.run_directory.files import write_text
from reports.text import wording
from reports.text.markdown import table
from reports.text.printable import in_markdown

SCHEMA = "voxfold-growth/1"
HOUR_S = 3_600.0
FAR = 100
"""Times the largest size measured: no law is trusted beyond it."""

_PHASES = {
    "extract": "reading, extraction, cache",
    "train": "training",
    "fit": "of that, the last fit",
    "answer": "answering, per recording",
    "report": "report",
}

Json = dict[str, Any]


def content_of(growth: Growth, settings: Json) -> Json:
    """Return everything that growth.json holds, `settings` for the record."""
    costs = list(dict.fromkeys((row["model"], row["phase"]) for row in growth.rows))
    return {
        "schema": SCHEMA,
        "settings": settings,
        "machine": provenance.machine(),
        "versions": provenance.versions(),
        "load": growth.loads,
        "measurements": growth.rows,
        "laws": [_law(growth, model, phase) for model, phase in costs],
        "reach": [_reach(growth, model) for model, phase in costs if phase == "train" and model is not None],
        "skipped": growth.skipped,
    }


def _law(growth: Growth, model: str | None, phase: str) -> Json:
    sizes, seconds = growth.costs(model, phase)
    law = fit_law(sizes, seconds)
    return {
        "model": model,
        "phase": phase,
        "name": f"{wording.model(model)}: {_PHASES[phase]}" if model else _PHASES[phase],
        "sizes": sizes,
        "seconds": seconds,
        "exponent": law.exponent if law else None,
        "standard_error": law.standard_error if law else None,
        "fitted_to": list(law.sizes) if law else [],
        "line": [law.at(size) for size in law.sizes] if law else [],
    }


def _reach(growth: Growth, model: str) -> Json:
    """Say with how many recordings training takes an hour, and with how many it fills the memory.

    Both end at `FAR` times the largest size measured, which then means more than that; None where only one was.
    """
    sizes, seconds = growth.costs(model, "train")
    law = fit_law(sizes, seconds)
    peaks = [row["peak_rss_bytes"] for row in growth.rows if (row["model"], row["phase"]) == (model, "train")]
    in_memory = size_at(sizes, peaks, psutil.virtual_memory().total)
    largest = max(sizes)
    return {
        "model": model,
        "recordings_in_an_hour": min(law.reach(HOUR_S), FAR * largest) if law else None,
        "recordings_in_memory": min(in_memory, FAR * largest) if in_memory is not None else None,
        "largest_measured": largest,
    }


def cost_rows(content: Json) -> list[list[str]]:
    """Return a row per cost: its name, its seconds by size, its exponent; the first row is the header."""
    sizes = sorted({size for law in content["laws"] for size in law["sizes"]})
    rows = [["", *(f"{size:,}" for size in sizes), "exponent"]]
    for law in content["laws"]:
        seconds = dict(zip(law["sizes"], law["seconds"], strict=True))
        rows.append([law["name"], *(wording.seconds(seconds.get(size)) for size in sizes), _exponent(law)])
    return rows


def _exponent(law: Json) -> str:
    if law["exponent"] is None:
        return wording.NONE
    error = f" ± {law['standard_error']:.2f}" if law["standard_error"] is not None else ""
    return f"{law['exponent']:.2f}{error}".replace("-", "\u2212")


def reach_lines(content: Json) -> list[str]:
    """Say for each model how far one machine goes."""
    gigabytes = content["machine"]["memory_bytes"] / 2**30
    lines = []
    for reach in content["reach"]:
        largest = reach["largest_measured"]
        hour, memory = (_far(reach[name], largest) for name in ("recordings_in_an_hour", "recordings_in_memory"))
        lines.append(
            f"{wording.model(reach['model'])}, measured to {largest:,} recordings: trained in an hour {hour}; "
            f"filling {gigabytes:.0f} GiB of memory {memory}."
        )
    return lines


def _far(size: float | None, largest: int) -> str:
    """Write a size with two digits, an extrapolation has no more."""
    if size is None:
        return "unknown"
    if size >= FAR * largest:
        return f"more than {FAR * largest:,}"
    return f"{float(f'{size:.2g}'):,.0f}{' (extrapolated)' if size > largest else ''}"


def markdown(content: Json) -> str:
    """Return the tables in Markdown."""
    header, *rows = [[in_markdown(cell) for cell in row] for row in cost_rows(content)]
    lines = [table(header, rows), ""]
    lines += [f"- {in_markdown(line)}" for line in reach_lines(content)]
    if len(content["load"]) > 1:
        lines.append(f"- Load of the machine while it was measured: {min(content['load'])} to {max(content['load'])}.")
    lines += [f"- Skipped: {in_markdown(line)}" for line in content["skipped"]]
    return "\n".join(lines) + "\n"


def write(content: Json, folder: Path) -> Path:
    """Write ``growth.json``, ``growth.md`` and ``growth.html`` into `folder`; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "growth.json", json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")
    write_text(folder / "growth.md", markdown(content))
    page = folder / "growth.html"
    header, *rows = cost_rows(content)
    notes = [*reach_lines(content), *(f"Skipped: {line}" for line in content["skipped"])]
    write_text(page, growth_page.render(content["laws"], (header, rows), notes))
    return page
