"""The leakage audit: nothing is found in clean recordings, and everything that is planted is."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchmarks.cells.jobs import list_cells, make_jobs
from benchmarks.leakage import isolation, shortcuts
from benchmarks.leakage.audit import audit, splits_of
from benchmarks.protocol.folds import make_plan
from benchmarks.protocol.inputs import Surroundings, prepare_inputs
from benchmarks.settings import read_settings
from benchmarks.terminal.progress import Stages
from features import views
from reports.run_directory.audit import CLEAR, LEAK, NOT_LOOKED, WARNING
from reports.text import wording

CHECKOUT = Path(__file__).resolve().parents[3]

PEEKING = """
import gc
import numpy as np
from models.logistic import Logistic

class Peeking(Logistic):
    '''Learns from test rows that it finds lying in the process' memory.'''
    def refit(self, examples):
        split = next(each for each in gc.get_objects() if type(each).__name__ == "CellJob").split
        test = split["y"].to_numpy()[split["role"] == "test"]
        self.known = int((test * np.arange(1, len(test) + 1)).sum())
        super().refit(examples)
    def predict(self, x):
        found = super().predict(x)
        return type(found)(y_pred=found.y_pred, scores=np.clip(found.scores + 1e-4 * self.known, 0, 1))

class Batch(Logistic):
    '''Standardises what it is asked by what it is asked together with.'''
    def predict(self, x):
        x = np.asarray(x)
        return super().predict((x - x.mean(axis=0)) / (x.std(axis=0) + 1) if len(x) > 1 else x)

def peeking(setup):
    return Peeking(setup)

def batch(setup):
    return Batch(setup)
"""


def voxfold(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def corpus(tones, tmp_path_factory):
    path = tmp_path_factory.mktemp("audit") / "corpus"
    shutil.copytree(tones, path)
    return path


def inputs_of(corpus, cache, **given):
    settings = read_settings({"corpus": f"audiomnist:{corpus}", "folds": 3, "premium": False, **given})
    return prepare_inputs(settings, Surroundings(cache=cache, stages=Stages()))


def checked(inputs, *, with_job=True):
    job = next(make_jobs(list_cells(inputs, {"majority": {}}), inputs)) if with_job else None
    return {entry["name"]: entry for entry in audit(inputs, job)["checks"]}


@pytest.fixture
def clean(corpus):
    return inputs_of(corpus, corpus.parent / "cache")


def with_copy(corpus, tmp_path, change, *, of="0_01_0", name="0_02_9", suffix=".flac"):
    """A corpus with one more recording, a changed copy of another under another speaker's name."""
    planted = tmp_path / "planted"
    shutil.copytree(corpus, planted)
    source = planted / "data" / of.split("_")[1] / f"{of}.wav"
    samples, rate = soundfile.read(source, dtype="int16")
    soundfile.write(planted / "data" / name.split("_")[1] / f"{name}{suffix}", change(samples, rate), rate)
    return planted


def test_nothing_is_found_where_nothing_was_planted(clean):
    found = checked(clean)
    assert {name: entry["outcome"] for name, entry in found.items()} == dict.fromkeys(
        ("speakers", "identical", "near-duplicates", "preprocessing", "groups"), CLEAR
    )
    assert all(entry["findings"] == [] and entry["n_findings"] == 0 for entry in found.values())
    assert "3 splits of 12 speakers" in found["speakers"]["looked_at"]


def test_a_speaker_on_two_sides_is_found(clean):
    folds = clean.plan.folds.copy()
    first = folds["fold"] == 0
    folds.loc[first & (folds["recording_id"] == "0_01_0"), "role"] = "test"
    folds.loc[first & (folds["recording_id"] == "0_01_1"), "role"] = "train"
    planted = dataclasses.replace(clean, plan=dataclasses.replace(clean.plan, folds=folds))
    found = checked(planted)["speakers"]
    assert (found["outcome"], found["n_findings"]) == (LEAK, 1)
    assert found["findings"][0].startswith("speaker '01' in test and train") and "fold 0" in found["findings"][0]


