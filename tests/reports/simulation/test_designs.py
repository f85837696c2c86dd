"""Known truth through the report's own intervals and tests: is 95 % true, and can the gates fail?"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from sklearn.neighbors import NearestCentroid
from typer.testing import CliRunner

from benchmarks.cli.app import app
from reports.simulation import designs as simulation
from reports.simulation import other_intervals, refitted_models
from reports.simulation.designs import EXCHANGEABLE, OPPOSITE, SKEWED, Design, Null
from reports.simulation.tables import beside_table, chosen, gates, markdown, run_here, run_in_processes, simulate
from reports.statistics.intervals import Interval, Stratified, no_interval, share_interval, share_intervals

CHECKOUT = Path(__file__).resolve().parents[3]
N_SETS = 2_000
REDUCED = [
    Design(sizes=(48, 12), recalls=(0.90, 0.90), correlation=0.1),
    Design(sizes=(48, 12), recalls=(0.88, 0.66), correlation=0.2),
    Design(sizes=(12, 12), recalls=(0.97, 0.97), correlation=0.4),
    Design(sizes=(24, 36), recalls=(0.80, 0.97), correlation=0.05),
]


def sample_of(*parts: list[float]) -> Stratified:
    strata = np.repeat(np.arange(len(parts), dtype=np.int64), [len(part) for part in parts])
    weights = np.full(len(parts), 1 / len(parts))
    return Stratified(scores=np.concatenate([np.array(part) for part in parts]), strata=strata, weights=weights)


# --- the simulation in small ------------------------------------------------------------------------------------------


@lru_cache
def covered(design: Design) -> dict[str, Any]:
    return design.run(N_SETS, seed=1)


@pytest.mark.parametrize("design", REDUCED, ids=lambda design: design.name)
def test_headline_covers_the_truth(design: Design) -> None:
    """2,000 data sets: 95 % has a standard error of 0.5 points. Over recordings, less than half are covered."""
    methods = covered(design)["methods"]
    assert 0.91 <= methods["bootstrap_t"]["covered"] <= 0.98
    assert methods["recordings"]["covered"] < 0.5
    assert methods["percentile"]["covered"] < methods["bootstrap_t"]["covered"]
    if design.mover_gated:
        assert 0.91 <= methods["mover"]["covered"] <= 0.98


@pytest.mark.parametrize("kind", [EXCHANGEABLE, OPPOSITE])
@pytest.mark.parametrize("sizes", [(48, 12), (12, 12)])
def test_sign_flips_reject_five_percent(kind: str, sizes: tuple[int, int]) -> None:
    found = Null(kind=kind, sizes=sizes, accuracy=0.9, correlation=0.2).run(N_SETS, seed=1)
    assert 0.03 <= found["rejected"] <= 0.07


def test_fewer_flips_than_the_report_makes_do_not_matter() -> None:
    """The same 300 data sets with 9,999 and with 99,999 flips: at most a decision in a hundred changes."""
    null = Null(kind=EXCHANGEABLE, sizes=(12, 12), accuracy=0.9, correlation=0.2)
    scores = simulation.draw_pairs(null, 300, np.random.default_rng(0))
    differences, design = scores[0] - scores[1], simulation.strata_of(null.sizes)
    few, many = (simulation.sign_flips(differences, *design, n) < 0.05 for n in (simulation.N_FLIPS, 99_999))
    assert (few != many).mean() <= 0.01


# --- the gates --------------------------------------------------------------------------------------------------------


def test_the_percentile_bootstrap_would_fail_the_gate() -> None:
    """Fed to the gate in place of the headline, where speakers differ most."""
    honest = covered(REDUCED[2])
    methods = honest["methods"]
    swapped = {**honest, "methods": {**methods, "bootstrap_t": methods["percentile"]}}
    honest, failing = gates([honest], []), gates([swapped], [])
    assert [gate["holds"] for gate in honest] == [True]
    assert [gate["holds"] for gate in failing] == [False]
    assert failing[0]["n_outside"] == 1 and failing[0]["highest"] < 0.92


@pytest.mark.parametrize(("rejected", "holds"), [(0.029, False), (0.03, True), (0.07, True), (0.071, False)])
def test_the_gate_of_the_test_has_two_sides(rejected: float, holds: bool) -> None:
    assert [gate["holds"] for gate in gates([], [{"gated": True, "rejected": rejected}])] == [holds]


@pytest.mark.parametrize(("covered", "holds"), [(0.919, False), (0.92, True), (0.97, True), (0.971, False)])
def test_the_gate_of_the_headline_has_two_sides(covered: float, holds: bool) -> None:
    row = {"mover_gated": False, "methods": {"bootstrap_t": {"covered": covered}, "mover": {"covered": 0.5}}}
    assert [gate["holds"] for gate in gates([row], [])] == [holds]


def test_skewed_nulls_and_hard_designs_of_mover_are_no_gate() -> None:
    skewed = [null for null in simulation.nulls() if null.kind == SKEWED]
    assert skewed and not any(null.gated for null in skewed)
    assert gates([], [{"gated": False, "rejected": 0.5}]) == []
    free = {(design.truth, design.correlation) for design in simulation.designs() if not design.mover_gated}
    assert free == {(0.97, 0.2), (0.97, 0.4)}


def test_designs_are_those_that_the_method_names() -> None:
    found = simulation.designs()
    assert {design.sizes for design in found} == {(48, 12), (12, 12), (24, 36)}
    assert {design.correlation for design in found} == {0.05, 0.1, 0.2, 0.4}
    assert {tuple(sorted(design.recalls)) for design in found} == {
        (0.75, 0.75),
        (0.9, 0.9),
        (0.97, 0.97),
        (0.66, 0.88),
        (0.8, 0.97),
    }
    names = [design.name for part in chosen("").values() for design in part]
    assert len(found) == 76
    assert len(set(names)) == len(names) - 3  # one of each kind of null has two numbers of flips


# --- what is drawn and counted ----------------------------------------------------------------------------------------


def test_scores_have_the_recalls_and_the_correlation_that_are_asked_for() -> None:
    """The variance of a beta-binomial share is m (1 - m) (rho + (1 - rho) / n); 1.2 million men's scores."""
    design = Design(sizes=(48, 12), recalls=(0.88, 0.66), correlation=0.2)
    scores = simulation.draw_scores(design, 25_000, np.random.default_rng(0))
    for part, recall in ((scores[:, :48], 0.88), (scores[:, 48:], 0.66)):
        assert part.mean() == pytest.approx(recall, abs=0.002)
        assert part.var() == pytest.approx(recall * (1 - recall) * (0.2 + 0.8 / 500), rel=0.01)


