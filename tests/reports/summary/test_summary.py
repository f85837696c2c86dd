"""summary.json: complete, without false numbers, the same bytes every time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.run_directory.files import TableError
from reports.summary.groups import ATTRIBUTES
from reports.summary.summary import summarise, write_summary

NUMBER = {"value", "low", "high", "method", "n_speakers", "n_recordings", "estimable", "why_not"}


def numbers(found: Any) -> Iterator[dict[str, Any]]:
    """Yield every number object in a summary."""
    if isinstance(found, dict):
        if "estimable" in found:
            yield found
        for value in found.values():
            yield from numbers(value)
    elif isinstance(found, list):
        for value in found:
            yield from numbers(value)


def test_paths_that_scripts_read(healthy_run: Path) -> None:
    summary = json.loads(write_summary(healthy_run).read_text(encoding="utf-8"))
    assert summary["schema"] == "voxfold-summary/2"
    for model in ("svm", "xgboost", "cnn", "majority"):
        found = summary["models"][model]
        for name in ("balanced_accuracy", "accuracy", "mcc", "auroc", "brier"):
            assert set(found[name]) >= NUMBER
        assert set(found["recall"]) == {"female", "male"}
        assert set(summary["leakage_premium"][model]) >= NUMBER | {"score", "main_score"}
        for attribute in ATTRIBUTES:
            assert set(summary["gaps"][attribute][model]) >= NUMBER | {"unbiased_low", "unbiased_high"}
            for group in summary["groups"][attribute].values():
                assert set(group[model]["accuracy"]) >= NUMBER
    assert {(pair["a"], pair["b"]) for pair in summary["comparisons"]} == {
        ("svm", "xgboost"),
        ("svm", "cnn"),
        ("xgboost", "cnn"),
    }
    for pair in summary["comparisons"]:
        assert set(pair) >= {"metric", "difference", "p", "p_holm", "significant", "equal", "detectable", "fold_level"}
        assert pair["p"] <= pair["p_holm"] <= 1
    assert set(summary["ranks"]) == {"svm", "xgboost", "cnn"}
    assert all(set(rank) >= NUMBER for rank in summary["ranks"].values())


def test_every_number_has_an_interval_around_it_or_says_why_not(healthy_summary: dict[str, Any]) -> None:
    found = list(numbers(healthy_summary))
    assert len(found) > 300
    for number in found:
        if number["estimable"]:
            assert number["low"] <= number["value"] <= number["high"]
            assert number["method"]
            assert number["why_not"] is None
        else:
            assert number["low"] is None
            assert number["high"] is None
            assert number["why_not"]
    assert sum(number["estimable"] for number in found) > 100


def test_the_same_tables_give_the_same_bytes(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    written = []
    for _ in range(2):
        path = write_summary(folder)
        written.append((path.read_bytes(), (folder / "summary.md").read_bytes()))
    assert written[0] == written[1]


def test_json_has_no_nan(make_run: Callable[..., Path]) -> None:
    folder = make_run(no_scores=("svm", "cnn"), constant=("svm",))
    text = write_summary(folder).read_text(encoding="utf-8")
    assert "NaN" not in text
    assert "Infinity" not in text


def test_cleaned_values_are_listed_with_what_they_became(healthy_summary: dict[str, Any]) -> None:
    found = {(row["attribute"], row["raw"], row["clean"]): row["n_speakers"] for row in healthy_summary["cleaned"]}
    assert found == {
        ("accent", "german ", "German"): 1,
        ("age", "1234", "not stated"): 1,
        ("room", "vr-romm", "VR-Room"): 6,
    }


def test_quarantined_recordings_are_all_there(make_run: Callable[..., Path]) -> None:
    summary = summarise(make_run(quarantined=40))
    assert len(summary["quarantine"]) == summary["corpus"]["n_quarantined"] == 40


@pytest.mark.parametrize(
    ("corpus", "names"),
    [
        ({}, ["AlexNet, spectrograms", "AudioNet, waveforms"]),
        ({"synthetic": True}, []),
        ({"kind": "manifest"}, []),
    ],
)
def test_published_numbers_stand_beside_the_same_corpus_only(
    make_run: Callable[..., Path], corpus: dict[str, Any], names: list[str]
) -> None:
    summary = summarise(make_run(protocol="official", corpus=corpus))
    assert [other["name"] for other in summary["published"]["main"]] == names


def test_the_short_version_escapes_names(make_run: Callable[..., Path]) -> None:
    folder = make_run(models=("svm", "a|b<i>"), accuracy=(0.8, 0.7))
    write_summary(folder)
    text = (folder / "summary.md").read_text(encoding="utf-8")
    assert "a\\|b\\<i\\>" in text
    assert "| SVM |" in text


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"manifest\.json is missing"):
        summarise(tmp_path)


def test_a_broken_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(TableError, match=r"manifest\.json cannot be read"):
        summarise(tmp_path)
