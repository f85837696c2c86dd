"""The page: one HTML file from the summary, without script and without a request to anywhere."""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports import figures, group_figures, guard_figure, wording
from reports.answer import SYNTHETIC
from reports.borrowed import borrow
from reports.files import write_text
from reports.groups import ATTRIBUTES, IS_THE_TASK
from reports.page.drawing.svg import PALETTE
from reports.page.sections import accuracy as exhibits
from reports.page.sections import audit as audit_exhibits
from reports.page.sections import groups as group_exhibits
from reports.page.sections import guards as guard_exhibits
from reports.page.sections import runtime as cost_figures
from reports.plain_text import all_printable, isolated
from reports.published import AUDIOMNIST_KINDS
from reports.run import INTERSECTION, MAJORITY, NOT_STATED, RANDOM, Json
from reports.summary import title, write_summary
from reports.tables import TableError

MAX_EXAMPLES_BYTES = 600_000
"""Pictures of recordings beyond this are left out, so that the page stays below 2 MB."""

_NO_PROTOCOL: Json = {"folds": None, "repetitions": None, "seeds": [], "sentences": [], "notes": []}
_NO_CORPUS: Json = {"hash": None}
_NO_MACHINE: Json = {"processor": None, "cores": None, "memory_bytes": None}

_ORDER = ("accent_bucket", "accent", "gender", "native_speaker", "age_band", "origin_bucket", "room", INTERSECTION)

_MEDIA = {".jpg": "image/jpeg", ".png": "image/png"}


def rebuild(folder: Path, timings_from: Path | None = None) -> Path:
    """Compute the summary of the run directory `folder` and write its page; return the page's path.

    Parameters
    ----------
    folder
        The run directory.
    timings_from
        Another run, whose measurements the report is to show from now on; `folder` itself restores its own.
    """
    if timings_from is not None:
        borrow(folder, timings_from)
    write_summary(folder)
    return render(folder)


def render(folder: Path) -> Path:
    """Write ``report.html`` from ``summary.json`` (computed first where it is missing); return its path.

    Raises
    ------
    reports.tables.TableError
        The summary cannot be read, or a table it needs is missing.
    """
    source = folder / "summary.json"
    if not source.exists():
        write_summary(folder)
    try:
        summary: Json = json.loads(source.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TableError(f"summary.json cannot be read ({error}); delete it and make the report again") from error
    path = folder / "report.html"
    write_text(path, environment().get_template("page.html").render(_context(all_printable(summary), folder)))
    return path


@cache
def environment() -> Environment:
    """Return the templates with the filters that they use."""
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finished,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        count=wording.count, percent=wording.percent, seconds=wording.seconds, bytes=wording.bytes_, model=wording.model
    )
    found.globals.update(
        palette=PALETTE, counted=wording.counted, listed=wording.listed, attribute_name=wording.attribute
    )
    return found


