"""The page: its landmarks, names that are markup, degenerate runs, the same bytes every time."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reports.page import sections
from reports.page.page import SECTIONS, WITHIN, rebuild, render
from reports.run_directory import tables
from reports.run_directory.files import TableError
from tests.reports.conftest import HOSTILE

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Outline(HTMLParser):
    """What a page is made of; fails on tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def outline(html: str) -> Outline:
    page = Outline()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def html(healthy_run: Path) -> str:
    return rebuild(healthy_run).read_text(encoding="utf-8")


def test_landmarks_and_headings(html: str) -> None:
    page = outline(html)
    for tag in ("header", "main", "nav", "footer", "h1"):
        assert len(page.of(tag)) == 1
    assert page.of("html")[0]["lang"] == "en"
    sections = [attributes.get("id") for attributes in page.of("section")]
    assert sections == ["answer", "who", "accuracy", "premium", "audit", "groups", "cost", "errors", "how"]
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(b - a <= 1 for a, b in pairwise(levels))
    skip = next(a for a in page.of("a") if a.get("class") == "skip")
    assert skip["href"] == "#main"


def test_every_section_has_a_module_a_template_and_a_line_in_the_page() -> None:
    folder = Path(sections.__path__[0])
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert sorted(module.__name__.rpartition(".")[2] for module in (*SECTIONS, *WITHIN)) == sorted(modules)
    assert {path.stem for path in (folder.parent / "templates" / "sections").iterdir()} >= modules


def test_contents_name_every_section_by_its_heading(html: str) -> None:
    contents = re.findall(r'<li><a href="#(\w+)">([^<]+)</a></li>', html)
    assert contents == re.findall(r'<h2 id="(\w+)-title">([^<]+)</h2>', html)
    assert len(contents) == len(SECTIONS)


def test_every_reference_inside_the_page_has_one_target(html: str) -> None:
    page = outline(html)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {a["href"][1:] for _, a in page.tags if (a.get("href") or "").startswith("#")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", html))
    wanted |= {name for _, a in page.tags for name in (a.get("aria-labelledby") or "").split()}
    assert wanted <= set(ids)


def test_every_picture_has_a_title_a_finding_and_its_table(html: str) -> None:
    page = outline(html)
    pictures = page.of("svg")
    assert len(pictures) == 5 + 8 + 4  # accuracy to errors; groups of eight attributes; gaps of four
    assert all(picture["role"] == "img" and picture["aria-labelledby"] for picture in pictures)
    assert len(page.of("desc")) == len(pictures)
    assert html.count("<summary>Data</summary>") >= len(pictures) - 1  # the cost table is never folded


def test_tables_have_captions_and_scopes(html: str) -> None:
    page = outline(html)
    assert len(page.of("table")) == len(page.of("caption")) > 15
    assert all(heading.get("scope") in ("col", "row") for heading in page.of("th"))


def test_nothing_is_fetched_and_nothing_runs(html: str) -> None:
    page = outline(html)
    assert page.of("script") == []
    assert page.of("link") == []
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", html)
    assert "@import" not in html
    assert "DejaVu" not in html
    assert "default-src 'none'" in page.of("meta")[3]["content"]  # type: ignore[operator]


def test_colours_follow_light_and_dark_inside_pictures(html: str) -> None:
    pictures = "".join(re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL))
    assert "var(--ink)" in pictures
    assert "var(--model-0)" in pictures
    assert re.findall(r"#[0-9a-f]{6}\b", pictures) == []


def test_a_name_that_is_markup_stays_text(html: str) -> None:
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert HOSTILE in "".join(outline(html).text)


def test_numbers_on_the_page_are_those_of_the_summary(html: str, healthy_run: Path) -> None:
    summary = json.loads((healthy_run / "summary.json").read_text(encoding="utf-8"))
    text = "".join(outline(html).text)
    for model in ("svm", "xgboost", "cnn"):
        assert f"{100 * summary['models'][model]['balanced_accuracy']['value']:.1f}" in text
    assert summary["folds_hash"] in text
    assert summary["command"] in text
    assert "data/broken_0.wav" in text
    assert "1807.03418" in text


def test_the_same_tables_give_the_same_bytes(html: str, healthy_run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(healthy_run, copy)
    (copy / "summary.json").unlink()
    assert render(copy).read_text(encoding="utf-8") == html


def test_synthetic_voices_are_the_first_line(make_run: Callable[..., Path]) -> None:
    html = rebuild(make_run(corpus={"synthetic": True, "kind": "virtual"})).read_text(encoding="utf-8")
    header = html[html.index("<header>") :]
    assert header.index("The voices are synthetic") < header.index("<h1>")
    assert "1807.03418" not in html


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            {"models": ("my.module:factory",), "baseline": False}, "my.module:factory", id="one model, of a user"
        ),
        pytest.param({"models": (), "accuracy": ()}, "", id="majority only"),
        pytest.param({"n_folds": 1, "protocol": "recording-random", "quarantined": 0}, "could be used", id="one fold"),
        pytest.param({"n_women": 1, "n_men": 5}, "no female", id="a class missing in a fold"),
        pytest.param({"n_women": 0}, "no speaker was tested of: female", id="a class missing"),
        pytest.param(
            {"no_scores": ("svm", "xgboost", "cnn", "majority"), "constant": ("svm", "xgboost", "cnn")},
            "50.0",
            id="no probabilities, all answers alike",
        ),
        pytest.param({"accuracy": (9.0, 9.0, 9.0)}, "100.0", id="all right"),
        pytest.param(
            {"n_women": 2, "n_men": 2, "n_folds": 2},
            "interval not estimable (1\u00a0speaker)",
            id="one speaker in a group",
        ),
        pytest.param({"failed_cells": (("cnn", 1), ("svm", 0))}, "killed &lt;9&gt;", id="failed cells"),
        pytest.param(
            {"failed_cells": tuple(("cnn", f) for f in range(4))}, "nothing was predicted", id="a model failed"
        ),
        pytest.param(
            {"without": ("room", "age_band", "native_speaker"), "premium": False}, "Not measured", id="little is known"
        ),
        pytest.param({"task": "digit", "without": ("gender", "accent", "accent_bucket")}, "", id="digits, no gender"),
        pytest.param({"repetitions": 2, "seeds": (0, 1)}, "repetition 2, fold 4, seed 1", id="repetitions"),
    ],
)
def test_degenerate_runs_give_a_page(make_run: Callable[..., Path], fields: dict[str, Any], expected: str) -> None:
    html = rebuild(make_run(**fields)).read_text(encoding="utf-8")
    page = outline(html)
    assert not re.search(r"\bnan\b", "".join(page.text).lower())
    assert len(page.of("section")) >= 7
    assert expected in html


def test_a_run_without_timings_or_optional_manifest_entries_gives_a_page(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    tables.write(tables.read("timings", folder).iloc[:0], "timings", folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    kept = {key: manifest[key] for key in ("schema", "task", "models")}
    (folder / "manifest.json").write_text(json.dumps({**kept, "protocol": {"name": "grouped"}}), encoding="utf-8")
    html = rebuild(folder).read_text(encoding="utf-8")
    assert "What the models cost was not measured." in html


def test_a_broken_summary_is_refused(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    (folder / "summary.json").write_text("{", encoding="utf-8")
    with pytest.raises(TableError, match=r"summary\.json cannot be read"):
        render(folder)
