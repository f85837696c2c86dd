"""Conditions on a whole run: what breaks them is found in the tables, and named."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reports.gates.requirements import complete, speakers_held_out
from reports.run_directory.run import Run, load


@pytest.fixture(scope="session")
def run(make_run: Callable[..., Path]) -> Run:
    """24 speakers, two repetitions of four folds, with a random split beside them."""
    return load(make_run(repetitions=2, seeds=(0, 1)))


def with_folds(run: Run, change: Callable[[pd.DataFrame, pd.Series], None]) -> Run:
    """Return `run` after `change` of its folds; it is given the table and who speaks in each row."""
    folds = run.folds.copy()
    speaker = folds["recording_id"].map(run.recordings.set_index("recording_id")["speaker"])
    change(folds, speaker)
    return dataclasses.replace(run, folds=folds)


def at(folds: pd.DataFrame, repetition: int, fold: int) -> pd.Series:
    return (folds["protocol"] == "grouped") & (folds["repetition"] == repetition) & (folds["fold"] == fold)


def test_a_grouped_run_holds_speakers_out(run: Run) -> None:
    verdict = speakers_held_out(run, "asked")
    assert verdict.outcome == "holds" and verdict.asked == "asked"
    assert verdict.measured == "found 8 splits of 24 speakers (24 in the corpus), 480 recordings"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"protocol": "recording-random"}, "speakers on two sides of a split: "),
        ({"n_folds": 1}, "speakers on two sides of a split: "),
    ],
)
def test_a_run_at_random_does_not(make_run: Callable[..., Path], fields: dict[str, Any], why: str) -> None:
    verdict = speakers_held_out(load(make_run(**fields)), "asked")
    assert verdict.outcome == "failed" and why in (verdict.why or "")
    assert "and 19 more" in (verdict.why or "")


def test_one_recording_of_a_tested_speaker_in_training_is_found(run: Run) -> None:
    def leak(folds: pd.DataFrame, speaker: pd.Series) -> None:
        tested = folds[at(folds, 1, 2) & (folds["role"] == "test")]
        folds.loc[tested.index[0], "role"] = "train"

    verdict = speakers_held_out(with_folds(run, leak), "asked")
    assert verdict.outcome == "failed"
    assert (verdict.why or "").startswith("speakers on two sides of a split: ")
    # the answer to that recording is no answer of a test any more
    assert "recordings answered that their split does not test" in (verdict.why or "")


def test_copies_on_two_sides_are_found(run: Run) -> None:
    fold = run.folds[at(run.folds, 0, 0)]
    pair = [fold.loc[fold["role"] == role, "recording_id"].iloc[0] for role in ("test", "train")]
    recordings = run.recordings.copy()
    recordings.loc[recordings["recording_id"].isin(pair), "content_hash"] = "the same"
    verdict = speakers_held_out(dataclasses.replace(run, recordings=recordings), "asked")
    assert verdict.outcome == "failed"
    assert (verdict.why or "").startswith("byte-identical recordings on two sides of a split: ")
    assert all(name in (verdict.why or "") for name in pair)


def test_copies_on_one_side_are_none_of_its_business(run: Run) -> None:
    recordings = run.recordings.copy()
    recordings.loc[recordings["speaker"] == "01", "content_hash"] = "the same"
    assert speakers_held_out(dataclasses.replace(run, recordings=recordings), "asked").outcome == "holds"


def test_without_hashes_copies_cannot_be_ruled_out(run: Run) -> None:
    recordings = run.recordings.assign(content_hash=None)
    verdict = speakers_held_out(dataclasses.replace(run, recordings=recordings), "asked")
    assert (verdict.outcome, verdict.why) == (
        "not measured",
        "480 recordings have no content hash, so copies of them cannot be found",
    )


def test_a_speaker_who_is_never_tested_is_found(run: Run) -> None:
    def untest(folds: pd.DataFrame, speaker: pd.Series) -> None:
        folds.loc[(folds["protocol"] == "grouped") & (folds["repetition"] == 1) & (speaker == "03"), "role"] = "train"

    verdict = speakers_held_out(with_folds(run, untest), "asked")
    assert verdict.outcome == "failed"
    assert "speakers never tested in a repetition: 03" in (verdict.why or "")


def test_a_recording_tested_twice_is_found(run: Run) -> None:
    def twice(folds: pd.DataFrame, speaker: pd.Series) -> None:
        folds.loc[at(folds, 0, 0) & (speaker == "03"), "role"] = "test"
        folds.loc[at(folds, 0, 1) & (speaker == "03"), "role"] = "test"

    verdict = speakers_held_out(with_folds(run, twice), "asked")
    assert verdict.outcome == "failed" and "recordings tested twice in a repetition: " in (verdict.why or "")
    assert "and 15 more" in (verdict.why or "")


def test_ids_that_the_corpus_lacks_or_has_twice_are_found(run: Run) -> None:
    lacking = dataclasses.replace(run, recordings=run.recordings[run.recordings["recording_id"] != "0_01_0"])
    assert "recordings that the corpus does not have: 0_01_0" in (speakers_held_out(lacking, "asked").why or "")
    double = dataclasses.replace(run, recordings=pd.concat([run.recordings, run.recordings.iloc[:1]]))
    assert "recordings that stand twice in the corpus: 0_01_0" in (speakers_held_out(double, "asked").why or "")


def test_an_answer_under_another_speakers_name_is_found(run: Run) -> None:
    predictions = run.predictions.astype({"speaker": str})
    predictions.loc[predictions["recording_id"] == "0_01_0", "speaker"] = "02"
    verdict = speakers_held_out(dataclasses.replace(run, predictions=predictions), "asked")
    assert (verdict.outcome, verdict.why) == (
        "failed",
        "recordings answered that their split does not test: 0_01_0",
    )


def test_a_run_without_splits_of_its_protocol_is_not_measured(run: Run) -> None:
    folds = run.folds[run.folds["protocol"] != "grouped"]
    assert speakers_held_out(dataclasses.replace(run, folds=folds), "asked").outcome == "not measured"


def test_all_cells_are_counted(run: Run) -> None:
    # 4 models in 2 x 4 splits with 2 seeds, and one random split with the first seed
    verdict = complete(run, "asked")
    assert (verdict.outcome, verdict.measured) == ("holds", "found 68 of 68 cells")


def test_a_failed_cell_is_named_with_its_error(make_run: Callable[..., Path]) -> None:
    verdict = complete(load(make_run(failed_cells=(("cnn", 2),))), "asked")
    assert (verdict.outcome, verdict.measured) == ("failed", "found 19 of 20 cells")
    assert verdict.why == "missing or not whole: cnn-grouped-r0-f2-s0 (killed <9>)"


def test_a_model_that_only_the_manifest_knows_is_missing(make_run: Callable[..., Path]) -> None:
    folder = make_run(premium=False)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["models"].append({"name": "mlp", "baseline": False})
    del manifest["cells"]  # as a run that was stopped leaves it
    (folder / "manifest.json").write_text(json.dumps(manifest))
    verdict = complete(load(folder), "asked")
    assert (verdict.outcome, verdict.measured) == ("failed", "found 16 of 20 cells")
    assert "mlp-grouped-r0-f0-s0, mlp-grouped-r0-f1-s0" in (verdict.why or "")


@pytest.mark.parametrize("change", ["lost", "twice"])
def test_a_cell_with_an_answer_lost_or_doubled_is_not_whole(run: Run, change: str) -> None:
    rows = run.predictions
    changed = rows.iloc[1:] if change == "lost" else pd.concat([rows, rows.iloc[:1]])
    verdict = complete(dataclasses.replace(run, predictions=changed), "asked")
    assert (verdict.outcome, verdict.measured) == ("failed", "found 67 of 68 cells")