def _finished(value: object) -> object:
    """Set apart what is written to the left in whatever a template shows; markup of our own is finished."""
    return isolated(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _measured_on(summary: Json) -> Json | None:
    """Return what is known of the machine whose times are shown; None where that is nothing."""
    machine = (summary.get("timings_from") or summary).get("machine")
    return {**_NO_MACHINE, **machine} if machine else None


def _context(summary: Json, folder: Path) -> Json:
    protocol = {**_NO_PROTOCOL, **summary["protocol"]}
    return {
        "s": {**summary, "protocol": protocol, "corpus": {**_NO_CORPUS, **summary["corpus"]}},
        "measured_on": _measured_on(summary),
        "look": figures.styles(summary),
        "title": title(summary),
        "synthetic": SYNTHETIC if summary["corpus"].get("synthetic") else "",
        "warnings": [warning for warning in summary["answer"]["warnings"] if warning != SYNTHETIC],
        "date": str(summary.get("created") or "")[:10],
        "protocol": wording.protocol(protocol["name"]),
        "is_random": protocol["name"] == RANDOM,
        "cites_audiomnist": summary["corpus"].get("kind") in AUDIOMNIST_KINDS,
        **_heard(summary),
        "accuracy": _accuracy(summary),
        "premium": {"figure": Markup(figures.leakage_premium(summary)), "table": exhibits.premium(summary)},
        "audit": {
            "table": audit_exhibits.table(summary),
            "telling": audit_exhibits.telling(summary),
            "sentence": audit_exhibits.sentence(summary),
        },
        "never_heard": exhibits.premium(summary, "accent_never_heard"),
        "fairness": group_exhibits.fairness(summary),
        "methods": sorted(interval_methods(summary)),
        "attributes": [_attribute(summary, name) for name in _ORDER if _is_stated(summary, name)],
        "unstated": [wording.attribute(name).lower() for name in ATTRIBUTES if not _is_stated(summary, name)],
        "cost": {"figure": Markup(cost_figures.cost(summary)), "table": exhibits.cost(summary)},
        "guards": {
            "figure": Markup(guard_figure.guards(summary)),
            "table": guard_exhibits.table(summary),
            "sentence": guard_exhibits.sentence(summary),
        },
        "errors": _errors(summary, folder),
        "failed": exhibits.failed(summary),
        "manifest": exhibits.manifest(summary),
    }


def _heard(summary: Json) -> Json:
    order = ("gender_x_accent_bucket", "gender_x_accent", "gender_x_room")
    found = summary["confounding"]
    # what the table of cleaned values says need not be said twice
    repeated = [f"'{row['raw']}' was read as" for row in summary["cleaned"]]
    notes = summary["corpus"].get("notes") or []
    return {
        "notes": [note for note in notes if not any(beginning in note for beginning in repeated)],
        "confounding": [exhibits.confounding(found[name]) for name in order if name in found],
        "cleaned": exhibits.cleaned(summary),
        "quarantine": exhibits.quarantine(summary),
    }


def _accuracy(summary: Json) -> Json:
    return {
        "figure": Markup(figures.accuracy(summary)),
        "table": exhibits.accuracy(summary),
        "recall": exhibits.recall(summary),
        "folds": exhibits.folds(summary),
        "speakers": exhibits.speakers(summary),
        "check": exhibits.check(summary),
        "differences": Markup(figures.comparisons(summary)),
        "comparisons": exhibits.comparisons(summary),
        "fold_level": exhibits.fold_level(summary),
    }


def _attribute(summary: Json, name: str) -> Json:
    return {
        "name": name,
        "label": wording.attribute(name),
        "figure": Markup(group_figures.groups(summary, name)),
        "table": group_exhibits.groups(summary, name),
        "balanced": group_exhibits.balanced(summary, name),
        "shrinkage": group_exhibits.shrinkage(summary, name),
        "gap": group_exhibits.gap_sentence(summary, name),
        "gap_figure": Markup(group_figures.gaps(summary, name)),
        "gap_table": group_exhibits.gaps(summary, name),
        "within_gender": group_exhibits.within_gender(summary, name),
        "is_task": all(gap["why_not"] == IS_THE_TASK for gap in summary["gaps"][name].values()),
    }


def _is_stated(summary: Json, attribute: str) -> bool:
    """Tell whether an attribute is known of anybody; the finer accents are shown only if they are finer."""
    groups = summary["groups"][attribute]
    if attribute == INTERSECTION:
        return all(_is_stated(summary, name) for name in ("gender", "accent_bucket"))
    if attribute == "accent" and set(groups) == set(summary["groups"]["accent_bucket"]):
        return False
    return any(group != NOT_STATED for group in groups)


def interval_methods(found: object) -> set[str]:
    """Return the method of every interval in a summary."""
    if isinstance(found, dict):
        own = {found["method"]} if found.get("estimable") and found.get("method") else set()
        return own.union(*(interval_methods(value) for value in found.values()))
    return set().union(*(interval_methods(value) for value in found)) if isinstance(found, list) else set()


def _errors(summary: Json, folder: Path) -> Json:
    return {
        "confusion": [
            {"name": name, **summary["models"][name]["confusion"]}
            for name in summary["model_order"]
            if summary["models"][name]["per_speaker"] and name != MAJORITY
        ],
        "figure": Markup(figures.reliability(summary)),
        "reliability": exhibits.reliability(summary),
        "speakers": exhibits.hardest_speakers(summary),
        "recordings": _with_pictures(summary["hardest"]["recordings"], folder / "examples"),
    }


def _with_pictures(recordings: list[Json], examples: Path) -> list[Json]:
    """Add to every recording its picture as a data URI, or nothing where there is none."""
    left = MAX_EXAMPLES_BYTES
    found = []
    for recording in recordings:
        candidates = [examples / f"{recording['example']}{suffix}" for suffix in _MEDIA]
        path = next((path for path in candidates if path.is_file() and path.stat().st_size <= left), None)
        picture = None
        if path is not None:
            content = path.read_bytes()
            left -= len(content)
            picture = f"data:{_MEDIA[path.suffix]};base64,{base64.b64encode(content).decode('ascii')}"
        found.append({**recording, "picture": picture})
    return found
