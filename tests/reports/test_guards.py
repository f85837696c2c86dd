"""Speed guards in the report: read and checked, in the summary, on the page."""

import copy
import json
import re
import shutil

import pytest

from reports import guard_figure, guards
from reports.page.page import rebuild
from reports.page.sections import guards as guard_exhibits
from reports.summary import summarise
from reports.tables import TableError

FAST = {
    "name": "fast",
    "subject": "extraction <of> one",
    "reference": "bare FFTs",
    "ratio": 2.0,
    "limit": 2.5,
    "p": 0.9,
    "holds": True,
    "subject_seconds": 0.002,
    "reference_seconds": 0.001,
    "rounds": [1.9, 2.0, 2.1],
}
SLOW = {**FAST, "name": "slow", "subject": "page", "ratio": 30.0, "p": 1e-5, "holds": False, "rounds": [29, 30, 31]}
FOUND = {
    "schema": "voxfold-guards/1",
    "created": "2025-03-04T05:06:07+00:00",
    "machine": {"processor": "a processor"},
    "p_limit": 0.002,
    "clock": "process_time",
    "guards": [FAST, SLOW],
}


@pytest.fixture(scope="module")
def guarded(healthy_run, tmp_path_factory):
    """The healthy run with two guards, its page built."""
    folder = tmp_path_factory.mktemp("guarded") / "run"
    shutil.copytree(healthy_run, folder)
    guards.write(FOUND, folder)
    rebuild(folder)
    return folder


def test_a_run_without_guards_says_nothing_of_them(healthy_summary):
    assert healthy_summary["guards"] is None
    assert guard_exhibits.table(healthy_summary) is None
    assert guard_figure.guards(healthy_summary) == guard_exhibits.sentence(healthy_summary) == ""


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
    picture = guard_figure.guards({"guards": FOUND})
    assert picture.count("<use") >= 6
    assert "Too slow: page. Nearest to its limit: page, at 1200.0" in picture
    assert picture == guard_figure.guards({"guards": FOUND})


def test_numbers_have_three_digits():
    assert [guard_exhibits.number(x) for x in (0.2134, 8.0, 12.34, 99.96, 1234.5)] == [
        "0.213",
        "8.00",
        "12.3",
        "100",
        "1,234",
    ]


def changed(**fields):
    found = copy.deepcopy(FOUND)
    found["guards"][0].update(fields)
    return found


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], "got list"),
        ({**FOUND, "schema": "voxfold-guards/9"}, "voxfold-guards/9"),
        ({**FOUND, "guards": []}, "no guard"),
        ({**FOUND, "guards": [FAST, FAST]}, r"\['fast'\] occur twice"),
        ({key: value for key, value in FOUND.items() if key != "clock"}, "clock"),
        (changed(ratio="2"), r"\['ratio'\]"),
        (changed(holds=1), r"\['holds'\]"),
        (changed(extra=1), "extra"),
        (changed(rounds=[]), "'fast'"),
        (changed(rounds=[1.0, "x"]), "'fast'"),
        (changed(rounds=[1.0, float("inf")]), "'fast'"),
        (changed(limit=0.0), "'fast'"),
        (changed(p=float("nan")), "'fast'"),
    ],
)
def test_what_is_not_as_declared_is_refused(found, expected):
    with pytest.raises(TableError, match=expected):
        guards.check(found)


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_a_damaged_file_is_told(tmp_path, text):
    (tmp_path / "guards.json").write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=r"guards\.json cannot be read"):
        guards.read(tmp_path)


def test_damaged_guards_stop_the_summary(healthy_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(healthy_run, folder)
    (folder / "guards.json").write_text("{}", encoding="utf-8")
    with pytest.raises(TableError, match=r"guards\.json"):
        summarise(folder)
