"""The committed limits of the speed guards: read as written, by processor, damaged, complete."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.speed.guards.baseline import HEADROOM, median_ratios, read_baseline, write_baseline
from benchmarks.speed.guards.measurements import GUARDS
from benchmarks.speed.guards.verdicts import BaselineError
from tests.benchmarks.speed.guards.test_verdicts import rounds

CHECKOUT = Path(__file__).resolve().parents[4]


def test_a_baseline_is_read_as_written(tmp_path):
    path = tmp_path / "baseline.toml"
    passes = [[rounds([ratio], [1], "one"), rounds([4], [1], "two")] for ratio in (2, 9, 3)]
    write_baseline(median_ratios(passes), path)
    assert read_baseline(path) == {"one": pytest.approx(3 * HEADROOM), "two": pytest.approx(4 * HEADROOM)}


def test_each_processor_has_its_limits_and_an_unknown_one_the_largest(tmp_path):
    path = tmp_path / "baseline.toml"
    write_baseline({"one": 2, "gone": 1}, path, 'the "old" one')
    write_baseline({"one": 5}, path, "a new one")
    write_baseline({"one": 3}, path, "a new one")
    limits = {where: read_baseline(path, where) for where in ('the "old" one', "a new one", "unknown")}
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
        read_baseline(path)


def test_the_committed_baseline_has_a_limit_per_guard():
    guards = map(str, sorted(GUARDS.glob("guard_*.py")))
    command = [sys.executable, "-P", "-m", "pytest", "--collect-only", "-q", *guards]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert sum("::test_" in line for line in done.stdout.splitlines()) == len(read_baseline())