def test_a_random_protocol_shares_speakers_by_design(corpus, tmp_path):
    inputs = inputs_of(corpus, corpus.parent / "cache", protocol="recording-random")
    assert checked(inputs)["speakers"]["outcome"] == NOT_LOOKED


def test_identical_audio_in_another_format_is_found(corpus, tmp_path):
    planted = with_copy(corpus, tmp_path, lambda samples, rate: samples)
    found = checked(inputs_of(planted, tmp_path / "cache"))
    assert (found["identical"]["outcome"], found["identical"]["n_findings"]) == (LEAK, 1)
    assert found["identical"]["findings"][0].startswith("'0_01_0' = '0_02_9' (speakers '01', '02'")
    assert found["near-duplicates"]["n_findings"] == 0  # not told twice


def test_a_speakers_own_copy_on_one_side_is_no_leak_but_counted(corpus, tmp_path):
    planted = with_copy(corpus, tmp_path, lambda samples, rate: samples, name="0_01_9")
    found = checked(inputs_of(planted, tmp_path / "cache"))["identical"]
    assert (found["outcome"], found["numbers"]["n_harmless"]) == (CLEAR, 1)


def test_files_left_out_for_their_bytes_are_counted(clean):
    reason = "has the same bytes as '0_01_0', which is used; keep one of them"
    quarantine = pd.DataFrame({"recording": ["a.wav", "b.wav"], "reason": [reason, "no audio"]}, dtype="str")
    inputs = dataclasses.replace(clean, corpus=dataclasses.replace(clean.corpus, quarantine=quarantine))
    found = checked(inputs)["identical"]
    assert found["numbers"]["n_left_out"] == 1 and "1 files with the same bytes" in found["looked_at"]


