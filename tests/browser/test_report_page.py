"""The page as readers meet it: offline, by keyboard, by ear, in the dark, on a telephone, on paper, without script."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import HOSTILE, UNBROKEN, Visits
from tests.browser.measures import COLOURS, CUT_LABELS, HIDDEN, LOST_TEXT, SCROLLERS, STICKY

if TYPE_CHECKING:
    from playwright.sync_api import Page

TELEPHONE = {"width": 320, "height": 640}
PAPER = {"width": 718, "height": 1046}
"""A4 within margins of 1 cm, in CSS pixels."""

MAX_SHRINK = 1.25
"""By so much may Chromium shrink a wide page to the paper: 7.5 points are then 6."""

MIN_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3."""


def test_nothing_is_requested_and_nothing_complained_of(report: Path, visit: Visits) -> None:
    seen = visit(report)
    seen.open_details().mouse.wheel(0, 100_000)
    assert [url for url in seen.requests if not url.startswith("data:")] == [report.as_uri()]
    assert seen.complaints == []


def test_a_request_and_a_script_would_be_noticed(written: Callable[[str], Path], visit: Visits, tmp_path: Path) -> None:
    spoilt = tmp_path / "report.html"
    html = written("healthy").read_text(encoding="utf-8")
    planted = '<main><img src="elsewhere.png" alt=""><script>alert(1)</script>'
    spoilt.write_text(re.sub("<main[^>]*>", planted, html, count=1), encoding="utf-8")
    complaints = visit(spoilt).complaints
    assert any("elsewhere.png" in complaint for complaint in complaints)
    assert any("script" in complaint for complaint in complaints)
    without_policy = visit(spoilt, bypass_csp=True)
    assert without_policy.requests == [spoilt.as_uri(), (tmp_path / "elsewhere.png").as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(report: Path, visit: Visits, scheme: str) -> None:
    found = _axe(visit(report, color_scheme=scheme).open_details())
    assert [
        _told(violation) for violation in found["violations"] if violation["impact"] in ("serious", "critical")
    ] == []
    judged = {rule["id"]: len(rule["nodes"]) for rule in found["passes"]}
    assert judged["color-contrast"] > 20
    assert {"document-title", "html-has-lang", "svg-img-alt", "scrollable-region-focusable"} <= judged.keys() | {
        rule["id"] for rule in found["inapplicable"]
    }


def test_axe_finds_what_is_planted(written: Callable[[str], Path], visit: Visits) -> None:
    page = visit(written("healthy")).page
    page.evaluate("document.querySelector('h2').style.color = '#ddd'; document.querySelector('svg').innerHTML = ''")
    found = {violation["id"] for violation in _axe(page)["violations"]}
    assert {"color-contrast", "svg-img-alt"} <= found


def _axe(page: Page) -> dict[str, Any]:
    from axe_playwright_python.sync_playwright import Axe

    response: dict[str, Any] = Axe().run(page, options={}).response
    return response


def _told(rule: dict[str, Any]) -> str:
    first = rule["nodes"][0]
    return f"{rule['id']} ({rule['impact']}, {len(rule['nodes'])} times): {first['failureSummary']} {first['html']}"


def test_landmarks_and_headings(report: Path, visit: Visits) -> None:
    page = visit(report).open_details()
    for role in ("banner", "main", "navigation", "contentinfo"):
        assert page.get_by_role(role).count() == 1, role
    headings = page.get_by_role("heading").all()
    levels = [int(heading.evaluate("heading => heading.tagName[1]")) for heading in headings]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(heading.inner_text().strip() for heading in headings)
    sections = page.locator("main > section").count()
    assert sections >= 7
    assert page.locator("main").get_by_role("region").count() == sections  # a section is a region if it has a name


def test_contents_lead_to_the_sections(report: Path, visit: Visits) -> None:
    page = visit(report).page
    links = page.get_by_role("navigation").get_by_role("link").all()
    assert len(links) >= 5
    for link in links:
        link.click()
        target = page.locator(":target")
        assert target.get_by_role("heading").first.inner_text() == link.inner_text()
        assert -1 <= target.evaluate("target => target.getBoundingClientRect().top") < 720


def test_tables_have_captions_and_headings(report: Path, visit: Visits) -> None:
    page = visit(report).open_details()
    tables = page.get_by_role("table")
    assert tables.count() == page.locator("table").count() > 5
    for table in tables.all():
        assert table.locator("caption").inner_text().strip()
        assert table.get_by_role("columnheader").count() > 1
        assert table.get_by_role("rowheader").count() == table.locator("tbody tr").count() > 0
    assert page.locator("th:not([scope])").count() == 0


def test_pictures_are_images_with_a_name_and_a_finding(report: Path, visit: Visits) -> None:
    page = visit(report).open_details()
    for picture in page.locator("svg").all():
        title, finding = picture.locator("> title").text_content(), picture.locator("> desc").text_content()
        assert title and finding
        assert page.get_by_role("img", name=title, exact=False).count() >= 1


def test_all_that_scrolls_or_acts_is_reached_by_keyboard(report: Path, visit: Visits) -> None:
    page = visit(report, viewport=TELEPHONE).open_details()
    boxes = page.evaluate(SCROLLERS)
    assert boxes
    assert [box for box in boxes if box["tabindex"] != 0 or not box["name"] or not box["role"]] == []
    wanted = page.evaluate(
        """() => [...document.querySelectorAll('a[href], summary, [tabindex="0"]')].map((stop, i) => {
          stop.dataset.stop = i;
          return stop.outerHTML.slice(0, 80);
        })"""
    )
    reached = []
    for _ in wanted:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("Number(document.activeElement.dataset.stop)"))
    assert reached == list(range(len(wanted)))


