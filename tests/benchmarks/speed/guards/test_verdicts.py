"""Speed guards: their verdicts by hand, slow-downs planted and measured, and every way to have no verdict."""

import json
from functools import partial

import pytest
from typer.testing import CliRunner

from benchmarks.cli.app import app
from benchmarks.speed.guards import measurements
from benchmarks.speed.guards.baseline import HEADROOM, read_baseline
from benchmarks.speed.guards.measurements import Measurement, measure
from benchmarks.speed.guards.verdicts import P_LIMIT, BaselineError, judge, judge_all, line

PLANTED = """\
import hashlib

import pytest

from benchmarks.speed.guards.rounds import Guard, interleave

BLOCK = bytes(100_000)


@pytest.mark.parametrize(("slow_down", "time"), [(1.0, i) for i in range(20)] + [(1.5, i) for i in range(5)])
def test_planted(benchmark, slow_down, time):
    slowed = bytes(int(len(BLOCK) * slow_down))
    guard = Guard(name=f"{slow_down} {time}", subject="a hash", reference="the same hash")
    interleave(benchmark, guard, lambda: hashlib.sha256(slowed), lambda: hashlib.sha256(BLOCK))
"""


def rounds(subject, reference, name="one"):
    return Measurement(
        name=name, subject="it", reference="the other", subject_seconds=subject, reference_seconds=reference
    )


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Measured guards of one machine and hour: 20 without a slow-down, 5 with one of 1.5 times."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "guard_planted.py").write_text(PLANTED, encoding="utf-8")
    return {guard.name: guard for guard in measure(folder)}


def test_twenty_guards_without_a_slow_down_pass(planted):
    same = [judge(guard, HEADROOM) for name, guard in planted.items() if name.startswith("1.0")]
    assert len(same) == 20
    assert [verdict.measurement.ratio for verdict in same if not verdict.holds] == []


def test_a_slow_down_of_one_and_a_half_fails(planted):
    slowed = [judge(guard, HEADROOM) for name, guard in planted.items() if name.startswith("1.5")]
    assert len(slowed) == 5
    assert [verdict.measurement.ratio for verdict in slowed if verdict.holds] == []


def test_both_sides_of_a_round_last_about_alike(planted):
    assert {len(guard.rounds) for guard in planted.values()} == {60}
    assert all(seconds > 0 for guard in planted.values() for seconds in guard.reference_seconds)


@pytest.mark.parametrize(
    ("subject", "limit", "p", "holds"),
    [
        # all above all: one of 252 orders of 5 and 5, one of 924 of 6 and 6; 1/252 is above 0.002, 1/924 below
        ([11, 12, 13, 14, 15], 2, 1 / 252, True),
        ([11, 12, 13, 14, 15, 16], 2, 1 / 924, False),
        # all below all: every order is as extreme
        ([11, 12, 13, 14, 15, 16], 20, 1.0, True),
    ],
)
def test_a_guard_fails_over_its_limit_and_beyond_chance(subject, limit, p, holds):
    reference = [1 + 0.1 * i for i in range(len(subject))]
    verdict = judge(rounds(subject, reference), limit)
    assert verdict.p == pytest.approx(p, rel=1e-12)
    assert verdict.holds is holds


def test_significant_but_within_the_limit_holds():
    # unpaired, the subject's times lie above; paired, the median ratio is 1
    subject, reference = [3.0] * 40 + [1.0] * 60, [1.0] * 40 + [1.0] * 60
    verdict = judge(rounds(subject, reference), 1.5)
    assert verdict.measurement.ratio == 1.0 and verdict.holds
    over = judge(rounds([1.2] * 30, [1.0] * 30), 1.1)
    assert over.measurement.ratio == pytest.approx(1.2) and over.p < P_LIMIT and not over.holds


def test_ratio_is_the_median_of_the_rounds():
    guard = rounds([2, 9, 4, 8], [1, 3, 2, 2])
    assert guard.rounds == [2, 3, 2, 4]
    assert guard.ratio == 2.5


def test_guards_and_limits_must_name_each_other():
    guards = [rounds([1], [1], "known"), rounds([1], [1], "new guard")]
    with pytest.raises(BaselineError, match=r"without a limit \['new guard'\], limits without a guard \['old guard'\]"):
        judge_all(guards, {"known": 1, "old guard": 1})


def speed_run(monkeypatch, folder, *arguments):
    monkeypatch.setattr(measurements, "measure", partial(measure, folder))
    return CliRunner().invoke(app, ["speed", "run", *arguments])


SKIPPED = "import pytest\n\ndef test_it(benchmark):\n    pytest.skip('not here')\n"


@pytest.mark.parametrize("text", [None, "", SKIPPED], ids=["no file", "no test", "skipped"])
def test_nothing_measured_is_exit_3(monkeypatch, tmp_path, text):
    if text is not None:
        (tmp_path / "guard_it.py").write_text(text, encoding="utf-8")
    done = speed_run(monkeypatch, tmp_path)
    assert done.exit_code == 3
    assert "nothing was measured" in done.output


QUICK = """\
from benchmarks.speed.guards import rounds

rounds.ROUND_S = 0.0005


def test_it(benchmark):
    guard = rounds.Guard(name="unknown", subject="a", reference="b")
    rounds.interleave(benchmark, guard, lambda: sum(range(999)), lambda: sum(range(999)))
"""


def test_a_guard_that_raises_is_exit_1_and_one_unknown_to_the_baseline_exit_2(monkeypatch, tmp_path):
    (tmp_path / "guard_it.py").write_text("def test_it(benchmark):\n    raise ValueError\n", encoding="utf-8")
    assert speed_run(monkeypatch, tmp_path).exit_code == 1
    (tmp_path / "guard_it.py").write_text(QUICK, encoding="utf-8")
    done = speed_run(monkeypatch, tmp_path)
    assert done.exit_code == 2
    assert "'unknown'" in done.output and "'page'" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(("slow", "exit_code"), [(False, 0), (True, 1)])
def test_verdicts_are_told_recorded_and_in_the_exit_status(monkeypatch, tmp_path, slow, exit_code):
    subject = [3.0 if slow else 1.0] * 20
    limits = dict.fromkeys(read_baseline(), 1.25)
    monkeypatch.setattr(measurements, "measure", lambda: [rounds(subject, [1.0] * 20, name) for name in limits])
    monkeypatch.setattr("benchmarks.speed.guards.baseline.read_baseline", lambda: limits)
    done = CliRunner().invoke(app, ["speed", "run", str(tmp_path / "run")])
    assert done.exit_code == exit_code
    assert done.output.count("too slow" if slow else "holds") == len(limits)
    recorded = json.loads((tmp_path / "run" / "guards.json").read_text(encoding="utf-8"))["guards"]
    assert [guard["name"] for guard in recorded] == list(limits)
    assert recorded[0]["holds"] is not slow
    assert recorded[0]["rounds"] == subject
    assert line(judge(rounds(subject, [1.0] * 20), 1.25)).startswith("too slow" if slow else "holds")
