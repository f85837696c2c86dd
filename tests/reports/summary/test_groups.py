"""Groups, gaps, confounding, differences, costs and the hardest recordings."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reports.run_directory import tables
from reports.run_directory.run import load
from reports.summary import gaps, groups, hardest, model_pairs, runtime
from reports.terms import NOT_STATED


def per_speaker(rows: pd.DataFrame) -> pd.Series:
    right = rows["y_true"].astype(str) == rows["y_pred"].astype(str)
    return right.groupby(rows["speaker"].astype(str)).mean()


def described(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return levels and gaps as the summary has them."""
    run = load(folder)
    everyone = list(groups.members(run))
    found: dict[str, Any] = {}
    for each in everyone:
        found.setdefault(each.attribute, {})[each.model] = gaps.between_groups(each)
    rows = groups.by_attribute(everyone, lambda each: groups.levels(run, each))
    return groups.by_group(rows), found


def test_a_group_is_the_mean_of_its_speakers(healthy_run: Path) -> None:
    levels, _ = described(healthy_run)
    raw = tables.read("predictions", healthy_run)
    raw = raw[(raw["model"] == "cnn") & (raw["protocol"] == "grouped")]
    for accent, rows in raw.groupby("accent"):
        found = levels["accent"][accent]["cnn"]["accuracy"]
        assert found["value"] == pytest.approx(per_speaker(rows).mean(), abs=1e-12)
        assert found["n_speakers"] == rows["speaker"].nunique()
        assert found["n_recordings"] == rows["recording_id"].nunique()


def test_what_is_not_stated_is_a_group_and_nobody_is_lost(healthy_run: Path) -> None:
    levels, _ = described(healthy_run)
    assert NOT_STATED in levels["room"]
    for attribute in groups.ATTRIBUTES:
        assert sum(found["svm"]["accuracy"]["n_speakers"] for found in levels[attribute].values()) == 24


def test_a_gap_of_two_groups_has_a_fixed_direction(healthy_run: Path) -> None:
    levels, of_attribute = described(healthy_run)
    value = {g: levels["accent_bucket"][g]["svm"]["accuracy"]["value"] for g in ("German", "other")}
    found = of_attribute["accent_bucket"]["svm"]
    assert (found["kind"], found["first"], found["second"]) == ("difference", "German", "other")
    assert found["value"] == pytest.approx(value["German"] - value["other"], abs=1e-12)
    assert of_attribute["origin_bucket"]["svm"]["second"] == "elsewhere"
    assert {"unbiased_low", "unbiased_high"} <= set(found)


def test_a_gap_of_three_groups_is_their_range(healthy_run: Path) -> None:
    levels, of_attribute = described(healthy_run)
    found = of_attribute["age_band"]["svm"]
    values = [level["svm"]["accuracy"]["value"] for group, level in levels["age_band"].items() if group != NOT_STATED]
    assert found["kind"] == "range"
    assert found["value"] == pytest.approx(max(values) - min(values), abs=1e-12)


def test_groups_of_fewer_than_five_speakers_enter_no_gap(healthy_run: Path) -> None:
    _, of_attribute = described(healthy_run)
    assert of_attribute["native_speaker"]["svm"]["value"] is None  # three native speakers
    assert of_attribute["accent"]["svm"]["why_not"] == "fewer than two groups with 5 speakers"


def test_the_tasks_own_attribute_has_recalls_and_no_gap(healthy_run: Path) -> None:
    levels, of_attribute = described(healthy_run)
    found = levels["gender"]["female"]["svm"]["accuracy"]
    assert found["note"] == "this attribute is the task"
    assert "balanced_accuracy" not in levels["gender"]["female"]["svm"]
    assert of_attribute["gender"]["svm"]["value"] is None
    assert of_attribute["gender_x_accent_bucket"]["svm"]["why_not"] == "this attribute is the task"


def test_gender_is_no_task_when_digits_are(make_run: Callable[..., Path]) -> None:
    _, of_attribute = described(make_run(task="digit"))
    assert of_attribute["gender"]["svm"]["kind"] == "difference"
    assert (of_attribute["gender"]["svm"]["first"], of_attribute["gender"]["svm"]["second"]) == ("female", "male")


def test_confounding_counts_speakers_once(healthy_run: Path) -> None:
    found = groups.confounding(load(healthy_run).tested)["gender_x_accent_bucket"]
    assert found == {
        "attribute": "accent_bucket",
        "rows": ["German", "other"],
        "columns": ["female", "male"],
        "counts": [[7, 9], [3, 5]],
    }


