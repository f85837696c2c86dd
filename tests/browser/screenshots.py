"""Pictures of a report for the eye: ``python tests/browser/screenshots.py REPORT.html FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from chromium import opened
from playwright.sync_api import Page

WIDTHS_PX = (1280, 320)
SCHEMES = ("light", "dark")
PIECE_PX = 4000
"""Chromium repeats itself in pictures of more than 16,384 pixels, and nobody sees anything in them."""


def main(report: Path, folder: Path) -> None:
    """Write the whole page at every width in light and dark as PNGs, from top to bottom, and its print as PDF."""
    folder.mkdir(parents=True, exist_ok=True)
    with opened() as browser:
        page = browser.new_page()
        page.goto(report.resolve().as_uri())
        page.pdf(
            path=folder / "print.pdf", format="A4", margin=dict.fromkeys(("top", "right", "bottom", "left"), "1cm")
        )
        for width in WIDTHS_PX:
            page.set_viewport_size({"width": width, "height": 800})
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                _photograph(page, folder / f"{width}-{scheme}")


def _photograph(page: Page, stem: Path) -> None:
    size = page.evaluate("({width: innerWidth, height: document.documentElement.scrollHeight})")
    for place, top in enumerate(range(0, size["height"], PIECE_PX), start=1):
        clip = {"x": 0, "y": top, "width": size["width"], "height": min(PIECE_PX, size["height"] - top)}
        page.screenshot(path=stem.with_name(f"{stem.name}-{place}.png"), clip=clip, full_page=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