@pytest.mark.parametrize("kind", [EXCHANGEABLE, OPPOSITE, SKEWED])
def test_pairs_have_equal_balanced_accuracy_and_share_their_luck(kind: str) -> None:
    null = Null(kind=kind, sizes=(24, 36), accuracy=0.9, correlation=0.4)
    first, second = simulation.draw_pairs(null, 20_000, np.random.default_rng(0))
    gain = 0.05 if kind == OPPOSITE else 0.0
    rho = 0.05 if kind == SKEWED else 0.4
    assert second.mean() == pytest.approx(0.9, abs=0.002)
    assert first[:, :24].mean() == pytest.approx(0.9 - gain, abs=0.003)
    assert first[:, 24:].mean() == pytest.approx(0.9 + gain, abs=0.003)
    recall = 0.9 - gain
    assert first[:, :24].var() == pytest.approx(recall * (1 - recall) * (rho + (1 - rho) / 500), rel=0.03)
    if kind == EXCHANGEABLE:
        together = np.corrcoef(first.ravel(), second.ravel())[0, 1]
        assert together == pytest.approx(0.5, abs=0.1)


def test_what_is_not_estimable_covers_nothing() -> None:
    """Of four intervals one holds the truth, two do not, one is none; widths .2, .1 and .3."""
    intervals = [Interval(low=0.4, high=0.6), Interval(low=0.6, high=0.7), Interval(low=0.1, high=0.4)]
    found = simulation.covering([*intervals, no_interval("no variation")], np.full(4, 0.5))
    assert found["covered"] == 0.25
    assert found["not_estimable"] == 0.25
    assert found["width"] == pytest.approx(0.2, abs=1e-12)


def test_speakers_without_variation_are_counted_as_not_estimable() -> None:
    """Two times five speakers of correlation .9: often all of them are always right, or always wrong."""
    found = Design(sizes=(5, 5), recalls=(0.97, 0.97), correlation=0.9).run(200, seed=0)["methods"]
    assert found["bootstrap_t"]["not_estimable"] > 0.1
    assert found["bootstrap_t"]["covered"] + found["bootstrap_t"]["not_estimable"] <= 1


def test_many_sets_at_once_are_many_intervals() -> None:
    """One of the 20 is without variation; a matrix product may sum in another order."""
    scores = simulation.draw_scores(REDUCED[1], 20, np.random.default_rng(3))
    scores[4] = 1.0
    strata, weights = simulation.strata_of(REDUCED[1].sizes)
    for row, found in zip(scores, share_intervals(scores, strata, weights), strict=True):
        alone = share_interval(Stratified(scores=row, strata=strata, weights=weights))
        assert (found.why_not, found.method) == (alone.why_not, alone.method)
        assert [found.low, found.high] == pytest.approx([alone.low, alone.high], rel=1e-9, nan_ok=True)