def test_arrow_keys_scroll_a_wide_table(written: Callable[[str], Path], visit: Visits) -> None:
    # Playwright's waiting is script, which the page's policy forbids
    page = visit(written("healthy"), viewport=TELEPHONE, bypass_csp=True).page
    boxes = page.locator("[tabindex='0']:has(table)").filter(visible=True).all()
    box = next(box for box in boxes if box.evaluate("box => box.scrollWidth > box.clientWidth"))
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")


def test_folded_parts_open_by_keyboard(written: Callable[[str], Path], visit: Visits) -> None:
    page = visit(written("healthy"), java_script_enabled=False).page
    folded = page.locator("details").first
    assert not folded.get_by_role("table").is_visible()
    folded.locator("summary").press("Enter")
    assert folded.get_by_role("table").is_visible()


def test_the_first_tab_skips_to_the_answer(written: Callable[[str], Path], visit: Visits) -> None:
    page = visit(written("healthy")).page
    page.keyboard.press("Tab")
    box = page.locator(":focus").bounding_box()
    assert page.locator(":focus").get_attribute("href") == "#main"
    assert box and box["x"] >= 0 and box["y"] >= 0 and box["width"] > 50
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "MAIN"


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_is_lost_at_any_width(report: Path, visit: Visits, width: int) -> None:
    page = visit(report, viewport={"width": width, "height": 640}).open_details()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(LOST_TEXT) == []
    assert page.evaluate(CUT_LABELS) == []


def test_tables_keep_their_first_column_on_a_telephone(report: Path, visit: Visits) -> None:
    found = visit(report, viewport=TELEPHONE).open_details().evaluate(STICKY)
    assert [table for table in found if abs(table["offset"]) > 1 or table["room"] < 100] == []


def test_lost_text_would_be_noticed(written: Callable[[str], Path], visit: Visits) -> None:
    page = visit(written("healthy"), viewport=TELEPHONE).page
    page.evaluate("document.querySelector('h1').style.whiteSpace = 'nowrap'")
    page.evaluate("document.querySelector('svg text').setAttribute('x', 10000)")
    assert page.evaluate("document.documentElement.scrollWidth") > 320
    assert len(page.evaluate(LOST_TEXT)) == len(page.evaluate(CUT_LABELS)) == 1


def test_colours_change_in_the_dark_inside_pictures_too(report: Path, visit: Visits) -> None:
    light = visit(report, color_scheme="light").page.evaluate(COLOURS)
    dark = visit(report, color_scheme="dark").page.evaluate(COLOURS)
    assert light["paper"] > 0.9 > 0.1 > light["ink"]
    assert dark["paper"] < 0.1 < 0.5 < dark["ink"]
    for lit, unlit in zip(light["texts"], dark["texts"], strict=True):
        assert lit["colour"] != unlit["colour"], lit["text"]
        assert min(lit["contrast"], unlit["contrast"]) >= MIN_CONTRAST, lit["text"]
    assert not set(light["marks"]) & set(dark["marks"])


def test_text_of_pictures_can_be_selected(written: Callable[[str], Path], visit: Visits) -> None:
    page = visit(written("healthy")).open_details()
    labels = page.locator("svg text").all_text_contents()
    page.keyboard.press("Control+a")
    selected = "".join(page.evaluate("getSelection().toString()").split())
    assert len(labels) > 100
    assert [label for label in labels if "".join(label.split()) not in selected] == []


def test_print_is_light_and_unfolded(report: Path, visit: Visits) -> None:
    page = visit(report, viewport=PAPER, color_scheme="dark").page
    assert page.evaluate(HIDDEN) != []
    page.emulate_media(media="print", color_scheme="dark")
    page.reload()  # Chromium takes a moment to lay an open page out for print
    assert page.evaluate(HIDDEN) == []
    colours = page.evaluate(COLOURS)
    assert colours["paper"] > 0.9 > 0.1 > colours["ink"]
    assert [text["text"] for text in colours["texts"] if text["contrast"] < MIN_CONTRAST] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= MAX_SHRINK * PAPER["width"]
    first = page.locator("main > section").first
    assert first.evaluate("section => getComputedStyle(section).breakBefore") == "auto"  # the answer is on page one


def test_the_printed_file_is_whole(report: Path, visit: Visits) -> None:
    seen = visit(report)
    folded = seen.page.pdf(format="A4")
    unfolded = seen.open_details().pdf(format="A4")
    assert folded.startswith(b"%PDF-") and folded.rstrip().endswith(b"%%EOF")
    assert _n_pages(folded) == _n_pages(unfolded) > 1


def _n_pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def test_without_script_the_content_is_the_same(report: Path, visit: Visits) -> None:
    with_script = visit(report).page.locator("body")
    without = visit(report, java_script_enabled=False).page.locator("body")
    assert without.inner_text() == with_script.inner_text()
    assert without.inner_html() == with_script.inner_html()


def test_hostile_names_are_words(written: Callable[[str], Path], visit: Visits) -> None:
    page = visit(written("hostile names")).open_details()
    assert page.locator("script").count() == 0
    text = page.locator("body").inner_text()
    assert HOSTILE in text
    assert UNBROKEN in text
