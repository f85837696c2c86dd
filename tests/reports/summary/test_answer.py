"""The answer on top: three sentences by rules; every claim has its test and its interval."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.statistics.estimate import number
from reports.statistics.intervals import Interval
from reports.summary import answer
from reports.summary.answer import SYNTHETIC
from reports.summary.summary import summarise

MODELS = ("svm", "xgboost", "cnn")


def told(summary: dict[str, Any]) -> dict[str, Any]:
    found = answer.answer(summary)
    return {
        "warnings": found["warnings"],
        "sentences": [sentence.replace("\u00a0", " ") for sentence in found["sentences"]],
    }


def estimate(value: float, low: float, high: float, **further: Any) -> dict[str, Any]:
    interval = Interval(low=low, high=high, method="m")
    return {**number(value, interval, n_speakers=24, n_recordings=480), **further}


def summary_of(values: dict[str, float], significant: set[tuple[str, str]]) -> dict[str, Any]:
    """Return what the answer reads, for models with these balanced accuracies and these significant differences."""
    first = max(values, key=lambda name: values[name])
    names = list(values)
    pairs = [
        {
            "a": a,
            "b": b,
            "difference": estimate(values[a] - values[b], values[a] - values[b] - 0.03, values[a] - values[b] + 0.03),
            "significant": (a, b) in significant,
            "p_holm": 0.01 if (a, b) in significant else 0.4,
            "equal": False,
            "fold_level": {"order_could_change": False},
        }
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    ]
    apart = {name for pair in significant if first in pair for name in pair}
    gap = {"kind": "difference", "first": "German", "second": "other", "unbiased_why_not": None}
    band = {"unbiased_low": -0.02, "unbiased_high": 0.05, "unbiased_expected": 0.01}
    costs = {"svm": (0.5, 40e-6), "xgboost": (3.0, 10e-6), "cnn": (20.0, 400e-6)}
    return {
        "model_order": names,
        "corpus": {},
        "cells": {},
        "hardest": {"models": names},
        "task": {"name": "gender", "classes": ["female", "male"]},
        "protocol": {"name": "grouped"},
        "models": {
            name: {"balanced_accuracy": estimate(v, v - 0.05, v + 0.04), "splits_missing": []}
            for name, v in values.items()
        },
        "comparisons": pairs,
        "leader": {"model": first, "not_distinguishable": [n for n in names if n != first and n not in apart]},
        "gaps": {"accent_bucket": {n: estimate(-0.03, -0.09, 0.03, **gap, **band) for n in names}},
        "runtime": {
            "models": {
                name: {"fit_seconds": costs[name][0], "predict_batch_seconds_per_recording": costs[name][1]}
                for name in names
            }
        },
    }


def test_models_that_cannot_be_told_apart() -> None:
    sentences = told(summary_of({"svm": 0.75, "xgboost": 0.70, "cnn": 0.76}, set()))["sentences"]
    assert sentences[0] == (
        "On 24 speakers held out of training, CNN, SVM and XGBoost cannot be told apart (76.0, 75.0 and 70.0 % "
        "balanced accuracy; largest difference 6.0 points, 95 % interval 3.0 to 9.0, corrected p = 0.400)."
    )
    assert sentences[2] == (
        "The CNN takes 6.7 times as long to fit (20 s against 3.0 s) and 40 times as long per recording (400 µs "
        "against 10 µs) as XGBoost, from which it cannot be told apart."
    )


def test_a_leader_is_ahead_with_an_interval() -> None:
    found = summary_of({"svm": 0.80, "xgboost": 0.70, "cnn": 0.75}, {("svm", "xgboost"), ("svm", "cnn")})
    sentences = told(found)["sentences"]
    assert sentences[0] == (
        "On 24 speakers held out of training, the SVM recognises the speaker’s gender best, with a balanced accuracy "
        "of 80.0 % (95 % interval 75.0 to 84.0); the SVM is ahead of CNN by 5.0 points, 95 % interval 2.0 to 8.0; "
        "XGBoost by 10.0 points, 95 % interval 7.0 to 13.0."
    )
    assert sentences[2].startswith("The SVM is ahead of all others: it takes 0.17 times as long to fit")


def test_some_are_alike_and_one_is_behind() -> None:
    first = told(summary_of({"svm": 0.80, "xgboost": 0.70, "cnn": 0.79}, {("svm", "xgboost")}))["sentences"][0]
    assert "SVM and CNN cannot be told apart" in first
    assert "the SVM is ahead of XGBoost by 10.0 points" in first


def test_an_order_that_other_training_speakers_could_change_is_said() -> None:
    found = summary_of({"svm": 0.80, "xgboost": 0.70}, {("svm", "xgboost")})
    found["comparisons"][0]["fold_level"]["order_could_change"] = True
    assert told(found)["sentences"][0].endswith("with other training speakers the order could change.")


def test_equal_is_said_only_of_an_interval_within_a_point() -> None:
    found = summary_of({"svm": 0.80, "cnn": 0.80}, set())
    assert "cannot be told apart" in told(found)["sentences"][0]
    found["comparisons"][0]["equal"] = True
    assert "SVM and CNN are equal within 1 point" in told(found)["sentences"][0]


@pytest.mark.parametrize(("value", "ahead"), [(-0.03, "“other”"), (0.03, "“German”")])
def test_a_gap_is_told_in_the_direction_in_which_it_is_positive(value: float, ahead: str) -> None:
    found = summary_of({"svm": 0.8}, set())
    gap = found["gaps"]["accent_bucket"]["svm"]
    gap.update(value=value, low=value - 0.06, high=value + 0.06)
    second = told(found)["sentences"][1]
    assert second.startswith(f"Speakers with accent {ahead} are recognised 3.0 points more often")
    assert "95 % interval −3.0 to 9.0" in second
    band = "−5.0 to 2.0" if value < 0 else "−2.0 to 5.0"
    assert f"the {band} points that a model without such differences would show" in second
    assert ("outside" if value < 0 else "inside") in second


def test_a_gap_without_band_says_why() -> None:
    found = summary_of({"svm": 0.8}, set())
    found["gaps"]["accent_bucket"]["svm"]["unbiased_why_not"] = "speakers of one gender only: other"
    assert told(found)["sentences"][1].endswith("is not estimable: speakers of one gender only: other.")


def test_turning_a_gap_twice_gives_it_back() -> None:
    gap = summary_of({"svm": 0.8}, set())["gaps"]["accent_bucket"]["svm"]
    once = answer.turned(gap)
    assert (once["value"], once["low"], once["high"]) == (0.03, -0.03, 0.09)
    assert (once["unbiased_low"], once["unbiased_high"]) == (-0.05, 0.02)
    assert (once["first"], once["second"]) == ("other", "German")
    assert answer.turned(once) == once


def test_costs_are_compared_without_a_claim_where_nothing_was_tested() -> None:
    found = summary_of({"svm": 0.80, "xgboost": 0.70}, set())
    found["comparisons"][0]["significant"] = None
    found["leader"]["not_distinguishable"] = []
    assert told(found)["sentences"][2] == (
        "The SVM takes 0.17 times as long to fit (500 ms against 3.0 s) and 4.0 times as long per recording (40 µs "
        "against 10 µs) as XGBoost."
    )


def test_a_real_run_names_no_winner_without_a_test(healthy_summary: dict[str, Any]) -> None:
    sentences = told(healthy_summary)["sentences"]
    assert len(sentences) == 3
    for sentence in sentences[:2]:
        assert "95 % interval" in sentence
    unbiased = copy.deepcopy(healthy_summary)
    for pair in unbiased["comparisons"]:
        pair["significant"] = False
    unbiased["leader"]["not_distinguishable"] = [m for m in MODELS if m != unbiased["leader"]["model"]]
    assert not re.search(r"better|best|beats|leads|ahead|biased", told(unbiased)["sentences"][0])


def test_synthetic_voices_are_announced_first(make_run: Callable[..., Path]) -> None:
    folder = make_run(corpus={"synthetic": True}, failed_cells=(("cnn", 1),))
    warnings = told(summarise(folder))["warnings"]
    assert warnings[0] == SYNTHETIC
    assert warnings[1].startswith("1 of 16 cells failed")
    assert warnings[2].replace("\u00a0", " ").startswith("CNN has no answers for 1 split")


@pytest.mark.parametrize(
    ("fields", "place", "expected"),
    [
        ({"models": ("svm",)}, 0, "the SVM recognises the speaker’s gender with a balanced accuracy of"),
        ({"models": ("logistic",)}, 0, "Logistic regression recognises"),
        ({"models": ("svm",)}, 2, "The SVM fits one fold in 400 ms and answers in 38 µs per recording."),
        ({"protocol": "recording-random"}, 0, "heard in training as well"),
        ({"without": ("accent", "accent_bucket")}, 1, "No accent gap can be estimated: fewer than two groups"),
        ({"n_women": 0, "hostile": False}, 0, "No balanced accuracy can be given: no speaker was tested of: female."),
        ({"n_women": 4}, 0, "no model can be called better than another"),
        ({"n_women": 4}, 0, "too few speakers: 4 of female"),
    ],
)
def test_where_there_is_less_to_say(
    make_run: Callable[..., Path], fields: dict[str, Any], place: int, expected: str
) -> None:
    assert expected in told(summarise(make_run(**fields)))["sentences"][place]
