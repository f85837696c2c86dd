"""Speed guards: their verdicts by hand, slow-downs planted and measured, and every way to have no verdict."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.cli.app import app
from benchmarks.speed import measuring, recording
from benchmarks.speed.baseline import HEADROOM, median_ratios, read_limits, write_baseline
from benchmarks.speed.judging import P_LIMIT, BaselineError, Measured, judge, judge_all
from benchmarks.speed.measuring import GUARDS, measure

CHECKOUT = Path(__file__).resolve().parents[2]

PLANTED = """\
import hashlib

import pytest

from benchmarks.speed.interleaving import Guard, interleave

BLOCK = bytes(100_000)


@pytest.mark.parametrize(("slow_down", "time"), [(1.0, i) for i in range(20)] + [(1.5, i) for i in range(5)])
def test_planted(benchmark, slow_down, time):
    slowed = bytes(int(len(BLOCK) * slow_down))
    guard = Guard(name=f"{slow_down} {time}", subject="a hash", reference="the same hash")
    interleave(benchmark, guard, lambda: hashlib.sha256(slowed), lambda: hashlib.sha256(BLOCK))
"""


def rounds(subject, reference, name="one"):
    return Measured(
        name=name, subject="it", reference="the other", subject_seconds=subject, reference_seconds=reference
    )


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Measured guards of one machine and hour: 20 without a slow-down, 5 with one of 1.5 times."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "guard_planted.py").write_text(PLANTED, encoding="utf-8")
    return {found.name: found for found in measure(folder)}


def test_twenty_guards_without_a_slow_down_pass(planted):
    same = [judge(found, HEADROOM) for name, found in planted.items() if name.startswith("1.0")]
    assert len(same) == 20
    assert [verdict.measured.ratio for verdict in same if not verdict.holds] == []


def test_a_slow_down_of_one_and_a_half_fails(planted):
    slowed = [judge(found, HEADROOM) for name, found in planted.items() if name.startswith("1.5")]
    assert len(slowed) == 5
    assert [verdict.measured.ratio for verdict in slowed if verdict.holds] == []


def test_both_sides_of_a_round_last_about_alike(planted):
    assert {len(found.rounds) for found in planted.values()} == {60}
    assert all(seconds > 0 for found in planted.values() for seconds in found.reference_seconds)


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
    assert verdict.measured.ratio == 1.0 and verdict.holds
    over = judge(rounds([1.2] * 30, [1.0] * 30), 1.1)
    assert over.measured.ratio == pytest.approx(1.2) and over.p < P_LIMIT and not over.holds


def test_ratio_is_the_median_of_the_rounds():
    found = rounds([2, 9, 4, 8], [1, 3, 2, 2])
    assert found.rounds == [2, 3, 2, 4]
    assert found.ratio == 2.5


def test_guards_and_limits_must_name_each_other():
    measured = [rounds([1], [1], "known"), rounds([1], [1], "new guard")]
    with pytest.raises(BaselineError, match=r"without a limit \['new guard'\], limits without a guard \['old guard'\]"):
        judge_all(measured, {"known": 1, "old guard": 1})


def test_a_baseline_is_read_as_written(tmp_path):
    path = tmp_path / "baseline.toml"
    passes = [[rounds([ratio], [1], "one"), rounds([4], [1], "two")] for ratio in (2, 9, 3)]
    write_baseline(median_ratios(passes), path)
    assert read_limits(path) == {"one": pytest.approx(3 * HEADROOM), "two": pytest.approx(4 * HEADROOM)}


def test_each_processor_has_its_limits_and_an_unknown_one_the_largest(tmp_path):
    path = tmp_path / "baseline.toml"
    write_baseline({"one": 2, "gone": 1}, path, 'the "old" one')
    write_baseline({"one": 5}, path, "a new one")
    write_baseline({"one": 3}, path, "a new one")
    limits = {where: read_limits(path, where) for where in ('the "old" one', "a new one", "unknown")}
    assert limits == {
        'the "old" one': {"one": pytest.approx(2 * HEADROOM)},
        "a new one": {"one": pytest.approx(3 * HEADROOM)},
        "unknown": {"one": pytest.approx(3 * HEADROOM)},
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[guards.one]\nlimit = { "any other" = -1 }', "'one'"),
        ('[guards.one]\nlimit = { "any other" = true }', "'one'"),
        ('[guards.one]\nlimit = { "any other" = nan }', "'one'"),
        ('[guards.one]\nlimit = { "another" = 2 }', "any other"),
        ("[guards.one]\nlimit = 2", "cannot be read"),
        ("[guards.one]\nratio = 2", "limit"),
        ("limit = 2", "guards"),
        ("[guards", "cannot be read"),
    ],
)
def test_a_damaged_baseline_is_told(tmp_path, text, expected):
    path = tmp_path / "baseline.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError, match=expected):
        read_limits(path)


def test_the_committed_baseline_has_a_limit_per_guard():
    command = [
        sys.executable,
        "-P",
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        *map(str, sorted(GUARDS.glob("guard_*.py"))),
    ]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert sum("::test_" in line for line in done.stdout.splitlines()) == len(read_limits())


def speed_run(monkeypatch, folder, *arguments):
    monkeypatch.setattr(measuring, "measure", partial(measure, folder))
    return CliRunner().invoke(app, ["speed", "run", *arguments])


SKIPPED = "import pytest\n\ndef test_it(benchmark):\n    pytest.skip('not here')\n"


@pytest.mark.parametrize("text", [None, "", SKIPPED], ids=["no file", "no test", "skipped"])
def test_nothing_measured_is_exit_3(monkeypatch, tmp_path, text):
    if text is not None:
        (tmp_path / "guard_it.py").write_text(text, encoding="utf-8")
    result = speed_run(monkeypatch, tmp_path)
    assert result.exit_code == 3
    assert "nothing was measured" in result.output


QUICK = """\
from benchmarks.speed import interleaving

