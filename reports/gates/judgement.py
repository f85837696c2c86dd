"""Judge a run by its gates, on numbers computed anew from its tables.

A number without an interval is never judged: a point that three speakers gave says nothing about the next speaker,
so its gate is *not measured*, which is no success. Costs and counts are no estimates over speakers and are judged as
they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_never

from reports.gates import requirements
from reports.gates.gates_file import (
    EVERY,
    CellsGate,
    FoldsGate,
    GapGate,
    Gates,
    GatesError,
    NumberGate,
    RatioGate,
    dotted,
    read_gates,
)
from reports.gates.verdicts import Verdict, shortened
from reports.run_directory.run import Run, load, read_manifest
from reports.summary.summary import summarise
from reports.terms import Json

TOLERANCE = 1e-9
"""A number this close to a bound meets it: 0.85 is seldom 0.85 in binary."""

PLAIN = ("runtime", "corpus")
"""Parts of the summary whose plain values can be judged: costs and counts."""


def judge_folder(folder: Path, file: Path) -> list[Verdict]:
    """Judge the run directory `folder` by the gates in `file`.

    Raises
    ------
    reports.gates.gates_file.GatesError
        The file cannot be read, or names what this run does not have.
    reports.run_directory.files.TableError
        `folder` is no run directory, or one of its tables is not as declared.
    """
    gates = read_gates(file)
    read_manifest(folder)
    run = load(folder) if (folder / "predictions.parquet").exists() else None
    if run is None or run.predictions.empty:
        why = "no cell of this run has finished"
        return [_unmeasured(gate.asked(), "nothing", why) for gate in gates.gate]
    return judge(gates, summarise(folder), run)


def judge(gates: Gates, summary: Json, run: Run) -> list[Verdict]:
    """Judge `run`, of which `summary` holds the numbers; a verdict for every requirement, in the order of the gates.

    Raises
    ------
    reports.gates.gates_file.GatesError
        A gate names what this run does not have; then nothing is judged.
    """
    verdicts: list[Verdict] = []
    for place, gate in enumerate(gates.gate, start=1):
        try:
            match gate:
                case NumberGate():
                    verdicts += [_number(gate, path, node, summary) for path, node in find(summary, gate.number)]
                case GapGate():
                    verdicts += [_gap(gate, path, node) for path, node in find(summary, gate.path)]
                case RatioGate():
                    verdicts.append(_ratio(gate, summary))
                case FoldsGate():
                    verdicts.append(requirements.speakers_held_out(run, gate.asked()))
                case CellsGate():
                    verdicts.append(requirements.complete(run, gate.asked()))
                case _:
                    assert_never(gate)
        except GatesError as error:
            raise GatesError(f"gate {place}: {error}") from error
    return verdicts


def find(summary: Json, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    """Return every place of `summary` that `path` names, with what is there: None where nothing was measured.

    Raises
    ------
    reports.gates.gates_file.GatesError
        The summary has no such place.
    """
    return list(_walk(summary, summary, path, ()))


def _walk(
    summary: Json, node: Any, path: tuple[str, ...], done: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not path:
        yield done, node
        return
    if node is None or node == {}:
        yield (*done, *path), None
        return
    if not isinstance(node, dict):
        raise GatesError(f"'{dotted((*done, *path))}': '{dotted(done)}' has no named parts")
    keys = _every(summary, node) if path[0] == EVERY else [path[0]]
    if not keys:
        yield (*done, *path), None
    for key in keys:
        if key not in node:
            there = shortened([repr(name) for name in sorted(node)], most=8)
            raise GatesError(f"'{dotted((*done, *path))}': no '{key}' here; there are {there}")
        yield from _walk(summary, node[key], path[1:], (*done, key))


def _every(summary: Json, node: Json) -> list[str]:
    """Return the keys that `EVERY` stands for: all of them, without the baselines where keys are models."""
    models = summary["models"]
    return sorted(key for key in node if not (node.keys() <= models.keys() and models[key].get("baseline")))


def _number(gate: NumberGate, path: tuple[str, ...], node: Any, summary: Json) -> Verdict:
    asked = gate.asked(path)
    if isinstance(node, dict) and "estimable" in node:
        if path[0] != "ranks" and any(abs(bound or 0) > 1 for bound in (gate.at_least, gate.at_most)):
            raise GatesError(f"'{dotted(path)}' is a share, at most 1; write 70 % as 0.70")
        return _estimate(asked, node, gate)
    if gate.judge == "interval" and path[0] in PLAIN:
        raise GatesError(f"'{dotted(path)}' is a cost or a count and has no interval; leave judge out")
    value = _plain(path, node)
    if value is None:
        return _absent(asked, path)
    return _verdict(asked, _short(value) + _contended(path, summary), (value, value), gate)


def _gap(gate: GapGate, path: tuple[str, ...], node: Any) -> Verdict:
    if node is None:
        return _absent(gate.asked(path), path)
    return _estimate(gate.asked(path), node, gate)


def _ratio(gate: RatioGate, summary: Json) -> Verdict:
    values = []
    for path in gate.ratio:
        if path[0] not in PLAIN or EVERY in path:
            raise GatesError(f"'{dotted(path)}': a ratio is of two single values in {' or '.join(PLAIN)}")
        ((_, node),) = find(summary, path)
        values.append(_plain(path, node))
    above, below = values
    if above is None or below is None:
        absent = [dotted(path) for path, value in zip(gate.ratio, values, strict=True) if value is None]
        return _unmeasured(gate.asked(), "no ratio", f"not measured in this run: {' and '.join(absent)}")
    fraction = f"{_short(above)} / {_short(below)}"
    if below == 0:
        return _unmeasured(gate.asked(), fraction, "nothing can be divided by 0")
    ratio = above / below
    measured = f"{_short(ratio)} ({fraction}){_contended(gate.ratio[0], summary)}"
    return _verdict(gate.asked(), measured, (ratio, ratio), gate)


def _plain(path: tuple[str, ...], node: Any) -> float | None:
    """Return the cost or count at `path`, None where it was not measured."""
    if node is None:
        return None
    if path[0] not in PLAIN or isinstance(node, bool) or not isinstance(node, int | float):
        raise GatesError(
            f"'{dotted(path)}' is no number that a gate can judge: neither an estimate with its interval nor a cost or "
            f"count in {' or '.join(PLAIN)}"
        )
    return node


def _contended(path: tuple[str, ...], summary: Json) -> str:
    """Tell what spoils a timing: that cells ran beside each other."""
    return ", timed while other cells ran" if path[0] == "runtime" and summary["runtime"].get("contended") else ""


def _estimate(asked: str, number: Json, gate: NumberGate | GapGate) -> Verdict:
    """Judge an estimated number, or, by a gap's gate, its size whatever its sign."""
    value, low, high = number["value"], number["low"], number["high"]
    interval = "no interval" if low is None or high is None else f"interval {_short(low)} to {_short(high)}"
    told = f"{'no value' if value is None else _short(value)}, {interval}{_counts(number)}"
    if not number["estimable"] or value is None or low is None or high is None:
        return _unmeasured(asked, told, number.get("why_not") or "it has no interval")
    judged = (value, value) if gate.judge == "value" else (low, high)
    if isinstance(gate, GapGate):
        size = max(abs(end) for end in judged)
        judged = (size, size)
    return _verdict(asked, told, judged, gate)