def test_the_same_design_gives_the_same_numbers_whichever_others_run() -> None:
    name = "12+12 recalls 0.75/0.75 correlation 0.05"
    alone = simulate(chosen(name), 20, 3, run_here)["intervals"]
    beside = simulate(chosen("12+12 recalls 0.75/0.75"), 20, 3, run_in_processes(2, lambda done, total: None))
    assert beside["intervals"][0] == alone[0]
    assert simulate(chosen(name), 20, 4, run_here)["intervals"] != alone


# --- the intervals of others ------------------------------------------------------------------------------------------

SCORES = [0.5, 0.9, 0.95, 0.97, 0.8, 0.99, 0.93, 0.88, 0.98, 0.7, 0.96, 0.91]


def test_bootstraps_over_speakers_are_scipys() -> None:
    """One stratum; two Monte Carlo estimates of a limit differ by about a thousandth."""
    sample = sample_of(SCORES)
    found = other_intervals.speaker_bootstraps(sample.scores[np.newaxis], sample.strata, sample.weights)[0]
    for interval, method in zip(found, ("percentile", "BCa"), strict=True):
        drawn = scipy.stats.bootstrap(
            (sample.scores,), np.mean, method=method, n_resamples=50_000, rng=np.random.default_rng(0)
        ).confidence_interval
        assert [interval.low, interval.high] == pytest.approx([drawn.low, drawn.high], abs=0.003)


def test_interval_over_recordings_by_hand() -> None:
    """Recalls 3/4 of 4 + 4 recordings and 1/2 of 10: variance (.75 x .25 / 8 + .5 x .5 / 10) / 4."""
    sample = sample_of([0.5, 1.0], [0.5])
    found = other_intervals.recording_interval(sample, np.array([4, 4, 10]))
    reach = 1.959964 * math.sqrt((0.75 * 0.25 / 8 + 0.25 / 10) / 4)
    assert [found.low, found.high] == pytest.approx([0.625 - reach, 0.625 + reach], abs=1e-6)


def test_with_thousands_of_recordings_their_bootstrap_is_the_normal_interval() -> None:
    counts = np.array([[5_400.0, 600.0], [3_000.0, 21_000.0]])
    drawn = other_intervals.recording_bootstrap(counts)
    normal = other_intervals.recording_interval(sample_of([0.9], [0.875]), np.array([6_000, 24_000]))
    assert [drawn.low, drawn.high] == pytest.approx([normal.low, normal.high], abs=0.0005)
    assert other_intervals.recording_bootstrap(np.array([[3.0, 1.0], [0.0, 0.0]])).why_not == "a class has no recording"


# --- refitted models --------------------------------------------------------------------------------------------------

SMALL = refitted_models.Refitted(sizes=(12, 12), n_folds=4, distance=2.0, spread=0.4, n_features=20)


def test_held_out_scores_are_on_average_what_the_trained_models_truly_are() -> None:
    """The truths are a formula, the scores are drawn: 4,000 means of 24 speakers, standard error 0.0007."""
    scores, truths = refitted_models.fit(SMALL, 4_000, np.random.default_rng(0))
    assert scores.mean() == pytest.approx(truths.mean(), abs=0.003)
    assert truths.std() > 0.005


def test_centroids_and_recalls_are_those_of_scikit_learns_nearest_centroid() -> None:
    """New speakers of a class: 200,000 recordings of as many speakers, standard error 0.001."""
    random = np.random.default_rng(0)
    classes = np.repeat([0, 1], 12)
    heard = random.normal(size=(1, 24, 20)) * math.sqrt(SMALL.spread)
    heard[0, :, 0] += SMALL.distance * (classes - 0.5)
    normal, midpoint = refitted_models._centroids(heard, classes)
    model = NearestCentroid().fit(heard[0], classes)
    for label, recall in enumerate(refitted_models._recalls(SMALL, normal, midpoint)):
        recordings = random.normal(size=(200_000, 20)) * math.sqrt(1 + SMALL.spread)
        recordings[:, 0] += SMALL.distance * (label - 0.5)
        assert recall[0] == pytest.approx((model.predict(recordings) == label).mean(), abs=0.005)