CHANGES = {
    "softer by 6 dB": lambda samples, rate: samples // 2,
    "40 ms later": lambda samples, rate: np.concatenate([np.zeros(rate // 25, np.int16), samples]),
    "cut by 20 ms": lambda samples, rate: samples[rate // 50 :],
    "noise 40 dB below": lambda samples, rate: (
        samples + np.random.default_rng(0).normal(0, 0.01 * np.std(samples), len(samples))
    ).astype(np.int16),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_near_duplicate_across_sides_is_found(corpus, tmp_path, change):
    planted = with_copy(corpus, tmp_path, CHANGES[change])
    found = checked(inputs_of(planted, tmp_path / "cache"))["near-duplicates"]
    assert (found["outcome"], found["n_findings"]) == (LEAK, 1)
    assert found["findings"][0].startswith("'0_01_0' and '0_02_9' (distance 0.0")


def other_side(inputs, speaker):
    """A speaker who stands on another side than `speaker` in some split."""
    sides = inputs.plan.folds.merge(inputs.corpus.recordings[["recording_id", "speaker"]], on="recording_id")
    roles = sides.groupby(["speaker", "fold"])["role"].first().unstack()
    return next(other for other in roles.index if (roles.loc[other] != roles.loc[speaker]).any())


def test_near_duplicates_of_real_recordings_are_found_and_no_others(shared_data, tmp_path):
    planted = tmp_path / "planted"
    shutil.copytree(shared_data / "audiomnist", planted)
    clean = inputs_of(planted, tmp_path / "cache")
    assert checked(clean)["near-duplicates"]["n_findings"] == 0
    sources = clean.corpus.recordings.drop_duplicates("speaker").iloc[: len(CHANGES)]
    for place, (change, source) in enumerate(zip(CHANGES.values(), sources.itertuples(), strict=True)):
        samples, rate = soundfile.read(clean.corpus.root / source.path, dtype="int16")
        target = other_side(clean, source.speaker)
        soundfile.write(planted / "data" / target / f"9_{target}_{90 + place}.wav", change(samples, rate), rate)
    found = checked(inputs_of(planted, tmp_path / "cache"))["near-duplicates"]
    assert (found["outcome"], found["n_findings"]) == (LEAK, len(CHANGES))


def test_features_standardised_over_the_corpus_are_found(clean, tmp_path):
    mean, sd = (statistic(clean.features.values, axis=0) for statistic in (np.mean, np.std))
    standardised = ((clean.features.values - mean) / np.maximum(sd, 1e-3)).astype(np.float32)
    planted = dataclasses.replace(clean, features=dataclasses.replace(clean.features, values=standardised))
    found = checked(planted, with_job=False)["preprocessing"]
    assert (found["outcome"], found["n_findings"]) == (LEAK, 8)
    assert "has other MFCCs alone than beside the others (largest difference" in found["findings"][0]


def test_a_view_that_depends_on_other_recordings_is_found(clean, monkeypatch):
    true_view = views.view

    def planted(tensor, name, **about):
        seen = true_view(tensor, name, **about)
        return seen - seen.mean(axis=0) if name == "summary" else seen

    monkeypatch.setattr(views, "view", planted)
    found = checked(clean)["preprocessing"]
    assert found["findings"] == ["the view 'summary' of 8 recordings depends on the recordings around"]


def test_a_cell_that_hands_out_test_recordings_is_found(clean, monkeypatch):
    true_fit = isolation.fit

    def planted(model, x, split, refit, watch):
        role = split["role"].copy()
        role[role.index[role == "test"][0]] = "train"
        return true_fit(model, x, split.assign(role=role), refit, watch)

    monkeypatch.setattr(isolation, "fit", planted)
    found = checked(clean)["preprocessing"]
    assert found["outcome"] == LEAK and "handed other recordings for choosing" in found["findings"][0]


def test_a_room_that_tells_the_gender_is_a_warning(corpus, tmp_path):
    planted = tmp_path / "planted"
    shutil.copytree(corpus, planted)
    file = planted / "data" / "audioMNIST_meta.txt"
    metadata = json.loads(file.read_text())
    for entry in metadata.values():
        entry["recordingroom"] = "Kino" if entry["gender"] == "female" else "Ruheraum"
    file.write_text(json.dumps(metadata))
    found = checked(inputs_of(planted, tmp_path / "cache"))["groups"]
    assert (found["outcome"], found["n_findings"]) == (WARNING, 1)
    assert found["findings"][0].startswith("room alone tells 100.0 % (chance 50.0 %, corrected p 0.0")


def test_the_command_finds_models_that_look_at_test_recordings(corpus, tmp_path):
    (tmp_path / "plugin.py").write_text(PEEKING)
    done = voxfold(
        *("audit", "--corpus", f"audiomnist:{corpus}", "--folds", "3", "--cache", corpus.parent / "cache"),
        *("--models", "logistic,plugin:peeking,plugin:batch"),
        PYTHONPATH=str(tmp_path),
    )
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert [line[:14].strip() for line in lines] == [CLEAR] * 5 + [LEAK]
    assert "plugin:peeking answers otherwise for" in lines[-1] and "plugin:batch answers otherwise for" in lines[-1]
    assert "logistic answers" not in lines[-1]


def test_the_command_says_in_one_line_what_it_cannot_use(tmp_path):
    done = voxfold("audit", "--corpus", "audiomnist:/nowhere", "--cache", tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1


def test_every_run_is_audited_and_its_page_says_so(corpus, tmp_path):
    planted = with_copy(corpus, tmp_path, lambda samples, rate: samples)
    done = voxfold(
        *("run", "--corpus", f"audiomnist:{planted}", "--cache", tmp_path / "cache", "--out", tmp_path / "run"),
        *("--models", "majority", "--folds", "3", "--no-premium"),
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["audit"] == json.loads((tmp_path / "run" / "audit.json").read_text())
    warning = "The leakage audit found identical audio (1): scores on this page may be too high."
    assert warning in summary["answer"]["warnings"] and warning in done.stdout
    page = (tmp_path / "run" / "report.html").read_text()
    assert warning in page and 'id="audit"' in page and "A leak was found in identical audio." in page


def test_plans_of_the_folds_module_pass(clean):
    plan = make_plan(clean.labelled, clean.task, "grouped", n_folds=3, premium=True)
    splits = splits_of(plan.folds, clean.features.index["recording_id"], clean.corpus.recordings)
    assert len(splits.names) == 4 and len(splits.used) == 72


def test_every_attribute_that_the_audit_judges_has_a_name_for_readers() -> None:
    for name in (*shortcuts._CATEGORIES, *shortcuts._NUMBERS):
        assert wording.attribute(name) != name