def test_a_corpus_without_rooms_has_no_room_table(make_run: Callable[..., Path]) -> None:
    found = groups.confounding(load(make_run(without=("room", "accent", "accent_bucket"))).tested)
    assert found == {}


def test_differences_are_of_the_same_speakers(make_run: Callable[..., Path]) -> None:
    run = load(make_run(failed_cells=(("cnn", 1),)))
    pair = next(p for p in model_pairs.pairs(run) if (p["a"], p["b"]) == ("svm", "cnn"))
    tested = set(run.rows("cnn")["speaker"].astype(str))
    assert pair["difference"]["n_speakers"] == len(tested) == 18
    assert "6 speakers" in pair["difference"]["note"]
    means = {}
    for model in ("svm", "cnn"):
        rows = run.rows(model)
        rows = rows[rows["speaker"].astype(str).isin(tested)]
        scores = per_speaker(rows)
        gender = rows.drop_duplicates("speaker").set_index("speaker")["gender"].astype(str)
        gender.index = gender.index.astype(str)
        means[model] = scores.groupby(gender).mean().mean()
    assert pair["difference"]["value"] == pytest.approx(means["svm"] - means["cnn"], abs=1e-12)
    assert pair["difference"]["low"] < pair["difference"]["value"] < pair["difference"]["high"]


def test_baselines_are_not_compared(healthy_run: Path) -> None:
    run = load(healthy_run)
    pairs = model_pairs.pairs(run)
    named = {name for pair in pairs for name in (pair["a"], pair["b"])}
    assert named == {"svm", "xgboost", "cnn"}
    assert set(model_pairs.ranks(run.contenders, pairs)) == named


def test_the_premium_is_the_random_score_minus_the_main_one(healthy_run: Path) -> None:
    found = model_pairs.leakage_premium(load(healthy_run))["svm"]
    assert found["value"] == pytest.approx(found["score"]["value"] - found["main_score"]["value"], abs=1e-12)
    assert found["value"] > 0.05
    assert (found["protocol"], found["main_protocol"]) == ("recording-random", "grouped")


@pytest.mark.parametrize("fields", [{"premium": False}, {"protocol": "recording-random"}])
def test_without_a_second_protocol_there_is_no_premium(
    make_run: Callable[..., Path], fields: dict[str, object]
) -> None:
    assert model_pairs.leakage_premium(load(make_run(**fields))) == {}


def test_costs_are_medians_over_cells(healthy_run: Path) -> None:
    found = runtime.costs_of(load(healthy_run))
    assert found["models"]["cnn"]["fit_seconds"] == 41.0
    assert found["models"]["cnn"]["select_seconds"] == 82.0
    assert found["models"]["cnn"]["fit_seconds_all_cells"] == 164.0
    assert found["models"]["svm"]["predict_batch_seconds_per_recording"] == pytest.approx(38e-6)
    assert found["models"]["svm"]["predict_one_seconds"]["median"] == pytest.approx(38e-6 * 23)
    assert found["models"]["svm"]["predict_one_seconds"]["n_calls"] == 400
    assert found["models"]["svm"]["model_bytes"] == 1_234_567
    assert found["extraction"]["seconds_per_recording"] == pytest.approx(0.21 / 480)
    assert found["models"]["majority"]["fit_seconds"] is None  # nothing was timed


def test_the_hardest_speaker_is_the_one_recognised_least(healthy_run: Path) -> None:
    found = hardest.most_wrong(load(healthy_run))
    raw = tables.read("predictions", healthy_run)
    raw = raw[(raw["protocol"] == "grouped") & (raw["model"] != "majority")]
    assert found["speakers"][0]["speaker"] == per_speaker(raw).idxmin()
    assert len(found["speakers"]) == 10


def test_the_hardest_recordings_are_wrong_and_of_several_speakers(healthy_run: Path) -> None:
    found = hardest.most_wrong(load(healthy_run))["recordings"]
    assert len(found) == 10
    assert found[0]["n_models_wrong"] == 3
    speakers = pd.Series([recording["speaker"] for recording in found])
    assert speakers.value_counts().max() <= hardest.MAX_PER_SPEAKER


@pytest.mark.parametrize("recording_id", ["../a/b c.wav", "..", "é", "s1/0_1"])
def test_pictures_have_safe_names(recording_id: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", hardest.example_name(recording_id))


def test_pictures_of_two_recordings_have_two_names() -> None:
    assert hardest.example_name("7_12_3") == "7_12_3"
    assert len({hardest.example_name(name) for name in ("s1/0_1", "s1_0/1", "s1_0_1")}) == 3
