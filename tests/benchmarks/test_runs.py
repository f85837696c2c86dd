"""Whole runs, through the command line, in real processes on real files."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from reports.run_directory import tables

CHECKOUT = Path(__file__).resolve().parents[2]

# a plug-in outside the project: a model that is slow enough to be killed, and one that fails on one fold
PLUGIN = """
import time
from models.baselines import Majority

class Slow:
    view = "flat"
    def __init__(self, setup):
        self.inner = Majority(setup)
    def choose(self, training, validation):
        time.sleep(0.4)
        return self.inner.choose(training, validation)
    def refit(self, examples):
        self.inner.refit(examples)
    def predict(self, x):
        return self.inner.predict(x)

class Failing(Slow):
    def choose(self, training, validation):
        if len(training.y) % 2 == 0:
            raise RuntimeError("the planted failure")
        return {}

def slow(setup):
    return Slow(setup)

def failing(setup):
    return Failing(setup)
"""


def command(*arguments):
    return [sys.executable, "-m", "benchmarks", *map(str, arguments)]


def voxfold(*arguments, cwd=CHECKOUT, env=None):
    return subprocess.run(
        command(*arguments), cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )


def run(tones, tmp_path, *arguments, out="run", cwd=CHECKOUT, env=None):
    return voxfold(
        "run",
        "--corpus",
        f"audiomnist:{tones}",
        "--cache",
        tmp_path / "cache",
        "--out",
        tmp_path / out,
        *arguments,
        cwd=cwd,
        env=env,
    )


@pytest.fixture(scope="module")
def finished(tones, tmp_path_factory):
    """A finished run of two quick models."""
    folder = tmp_path_factory.mktemp("finished")
    done = run(tones, folder, "--models", "majority,logistic", "--folds", "3", "--save-models")
    assert done.returncode == 0, done.stderr
    return folder, done


def test_a_run_leaves_every_table_and_the_page(finished):
    folder, done = finished
    out = folder / "run"
    for name in ("recordings", "quarantine", "folds", "predictions", "timings"):
        tables.read(name, out)
    for name in ("manifest.json", "summary.json", "summary.md", "report.html"):
        assert (out / name).stat().st_size > 0
    predictions = tables.read("predictions", out)
    main = predictions[predictions["protocol"] == "grouped"]
    assert main.groupby("model")["recording_id"].nunique().to_dict() == {"logistic": 72, "majority": 72}
    assert not main.duplicated(["model", "recording_id"]).any()
    assert set(tables.read("timings", out)["phase"]) >= {
        "extract",
        "import",
        "select",
        "fit",
        "first-call",
        "predict-one",
    }
    assert done.stdout.rstrip().endswith(str(out / "report.html"))
    assert "cells: 8 of 8" in done.stderr  # plain lines where there is no terminal


def test_every_model_is_given_the_same_folds(finished):
    folder, _ = finished
    predictions = tables.read("predictions", folder / "run")
    tested = [
        frame.sort_values(["protocol", "fold", "recording_id"])[["protocol", "fold", "recording_id", "y_true"]]
        .to_numpy()
        .tolist()
        for _, frame in predictions.groupby("model")
    ]
    assert tested[0] == tested[1]


def test_running_again_repeats_no_cell_and_changes_no_prediction(finished, tones):
    folder, _ = finished
    before = (folder / "run" / "predictions.parquet").read_bytes()
    stamps = {path: path.stat().st_mtime_ns for path in (folder / "run" / "cells").glob("*/cell.json")}
    again = run(tones, folder, "--models", "majority,logistic", "--folds", "3", "--save-models")
    assert again.returncode == 0, again.stderr
    assert "8 of 8 cells were finished before" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert (folder / "run" / "predictions.parquet").read_bytes() == before


def test_other_conditions_are_refused_and_named(finished, tones):
    folder, _ = finished
    refused = run(tones, folder, "--models", "majority", "--folds", "4")
    assert refused.returncode == 2
    assert "made under other conditions (folds differ); use --fresh" in refused.stderr
    assert refused.stderr.count("Traceback") == 0


def test_the_report_can_be_rebuilt_from_the_tables_alone(finished, tmp_path):
    folder, _ = finished
    before = (folder / "run" / "report.html").read_bytes()
    (folder / "run" / "report.html").unlink()
    assert voxfold("report", folder / "run").returncode == 0
    assert (folder / "run" / "report.html").read_bytes() == before


@pytest.mark.parametrize(
    ("gate", "status", "said"),
    [
        ('cells = "complete"', 0, "holds         cells: complete; found 8 of 8 cells"),
        (
            'ratio = ["corpus.n_speakers_tested", "corpus.n_speakers_corpus"]\nat_most = 0.5',
            1,
            "found 1 (12 / 12); 1 is",
        ),
        ('gap = "gender"\nmodel = "logistic"\nat_most = 0.5', 3, "this attribute is the task"),
        ('number = "accent_never_heard.\u017coe"\nat_most = 0.5', 3, "accent_never_heard.\\u017coe: value at most 0.5"),
        ('number = "models.svn.accuracy"\nat_least = 0.5', 2, "voxfold: gate 2: 'models.svn.accuracy': no 'svn' here"),
        ("number = 3", 2, "gates.toml: gate 2: number: input should be a valid tuple, got 3"),
    ],
)
def test_a_run_is_held_against_gates(finished, tmp_path, gate, status, said):
    folder, _ = finished
    gates, junit = tmp_path / "gates.toml", tmp_path / "ci" / "gates.xml"
    gates.write_text(f'[[gate]]\nfolds = "speakers-held-out"\n[[gate]]\n{gate}\n', encoding="utf-8")
    arguments = ("check", folder / "run", "--gates", gates, "--junit", junit)
    done = voxfold(*arguments, env={"PYTHONIOENCODING": "latin-1"})  # a name that cannot be shown is no failed gate
    assert done.returncode == status, done.stderr
    assert said in (done.stderr if status == 2 else done.stdout)
    if status == 2:
        assert not done.stdout and len(done.stderr.splitlines()) == 1 and not junit.exists()
    else:
        assert len(done.stdout.splitlines()) == 3 and done.stdout.startswith("holds         folds: speakers held out;")
        suite = ElementTree.parse(junit).getroot()[0]
        assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == (
            "2",
            str(int(status == 1)),
            str(int(status == 3)),
        )


def test_a_saved_model_answers_for_files(finished, tones):
    folder, _ = finished
    model = folder / "run" / "models" / "logistic-grouped-r0-f0-s0"
    wavs = sorted((tones / "data" / "01").glob("*.wav"))[:2]
    answered = voxfold("predict", model, *wavs)
    assert answered.returncode == 0, answered.stderr
    lines = [line.split("\t") for line in answered.stdout.splitlines()]
    assert [line[0] for line in lines] == [str(wav) for wav in wavs]
    assert all(line[1] in ("female", "male") and 0 <= float(line[2]) <= 1 for line in lines)
    piped = subprocess.run(
        command("predict", model, "-"), cwd=CHECKOUT, input=wavs[0].read_bytes(), capture_output=True, check=True
    )
    assert piped.stdout.decode().split("\t")[1:3] == lines[0][1:3]


def test_a_file_that_is_no_audio_is_answered_with_its_reason(finished, tmp_path):
    folder, _ = finished
    (tmp_path / "x.wav").write_text("no audio")
    answered = voxfold("predict", folder / "run" / "models" / "logistic-grouped-r0-f0-s0", tmp_path / "x.wav")
    assert answered.returncode == 2
    assert answered.stdout.startswith(f"{tmp_path / 'x.wav'}\terror\t")
    assert voxfold("predict", tmp_path, tmp_path / "x.wav").returncode == 2


def wait_for(condition, seconds=120):
    """Poll until `condition` holds; fail loudly when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_a_killed_run_goes_on_where_it_was(tones, tmp_path):
    (tmp_path / "plugin.py").write_text(PLUGIN)
    env = {"PYTHONPATH": str(tmp_path)}
    arguments = ("--models", "majority,plugin:slow", "--folds", "3", "--no-premium")
    whole = run(tones, tmp_path, *arguments, out="whole", env=env)
    assert whole.returncode == 0, whole.stderr
    cut = tmp_path / "cut"
    started = subprocess.Popen(
        command("run", "--corpus", f"audiomnist:{tones}", "--cache", tmp_path / "cache", "--out", cut, *arguments),
        cwd=CHECKOUT,
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: len(list(cut.glob("cells/*/cell.json"))) >= 2)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    stamps = {path: path.stat().st_mtime_ns for path in cut.glob("cells/*/cell.json")}
    assert 2 <= len(stamps) < 6 and not (cut / "predictions.parquet").exists()
    resumed = run(tones, tmp_path, *arguments, out="cut", env=env)
    assert resumed.returncode == 0, resumed.stderr
    assert f"{len(stamps)} of 6 cells were finished before" in resumed.stderr
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert (cut / "predictions.parquet").read_bytes() == (tmp_path / "whole" / "predictions.parquet").read_bytes()


