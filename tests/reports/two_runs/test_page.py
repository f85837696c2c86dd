"""The page of a comparison: its landmarks, names that are markup, degenerate runs, the same bytes every time."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reports.two_runs.page import write
from tests.reports.conftest import HOSTILE
from tests.reports.page.test_page import outline

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def two(make_run: Make) -> tuple[Path, Path]:
    """Two runs of hostile names, read-only by convention."""
    return make_run(), make_run(random_seed=8, models=("svm", "xgboost"))


@pytest.fixture(scope="module")
def page(two: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("comparison") / "of" / "two.html"
    write(*two, path)
    return path


@pytest.fixture(scope="module")
def html(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_landmarks_and_headings(html: str) -> None:
    found = outline(html)
    for tag in ("header", "main", "nav", "footer", "h1"):
        assert len(found.of(tag)) == 1
    sections = [attributes.get("id") for attributes in found.of("section")]
    assert sections == ["answer", "who", "accuracy", "groups", "speakers", "cost", "conditions", "how"]
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {a["href"][1:] for _, a in found.tags if (a.get("href") or "").startswith("#")}
    wanted |= {name for _, a in found.tags for name in (a.get("aria-labelledby") or "").split()}
    assert wanted <= set(ids)


def test_pictures_and_tables_are_named(html: str) -> None:
    found = outline(html)
    pictures = found.of("svg")
    assert len(pictures) >= 2
    assert (
        len(found.of("desc")) == len(pictures) == html.count("<summary>Data</summary>") + 1
    )  # that of accuracy is open
    assert len(found.of("table")) == len(found.of("caption")) > 5
    assert all(heading.get("scope") in ("col", "row") for heading in found.of("th"))


def test_nothing_is_fetched_and_nothing_runs(html: str) -> None:
    found = outline(html)
    assert found.of("script") == found.of("link") == []
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", html)
    assert "default-src 'none'" in found.of("meta")[3]["content"]  # type: ignore[operator]
    assert HOSTILE in "".join(found.text)


def test_the_page_shows_the_numbers_that_stand_beside_it(html: str, page: Path) -> None:
    numbers = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert numbers["schema"] == "voxfold-comparison/1"
    text = "".join(outline(html).text)
    for model in ("svm", "xgboost"):
        for end in ("a", "b"):
            assert f"{100 * numbers['models'][model][end]['value']:.1f}" in text
        assert f"{100 * abs(numbers['models'][model]['difference']['value']):.1f}" in text
    for sentence in numbers["answer"]["sentences"]:
        assert sentence in text
    assert "Only in A: CNN." in text
    assert "two.json" in text


def test_the_same_tables_give_the_same_bytes(page: Path, html: str, two: tuple[Path, Path], tmp_path: Path) -> None:
    copies = [shutil.copytree(folder, tmp_path / str(place) / folder.name) for place, folder in enumerate(two)]
    write(*copies, tmp_path / "two.html")
    assert (tmp_path / "two.html").read_text(encoding="utf-8") == html
    assert (tmp_path / "two.json").read_bytes() == page.with_suffix(".json").read_bytes()


def test_synthetic_voices_are_the_first_line(make_run: Make, tmp_path: Path) -> None:
    run = make_run(corpus={"synthetic": True, "kind": "virtual"})
    write(run, run, tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    header = html[html.index("<header>") :]
    assert header.index("The voices are synthetic") < header.index("<h1>")
    assert html.count("The voices are synthetic") == 1


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"models": ("my.module:factory",), "baseline": False}, "my.module:factory", id="one model"),
        pytest.param({"models": (), "accuracy": ()}, "Majority class", id="majority only"),
        pytest.param({"n_women": 1, "n_men": 1, "n_folds": 1}, "are needed", id="hardly anybody"),
        pytest.param({"n_women": 0}, "no speaker was tested of: female", id="a class missing"),
        pytest.param(
            {"failed_cells": tuple(("cnn", f) for f in range(4))}, "nothing was predicted", id="a model failed"
        ),
        pytest.param(
            {"without": ("room", "age_band", "accent", "accent_bucket")}, "No change to give", id="little known"
        ),
    ],
)
def test_degenerate_runs_give_a_page(make_run: Make, tmp_path: Path, fields: dict[str, Any], expected: str) -> None:
    write(make_run(**fields), make_run(**fields, random_seed=8), tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"\b(?:nan|NaN|None)\b", " ".join(outline(html).text))
    assert expected in html
