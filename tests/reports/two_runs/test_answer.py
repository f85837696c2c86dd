"""The answer on top of a comparison: three sentences by rules; nothing is a change without a test."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reports.statistics.estimate import number
from reports.statistics.intervals import Interval
from reports.summary.answer import SYNTHETIC
from reports.two_runs.answer import answer, reading


def estimate(value: float, low: float, high: float, **further: Any) -> dict[str, Any]:
    interval = Interval(low=low, high=high, method="m")
    return {**number(value, interval, n_speakers=24, n_recordings=480), **further}


def change_of(value: float, p: float | None, *, why_not: str = "", equal: bool = False) -> dict[str, Any]:
    difference = estimate(value, value - 0.02, value + 0.02)
    return {
        "difference": number(value, n_speakers=4, why_not=why_not) if why_not else difference,
        "p": p,
        "p_holm": p,
        "significant": None if p is None else p < 0.05,
        "equal": equal,
        "per_speaker": [{"change": value}, {"change": value / 2}],
    }


def comparison_of(**changes: dict[str, Any]) -> dict[str, Any]:
    """Return what the answer reads, for models whose balanced accuracy changed so."""
    side = {"corpus": {"synthetic": False}, "n_failed": 0}
    gap = {"kind": "difference", "first": "German", "second": "other", "unbiased_why_not": None, "p": 0.2, "note": None}
    ends = {"a": estimate(0.05, 0.0, 0.1), "b": estimate(0.02, 0.0, 0.1)}
    band = {"unbiased_low": -0.04, "unbiased_high": 0.05, "p_why_not": None}
    cost = {
        "fit_seconds": {"a": 2.0, "b": 3.0, "ratio": 1.5},
        "predict_batch_seconds_per_recording": {"a": 40e-6, "b": 10e-6, "ratio": 0.25},
    }
    return {
        "a": side,
        "b": copy.deepcopy(side),
        "judged": list(changes),
        "models": changes,
        "pairing": {"n_recordings": 480, "n_other_content": 0},
        "conditions": {"same_protocol": True, "same_folds": True, "meaning": ["The folds differ: so."]},
        "gap_changes": {
            "accent_bucket": {name: estimate(-0.03, -0.09, 0.03, **gap, **ends, **band) for name in changes}
        },
        "runtime": {"why_not": [], "models": {name: copy.deepcopy(cost) for name in changes}},
    }


def told(found: dict[str, Any]) -> list[str]:
    return [sentence.replace("\u00a0", " ") for sentence in answer(found)["sentences"]]


def test_what_rises_what_falls_and_what_cannot_be_told() -> None:
    found = comparison_of(
        svm=change_of(0.05, 0.002), xgboost=change_of(0.01, 0.4), cnn=change_of(-0.06, 0.0002), knn=change_of(0.02, 0.3)
    )
    assert told(found)[0] == (
        "On 24 speakers tested in both runs, balanced accuracy from A to B rises for the SVM (+5.0 points, 95 % "
        "interval 3.0 to 7.0, corrected p = 0.002); it falls for the CNN (−6.0 points, 95 % interval −8.0 to −4.0, "
        "corrected p < 0.001); it cannot be told from no change for XGBoost (+1.0 points, 95 % interval −1.0 to 3.0, "
        "corrected p = 0.400) and knn (+2.0 points, 95 % interval 0.0 to 4.0, corrected p = 0.300)."
    )


def test_of_one_model_p_is_not_corrected() -> None:
    first = told(comparison_of(svm=change_of(0.01, 0.3)))[0]
    assert "cannot be told from no change for the SVM" in first
    assert "corrected" not in first and "p = 0.300" in first


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (change_of(0.05, 0.01), "rises"),
        (change_of(-0.05, 0.01), "falls"),
        (change_of(0.05, 0.06), "alike"),
        (change_of(0.001, 0.5, equal=True), "equal"),
        (change_of(0.0, 1.0), "unchanged"),
        (change_of(0.05, None, why_not="4 speakers; 5 are needed"), "untested"),
        ({**change_of(0.0, None), "difference": number(None, why_not="nothing was predicted")}, "unknown"),
    ],
)
def test_what_a_test_allows_to_say(change: dict[str, Any], expected: str) -> None:
    assert reading(change) == expected


def test_no_sentence_says_more_than_its_test() -> None:
    first = told(comparison_of(svm=change_of(0.3, None, why_not="4 speakers; 5 are needed")))[0]
    assert first.endswith("was not tested for a change for the SVM (+30.0 points: 4 speakers; 5 are needed).")
    none = {**change_of(0.0, None), "difference": number(None, why_not="nothing was predicted"), "per_speaker": []}
    assert told(comparison_of(svm=none))[0] == "No change of balanced accuracy can be given: nothing was predicted."


def test_the_accent_gap_that_differs_most_is_told_with_its_interval_and_its_band() -> None:
    found = comparison_of(svm=change_of(0.01, 0.3), cnn=change_of(0.01, 0.3))
    found["gap_changes"]["accent_bucket"]["svm"]["value"] = 0.01
    assert told(found)[1] == (
        "The accent gap (“German” minus “other”) differs most for the CNN: it is +5.0 points in A and +2.0 in B, "
        "−3.0 points apart (95 % interval −9.0 to 3.0); that is inside the −4.0 to 5.0 points that groups this small "
        "would show if they changed alike (p = 0.200)."
    )
    found["gap_changes"]["accent_bucket"]["cnn"].update(unbiased_low=-0.02, p=None, p_why_not="tests need 10")
    assert "outside the −2.0 to 5.0 points" in told(found)[1]
    assert told(found)[1].endswith("(no test: tests need 10).")


def test_three_accents_differ_in_their_changes() -> None:
    found = comparison_of(svm=change_of(0.01, 0.3))
    found["gap_changes"]["accent_bucket"]["svm"].update(kind="range", value=0.08, low=0.0, a=None, b=None)
    assert told(found)[1].startswith(
        "The changes of accents differ with the SVM: by 8.0 points from “German” to “other” (95 % interval 0.0 to "
        "3.0); "
    )


@pytest.mark.parametrize(
    ("why_not", "expected"),
    [
        ("this attribute is the task", "Accent is the task here, so there is no accent gap to compare."),
        ("too few", "No change of the accent gap can be estimated: too few."),
    ],
)
def test_no_change_of_the_accent_gap(why_not: str, expected: str) -> None:
    found = comparison_of(svm=change_of(0.01, 0.3))
    found["gap_changes"]["accent_bucket"]["svm"] = number(None, why_not=why_not)
    assert told(found)[1] == expected


def test_times_are_multiples_and_say_whether_they_can_be_compared() -> None:
    found = comparison_of(svm=change_of(0.01, 0.3))
    assert told(found)[2] == (
        "In B the SVM takes 1.5 times as long to fit (3.0 s against 2.0 s) and 0.25 times as long per recording (10 µs "
        "against 40 µs) as in A."
    )
    found["runtime"]["why_not"] = ["another machine", "other versions of numpy"]
    assert told(found)[2].endswith(
        "as in A; these times are not comparable: another machine and other versions of numpy."
    )


def test_of_several_models_the_one_whose_times_change_most_is_named() -> None:
    found = comparison_of(svm=change_of(0.01, 0.3), cnn=change_of(0.01, 0.3))
    found["runtime"]["models"]["cnn"]["fit_seconds"] = {"a": 2.0, "b": 20.0, "ratio": 10.0}
    assert told(found)[2].startswith(
        "Of the models’ times the CNN’s change most: in B it takes 10 times as long to fit"
    )
    for cost in found["runtime"]["models"].values():
        cost.update({key: {"a": 1.0, "b": 1.04, "ratio": 1.04} for key in cost})
    assert told(found)[2] == "Fitting and answering take as long in B as in A, within 5 %."
    for cost in found["runtime"]["models"].values():
        cost.update({key: {"a": None, "b": 1.0, "ratio": None} for key in cost})
    assert told(found)[2] == "What the models cost was not measured in both runs."


def test_what_must_be_read_first_comes_first() -> None:
    found = comparison_of(svm=change_of(0.01, 0.3))
    assert answer(found)["warnings"] == []
    found["conditions"]["same_folds"] = False
    found["pairing"]["n_other_content"] = 12
    found["b"]["n_failed"] = 2
    found["a"]["corpus"]["synthetic"] = found["b"]["corpus"]["synthetic"] = True
    assert answer(found)["warnings"] == [
        SYNTHETIC,
        "The folds differ: so.",
        "12 of the 480 recordings of the same name have other content in the two runs.",
        "2\u00a0cells of B failed; only what both runs answered is compared.",
    ]
