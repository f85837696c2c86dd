"""The command `compare`: its table, its page, and one line where runs cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from benchmarks.cli.app import app
from tests.reports.conftest import Recipe, write_run


def compare(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compared")
    write_run(path / "before", Recipe(hostile=False))
    write_run(path / "after", Recipe(hostile=False, random_seed=8))
    write_run(path / "digits", Recipe(task="digit", n_women=1, n_men=1, n_folds=2))
    return path


def test_a_table_a_page_and_its_numbers(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = compare(folder / "before", folder / "after")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].split()[:4] == ["model", "A", "B", "difference"]
    assert [line.split()[0] for line in lines[1:5]] == ["svm", "xgboost", "cnn", "majority"]
    page = Path("artifacts") / "compare-before-after.html"
    assert lines[-1] == f"report: {page}"
    numbers = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert (numbers["a"]["name"], numbers["b"]["name"]) == ("before", "after")
    shown = lines[1].split()
    assert shown[1:3] == [f"{100 * numbers['models']['svm'][end]['value']:.1f}" for end in ("a", "b")]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("other", "words"),
    [("digits", "other tasks or classes"), ("nowhere", "manifest.json is missing"), (".", "manifest.json is missing")],
)
def test_what_cannot_be_compared_is_one_line(folder: Path, tmp_path: Path, other: str, words: str) -> None:
    done = compare(folder / "before", folder / other, "--out", tmp_path / "page.html")
    assert done.exit_code == 2
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert words in done.stderr
    assert not (tmp_path / "page.html").exists()


def test_the_page_must_be_html(folder: Path, tmp_path: Path) -> None:
    done = compare(folder / "before", folder / "before", "--out", tmp_path / "page.json")
    assert done.exit_code == 2
    assert "does not end in .html" in done.stderr


def test_no_file_of_a_run_is_replaced(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in (folder / "after").iterdir()}
    done = compare(folder / "before", folder / "after", "--out", folder / "after" / "summary.html")
    assert done.exit_code == 2
    assert "lies in a run directory" in done.stderr and len(done.stderr.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in (folder / "after").iterdir()} == before
