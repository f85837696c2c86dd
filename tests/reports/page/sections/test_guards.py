"""Speed guards in the report: in the summary, on the page."""

import json
import re
import shutil

import pytest

from reports.page.page import rebuild
from reports.page.sections import guards
from reports.run_directory.guards import Guards
from tests.reports.run_directory.test_guards import FOUND


@pytest.fixture(scope="module")
def guarded(healthy_run, tmp_path_factory):
    """The healthy run with two guards, its page built."""
    folder = tmp_path_factory.mktemp("guarded") / "run"
    shutil.copytree(healthy_run, folder)
    Guards.write(FOUND, folder)
    rebuild(folder)
    return folder


def test_a_run_without_guards_says_nothing_of_them(healthy_summary):
    assert healthy_summary["guards"] is None
    assert guards.table(healthy_summary) is None
    assert guards.picture(healthy_summary) == guards.sentence(healthy_summary) == ""


def test_the_summary_holds_them_as_they_were_written(guarded):
    assert json.loads((guarded / "summary.json").read_text(encoding="utf-8"))["guards"] == FOUND


def test_the_page_shows_subject_reference_ratio_limit_and_verdict(guarded):
    page = (guarded / "report.html").read_text(encoding="utf-8")
    cost = page[page.index('id="cost"') : page.index('id="errors"')]
    assert "1 of 2 guards too slow: page." in re.sub(r"\s+", " ", cost.replace("\u00a0", " "))
    assert "extraction &lt;of&gt; one" in cost and "<of>" not in cost
    assert 'id="plot-guards-title"' in cost
    for text in ("bare FFTs", "2.00", "2.50", "30.0", "too slow", "2025-03-04", "a processor"):
        assert text in cost


def test_the_picture_has_a_dot_per_round_and_a_finding(guarded):
    picture = guards.picture({"guards": FOUND})
    assert picture.count("<use") >= 6
    assert "Too slow: page. Nearest to its limit: page, at 1200.0" in picture
    assert picture == guards.picture({"guards": FOUND})


def test_numbers_have_three_digits():
    assert [guards.three_digits(x) for x in (0.2134, 8.0, 12.34, 99.96, 1234.5)] == [
        "0.213",
        "8.00",
        "12.3",
        "100",
        "1,234",
    ]
