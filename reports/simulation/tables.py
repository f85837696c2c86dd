"""Run the simulation's designs side by side, judge its gates, and write its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Protocol

from reports.simulation.designs import COVERAGE_GATE, N_RECORDINGS, SIZE_GATE, designs, nulls
from reports.simulation.refitted_models import refitted_designs
from reports.statistics.intervals import N_REPLICATES
from reports.statistics.sign_flips import N_FLIPS as REPORTED_FLIPS
from reports.terms import Json
from reports.text.markdown import table
from reports.text.printable import in_markdown

OnProgress = Callable[[int, int], None]

PARTS = ("intervals", "tests", "refitting")


class Simulated(Protocol):
    """A design of any part."""

    @property
    def name(self) -> str:
        """What the design is called."""

    def run(self, n_sets: int, seed: int) -> Json:
        """Return what was counted over `n_sets` data sets."""


def chosen(text: str) -> dict[str, list[Simulated]]:
    """Return the designs of each part whose name contains `text`.

    Raises
    ------
    ValueError
        There is none.
    """
    parts: tuple[Sequence[Simulated], ...] = (designs(), nulls(), refitted_designs())
    named = {part: [each for each in all_of if text in each.name] for part, all_of in zip(PARTS, parts, strict=True)}
    if not any(named.values()):
        examples = "; ".join(repr(all_of[0].name) for all_of in parts)
        raise ValueError(f"no design's name contains {text!r}; names are such as {examples}")
    return named


def simulate(parts: dict[str, list[Simulated]], n_sets: int, seed: int, run_all: Callable[..., list[Json]]) -> Json:
    """Run the designs of `parts` and judge the gates.

    Parameters
    ----------
    parts
        As `chosen` returns them.
    n_sets
        Data sets of each design.
    seed
        Of all random numbers; a design draws the same whichever others run.
    run_all
        Takes designs, `n_sets` and `seed`, and returns what they counted, in order.
    """
    counts = iter(run_all([design for part in parts.values() for design in part], n_sets, seed))
    counted = {name: [next(counts) for _ in part] for name, part in parts.items()}
    settings = {"n_data_sets": n_sets, "seed": seed, "n_recordings": N_RECORDINGS, "n_replicates": N_REPLICATES}
    return {**settings, **counted, "gates": gates(counted["intervals"], counted["tests"])}


def run_here(all_designs: Sequence[Simulated], n_sets: int, seed: int) -> list[Json]:
    """Run designs one after the other in this process."""
    return [design.run(n_sets, seed) for design in all_designs]


def run_in_processes(n_processes: int, on_progress: OnProgress) -> Callable[..., list[Json]]:
    """Return a function that runs designs in `n_processes` processes and tells `on_progress` how many are done."""

    def run_all(all_designs: Sequence[Simulated], n_sets: int, seed: int) -> list[Json]:
        with ProcessPoolExecutor(n_processes, mp_context=get_context("spawn")) as pool:
            waiting = [pool.submit(design.run, n_sets, seed) for design in all_designs]
            for done, _ in enumerate(as_completed(waiting), start=1):
                on_progress(done, len(waiting))
        return [each.result() for each in waiting]

    return run_all


def gates(intervals: Iterable[Json], tests: Iterable[Json]) -> list[Json]:
    """Judge what must hold of the counts.

    Returns
    -------
    gates
        ``gate`` (what must hold), ``lowest`` and ``highest`` share, ``n_designs``, ``n_outside`` and ``holds``; a gate
        without a design is left out.
    """
    rows = list(intervals)
    shares = {
        "bootstrap-t on the logit covers": (COVERAGE_GATE, [row["methods"]["bootstrap_t"]["covered"] for row in rows]),
        "MOVER, where accuracy is at most .90 or correlation at most .1, covers": (
            COVERAGE_GATE,
            [row["methods"]["mover"]["covered"] for row in rows if row["mover_gated"]],
        ),
        "the sign-flip test, where models are exchangeable or gain and lose as much, rejects": (
            SIZE_GATE,
            [row["rejected"] for row in tests if row["gated"]],
        ),
    }
    return [_gate(name, gate, values) for name, (gate, values) in shares.items() if values]


def _gate(name: str, gate: tuple[float, float], values: list[float]) -> Json:
    outside = sum(not gate[0] <= value <= gate[1] for value in values)
    return {
        "gate": f"{name} {100 * gate[0]:.0f} to {100 * gate[1]:.0f} %",
        "lowest": min(values),
        "highest": max(values),
        "n_designs": len(values),
        "n_outside": outside,
        "holds": outside == 0,
    }


def markdown(counted: Json) -> str:
    """Write all tables."""
    parts = [_settings(counted), _gate_table(counted["gates"])]
    writers = zip(PARTS, (_interval_table, _test_table, _refitting_table), strict=True)
    parts += [write(counted[part]) for part, write in writers if counted[part]]
    return "\n\n".join(parts) + "\n"


def _settings(counted: Json) -> str:
    n_sets = counted["n_data_sets"]
    chance = 100 * (0.05 * 0.95 / n_sets) ** 0.5
    return (
        f"{n_sets:,} data sets of each design, seed {counted['seed']}; {counted['n_recordings']} recordings of each "
        f"speaker; {counted['n_replicates']:,} bootstrap replicates, as in a report. By chance alone a share of 95 % "
        f"(or 5 %) varies by {chance:.1f} points (one standard deviation)."
    )


def _gate_table(all_gates: list[Json]) -> str:
    rows = [
        [
            gate["gate"],
            f"{_percent(gate['lowest'])} to {_percent(gate['highest'])}",
            f"{gate['n_designs'] - gate['n_outside']} of {gate['n_designs']}",
            "holds" if gate["holds"] else "FAILS",
        ]
        for gate in all_gates
    ]
    return table(["what must hold", "found", "designs within", ""], rows) if rows else "No gate has a design here."


def _interval_table(rows: list[Json]) -> str:
    names = {"mover": "MOVER", "percentile": "percentile", "bca": "BCa", "recordings": "recordings"}
    head = ["speakers", "recalls", "correlation", "**bootstrap-t**", *names.values(), "not estimable"]
    widths = ["width: bootstrap-t", "percentile", "recordings"]
    cells = [
        [
            _sizes(row),
            "/".join(f"{recall:.2f}".lstrip("0") for recall in row["recalls"]),
            f"{row['correlation']:g}",
            f"**{_percent(row['methods']['bootstrap_t']['covered'])}**",
            *(_percent(row["methods"][name]["covered"]) for name in names),
            f"{_percent(row['methods']['bootstrap_t']['not_estimable'])}",
            *(_percent(row["methods"][name]["width"]) for name in ("bootstrap_t", "percentile", "recordings")),
        ]
        for row in rows
    ]
    within = [
        f"{label} {sum(COVERAGE_GATE[0] <= row['methods'][name]['covered'] <= COVERAGE_GATE[1] for row in rows)}"
        for name, label in {"bootstrap_t": "bootstrap-t", **names}.items()
    ]
    note = f"Designs of {len(rows)} in which 92 to 97 % are covered: {', '.join(within)}."
    title = "Share of 95 % intervals that hold the truth, in %; widths in points."
    return f"{title}\n\n{table(head + widths, cells)}\n\n{note}"


def _test_table(rows: list[Json]) -> str:
    cells = [
        [
            row["kind"] + (f" of {100 * row['gain']:g} points" if row["gain"] else ""),
            _sizes(row),
            f"{row['accuracy']:.2f}".lstrip("0"),
            f"{row['correlation']:g}",
            f"{row['n_flips']:,}",
            _percent(row["rejected"]),
            "" if row["gated"] else "reported only",
        ]
        for row in rows
    ]
    head = ["models of equal balanced accuracy", "speakers", "accuracy", "correlation", "flips", "rejected", ""]
    title = f"Sign-flip test at 5 %: share rejected, in %. A report makes {REPORTED_FLIPS:,} flips."
    return f"{title}\n\n{table(head, cells)}"


def _refitting_table(rows: list[Json]) -> str:
    cells = [
        [
            _sizes(row),
            str(row["n_folds"]),
            str(row["n_features"]),
            _percent(row["accuracy"]),
            f"{row['correlation']:.2f}",
            _percent(row["training_sd"]),
            *(
                _percent(row["methods"][name][truth]["covered"])
                for name in ("bootstrap_t", "percentile")
                for truth in ("trained", "algorithm")
            ),
            _percent(row["rejected"]),
        ]
        for row in rows
    ]
    head = ["speakers", "folds", "features", "accuracy", "correlation", "sd over training sets"]
    covers = ["bootstrap-t: these models", "the algorithm", "percentile: these models", "the algorithm"]
    note = "Refitted models: share of 95 % intervals that hold the truth, and of sign-flip tests that reject, in %."
    return f"{note}\n\n{table([*head, *covers, 'rejected'], cells)}"


def beside_table(models: list[Json]) -> str:
    """Write what `reports.simulation.other_intervals.beside` returns, in percent."""
    names = {
        "bootstrap_t": "bootstrap-t over speakers",
        "percentile": "percentile bootstrap over speakers",
        "bca": "BCa over speakers",
        "recordings": "bootstrap over recordings",
    }
    rows = [
        [
            in_markdown(each["model"]),
            f"{each['n_speakers']} speakers, {each['n_recordings']:,} recordings",
            "none" if each["value"] is None else _percent(each["value"]),
            *(_interval(each["intervals"].get(name)) for name in names),
        ]
        for each in models
    ]
    notes = [f"{in_markdown(each['model'])}: no interval: {each['why_not']}." for each in models if each["why_not"]]
    head = ["model", "tested on", "balanced accuracy, %", *(f"{label} (width)" for label in names.values())]
    return "\n\n".join([table(head, rows), *notes]) + "\n"


def _interval(interval: Json | None) -> str:
    if interval is None or interval["low"] is None:
        return "-"
    low, high = interval["low"], interval["high"]
    return f"{_percent(low)} to {_percent(high)} ({_percent(high - low)})"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _sizes(row: Json) -> str:
    return "+".join(str(size) for size in row["sizes"])
