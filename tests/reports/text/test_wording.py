"""Numbers as a reader sees them."""

from __future__ import annotations

import pytest

from reports.text import wording


def read(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.84e-5, "38 µs"),
        (9.96e-4, "996 µs"),
        (0.0034, "3.4 ms"),
        (0.9999, "1.0 s"),
        (41.2, "41 s"),
        (59.7, "1 min"),
        (245.0, "4 min 5 s"),
        (7800.0, "2 h 10 min"),
        (0.0, "0.0 µs"),
        (None, "–"),
    ],
)
def test_seconds(value: float | None, text: str) -> None:
    assert read(wording.seconds(value)) == text


@pytest.mark.parametrize(("value", "text"), [(0.7519, "75.2 %"), (1.0, "100.0 %"), (None, "–")])
def test_percent(value: float | None, text: str) -> None:
    assert read(wording.percent(value)) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.007, "+0.7 points"), (-0.0123, "−1.2 points"), (-0.0001, "±0.0 points")]
)
def test_points(value: float, text: str) -> None:
    assert read(wording.points(value)) == text


@pytest.mark.parametrize(
    ("value", "text"), [(512, "512 B"), (2_400_000, "2.4 MB"), (999_700, "1.0 MB"), (12e9, "12 GB")]
)
def test_bytes(value: float, text: str) -> None:
    assert read(wording.bytes_(value)) == text


def test_lists_read_as_sentences() -> None:
    assert wording.listed(["a"]) == "a"
    assert wording.listed(["a", "b", "c"]) == "a, b and c"


def test_counted() -> None:
    assert read(wording.counted(1, "speaker")) == "1 speaker"
    assert read(wording.counted(30000, "recording")) == "30,000 recordings"


def test_long_names_of_models_keep_their_end_in_pictures() -> None:
    assert wording.short_model("logistic") == "Logistic regression"
    assert wording.short_model("a.module_of_mine:a_factory") == "…e_of_mine:a_factory"
    assert len(wording.short_model("m" * 99)) == wording.MAX_LABEL
