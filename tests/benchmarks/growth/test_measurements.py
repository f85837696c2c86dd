"""Growth: the command on a few tones, what is skipped, and the order in which a corpus grows."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from benchmarks.cli.app import app
from benchmarks.growth.measurements import Growth, expected_seconds, first, growing_corpus, read_sizes
from benchmarks.growth.tables import content_of, cost_rows, reach_lines
from benchmarks.settings import SettingsError


@pytest.fixture(scope="module")
def grown(tones, tmp_path_factory):
    out = tmp_path_factory.mktemp("growth")
    arguments = ["--corpus", f"audiomnist:{tones}", "--models", "logistic,svm", "--sizes", "36,72,100"]
    done = CliRunner().invoke(app, ["growth", *arguments, "--cache", str(out / "cache"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out, json.loads((out / "growth.json").read_text(encoding="utf-8")), done.stdout


def test_every_cost_is_measured_at_every_size_there_is(grown):
    _, content, _ = grown
    table = pd.DataFrame(content["measurements"])
    sizes = table.groupby([table["model"].fillna(""), "phase"])["n_recordings"].agg(list)
    expected = {("", "extract"), ("", "report")} | {
        (model, phase) for model in ("logistic", "svm") for phase in ("train", "fit", "answer")
    }
    assert set(sizes.index) == expected
    assert all(own == [36, 72] for own in sizes)
    assert (table["seconds"] > 0).all()
    assert (table.loc[table["phase"] != "extract", "peak_rss_bytes"] > 1e7).all()
    assert content["skipped"] == ["100 recordings: the corpus has 72"]


def test_laws_and_reach_are_told(grown):
    out, content, printed = grown
    assert {law["name"] for law in content["laws"]} >= {"SVM: training", "report"}
    assert all(law["exponent"] is not None and law["standard_error"] is None for law in content["laws"])
    assert {reach["model"] for reach in content["reach"]} == {"svm", "logistic"}
    text = (out / "growth.md").read_text(encoding="utf-8")
    assert (
        text in printed
        and "SVM, measured to 72 recordings: trained in an hour " in text
        and "Skipped: 100 recordings" in text
    )
    page = (out / "growth.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1 and page.count("://") == page.count("http://www.w3.org/2000/svg")


def test_what_would_take_too_long_is_not_begun():
    assert expected_seconds([], [], 1_000) == 0
    assert expected_seconds([100], [2.0], 300) == pytest.approx(18)  # the square, before anything is known
    assert expected_seconds([100, 200], [2.0, 4.0], 1_000) == pytest.approx(20)


def test_reach_by_hand():
    growth = Growth()
    for size, seconds in ((1_000, 1.0), (2_000, 4.0)):
        growth.add("svm", "train", size, seconds, 10**9)
    content = content_of(growth, {})
    assert content["reach"][0]["recordings_in_an_hour"] == pytest.approx(60_000)
    assert content["reach"][0]["recordings_in_memory"] == 200_000
    assert "trained in an hour 60,000 (extrapolated); filling" in reach_lines(content)[0]
    assert reach_lines(content)[0].endswith("memory more than 200,000.")
    assert cost_rows(content)[1] == ["SVM: training", "1.0\u00a0s", "4.0\u00a0s", "2.00"]


def test_far_beyond_what_was_measured_no_number_is_given():
    growth = Growth()
    for size, seconds in ((1_000, 0.01), (2_000, 0.0101)):
        growth.add("svm", "train", size, seconds, size * 10**6)
    (line,) = reach_lines(content_of(growth, {}))
    assert "trained in an hour more than 200,000;" in line
    growth = Growth()
    growth.add("svm", "train", 1_000, 1.0, 10**6)
    (line,) = reach_lines(content_of(growth, {}))
    assert "trained in an hour unknown;" in line


def test_everyone_speaks_once_before_anyone_speaks_twice(tones, tmp_path):
    corpus = growing_corpus(f"audiomnist:{tones}", 72, cache=tmp_path)
    assert sorted(corpus.recordings["recording_id"]) == sorted(set(corpus.recordings["recording_id"]))
    for n_recordings in (12, 24, 72):
        part = first(corpus, n_recordings).recordings
        assert part["speaker"].value_counts().tolist() == [n_recordings // 12] * 12
        assert part["recording_id"].is_monotonic_increasing


@pytest.mark.parametrize("sizes", ["", "ten", "20,10", "0,5", "10,10"])
def test_sizes_must_rise(sizes):
    with pytest.raises(SettingsError, match="--sizes"):
        read_sizes(sizes)
