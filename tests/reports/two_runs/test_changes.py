"""Two runs compared: a case worked out by hand, SciPy and plain loops as oracles, pairing, symmetry, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from reports.run_directory import tables
from reports.run_directory.files import TableError
from reports.two_runs.changes import compare

Make = Callable[..., Path]

SMALL = {
    "n_women": 5,
    "n_men": 5,
    "n_takes": 1,
    "n_folds": 5,
    "models": ("svm",),
    "baseline": False,
    "premium": False,
    "hostile": False,
}
PLAIN = {"hostile": False, "premium": False}


def answer_right(folder: Path, n_right: dict[str, int]) -> Path:
    """Let the models of a run recognise so many recordings of each speaker."""
    rows = tables.read("predictions", folder)
    place = rows.groupby(["model", "speaker"]).cumcount()
    wrong = rows["y_true"].map({"female": "male", "male": "female"})
    rows["y_pred"] = rows["y_true"].where(place < rows["speaker"].map(n_right), wrong)
    tables.write(rows, "predictions", folder)
    return folder


def change_manifest(folder: Path, **entries: Any) -> Path:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, **entries}), encoding="utf-8")
    return folder


def change_table(folder: Path, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
    tables.write(change(tables.read(name, folder)), name, folder)
    return folder


@pytest.fixture(scope="module")
def two(make_run: Make) -> tuple[Path, Path]:
    """Two healthy runs on the same recordings, read-only by convention."""
    return make_run(**PLAIN), make_run(**PLAIN, random_seed=8, accuracy=(0.85, 0.76, 0.70))


@pytest.fixture(scope="module")
def found(two: tuple[Path, Path]) -> dict[str, Any]:
    return compare(*two)


def test_a_case_worked_out_by_hand(make_run: Make) -> None:
    before = dict.fromkeys([f"{i:02d}" for i in range(1, 11)], 5)
    gains = [1, 2, 3, 2, 2, 0, 0, 1, -1, 0]  # five women, then five men, of ten recordings each
    after = {speaker: 5 + gain for speaker, gain in zip(before, gains, strict=True)}
    a, b = answer_right(make_run(**SMALL), before), answer_right(make_run(**SMALL), after)
    change = compare(a, b)["models"]["svm"]
    difference = change["difference"]
    # means 0.2 and 0, both variances 0.005: se^2 = (0.001 + 0.001) / 4, nu = 8, t = 2.306
    assert change["a"]["value"] == pytest.approx(0.5, abs=1e-12)
    assert change["b"]["value"] == pytest.approx(0.6, abs=1e-12)
    assert difference["value"] == pytest.approx(0.1, abs=1e-12)
    assert [difference["low"], difference["high"]] == pytest.approx(
        [0.1 - 2.3060041 * 0.0005**0.5, 0.1 + 2.3060041 * 0.0005**0.5], abs=1e-8
    )
    assert (difference["n_speakers"], difference["n_recordings"]) == (10, 100)
    assert change["p"] == change["p_holm"] == pytest.approx(_all_flips(np.array(gains) / 10), abs=1e-12)
    assert [row["change"] for row in change["per_speaker"]] == pytest.approx(np.array(gains) / 10, abs=1e-12)


def _all_flips(differences: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """All 2^10 sign flips of five women and five men, in a plain loop."""

    def statistic(signs: tuple[int, ...]) -> float:
        flipped = differences * np.array(signs)
        women, men = flipped[:5], flipped[5:]
        se = np.sqrt(women.var(ddof=1) / 5 + men.var(ddof=1) / 5)
        mean = abs(women.mean() + men.mean())
        return float(mean / se) if se > 1e-9 else float("inf") if mean > 1e-9 else 0.0

    observed = statistic((1,) * 10)
    return sum(statistic(signs) >= observed - 1e-9 for signs in product((1, -1), repeat=10)) / 2**10


def test_identical_runs_have_changed_nothing(two: tuple[Path, Path]) -> None:
    found = compare(two[0], two[0])
    for name in ("svm", "xgboost", "cnn"):
        change = found["models"][name]
        assert change["difference"]["value"] == 0
        assert (change["p"], change["p_holm"], change["significant"]) == (1, 1, False)
        assert not change["difference"]["estimable"]
        assert change["difference"]["why_not"] == "all speakers have the same difference"
    assert found["most_changed"] == []
    assert found["conditions"]["differ"] == []
    assert found["runtime"]["comparable"]
    assert {cost["ratio"] for of in found["runtime"]["models"].values() for cost in of.values()} <= {1.0, None}
    sentences = [sentence.replace("\u00a0", " ") for sentence in found["answer"]["sentences"]]
    assert sentences == [
        "On 24 speakers tested in both runs, balanced accuracy from A to B is the same, speaker by speaker, for the "
        "SVM (p = 1.000, no interval), XGBoost (p = 1.000, no interval) and the CNN (p = 1.000, no interval).",
        "The accent gap is the same, since every speaker’s score is.",
        "Fitting and answering take as long in B as in A, within 5 %.",
    ]


def test_the_other_way_round_every_sign_flips(two: tuple[Path, Path], found: dict[str, Any]) -> None:
    back = compare(two[1], two[0])
    for name, change in found["models"].items():
        mirrored = back["models"][name]
        assert mirrored["difference"]["value"] == -change["difference"]["value"]
        if change["difference"]["estimable"]:
            assert mirrored["difference"]["low"] == -change["difference"]["high"]
            assert mirrored["difference"]["high"] == -change["difference"]["low"]
        assert [mirrored[key] for key in ("p", "p_holm", "a", "b")] == [
            change[key] for key in ("p", "p_holm", "b", "a")
        ]
        for one, other in zip(change["per_speaker"], mirrored["per_speaker"], strict=True):
            assert (one["speaker"], one["change"]) == (other["speaker"], -other["change"])
        gap, turned = (each["gap_changes"]["accent_bucket"][name] for each in (found, back))
        assert turned["value"] == pytest.approx(-gap["value"], abs=1e-12)
        assert turned["unbiased_low"] == pytest.approx(-gap["unbiased_high"], abs=1e-12)
    assert back["conditions"]["differ"] == [
        {"entry": row["entry"], "a": row["b"], "b": row["a"]} for row in found["conditions"]["differ"]
    ]


def test_runs_are_paired_by_recording(make_run: Make) -> None:
    whole = make_run(**PLAIN)
    fewer = make_run(**PLAIN, digits=6, n_men=11, random_seed=9)
    found = compare(whole, fewer)
    asked = 6 * 2 * 21
    assert found["pairing"] == {"n_recordings": asked, "n_speakers": 21, "n_other_content": 0}
    assert found["models"]["svm"]["left_out"] == {
        "a": {"n_recordings": 480 - asked, "n_speakers": 3},
        "b": {"n_recordings": 0, "n_speakers": 0},
    }
    both = _rows(whole).merge(_rows(fewer), on=["recording_id", "speaker", "y_true"], suffixes=("_a", "_b"))
    assert len(both) == asked
    right = both.assign(gain=1.0 * (both["y_pred_b"] == both["y_true"]) - 1.0 * (both["y_pred_a"] == both["y_true"]))
    means = right.groupby(["y_true", "speaker"])["gain"].mean().groupby("y_true").mean()
    difference = found["models"]["svm"]["difference"]
    assert difference["value"] == pytest.approx(means.mean(), abs=1e-12)
    assert (difference["n_speakers"], difference["n_recordings"]) == (21, asked)
    assert found["a"]["n_recordings_tested"] == 480
    assert (found["a"]["n_recordings_left_out"], found["a"]["n_speakers_left_out"]) == (480 - asked, 3)


def _rows(folder: Path) -> pd.DataFrame:
    rows = tables.read("predictions", folder)
    return rows.loc[rows["model"] == "svm", ["recording_id", "speaker", "y_true", "y_pred"]]


def test_a_failed_cell_leaves_out_its_recordings_on_both_sides(make_run: Make, two: tuple[Path, Path]) -> None:
    found = compare(two[0], make_run(**PLAIN, failed_cells=(("cnn", 1),)))
    n_tested = 480 - found["models"]["cnn"]["left_out"]["a"]["n_recordings"]
    assert found["models"]["cnn"]["difference"]["n_recordings"] == n_tested < 480
    assert found["models"]["svm"]["difference"]["n_recordings"] == 480
    assert any("1\u00a0cell of B failed" in warning for warning in found["answer"]["warnings"])


def test_repetitions_and_seeds_do_not_add_speakers(make_run: Make, two: tuple[Path, Path]) -> None:
    found = compare(two[0], make_run(**PLAIN, repetitions=2, seeds=(0, 1)))
    difference = found["models"]["svm"]["difference"]
    assert (difference["n_speakers"], difference["n_recordings"]) == (24, 480)


def test_the_change_of_a_gap_is_welchs_difference_of_the_speakers_changes(
    two: tuple[Path, Path], found: dict[str, Any]
) -> None:
    speakers = tables.read("recordings", two[0]).drop_duplicates("speaker").set_index("speaker")["accent_bucket"]
    for name in ("svm", "xgboost", "cnn"):
        changes = pd.Series({row["speaker"]: row["change"] for row in found["models"][name]["per_speaker"]})
        groups = [changes[speakers[changes.index] == group] for group in ("German", "other")]
        gap = found["gap_changes"]["accent_bucket"][name]
        limits = ttest_ind(*groups, equal_var=False).confidence_interval(0.95)
        assert gap["value"] == pytest.approx(groups[0].mean() - groups[1].mean(), abs=1e-12)
        assert gap["value"] == pytest.approx(gap["b"]["value"] - gap["a"]["value"], abs=1e-12)
        assert [gap["low"], gap["high"]] == pytest.approx([limits.low, limits.high], abs=1e-9)
        assert gap["n_speakers"] == 24
        assert gap["p"] is None and gap["p_why_not"] == "tests need 10 speakers in every group"  # eight are other
        assert gap["unbiased_low"] < 0 < gap["unbiased_high"]


def test_small_groups_and_the_task_have_no_change_of_a_gap(found: dict[str, Any]) -> None:
    assert found["gap_changes"]["gender"]["svm"]["why_not"] == "this attribute is the task"
    accents = found["gap_changes"]["accent"]["svm"]
    assert accents["value"] is None and accents["why_not"] == "fewer than two groups with 5 speakers"


def test_large_groups_have_a_test_of_the_change(make_run: Make) -> None:
    runs = [make_run(**PLAIN, task="digit", random_seed=seed) for seed in (7, 8)]
    gap, back = (compare(*pair)["gap_changes"]["gender"]["svm"] for pair in (runs, runs[::-1]))
    assert 0 < gap["p"] <= 1
    assert back["p"] == pytest.approx(gap["p"], abs=1e-12)


def test_a_speaker_of_another_group_in_the_two_runs_enters_no_change_of_its_gap(
    make_run: Make, two: tuple[Path, Path]
) -> None:
    def moved(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(accent_bucket=rows["accent_bucket"].where(rows["speaker"] != "01", "other"))

    other = change_table(make_run(**PLAIN, random_seed=8), "predictions", moved)
    gap = compare(two[0], other)["gap_changes"]["accent_bucket"]["svm"]
    assert gap["n_speakers"] == 23
    assert gap["note"] == "1\u00a0speaker of another group in the two runs left out"


def test_models_of_one_run_only_are_listed_and_baselines_are_in_no_family(make_run: Make) -> None:
    a = make_run(**PLAIN, models=("svm", "logistic", "cnn"))
    b = make_run(**PLAIN, models=("svm", "logistic", "xgboost"), random_seed=8)
    found = compare(a, b)
    assert found["model_order"] == ["svm", "logistic", "majority"]
    assert (found["only_a"], found["only_b"], found["judged"]) == (["cnn"], ["xgboost"], ["svm"])
    assert found["models"]["svm"]["p_holm"] == found["models"]["svm"]["p"]
    assert found["models"]["logistic"]["p"] is not None
    assert found["models"]["logistic"]["p_holm"] is None


def test_holm_corrects_over_the_models(found: dict[str, Any]) -> None:
    raw = {name: found["models"][name]["p"] for name in found["judged"]}
    ordered = sorted(raw, key=lambda name: raw[name])
    highest = 0.0
    for place, name in enumerate(ordered):
        highest = max(highest, min(1.0, raw[name] * (len(raw) - place)))
        assert found["models"][name]["p_holm"] == pytest.approx(highest, abs=1e-12)


def _renamed(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(recording_id="x" + rows["recording_id"])


def _of_another(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(speaker=rows["speaker"].where(rows["speaker"] != "02", "2"))


@pytest.mark.parametrize(
    ("fields", "change", "words"),
    [
        pytest.param({"task": "digit"}, None, r"other tasks or classes: A gender \(female, male\), B digit", id="task"),
        pytest.param({"models": ("forest",), "baseline": False}, None, "no model in common: A has svm, x", id="models"),
        pytest.param({}, _renamed, "no recording was tested in both runs: 480 in A, 480 in B", id="recordings"),
        pytest.param(
            {},
            _of_another,
            r"20 of 480 .* another speaker or label .* '0_02_0' \(A: speaker 02, female; B: speaker 2, female\)",
            id="speaker",
        ),
        pytest.param({"corpus": {"synthetic": True}}, None, "the voices of B are synthetic", id="synthetic"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    make_run: Make,
    two: tuple[Path, Path],
    fields: dict[str, Any],
    change: Callable[[pd.DataFrame], pd.DataFrame] | None,
    words: str,
) -> None:
    other = make_run(**PLAIN, **fields)
    if change:
        change_table(other, "predictions", change)
    with pytest.raises(TableError, match=words):
        compare(two[0], other)


def test_at_most_five_recordings_are_named(make_run: Make, two: tuple[Path, Path]) -> None:
    other = change_table(make_run(**PLAIN), "predictions", _of_another)
    with pytest.raises(TableError) as caught:
        compare(two[0], other)
    assert str(caught.value).count("speaker 02, female") == 5


def test_other_content_of_the_same_name_is_said(make_run: Make, two: tuple[Path, Path]) -> None:
    other = change_table(
        make_run(**PLAIN), "recordings", lambda rows: rows.assign(content_hash=rows["content_hash"] + rows["speaker"])
    )
    found = compare(two[0], other)
    assert found["pairing"]["n_other_content"] == 480
    assert any("480 of the 480 recordings" in warning for warning in found["answer"]["warnings"])


def test_costs_are_ratios_and_say_when_they_cannot_be_compared(make_run: Make, two: tuple[Path, Path]) -> None:
    def twice(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(seconds=2 * rows["seconds"], threads=4, contended=True)

    other = change_table(make_run(**PLAIN), "timings", twice)
    change_manifest(other, versions={"numpy": "2.5"}, machine={"processor": "another", "cores": 2, "system": "Linux"})
    costs = compare(two[0], other)["runtime"]
    assert costs["models"]["cnn"]["fit_seconds"] == {"a": 41.0, "b": 82.0, "ratio": 2.0}
    assert costs["models"]["cnn"]["peak_rss_bytes"]["ratio"] == 1.0
    assert not costs["comparable"]
    assert costs["why_not"] == [
        "another machine",
        "other versions of numpy",
        "other numbers of threads (2 and 4)",
        "several cells at once in B",
    ]


def test_conditions_that_differ_and_what_that_means(make_run: Make, two: tuple[Path, Path]) -> None:
    other = change_manifest(make_run(**PLAIN, protocol="official"), folds_hash="other", commit="fedcba")
    conditions = compare(two[0], other)["conditions"]
    assert conditions["differ"] == [
        {"entry": "protocol.name", "a": "grouped", "b": "official"},
        {"entry": "folds_hash", "a": "f01d5" * 12, "b": "other"},
        {"entry": "commit", "a": "0123456789abcdef", "b": "fedcba"},
    ]
    assert not conditions["same_protocol"] and not conditions["same_folds"] and conditions["same_corpus"]
    assert conditions["meaning"][0].startswith("The protocols differ")
    drawn_anew = change_manifest(make_run(**PLAIN), folds_hash="other")
    assert compare(two[0], drawn_anew)["conditions"]["meaning"][0].startswith("The folds differ")
    at_random = make_run(**PLAIN, protocol="recording-random")
    assert "flatters" in compare(two[0], at_random)["conditions"]["meaning"][1]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"models": ("svm",), "baseline": False}, id="one model"),
        pytest.param({"n_women": 1, "n_men": 1, "n_folds": 1, "protocol": "recording-random"}, id="hardly anybody"),
        pytest.param({"n_women": 0}, id="a class missing"),
        pytest.param({"n_women": 3, "n_men": 3}, id="few speakers"),
        pytest.param({"constant": ("svm", "xgboost", "cnn")}, id="all answers alike"),
        pytest.param({"failed_cells": tuple(("cnn", fold) for fold in range(4))}, id="a model failed"),
        pytest.param({"no_scores": ("svm", "xgboost", "cnn")}, id="no probabilities"),
        pytest.param({"models": (), "accuracy": ()}, id="majority only"),
        pytest.param({"without": ("accent", "accent_bucket", "room", "age_band")}, id="little is known"),
    ],
)
def test_degenerate_runs_give_no_number_that_is_none(
    make_run: Make, two: tuple[Path, Path], fields: dict[str, Any]
) -> None:
    other = make_run(**PLAIN, **fields, random_seed=8) if "n_women" in fields else two[0]  # a woman is one in both
    found = compare(other, make_run(**PLAIN, **fields))
    json.dumps(found, allow_nan=False)
    told = " ".join([*found["answer"]["sentences"], *found["answer"]["warnings"]]).lower().split()
    assert "nan" not in told and "none" not in told


def test_models_that_answered_nothing_in_common(make_run: Make) -> None:
    failed = [tuple((name, fold) for fold in range(4)) for name in ("svm", "cnn")]
    fields = {**PLAIN, "models": ("svm", "cnn"), "baseline": False}
    found = compare(make_run(**fields, failed_cells=failed[0]), make_run(**fields, failed_cells=failed[1]))
    assert found["answer"]["sentences"][0].startswith("No change of balanced accuracy can be given: nothing was pred")
    assert found["gap_changes"] == {}


def test_a_run_with_hardly_a_manifest_and_no_timings(make_run: Make, two: tuple[Path, Path]) -> None:
    bare = change_table(make_run(**PLAIN), "timings", lambda rows: rows.iloc[:0])
    manifest = json.loads((bare / "manifest.json").read_text(encoding="utf-8"))
    kept = {key: manifest[key] for key in ("schema", "task", "models")}
    (bare / "manifest.json").write_text(json.dumps({**kept, "protocol": {"name": "grouped"}}), encoding="utf-8")
    found = compare(two[0], bare)
    assert found["answer"]["sentences"][2] == "What the models cost was not measured in both runs."
    assert "a machine that is not known" in found["runtime"]["why_not"]
    assert not found["conditions"]["same_folds"]
