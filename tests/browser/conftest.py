"""One Chromium for all tests of the page, and the reports it opens: a healthy one, poor ones, one of hostile names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from reports.page.page import rebuild
from reports.run_directory import tables
from reports.run_directory.guards import Guards
from reports.two_runs.page import write as write_comparison
from tests.reports.conftest import HOSTILE, Recipe, write_run
from tests.reports.run_directory.test_guards import FOUND

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

UNBROKEN = "/recordings" * 20
"""A name without a place to break a line."""

RIGHT_TO_LEFT = "\u202egnitirw lanretni\u202c \u05e9\u05dc\u05d5\u05dd"

RECIPES: dict[str, dict[str, Any]] = {
    "healthy": {"n_women": 24, "n_men": 36, "n_takes": 4, "failed_cells": (("cnn", 1),)},
    "many models": {
        "models": ("svm", "xgboost", "cnn", "logistic", "ours.models:first_factory", "ours.models:other_factory"),
        "accuracy": (0.80, 0.76, 0.83, 0.81, 0.805, 0.6),
    },
    "digits": {"task": "digit", "n_women": 5, "n_men": 7, "corpus": {"synthetic": True, "kind": "virtual"}},
    "one model": {"models": ("my.module:factory",), "baseline": False, "repetitions": 2, "seeds": (0, 1)},
    "one speaker in a group": {"n_women": 2, "n_men": 2, "n_folds": 2},
    "hardly anything": {
        "models": (),
        "accuracy": (),
        "n_women": 1,
        "n_men": 1,
        "n_folds": 1,
        "protocol": "recording-random",
        "premium": False,
        "quarantined": 0,
        "without": ("accent", "accent_bucket", "room", "native_speaker", "age", "age_band", "origin", "origin_bucket"),
    },
    "hostile names": {
        "models": ("a.module_of_somebody_with_a_long_name:a_factory_of_some_name", "svm"),
        "corpus": {"name": f"{HOSTILE} {UNBROKEN}", "notes": [UNBROKEN, HOSTILE]},
        "quarantined": 30,
    },
}

COMPARISONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "two runs": (
        {"corpus": {"synthetic": True, "kind": "virtual"}},
        {"corpus": {"synthetic": True, "kind": "virtual"}, "random_seed": 8, "protocol": "official", "digits": 8},
    ),
    "two poor runs": (
        {"n_women": 1, "n_men": 1, "n_folds": 1},
        {"n_women": 1, "n_men": 1, "n_folds": 1, "random_seed": 8, "protocol": "recording-random"},
    ),
    "two runs of hostile names": (
        {
            "models": ("a.module_of_somebody_with_a_long_name:a_factory_of_some_name", "svm"),
            "corpus": {"name": UNBROKEN},
        },
        {"models": ("a.module_of_somebody_with_a_long_name:a_factory_of_some_name",), "corpus": {"name": HOSTILE}},
    ),
}
"""Pages that compare two runs, by the recipes of both."""


@dataclass
class Visit:
    """A page that was opened, what it has asked for and what the browser complained of since."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open_details(self) -> Page:
        """Open everything that is folded; return the page."""
        self.page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
        return self.page


Visits = Callable[..., Visit]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; tests are skipped where it or Playwright is absent, or fail where it is required."""
    absent = [name for name in ("playwright", "axe_playwright_python") if find_spec(name) is None]
    if absent:
        _without(f"needs the extra 'browser': {', '.join(absent)} not installed")
    from tests.browser.chromium import executable, opened

    if executable() is None:
        _without("needs Chromium: no 'chromium' on the PATH (Debian's package is chromium)")
    with opened() as chromium:
        yield chromium


def _without(reason: str) -> None:
    if os.environ.get("VOXFOLD_REQUIRE_BROWSER"):
        pytest.fail(f"VOXFOLD_REQUIRE_BROWSER is set, and this {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def written(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that writes the report of a recipe once and returns its path."""

    @cache
    def write(name: str) -> Path:
        if name in COMPARISONS:
            place = tmp_path_factory.mktemp("compared")
            runs = [write_run(place / f"run-{i}", Recipe(**r)) for i, r in enumerate(COMPARISONS[name])]
            write_comparison(*runs, place / "page.html")
            return place / "page.html"
        folder = write_run(tmp_path_factory.mktemp("runs") / "run", Recipe(**RECIPES[name]))
        if name == "healthy":
            Guards.write(FOUND, folder)
        if name == "hostile names":
            _spoil(folder)
        return rebuild(folder)

    return write


def _spoil(folder: Path) -> None:
    """Give groups, recordings and reasons of a run names that are markup, endless, or written to the left."""
    names = {"German": HOSTILE, "Spanish": RIGHT_TO_LEFT, "Tamil": UNBROKEN, "other": f"</svg></style>{UNBROKEN}"}
    for table in ("recordings", "predictions"):
        rows = tables.read(table, folder)
        for column in ("accent", "accent_bucket"):
            rows[column] = rows[column].replace(names)
        tables.write(rows, table, folder)
    left_out = tables.read("quarantine", folder)
    long = pd.DataFrame({"recording": [UNBROKEN], "reason": [UNBROKEN]})
    tables.write(pd.concat([left_out, long], ignore_index=True), "quarantine", folder)


@pytest.fixture(params=[*RECIPES, *COMPARISONS])
def report(request: pytest.FixtureRequest, written: Callable[[str], Path]) -> Path:
    """Each report in turn."""
    return written(request.param)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visits]:
    """Return a function that opens a report from disk, as a reader would; it takes Playwright's context options."""
    contexts = []

    def open_(path: Path, **options: Any) -> Visit:
        contexts.append(browser.new_context(**{"reduced_motion": "reduce", **options}))
        page = contexts[-1].new_page()
        seen = Visit(page)
        contexts[-1].on("request", lambda request: seen.requests.append(request.url))
        page.on("console", lambda message: seen.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.goto(path.as_uri())
        return seen

    yield open_
    for context in contexts:
        context.close()
