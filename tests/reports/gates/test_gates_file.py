"""Gates: the file is small and strict, and nothing passes that was not measured."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.gates.gates_file import Gates, GatesError, read_gates
from reports.gates.judgement import judge, judge_folder
from reports.gates.verdicts import Verdict, exit_status
from reports.run_directory import tables
from reports.run_directory.files import TableError
from reports.run_directory.run import Run, load
from reports.summary.summary import write_summary

DOCS = Path(__file__).resolve().parents[3] / "docs"


def number(value: float | None, low: float | None = None, high: float | None = None, **further: Any) -> dict[str, Any]:
    """A number of the summary by hand; estimable where there are limits."""
    estimable = low is not None
    return {
        "value": value,
        "low": low,
        "high": high,
        "method": "by hand" if estimable else None,
        "n_speakers": 24,
        "n_recordings": 1,
        "estimable": estimable,
        "why_not": None if estimable else "3 speakers; at least 5 are needed",
        **further,
    }


def model(accuracy: dict[str, Any], baseline: bool = False) -> dict[str, Any]:
    folds = {"balanced_accuracy": {"value": 0.99, "sd": 0.1}}
    return {"baseline": baseline, "balanced_accuracy": accuracy, "mean_over_folds": folds}


SUMMARY: dict[str, Any] = {
    "models": {
        "svm": model(number(0.75, 0.68, 0.81)),
        "cnn": model(number(0.85 - 1e-12, 0.78, 0.90)),
        "majority": model(number(0.5), baseline=True),
    },
    "gaps": {
        "accent_bucket": {
            "svm": number(-0.06, -0.14, 0.02, kind="difference", first="German", second="other"),
            "cnn": number(0.03, 0.0, 0.09, kind="range", first="German", second="other"),
            "majority": number(0.0),
        },
        "gender": {name: number(None, why_not="this attribute is the task") for name in ("svm", "cnn", "majority")},
    },
    "groups": {"accent": {"St. Louis": {"svm": {"accuracy": number(1.0)}}}},
    "leakage_premium": {},
    "ranks": {"cnn": number(1.0, 1.0, 2.0)},
    "comparisons": [],
    "runtime": {
        "contended": False,
        "models": {
            "svm": {"fit_seconds": 2.0, "model_bytes": None, "predict_one_seconds": {"median": 0.0}},
            "cnn": {"fit_seconds": 90.0, "model_bytes": 7, "predict_one_seconds": {"median": 0.04}},
        },
    },
    "corpus": {"name": "AudioMNIST", "n_quarantined": 3, "n_recordings_corpus": 300},
}


@pytest.fixture(scope="session")
def run(healthy_run: Path) -> Run:
    return load(healthy_run)


@pytest.fixture
def judged(run: Run) -> Callable[[str], list[Verdict]]:
    """Return a function that judges the hand-made summary by gates in TOML."""
    return lambda text: judge(Gates.model_validate(tomllib.loads(text)), SUMMARY, run)


def gate(*lines: str) -> str:
    return "\n".join(["[[gate]]", *lines, ""])


SVM = 'number = "models.svm.balanced_accuracy"'
CNN = 'number = "models.cnn.balanced_accuracy"'
FIT = 'ratio = ["runtime.models.cnn.fit_seconds", "runtime.models.svm.fit_seconds"]'
GAP = 'gap = "accent_bucket"'


@pytest.mark.parametrize(
    ("lines", "outcome", "why"),
    [
        ((SVM, "at_least = 0.75"), "holds", None),
        ((SVM, "at_least = 0.76"), "failed", "0.75 is below 0.76"),
        ((SVM, "at_most = 0.74"), "failed", "0.75 is above 0.74"),
        ((SVM, "at_least = 0.70", "at_most = 0.80"), "holds", None),
        ((SVM, "at_least = 0.70", 'judge = "interval"'), "failed", "0.68 is below 0.7"),
        ((SVM, "at_least = 0.68", 'judge = "interval"'), "holds", None),
        ((SVM, "at_most = 0.80", 'judge = "interval"'), "failed", "0.81 is above 0.8"),
        (
            (SVM, "at_least = 0.7", "at_most = 0.8", 'judge = "interval"'),
            "failed",
            "0.68 is below 0.7 and 0.81 is above 0.8",
        ),
        # 0.85 less a rounding error is 0.85
        ((CNN, "at_least = 0.85"), "holds", None),
        # a gap of -6 points is one of 6; its interval reaches to 14 on the side of the other group
        ((GAP, 'model = "svm"', "at_most = 0.06"), "holds", None),
        ((GAP, 'model = "svm"', "at_most = 0.05"), "failed", "0.06 is above 0.05"),
        ((GAP, 'model = "svm"', "at_most = 0.13", 'judge = "interval"'), "failed", "0.14 is above 0.13"),
        ((GAP, 'model = "svm"', "at_most = 0.14", 'judge = "interval"'), "holds", None),
        ((GAP, 'model = "cnn"', "at_most = 0.08", 'judge = "interval"'), "failed", "0.09 is above 0.08"),
        # a point without an interval is not judged, however good it is
        (('number = "models.majority.balanced_accuracy"', "at_least = 0.1"), "not measured", "3 speakers; at least 5"),
        (
            ('number = ["groups", "accent", "St. Louis", "svm", "accuracy"]', "at_least = 0.5"),
            "not measured",
            "3 speakers",
        ),
        ((GAP, 'model = "majority"', "at_most = 0.5"), "not measured", "3 speakers"),
        (('gap = "gender"', 'model = "svm"', "at_most = 0.5"), "not measured", "this attribute is the task"),
        (('number = "leakage_premium.svm"', "at_most = 0.2"), "not measured", "not measured in this run"),
        (('number = "leakage_premium.*"', "at_most = 0.2"), "not measured", "not measured in this run"),
        (('number = "runtime.models.svm.model_bytes"', "at_most = 9"), "not measured", "not measured in this run"),
        (('number = "runtime.models.svm.fit_seconds"', "at_most = 2"), "holds", None),
        (('number = "runtime.models.cnn.fit_seconds"', "at_most = 60"), "failed", "90 is above 60"),
        (('number = "ranks.cnn"', "at_most = 1"), "holds", None),
        (
            ('ratio = ["runtime.models.cnn.fit_seconds", "runtime.models.svm.fit_seconds"]', "at_most = 45"),
            "holds",
            None,
        ),
        (
            ('ratio = ["runtime.models.cnn.fit_seconds", "runtime.models.svm.fit_seconds"]', "at_most = 44"),
            "failed",
            "45 is above 44",
        ),
        (
            (
                "ratio = ['runtime.models.cnn.fit_seconds', 'runtime.models.svm.predict_one_seconds.median']",
                "at_most = 50",
            ),
            "not measured",
            "nothing can be divided by 0",
        ),
        (
            ('ratio = ["runtime.models.cnn.model_bytes", "runtime.models.svm.model_bytes"]', "at_most = 50"),
            "not measured",
            "not measured in this run: runtime.models.svm.model_bytes",
        ),
        (('ratio = ["corpus.n_quarantined", "corpus.n_recordings_corpus"]', "at_most = 0.01"), "holds", None),
    ],
)
def test_one_condition(
    judged: Callable[[str], list[Verdict]], lines: tuple[str, ...], outcome: str, why: str | None
) -> None:
    (verdict,) = judged(gate(*lines))
    assert (verdict.outcome, verdict.why is None) == (outcome, why is None), verdict.line
    assert (why or "") in (verdict.why or "")


def test_a_star_is_every_model_that_is_no_baseline(judged: Callable[[str], list[Verdict]]) -> None:
    verdicts = judged(gate('number = "models.*.balanced_accuracy"', "at_least = 0.8") + gate(GAP, "at_most = 0.1"))
    assert [(verdict.asked.partition(":")[0], verdict.outcome) for verdict in verdicts] == [
        ("models.cnn.balanced_accuracy", "holds"),
        ("models.svm.balanced_accuracy", "failed"),
        ("gaps.accent_bucket.cnn", "holds"),
        ("gaps.accent_bucket.svm", "holds"),
    ]


def test_a_star_elsewhere_is_every_key(judged: Callable[[str], list[Verdict]]) -> None:
    (verdict,) = judged(gate('number = "groups.accent.*.svm.accuracy"', "at_least = 0.1"))
    assert verdict.line.startswith("not measured  groups.accent.St. Louis.svm.accuracy: value at least 0.1; found 1")


def test_a_star_that_stands_for_nothing_is_not_measured(run: Run) -> None:
    summary = {**SUMMARY, "models": {"majority": SUMMARY["models"]["majority"]}}
    gates = Gates.model_validate(tomllib.loads(gate('number = "models.*.balanced_accuracy"', "at_least = 0.1")))
    (verdict,) = judge(gates, summary, run)
    assert (verdict.outcome, verdict.asked) == ("not measured", "models.*.balanced_accuracy: value at least 0.1")
    assert verdict.why == "not measured in this run, or there is nothing that * stands for"


def test_a_line_says_what_was_asked_and_found(judged: Callable[[str], list[Verdict]]) -> None:
    (verdict,) = judged(gate(SVM, "at_least = 0.8"))
    assert verdict.line == (
        "failed        models.svm.balanced_accuracy: value at least 0.8; "
        "found 0.75, interval 0.68 to 0.81, 24 speakers, 1 recording; 0.75 is below 0.8"
    )


def test_timings_beside_other_cells_are_marked(run: Run) -> None:
    gates = Gates.model_validate(tomllib.loads(gate('number = "runtime.models.svm.fit_seconds"', "at_most = 2")))
    summary = {**SUMMARY, "runtime": {**SUMMARY["runtime"], "contended": True}}
    assert judge(gates, summary, run)[0].measured == "found 2, timed while other cells ran"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ('number = "models.svn.balanced_accuracy"', "at_least = 0.7"),
            "gate 2: .*no 'svn' here; there are 'cnn'",
        ),
        (('number = "model.svm"', "at_least = 0.7"), "gate 2: 'model.svm': no 'model' here"),
        (('gap = "accents"', "at_most = 0.1"), r"gate 2: 'gaps.accents.\*': no 'accents' here; .*'accent_bucket'"),
        ((GAP, 'model = "mlp"', "at_most = 0.1"), "gate 2: 'gaps.accent_bucket.mlp': no 'mlp' here"),
        # what goes round the interval is no number to judge
        (
            ('number = "models.svm.balanced_accuracy.value"', "at_least = 0.7"),
            "gate 2: .* is no number that a gate can",
        ),
        (
            ('number = "models.svm.mean_over_folds.balanced_accuracy.value"', "at_least = 0.7"),
            "is no number that a gate",
        ),
        (('number = "models.svm"', "at_least = 0.7"), "is no number"),
        (('number = "runtime.models.svm.predict_one_seconds"', "at_most = 1"), "is no number that a gate can judge"),
        (('number = "runtime.contended"', "at_most = 1"), "is no number that a gate can judge"),
        (('number = "corpus.name"', "at_most = 1"), "is no number that a gate can judge"),
        (('number = "comparisons.0.difference"', "at_most = 1"), "'comparisons' has no named parts"),
        (('number = "runtime.models.svm.fit_seconds.median"', "at_most = 1"), "has no named parts"),
        (('number = "runtime.models.svm.fit_seconds"', "at_most = 1", 'judge = "interval"'), "has no interval"),
        # percent where a share is meant would pass whatever came
        ((SVM, "at_most = 70"), "is a share, at most 1; write 70 % as 0.70"),
        (
            ('ratio = ["models.svm.balanced_accuracy", "models.cnn.balanced_accuracy"]', "at_most = 1"),
            "a ratio is of two",
        ),
        (
            ('ratio = ["runtime.models.*.fit_seconds", "runtime.models.svm.fit_seconds"]', "at_most = 1"),
            "a ratio is of two",
        ),
    ],
)
def test_what_the_run_does_not_have_is_named_before_anything_is_judged(
    judged: Callable[[str], list[Verdict]], lines: tuple[str, ...], message: str
) -> None:
    with pytest.raises(GatesError, match=message):
        judged(gate(SVM, "at_least = 0.9") + gate(*lines))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "gate: field required"),
        ("gate = []", "gate: tuple should have at least 1 item"),
        ("[[gates]]\nfolds = 'speakers-held-out'", "gate: field required"),
        ("[[gate]]", "gate 1: needs exactly one of number, gap, ratio, folds, cells"),
        ("gate = [3]", "gate 1: needs exactly one of number, gap, ratio, folds, cells"),
        (gate(SVM, GAP, "at_most = 0.1"), "gate 1: needs exactly one of"),
        (gate(SVM, "at_least = 0.7") + gate(SVM), "gate 2: needs at_least or at_most"),
        (gate(SVM, "at_least = 0.8", "at_most = 0.7"), "gate 1: at_least 0.8 is above at_most 0.7"),
        (gate(SVM, "at_least = '0.7'"), "gate 1: at_least: input should be a valid number, got '0.7'"),
        (gate(SVM, "at_least = true"), "gate 1: at_least: input should be a valid number, got True"),
        (gate(SVM, "at_least = nan"), "gate 1: at_least: input should be a finite number"),
        (gate(SVM, "at_least = -inf"), "gate 1: at_least: input should be a finite number"),
        (gate(SVM, f"at_least = 1{'0' * 400}"), "gate 1: at_least: "),
        (gate(SVM, f"at_least = 1{'0' * 5000}"), "cannot be read as gates"),
        (gate(SVM, "minimum = 0.7"), "gate 1: minimum: extra inputs are not permitted"),
        (
            gate(SVM, "at_least = 0.7", "judge = 'low'"),
            "gate 1: judge: input should be 'value' or 'interval', got 'low'",
        ),
        (gate("number = 'models..x'", "at_least = 0.7"), "gate 1: number: 1: string should have at least 1 char"),
        (gate("number = []", "at_least = 0.7"), "gate 1: number: value should have at least 1 item"),
        (gate("number = 3", "at_least = 0.7"), "gate 1: number: input should be a valid tuple, got 3"),
        (gate(GAP), "gate 1: at_most: field required"),
        (gate(GAP, "at_most = 10"), "gate 1: at_most: input should be less than 1, got 10"),
        (gate(GAP, "at_most = -0.1"), "gate 1: at_most: input should be greater than or equal to 0"),
        (gate(GAP, "at_most = 0.1", "at_least = 0.1"), "gate 1: at_least: extra inputs are not permitted"),
        (gate("ratio = ['runtime.a']", "at_most = 1"), "gate 1: ratio: 1: field required"),
        (gate("folds = 'random'"), "gate 1: folds: input should be 'speakers-held-out', got 'random'"),
        (gate("cells = 'most'"), "gate 1: cells: input should be 'complete', got 'most'"),
        ("[[gate]", "cannot be read as gates"),
        ("a = " + "[" * 100_000, "cannot be read as gates"),
    ],
)
def test_a_file_with_a_mistake_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "gates.toml"
    file.write_text(text)
    with pytest.raises(GatesError) as refused:
        read_gates(file)
    assert str(refused.value).startswith(f"{file}: {message}")


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "gates.toml", tmp_path / "none.toml", tmp_path):
        with pytest.raises(GatesError, match="cannot be read as gates"):
            read_gates(path)


def write_gates(folder: Path, text: str) -> Path:
    path = folder / "gates.toml"
    path.write_text(text)
    return path


def test_an_edited_summary_passes_no_gate(make_run: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_run()
    path = write_summary(folder)
    file = write_gates(tmp_path, gate(SVM, "at_least = 0.99"))
    edited = json.loads(path.read_text())
    edited["models"]["svm"]["balanced_accuracy"]["value"] = 1.0
    path.write_text(json.dumps(edited))
    assert [verdict.outcome for verdict in judge_folder(folder, file)] == ["failed"]


def test_a_group_of_a_few_speakers_is_not_judged(healthy_run: Path, tmp_path: Path) -> None:
    accents = load(healthy_run).recordings.drop_duplicates("speaker")["accent"].value_counts()
    assert (accents < 5).any()
    file = write_gates(tmp_path, gate('number = "groups.accent.*.svm.accuracy"', "at_least = 0"))
    outcomes = {verdict.asked.split(".")[2]: verdict.outcome for verdict in judge_folder(healthy_run, file)}
    assert {name for name, outcome in outcomes.items() if outcome == "not measured"} >= set(accents.index[accents < 5])


def test_a_run_without_finished_cells_measures_nothing(make_run: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_run()
    file = write_gates(tmp_path, gate(GAP, "at_most = 0.1") + gate('cells = "complete"') + gate(SVM, "at_least = 0"))
    empty = tables.read("predictions", folder).iloc[:0]
    tables.write(empty, "predictions", folder)
    for _ in range(2):
        verdicts = judge_folder(folder, file)
        assert [verdict.outcome for verdict in verdicts] == ["not measured"] * 3
        assert {verdict.why for verdict in verdicts} == {"no cell of this run has finished"}
        (folder / "predictions.parquet").unlink(missing_ok=True)


def test_a_folder_that_is_no_run_is_no_measurement(tmp_path: Path) -> None:
    file = write_gates(tmp_path, gate('cells = "complete"'))
    texts = (None, '{"name": "a web page"}', "no JSON", "[]", "3", '{"task": {}, "protocol": {}, "models": [1]}')
    for content in texts:
        if content:
            (tmp_path / "manifest.json").write_text(content)
        with pytest.raises(TableError, match="manifest"):
            judge_folder(tmp_path, file)


def test_the_example_is_true_of_a_good_run(make_run: Callable[..., Path]) -> None:
    folder = make_run(models=("svm", "logistic"), accuracy=(0.97, 0.92), n_women=24, n_men=36, quarantined=0)
    verdicts = judge_folder(folder, DOCS / "gates.example.toml")
    assert exit_status(verdicts) == 0, "\n".join(verdict.line for verdict in verdicts)


def test_every_gate_in_the_documents_can_be_read(tmp_path: Path) -> None:
    blocks = (DOCS / "gates.md").read_text(encoding="utf-8").split("```toml\n")[1:]
    assert blocks
    for block in blocks:
        read_gates(write_gates(tmp_path, block.partition("```")[0]))