def test_refitting_is_counted_but_no_gate() -> None:
    found = SMALL.run(400, seed=0)
    assert 0.80 <= found["methods"]["bootstrap_t"]["algorithm"]["covered"] <= 0.97
    assert found["methods"]["bootstrap_t"]["trained"]["covered"] <= 0.98
    assert found["training_sd"] > 0
    assert 0 < found["rejected"] < 0.3
    assert gates([], []) == []


# --- the commands -----------------------------------------------------------------------------------------------------


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the command sets in the environment from the other tests."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")


@pytest.mark.usefixtures("threads")
def test_the_command_prints_and_writes_its_tables(tmp_path: Path) -> None:
    """One design that holds with seed 0, and tables in the form that the file's name asks for."""
    name = "12+12 recalls 0.75/0.75 correlation 0.2"
    base = ["simulate", "--data-sets", "400", "--jobs", "1", "--designs", name, "--out"]
    done = CliRunner().invoke(app, [*base, str(tmp_path / "new" / "table.md")])
    assert done.exit_code == 0, done.output
    assert "| holds |" in done.output and "FAILS" not in done.output
    assert (tmp_path / "new" / "table.md").read_text(encoding="utf-8") in done.output
    CliRunner().invoke(app, [*base, str(tmp_path / "table.json")])
    counted = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    assert (counted["n_data_sets"], counted["seed"], len(counted["intervals"])) == (400, 0, 1)
    assert 0.92 <= counted["intervals"][0]["methods"]["bootstrap_t"]["covered"] <= 0.97


@pytest.mark.usefixtures("threads")
def test_the_command_fails_with_a_gate() -> None:
    """A share of one data set is 0 or 100 %, which no gate allows."""
    done = CliRunner().invoke(app, ["simulate", "--data-sets", "1", "--jobs", "1", "--designs", "12+12 recalls 0.75"])
    assert done.exit_code == 1
    assert "FAILS" in done.output


@pytest.mark.usefixtures("threads")
def test_the_command_names_designs_when_none_is_called_so() -> None:
    done = CliRunner().invoke(app, ["simulate", "--designs", "7+7"])
    assert done.exit_code == 2
    assert done.stderr.startswith("voxfold: no design's name contains '7+7'; names are such as '48+12 recalls")


def test_every_part_has_its_table() -> None:
    parts = {name: designs[:2] for name, designs in chosen("").items()}
    text = markdown(simulate(parts, 3, 0, run_here))
    for heading in ("Share of 95 % intervals", "Sign-flip test at 5 %", "Refitted models"):
        assert heading in text
    assert text.count("\n| 48+12 |") == 4 and text.count("| exchangeable | 48+12 |") == 2


def test_a_runs_intervals_stand_beside_those_of_others(healthy_run: Path) -> None:
    done = CliRunner().invoke(app, ["intervals", str(healthy_run)])
    assert done.exit_code == 0, done.output
    assert "| svm | 24 speakers, 480 recordings |" in done.output
    from reports.run_directory.run import load
    from reports.summary.summary import summarise

    found = {each["model"]: each for each in other_intervals.beside(load(healthy_run))}
    for name, model in summarise(healthy_run)["models"].items():
        reported = model["balanced_accuracy"]
        if name in found and reported["estimable"]:
            assert found[name]["value"] == reported["value"]
            assert found[name]["intervals"]["bootstrap_t"] == {"low": reported["low"], "high": reported["high"]}


def test_a_model_without_an_interval_says_why() -> None:
    text = beside_table(
        [{"model": "svm", "value": 0.5, "n_speakers": 3, "n_recordings": 9, "why_not": "3 speakers", "intervals": {}}]
    )
    assert "| svm | 3 speakers, 9 recordings | 50.0 | - | - | - | - |" in text
    assert "svm: no interval: 3 speakers." in text


# --- the document -----------------------------------------------------------------------------------------------------


def test_the_document_has_a_row_of_every_design() -> None:
    """And says of no gate that it fails."""
    parts = chosen("")
    text = (CHECKOUT / "docs" / "method.md").read_text(encoding="utf-8")
    table = markdown(simulate({name: all_of[:1] for name, all_of in parts.items()}, 2, 0, run_here))
    heads = [line for line in table.splitlines() if line.startswith(("| speakers", "| models", "| what"))]
    assert len(heads) == 4
    for head in heads:
        assert head in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    firsts = {
        "intervals": r"\| \d+\+\d+ \| \.\d\d/",
        "tests": r"\| (exchangeable|gains|skewed)",
        "refitting": r"\| \d+\+\d+ \| [45] ",
    }
    for name, first in firsts.items():
        assert len([row for row in rows if re.match(first, row)]) == len(parts[name])
    assert text.count("| holds |") == 3 and "FAILS" not in text
