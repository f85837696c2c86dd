"""Jinja2 for the pages: where the templates lie, what they can call, and what is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.page.drawing.svg import PALETTE
from reports.text import wording
from reports.text.printable import isolated


@cache
def environment() -> Environment:
    """Return the templates with the filters that they use."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        # what is written to the left is set apart in whatever a template shows; markup of our own is finished
        finalize=lambda value: isolated(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        count=wording.count, percent=wording.percent, seconds=wording.seconds, bytes=wording.bytes_, model=wording.model
    )
    templates.globals.update(palette=PALETTE, counted=wording.counted, listed=wording.listed)
    return templates
