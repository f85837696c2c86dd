"""Folds: the published ones to the letter, the drawn ones by their properties, and planted leaks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.errors import TaskError
from benchmarks.protocol.fold_checks import check_folds
from benchmarks.protocol.folds import deal, folds_hash, make_plan
from benchmarks.protocol.published_folds import OFFICIAL_FOLDS
from benchmarks.protocol.tasks import find_task, label_recordings
from features.corpora.recordings import recordings_table
from reports.terms import CONTROL

# method: Becker et al., arXiv 1807.03418, as published; speaker numbers
GENDER_TEST = ["58 59 60 7 23 38", "36 47 56 2 44 50", "26 12 57 25 37 45", "43 28 52 48 53 41"]
GENDER_VALIDATION = ["43 28 52 48 53 41", "58 59 60 7 23 38", "36 47 56 2 44 50", "26 12 57 25 37 45"]
WOMEN = {12, 26, 28, 36, 43, 47, 52, 56, 57, 58, 59, 60}


def corpus(*, women=WOMEN, n_speakers=60, n_takes=2, accents=None):
    accents = accents or (lambda speaker: "German" if speaker % 3 else "French")
    return recordings_table(
        {
            "recording_id": f"{digit}_{speaker:02d}_{take}",
            "path": f"{speaker:02d}/{digit}_{speaker:02d}_{take}.wav",
            "speaker": f"{speaker:02d}",
            "digit": digit,
            "take": take,
            "gender": "female" if speaker in women else "male",
            "accent": accents(speaker),
            "native_speaker": "yes" if speaker in (19, 41, 60) else "no",
        }
        for speaker in range(1, n_speakers + 1)
        for digit in range(3)
        for take in range(n_takes)
    )


def plan_for(recordings, task="gender", protocol="grouped", **options):
    task = find_task(task)
    labelled = label_recordings(recordings, task)
    return make_plan(labelled, task, protocol, **options), labelled


def speakers_of(folds, protocol, fold, role):
    rows = folds[(folds["protocol"] == protocol) & (folds["fold"] == fold) & (folds["role"] == role)]
    return {int(name.split("_")[1]) for name in rows["recording_id"]}


@pytest.mark.parametrize("fold", range(4))
def test_official_gender_folds_are_the_published_ones(fold):
    plan, _ = plan_for(corpus(), protocol="official")
    test = {int(number) for number in GENDER_TEST[fold].split()}
    validation = {int(number) for number in GENDER_VALIDATION[fold].split()}
    everyone = {int(number) for part in GENDER_TEST for number in part.split()}
    assert speakers_of(plan.folds, "official", fold, "test") == test
    assert speakers_of(plan.folds, "official", fold, "validation") == validation
    assert speakers_of(plan.folds, "official", fold, "train") == everyone - test - validation
    assert everyone >= WOMEN and len(everyone) == 24


def test_official_digit_folds_are_the_published_ones():
    sets = {
        "A": {28, 56, 7, 19, 35, 1, 6, 16, 23, 34, 46, 53},
        "B": {36, 57, 9, 24, 37, 2, 8, 17, 29, 39, 48, 54},
        "C": {43, 58, 14, 25, 38, 3, 10, 20, 30, 40, 49, 55},
        "D": {12, 47, 59, 15, 27, 41, 4, 11, 21, 31, 44, 50},
        "E": {26, 52, 60, 18, 32, 42, 5, 13, 22, 33, 45, 51},
    }
    assert set().union(*sets.values()) == set(range(1, 61))
    plan, _ = plan_for(corpus(), task="digit", protocol="official")
    for fold, (test, validation) in enumerate(zip("EABCD", "DEABC", strict=True)):
        assert speakers_of(plan.folds, "official", fold, "test") == sets[test]
        assert speakers_of(plan.folds, "official", fold, "validation") == sets[validation]
        assert len(speakers_of(plan.folds, "official", fold, "train")) == 36
    assert len(OFFICIAL_FOLDS["digit"]) == 5


def test_official_names_the_speakers_that_are_missing():
    recordings = corpus()
    recordings = recordings[~recordings["speaker"].isin(["07", "60"])].reset_index(drop=True)
    with pytest.raises(TaskError, match=r"all 24 speakers .*missing here: '07', '60'; use --protocol grouped"):
        plan_for(recordings, protocol="official")


def test_grouped_tests_every_speaker_once_and_balances_classes_and_accents():
    plan, labelled = plan_for(corpus(), premium=False)
    merged = plan.folds.merge(labelled.recordings, on="recording_id")
    tested = merged[merged["role"] == "test"]
    assert tested["recording_id"].value_counts().eq(1).all() and len(tested) == len(labelled.recordings)
    sizes = tested.groupby(["fold", "gender"])["speaker"].nunique().unstack()
    assert (sizes.max() - sizes.min()).max() <= 1
    women = (
        tested[tested["gender"] == "female"]
        .groupby(["accent_bucket", "fold"])["speaker"]
        .nunique()
        .unstack(fill_value=0)
    )
    assert (women.max(axis=1) - women.min(axis=1)).max() <= 1
    for fold in range(5):
        following = speakers_of(plan.folds, "grouped", (fold + 1) % 5, "test")
        assert speakers_of(plan.folds, "grouped", fold, "validation") == following


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.sampled_from("fm"), st.sampled_from("abc")), min_size=5, max_size=70),
    n_folds=st.integers(3, 5),
    seed=st.integers(0, 1000),
)
def test_dealing_is_even(sizes, n_folds, seed):
    speakers = pd.DataFrame(sizes, columns=["label", "accent_bucket"], index=[str(n) for n in range(len(sizes))])
    fold_of = deal(speakers, n_folds, np.random.default_rng(seed))
    assert set(fold_of) == set(speakers.index)
    folds = pd.Series(fold_of)[speakers.index]
    for keys in ([folds], [folds, speakers["label"]], [folds, speakers["label"], speakers["accent_bucket"]]):
        counts = folds.groupby(keys).size()
        table = counts.unstack(0, fill_value=0) if len(keys) > 1 else counts.to_frame().T
        table = table.reindex(columns=range(n_folds), fill_value=0)
        assert (table.max(axis=1) - table.min(axis=1)).max() <= 1


def test_the_same_seed_gives_the_same_folds_and_repetitions_differ():
    first, _ = plan_for(corpus(), repetitions=2)
    again, _ = plan_for(corpus().sample(frac=1, random_state=3).reset_index(drop=True), repetitions=2)
    other, _ = plan_for(corpus(), repetitions=2, seed=1)
    assert folds_hash(first.folds) == folds_hash(again.folds) != folds_hash(other.folds)
    drawn = first.folds[first.folds["protocol"] == "grouped"].drop(columns="protocol")
    by_repetition = [folds_hash(rows.assign(protocol="", repetition=0)) for _, rows in drawn.groupby("repetition")]
    assert by_repetition[0] != by_repetition[1]


def test_the_premium_split_has_the_numbers_of_the_first_fold_and_shares_speakers():
    plan, labelled = plan_for(corpus(), protocol="official")
    merged = plan.folds.merge(labelled.recordings, on="recording_id")
    counts = merged[merged["fold"] == 0].groupby(["protocol", "role", "gender"]).size().unstack([1, 2])
    assert counts.loc["official"].equals(counts.loc["recording-random"])
    first = plan.folds[(plan.folds["protocol"] == "official") & (plan.folds["fold"] == 0)]
    random = plan.folds[plan.folds["protocol"] == "recording-random"]
    assert set(first["recording_id"]) == set(random["recording_id"])
    shared = speakers_of(plan.folds, "recording-random", 0, "train") & speakers_of(
        plan.folds, "recording-random", 0, "test"
    )
    assert len(shared) > 12


def test_leave_accent_out_never_trains_on_the_tested_accent_and_its_control_is_matched():
    plan, labelled = plan_for(corpus(), protocol="leave-accent-out")
    merged = plan.folds.merge(labelled.recordings, on="recording_id")
    assert plan.fold_names == ("French", "German")
    for fold, accent in enumerate(plan.fold_names):
        rows = merged[(merged["protocol"] == "leave-accent-out") & (merged["fold"] == fold)]
        assert set(rows.loc[rows["role"] == "test", "accent"]) == {accent}
        assert accent not in set(rows.loc[rows["role"] != "test", "accent"])
        trained = rows[rows["role"] != "test"].groupby(["role", "gender"])["speaker"].nunique()
        parts = merged[(merged["protocol"] == CONTROL) & (merged["fold"] // 3 == fold)]
        assert set(parts.loc[parts["role"] == "test", "speaker"]) == set(rows.loc[rows["role"] == "test", "speaker"])
        for _, control in parts.groupby("fold"):
            matched = control[control["role"] != "test"].groupby(["role", "gender"])["speaker"].nunique()
            assert matched.equals(trained)
            assert accent in set(control.loc[control["role"] == "train", "accent"])


def test_recording_random_deals_all_recordings_and_keeps_copies_together():
    recordings = corpus()
    recordings["content_hash"] = recordings["recording_id"]
    recordings.loc[recordings["take"] == 1, "content_hash"] = recordings.loc[
        recordings["take"] == 0, "content_hash"
    ].to_numpy()
    plan, _ = plan_for(recordings, protocol="recording-random")
    merged = plan.folds.merge(recordings, on="recording_id")
    assert merged.groupby(["fold", "content_hash"])["role"].nunique().eq(1).all()
    assert merged[merged["role"] == "test"]["recording_id"].value_counts().eq(1).all()
    assert (plan.folds["protocol"] == "recording-random").all()


def test_default_folds_shrink_to_the_smallest_class_and_an_explicit_number_is_refused():
    plan, _ = plan_for(corpus(), task="native-speaker")
    assert plan.n_folds == 3
    assert plan.notes == ("3 folds instead of 5: the speakers allow no more (native-speaker: no 57, yes 3).",)
    with pytest.raises(TaskError, match=r"--folds 5: at most 3 .*no 57, yes 3"):
        plan_for(corpus(), task="native-speaker", n_folds=5)
    plan, _ = plan_for(corpus(n_speakers=6), task="digit", n_folds=6)
    assert plan.n_folds == 6


@pytest.mark.parametrize(
    ("task", "protocol", "options", "message"),
    [
        ("gender", "leave-one-out", {}, "expected one of official, grouped"),
        ("accent", "official", {}, "no published split"),
        ("gender", "official", {"n_folds": 4}, "has its own folds"),
        ("gender", "official", {"repetitions": 2}, "one fixed set of folds"),
        ("gender", "grouped", {"n_folds": 2}, "at least 3 are needed"),
    ],
)
def test_what_does_not_fit_is_refused(task, protocol, options, message):
    with pytest.raises(TaskError, match=message):
        plan_for(corpus(), task=task, protocol=protocol, **options)


def test_leave_accent_out_needs_both_classes_in_every_accent():
    with pytest.raises(TaskError, match="two accent buckets"):
        plan_for(corpus(accents=lambda speaker: "German"), protocol="leave-accent-out")


def planted(change):
    plan, labelled = plan_for(corpus(), premium=False)
    return change(plan.folds.copy()), labelled


def test_a_planted_speaker_on_two_sides_is_found():
    def change(folds):
        row = (folds["fold"] == 0) & folds["recording_id"].str.startswith("0_07_0")
        folds.loc[row, "role"] = "test" if folds.loc[row, "role"].item() != "test" else "train"
        return folds

    folds, labelled = planted(change)
    with pytest.raises(TaskError, match="speakers on two sides of a split: '07'"):
        check_folds(folds, labelled)


def test_planted_identical_audio_on_two_sides_is_found():
    recordings = corpus()
    recordings["content_hash"] = recordings["recording_id"]
    recordings.loc[recordings["recording_id"].isin(["0_01_0", "0_12_0"]), "content_hash"] = "same"
    with pytest.raises(TaskError, match="byte-identical recordings on two sides of a split: '0_01_0', '0_12_0'"):
        plan_for(recordings)


def test_a_recording_tested_twice_is_found():
    def change(folds):
        folds.loc[(folds["fold"] == 1) & (folds["role"] == "validation"), "role"] = "test"
        return folds

    folds, labelled = planted(change)
    with pytest.raises(TaskError, match="tested twice in a repetition"):
        check_folds(folds, labelled)


def test_an_empty_role_an_untaught_class_and_an_unknown_recording_are_found():
    folds, labelled = planted(lambda folds: folds[folds["role"] != "validation"])
    with pytest.raises(TaskError, match="no recording in validation"):
        check_folds(folds, labelled)
    women = set(labelled.recordings.loc[labelled.labels == "female", "recording_id"])
    folds, _ = planted(lambda folds: folds[~((folds["role"] == "train") & folds["recording_id"].isin(women))])
    with pytest.raises(TaskError, match="no training recording of 'female'"):
        check_folds(folds, labelled)
    folds, _ = planted(lambda folds: folds.assign(recording_id=folds["recording_id"] + "x"))
    with pytest.raises(TaskError, match="that the corpus does not have"):
        check_folds(folds, labelled)