def test_a_failed_cell_is_recorded_and_stops_no_other(tones, tmp_path):
    (tmp_path / "plugin.py").write_text(PLUGIN)
    done = run(
        tones,
        tmp_path,
        "--models",
        "majority,plugin:failing",
        "--folds",
        "3",
        "--no-premium",
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1
    assert "the planted failure" in done.stdout and "Traceback" not in done.stdout
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["cells"]["finished"] == 3
    assert [entry["cell"] for entry in manifest["cells"]["failed"]] == [
        f"failing-grouped-r0-f{fold}-s0" for fold in range(3)
    ]
    failed = tmp_path / "run" / "cells" / "failed" / "failing-grouped-r0-f0-s0"
    assert (failed / "error.txt").read_text() == "RuntimeError: the planted failure\n"
    assert "Traceback" in (failed / "log.txt").read_text()
    page = (tmp_path / "run" / "report.html").read_text()
    assert "failing-grouped-r0-f1-s0" in page


def test_unreadable_recordings_are_quarantined_and_listed(tones, tmp_path):
    import shutil

    corpus = tmp_path / "corpus"
    shutil.copytree(tones, corpus)
    (corpus / "data" / "01" / "9_01_0.wav").write_text("no audio")
    done = run(corpus, tmp_path, "--models", "majority", "--folds", "3", "--no-premium")
    assert done.returncode == 0, done.stderr
    assert tables.read("quarantine", tmp_path / "run")["recording"].tolist() == ["01/9_01_0.wav"]
    assert "01/9_01_0.wav" in (tmp_path / "run" / "report.html").read_text()
    strict = run(corpus, tmp_path, "--models", "majority", "--strict", out="strict")
    assert strict.returncode == 2 and "--strict: 1 recordings cannot be used; 01/9_01_0.wav" in strict.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--corpus", "audiomnist:/nowhere"], "/nowhere: no such folder"),
        (["--corpus", "radio:/x"], "expected one of virtual, audiomnist:DIR"),
        (["--corpus", "manifest:/nowhere.csv"], "no such manifest"),
        (["--models", "oracle"], "oracle"),
        (["--models", "nowhere.module:factory"], "nowhere.module"),
        (["--models", "majority,majority"], "named twice"),
        (["--task", "mood"], "task 'mood': expected one of gender"),
        (["--protocol", "loo"], "protocol 'loo': expected one of official"),
        (["--folds", "2"], "--folds: input should be greater than or equal to 3, got 2"),
        (["--recipe", "htk"], "--recipe: input should be 'psf' or 'seed'"),
        (["--config", "/nowhere.toml"], "/nowhere.toml: cannot be read as settings"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_usage_errors_are_one_line_and_status_2(tones, tmp_path, arguments, message):
    given = ["--corpus", f"audiomnist:{tones}", "--models", "majority", "--out", str(tmp_path / "run"), *arguments]
    refused = voxfold("run", "--cache", tmp_path / "cache", *given)
    assert refused.returncode == 2, refused.stderr
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "run" / "manifest.json").exists()


def test_settings_come_from_a_file_and_options_win(tones, tmp_path):
    config = tmp_path / "run.toml"
    config.write_text('task = "digit"\nmodels = ["majority"]\nfolds = 4\npremium = false\n')
    done = run(tones, tmp_path, "--config", config, "--folds", "3")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert (manifest["task"]["name"], manifest["protocol"]["folds"]) == ("digit", 3)


def test_fresh_replaces_a_run_but_deletes_nothing_else(tones, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    refused = run(tones, tmp_path, "--models", "majority", "--fresh")
    assert refused.returncode == 2 and "holds files but no run" in refused.stderr
    assert (tmp_path / "run" / "thesis.txt").exists()


def test_fresh_deletes_no_folder_with_somebody_elses_manifest(tones, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text('{"name": "a web page"}')
    refused = run(tones, tmp_path, "--models", "majority", "--fresh")
    assert refused.returncode == 2 and (tmp_path / "run" / "manifest.json").exists()


def test_fresh_replaces_a_run_made_under_other_conditions(tones, tmp_path):
    for folds in ("3", "4"):
        done = run(tones, tmp_path, "--models", "majority", "--no-premium", "--fresh", "--folds", folds)
        assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["protocol"]["folds"] == 4


def test_models_of_a_former_run_stay_in_the_report(tones, tmp_path):
    (tmp_path / "plugin.py").write_text(PLUGIN)
    env = {"PYTHONPATH": str(tmp_path)}
    for models in ("majority", "plugin:slow"):
        done = run(tones, tmp_path, "--models", models, "--folds", "3", "--no-premium", env=env)
        assert done.returncode == 0, done.stderr
    assert "3 of 6 cells were finished before" in done.stderr
    assert set(tables.read("predictions", tmp_path / "run")["model"]) == {"majority", "slow"}


def test_a_changed_plug_in_runs_again_and_models_are_kept_when_asked_later(tones, tmp_path):
    (tmp_path / "plugin.py").write_text(PLUGIN)
    env = {"PYTHONPATH": str(tmp_path)}
    arguments = ("--models", "majority,plugin:slow", "--folds", "3", "--no-premium")
    assert run(tones, tmp_path, *arguments, env=env).returncode == 0
    (tmp_path / "plugin.py").write_text(PLUGIN.replace("0.4", "0.01"))
    again = run(tones, tmp_path, *arguments, env=env)
    assert "3 of 6 cells were finished before" in again.stderr
    kept = run(tones, tmp_path, *arguments, "--save-models", env=env)
    assert "3 of 6 cells were finished before" in kept.stderr  # the plug-in has no save, majority has
    assert sorted(path.name for path in (tmp_path / "run" / "models").iterdir()) == [
        f"majority-grouped-r0-f{fold}-s0" for fold in range(3)
    ]


def test_a_run_of_which_nothing_finished_says_so(tones, tmp_path):
    (tmp_path / "plugin.py").write_text("def broken(setup):\n    raise RuntimeError('never')\n")
    done = run(tones, tmp_path, "--models", "plugin:broken", "--folds", "3", env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert "failed: broken-grouped-r0-f0-s0: RuntimeError: never" in done.stdout
    assert done.stdout.rstrip().endswith("report: none, no cell finished")
    (tmp_path / "gates.toml").write_text('[[gate]]\ncells = "complete"\n')
    checked = voxfold("check", tmp_path / "run", "--gates", tmp_path / "gates.toml")
    assert checked.returncode == 3 and "no cell of this run has finished" in checked.stdout


def test_the_published_split_is_refused_for_another_corpus(shared_data, tmp_path):
    manifest = f"manifest:{shared_data / 'audiomnist_az' / 'manifest.csv'}"
    refused = voxfold(
        "run", "--corpus", manifest, "--protocol", "official", "--cache", tmp_path / "c", "--out", tmp_path / "o"
    )
    assert refused.returncode == 2
    assert "'official' is AudioMNIST's published split, not one of 'manifest'" in refused.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "{file}"),
        ("report", "{folder}"),
        ("check", "{folder}", "--gates", "{file}"),
        ("check", "{folder}", "--gates", "{folder}/none.toml"),
        ("datasheet", "--metadata", "{file}", "--file", "{folder}/none.md"),
        ("images", "--maps-only", "--out", "{file}"),
        ("images",),
        ("corpus", "describe", "audiomnist:{folder}"),
        ("predict", "{folder}", "{file}"),
        ("run", "--cache", "{file}"),
    ],
)
def test_what_cannot_be_read_or_written_is_one_line(tones, tmp_path, arguments):
    (tmp_path / "file").write_text("text")
    given = [part.format(file=tmp_path / "file", folder=tmp_path) for part in arguments]
    if given[0] == "run":
        given += ["--corpus", f"audiomnist:{tones}", "--out", str(tmp_path / "run")]
    refused = voxfold(*given)
    assert refused.returncode == 2, refused.stderr
    assert "Traceback" not in refused.stderr and refused.stderr.strip()
