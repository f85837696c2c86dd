"""Names that are markup, endless, invisible or written to the left: Chromium shows them and does nothing else."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.page.page import rebuild
from reports.run_directory import tables
from reports.two_runs.page import write as write_comparison
from tests.browser.conftest import Visits
from tests.reports.conftest import Recipe, write_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

HEBREW = "שלום עולם"

NAMES = {
    "German": "<svg onload=alert(1)><img src=x onerror=alert(2)></style></svg>\"'{{ 7 * 7 }}{% raw %}",
    "Spanish": f"{HEBREW} \u202e$\\frac$ \x1b[31m\n\t\u200b\u2066",
    "Tamil": "W" * 10_000,
    "other": "$\\frac{1$ javascript:alert(3) &lt;script&gt;",
}
SPEAKERS = ("e\u0301=1+1", "\u00e9=1+1", "\u202d\u0000\ufeff", "-->]]><!--", "١٢٣")
"""Among them twins, which only their way of writing é tells apart."""

INJECTED = """() => [...document.querySelectorAll('*')].filter(element =>
    ['SCRIPT', 'IFRAME', 'OBJECT', 'EMBED', 'FORM', 'BASE', 'ANIMATE', 'SET', 'FOREIGNOBJECT'].includes(
        element.tagName.toUpperCase())
    || [...element.attributes].some(a => a.name.startsWith('on') || /^\\s*javascript:/i.test(a.value))
).map(element => element.outerHTML.slice(0, 200))"""

TURNED = """name => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const start = node.data.indexOf(name), end = start + name.length;
        const after = node.data.slice(end).search(/[0-9A-Za-z]/);
        if (start < 0 || after < 0) continue;
        const box = (from, to) => {
            const range = document.createRange();
            range.setStart(node, from);
            range.setEnd(node, to);
            return range.getClientRects();
        };
        const names = box(start, end), next = box(end + after, end + after + 1);
        if (names.length !== 1 || next.length !== 1 || Math.abs(names[0].top - next[0].top) > 3) continue;
        found.push({text: node.data.slice(0, 120), turned: next[0].left < names[0].right - 1});
    }
    return found;
}"""
"""Text nodes in which the name and the next letter or digit stand on one line; turned, if that one is not behind it."""


def spoilt(folder: Path) -> Path:
    """Give accents and speakers of a run their names."""
    write_run(folder, Recipe(hostile=False, corpus={"name": NAMES["Spanish"], "notes": list(NAMES.values())}))
    for table in ("recordings", "predictions"):
        rows = tables.read(table, folder)
        for column in ("accent", "accent_bucket"):
            rows[column] = rows[column].replace(NAMES)
        known = sorted(rows["speaker"].unique())
        rows["speaker"] = rows["speaker"].replace(dict(zip(known, SPEAKERS, strict=False)))
        tables.write(rows, table, folder)
    return folder


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("hostile")
    one, other = spoilt(place / "a"), spoilt(place / "b \u202e<i>")
    with warnings.catch_warnings(action="error"):
        written = rebuild(one)
        write_comparison(one, other, place / "page.html")
    return written, place / "page.html"


@pytest.fixture(params=[0, 1], ids=["report", "comparison"])
def opened(request: pytest.FixtureRequest, pages: tuple[Path, Path], visit: Visits) -> Page:
    seen = visit(pages[request.param])
    said: list[str] = []
    seen.page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page = seen.open_details()
    page.mouse.move(300, 300)
    page.wait_for_function("document.readyState === 'complete'")
    assert said == []
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith("data:")] == [pages[request.param].as_uri()]
    return page


def test_nothing_is_injected_and_nothing_hides(opened: Page) -> None:
    assert opened.evaluate(INJECTED) == []
    text = opened.locator("html").inner_text()
    assert NAMES["German"] in text
    assert "\\u202e$\\frac$ \\x1b[31m\\n\\t\\u200b\\u2066" in text
    html = opened.content()
    assert not set(html) & set("\u202a\u202b\u202d\u202e\u200b\ufeff\x1b\x00")
    assert html.count("\u2068") == html.count("\u2069") > 0
    assert opened.locator("html").get_attribute("dir") is None


def test_words_beside_a_name_keep_their_order(opened: Page) -> None:
    beside = opened.evaluate(TURNED, HEBREW)
    assert beside
    assert [found["text"] for found in beside if found["turned"]] == []


def test_turned_words_would_be_noticed(opened: Page) -> None:
    told = f"{HEBREW} 5 speakers"
    opened.evaluate("told => document.querySelector('main').insertAdjacentHTML('afterbegin', `<p>${told}</p>`)", told)
    assert [found["turned"] for found in opened.evaluate(TURNED, HEBREW) if found["text"] == told] == [True]
