"""From a matplotlib figure to inline SVG: text stays text, colours are CSS variables, ids are the picture's own.

Drawn in user units that are CSS pixels (figure inches times 72). Colours that stand for a role are drawn as the
placeholder values below and replaced by CSS variables, so that the page's light and dark mode reach into the picture.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

import matplotlib as mpl
import seaborn as sns
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from reports.text.printable import isolated

INK, MUTED, GRID, PAPER = "#010203", "#040506", "#070809", "#0a0b0c"

PALETTE: tuple[str, ...] = tuple(colour for colour in sns.color_palette("colorblind").as_hex() if colour != "#949494")
"""Seaborn's ``colorblind`` without its grey, which is for baselines."""

MARKERS = ("o", "s", "D", "^", "v", "P", "X", "p", "*")

GLYPHS = ("●", "■", "◆", "▲", "▼", "✚", "✖", "⬟", "★")
"""What stands for a marker in text."""

_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    PAPER: "var(--paper)",
    **{colour: f"var(--model-{i})" for i, colour in enumerate(PALETTE)},
}

_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "voxfold",
    "text.parse_math": False,  # names may hold dollar signs
    "font.size": 13.0,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 12.5,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 12.5,
    "ytick.labelsize": 12.5,
    "grid.color": GRID,
    "grid.linewidth": 1.0,
    "legend.frameon": False,
}


@dataclass(frozen=True, kw_only=True)
class Caption:
    """What a picture is called and says.

    `name` is unique in the page and the prefix of the picture's ids; `title` says what is shown, `finding` what it
    shows, in numbers, for those who do not see it; `hints` are, for the marks drawn under a matplotlib ``gid``, what
    each says when pointed at, in the order of drawing.
    """

    name: str
    title: str
    finding: str
    hints: Mapping[str, Sequence[str]] = field(default_factory=dict)


@contextmanager
def canvas(
    width_px: float, height_px: float, margins_px: tuple[float, float, float, float]
) -> Iterator[tuple[Figure, Axes]]:
    """Give a figure of that size with one axes inside the margins (left, top, right, bottom), to draw and write."""
    left, top, right, bottom = margins_px
    box = (left / width_px, bottom / height_px, 1 - (left + right) / width_px, 1 - (top + bottom) / height_px)
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(width_px / 72, height_px / 72), dpi=72)
        FigureCanvasSVG(figure)
        axes = figure.add_axes(box)
        for part in (figure, axes):
            part.patch.set_visible(False)
        axes.tick_params(length=0, pad=6)
        yield figure, axes


def inline(figure: Figure, caption: Caption) -> Markup:
    """Return `figure` as one ``<svg>`` element, which templates take as it is; call inside `canvas`."""
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    text = written.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, count=1, flags=re.DOTALL)
    for gid, hints in caption.hints.items():
        text = _with_hints(text, gid, hints)
    text = re.sub(r"<[^>]*>", lambda tag: _tidy(tag.group()), text)
    text = re.sub(r"(?<=>)[^<]+(?=<)", lambda words: isolated(words.group()), text)
    return Markup(_head(_own_ids(text, caption.name), caption))


def _tidy(tag: str) -> str:
    """Shorten one tag: two decimals, no fonts, no empty rotation, CSS variables for colours."""
    tag = tag.replace("xlink:href", "href")
    tag = re.sub(r"(\d\.\d\d)\d+", r"\1", tag)
    tag = re.sub(r"\s*font-family: [^;\"]*;?", "", tag)
    tag = re.sub(r' transform="rotate\(-?0 [^"]*"', "", tag)
    tag = re.sub(r"\s*\n\s*", " ", tag)
    for colour, variable in _VARIABLES.items():
        tag = tag.replace(colour, variable)
    return tag


def _own_ids(text: str, name: str) -> str:
    """Drop ids that nothing refers to and put `name` before the others."""
    used = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", text)
    return re.sub(r'(href="#|url\(#)', rf"\1{name}-", text)


def _head(text: str, caption: Caption) -> str:
    """Replace the opening tag by one with a role, a title and a description."""
    box = re.search(r'viewBox="([^"]+)"', text)
    width, height = (box[1] if box else "0 0 1 1").split()[2:]
    opening = (
        f'<svg class="plot" role="img" aria-labelledby="{caption.name}-title {caption.name}-desc" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{caption.name}-title">{escape(isolated(caption.title))}</title>'
        f'<desc id="{caption.name}-desc">{escape(isolated(caption.finding))}</desc>'
    )
    return re.sub(r"<svg[^>]*>", lambda _: opening, text, count=1).strip()


def _with_hints(text: str, gid: str, hints: Sequence[str]) -> str:
    """Give the marks of group `gid` a title each, which browsers show when pointed at."""
    start = text.find(f'<g id="{gid}">')
    if start < 0:
        return text
    end = _end_of_group(text, start)
    remaining = iter(hints)

    def titled(mark: re.Match[str]) -> str:
        return f"<g><title>{escape(next(remaining, ''))}</title>{mark.group()}</g>"

    return text[:start] + re.sub(r"<use [^>]*/>", titled, text[start:end]) + text[end:]


def _end_of_group(text: str, start: int) -> int:
    depth = 0
    for tag in re.compile(r"<g[ >]|</g>").finditer(text, start):
        depth += -1 if tag.group() == "</g>" else 1
        if depth == 0:
            return tag.end()
    return len(text)
