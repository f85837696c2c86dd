"""The answer on top: three sentences by rules, no winner, synthetic voices said first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.answer import SYNTHETIC
from reports.summary import summarise


def told(summary: dict[str, Any]) -> dict[str, Any]:
    answer = summary["answer"]
    return {
        "warnings": answer["warnings"],
        "sentences": [sentence.replace("\u00a0", " ") for sentence in answer["sentences"]],
    }


def test_three_sentences_that_name_no_winner(healthy_summary: dict[str, Any]) -> None:
    answer = told(healthy_summary)
    assert answer["warnings"] == []
    assert len(answer["sentences"]) == 3
    assert answer["sentences"][0].startswith("On 24 speakers held out of training")
    assert "no winner is named" in answer["sentences"][0]
    for word in ("better", "best", "beats", "leads", "biased"):
        assert word not in " ".join(answer["sentences"])


def test_models_keep_the_order_of_the_run(healthy_summary: dict[str, Any]) -> None:
    first = told(healthy_summary)["sentences"][0]
    assert first.index("(SVM)") < first.index("(XGBoost)") < first.index("(CNN)")
    assert "Majority" not in first


def test_costs_go_from_the_cheapest_to_the_dearest(healthy_summary: dict[str, Any]) -> None:
    last = told(healthy_summary)["sentences"][2]
    assert last == (
        "Fitting one fold takes 400 ms (SVM) to 41 s (CNN, 102 times as long), and answering takes 12 µs per recording "
        "(XGBoost) to 390 µs (CNN, 32 times as long)."
    )


def test_the_accent_sentence_gives_direction_and_every_model(healthy_summary: dict[str, Any]) -> None:
    gap = 100 * healthy_summary["gaps"]["accent_bucket"]["svm"]["value"]
    second = told(healthy_summary)["sentences"][1]
    assert second.startswith("Accuracy on speakers with accent “German” minus that on “other” is")
    assert f"{abs(gap):.1f} points (SVM)" in second


def test_synthetic_voices_are_announced_first(make_run: Callable[..., Path]) -> None:
    folder = make_run(corpus={"synthetic": True}, failed_cells=(("cnn", 1),))
    warnings = told(summarise(folder))["warnings"]
    assert warnings[0] == SYNTHETIC
    assert warnings[1].startswith("1 of 16 cells failed")
    assert warnings[2].replace("\u00a0", " ").startswith("CNN has no answers for 1 split")


@pytest.mark.parametrize(
    ("fields", "place", "expected"),
    [
        ({"models": ("svm",)}, 0, "how far another choice of speakers would move that is not computed yet"),
        ({"models": ("logistic",)}, 0, "(Logistic regression); how far"),
        ({"protocol": "recording-random"}, 0, "heard in training as well"),
        ({"without": ("accent", "accent_bucket")}, 1, "No accent gap can be given: fewer than two groups"),
        ({"n_women": 0, "hostile": False}, 0, "No balanced accuracy can be given: no speaker was tested of: female."),
    ],
)
def test_where_there_is_less_to_say(
    make_run: Callable[..., Path], fields: dict[str, Any], place: int, expected: str
) -> None:
    assert expected in told(summarise(make_run(**fields)))["sentences"][place]