interleaving.ROUND_S = 0.0005


def test_it(benchmark):
    guard = interleaving.Guard(name="unknown", subject="a", reference="b")
    interleaving.interleave(benchmark, guard, lambda: sum(range(999)), lambda: sum(range(999)))
"""


def test_a_guard_that_raises_is_exit_1_and_one_unknown_to_the_baseline_exit_2(monkeypatch, tmp_path):
    (tmp_path / "guard_it.py").write_text("def test_it(benchmark):\n    raise ValueError\n", encoding="utf-8")
    assert speed_run(monkeypatch, tmp_path).exit_code == 1
    (tmp_path / "guard_it.py").write_text(QUICK, encoding="utf-8")
    result = speed_run(monkeypatch, tmp_path)
    assert result.exit_code == 2
    assert "'unknown'" in result.output and "'page'" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(("slow", "exit_code"), [(False, 0), (True, 1)])
def test_verdicts_are_told_recorded_and_in_the_exit_status(monkeypatch, tmp_path, slow, exit_code):
    subject = [3.0 if slow else 1.0] * 20
    limits = dict.fromkeys(read_limits(), 1.25)
    monkeypatch.setattr(measuring, "measure", lambda: [rounds(subject, [1.0] * 20, name) for name in limits])
    monkeypatch.setattr("benchmarks.speed.baseline.read_limits", lambda: limits)
    result = CliRunner().invoke(app, ["speed", "run", str(tmp_path / "run")])
    assert result.exit_code == exit_code
    assert result.output.count("too slow" if slow else "holds") == len(limits)
    found = json.loads((tmp_path / "run" / "guards.json").read_text(encoding="utf-8"))["guards"]
    assert [guard["name"] for guard in found] == list(limits)
    assert found[0]["holds"] is not slow
    assert found[0]["rounds"] == subject
    assert recording.line(judge(rounds(subject, [1.0] * 20), 1.25)).startswith("too slow" if slow else "holds")