def _verdict(asked: str, measured: str, judged: tuple[float, float], gate: NumberGate | GapGate | RatioGate) -> Verdict:
    """Hold the smallest and the largest of what is `judged` against the bounds of `gate`."""
    low, high = judged
    whys = []
    if gate.at_least is not None and low < gate.at_least - TOLERANCE:
        whys.append(f"{_short(low)} is below {gate.at_least:g}")
    if gate.at_most is not None and high > gate.at_most + TOLERANCE:
        whys.append(f"{_short(high)} is above {gate.at_most:g}")
    return Verdict(
        outcome="failed" if whys else "holds", asked=asked, measured=f"found {measured}", why=" and ".join(whys) or None
    )


def _unmeasured(asked: str, measured: str, why: str) -> Verdict:
    return Verdict(outcome="not measured", asked=asked, measured=f"found {measured}", why=why)


def _absent(asked: str, path: tuple[str, ...]) -> Verdict:
    unnamed = f", or there is nothing that {EVERY} stands for" if EVERY in path else ""
    return _unmeasured(asked, "nothing", f"not measured in this run{unnamed}")


def _counts(number: Json) -> str:
    counts = [(int(number[key]), key.removeprefix("n_")) for key in ("n_speakers", "n_recordings") if key in number]
    return "".join(f", {n:,} {noun.removesuffix('s') if n == 1 else noun}" for n, noun in counts)


def _short(value: float) -> str:
    return f"{value:.5g}"
