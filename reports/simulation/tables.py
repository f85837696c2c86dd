"""Run the simulation's designs side by side, judge its gates, and write its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import reduce
from multiprocessing import get_context
from operator import getitem

from reports.simulation.designs import COVERAGE_GATE, N_RECORDINGS, SIZE_GATE, Design, Null, designs, nulls, plus
from reports.simulation.refitted_models import Refitted, refitted_designs
from reports.statistics.intervals import N_REPLICATES
from reports.statistics.sign_flips import N_FLIPS as REPORTED_FLIPS
from reports.terms import Json
from reports.text.markdown import table
from reports.text.printable import in_markdown

Simulated = Design | Null | Refitted
Columns = list[tuple[str, Callable[[Json], str]]]


def chosen(text: str) -> dict[str, list[Simulated]]:
    """Return the designs of each part whose name contains `text`.

    Raises
    ------
    ValueError
        There is none.
    """
    parts: dict[str, Sequence[Simulated]] = {"intervals": designs(), "tests": nulls(), "refitting": refitted_designs()}
    named = {part: [each for each in all_of if text in each.name] for part, all_of in parts.items()}
    if not any(named.values()):
        examples = "; ".join(repr(all_of[0].name) for all_of in parts.values())
        raise ValueError(f"no design's name contains {text!r}; names are such as {examples}")
    return named


def simulate(parts: dict[str, list[Simulated]], n_sets: int, seed: int, run_all: Callable[..., list[Json]]) -> Json:
    """Run the designs of `parts` (from `chosen`), `n_sets` data sets of each, and judge the gates.

    A design draws the same whichever others run; `run_all` is `run_here`, or what `run_in_processes` returns.
    """
    counts = iter(run_all([design for part in parts.values() for design in part], n_sets, seed))
    counted = {name: [next(counts) for _ in part] for name, part in parts.items()}
    settings = {"n_data_sets": n_sets, "seed": seed, "n_recordings": N_RECORDINGS, "n_replicates": N_REPLICATES}
    return {**settings, **counted, "gates": gates(counted["intervals"], counted["tests"])}


def run_here(all_designs: Sequence[Simulated], n_sets: int, seed: int) -> list[Json]:
    """Run designs one after the other in this process."""
    return [design.run(n_sets, seed) for design in all_designs]


def run_in_processes(n_processes: int, on_progress: Callable[[int, int], None]) -> Callable[..., list[Json]]:
    """Return a function that runs designs in `n_processes` processes and tells `on_progress` how many are done."""

    def run_all(all_designs: Sequence[Simulated], n_sets: int, seed: int) -> list[Json]:
        with ProcessPoolExecutor(n_processes, mp_context=get_context("spawn")) as pool:
            waiting = [pool.submit(design.run, n_sets, seed) for design in all_designs]
            for done, _ in enumerate(as_completed(waiting), start=1):
                on_progress(done, len(waiting))
        return [each.result() for each in waiting]

    return run_all


def gates(intervals: Iterable[Json], tests: Iterable[Json]) -> list[Json]:
    """Return what must hold of the counts, in how many designs it does, and the lowest and highest share.

    A gate without a design is left out.
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
    writers = {"intervals": _interval_table, "tests": _test_table, "refitting": _refitting_table}
    parts += [write(counted[part]) for part, write in writers.items() if counted[part]]
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
    if not all_gates:
        return "No gate has a design here."
    columns: Columns = [
        ("what must hold", lambda gate: gate["gate"]),
        ("found", lambda gate: f"{_percent(gate['lowest'])} to {_percent(gate['highest'])}"),
        ("designs within", lambda gate: f"{gate['n_designs'] - gate['n_outside']} of {gate['n_designs']}"),
        ("", lambda gate: "holds" if gate["holds"] else "FAILS"),
    ]
    return _table(all_gates, columns)


def _interval_table(rows: list[Json]) -> str:
    names = {"mover": "MOVER", "percentile": "percentile", "bca": "BCa", "recordings": "recordings"}
    columns: Columns = [
        ("speakers", _sizes),
        ("recalls", lambda row: "/".join(f"{recall:.2f}".lstrip("0") for recall in row["recalls"])),
        ("correlation", lambda row: f"{row['correlation']:g}"),
        ("**bootstrap-t**", lambda row: f"**{_share('bootstrap_t', 'covered')(row)}**"),
        *((label, _share(name, "covered")) for name, label in names.items()),
        ("not estimable", _share("bootstrap_t", "not_estimable")),
        ("width: bootstrap-t", _share("bootstrap_t", "width")),
        *((name, _share(name, "width")) for name in ("percentile", "recordings")),
    ]
    within = [
        f"{label} {sum(COVERAGE_GATE[0] <= row['methods'][name]['covered'] <= COVERAGE_GATE[1] for row in rows)}"
        for name, label in {"bootstrap_t": "bootstrap-t", **names}.items()
    ]
    note = f"Designs of {len(rows)} in which 92 to 97 % are covered: {', '.join(within)}."
    return f"Share of 95 % intervals that hold the truth, in %; widths in points.\n\n{_table(rows, columns)}\n\n{note}"


def _test_table(rows: list[Json]) -> str:
    columns: Columns = [
        (
            "models of equal balanced accuracy",
            lambda row: row["kind"] + (f" of {100 * row['gain']:g} points" if row["gain"] else ""),
        ),
        ("speakers", _sizes),
        ("accuracy", lambda row: f"{row['accuracy']:.2f}".lstrip("0")),
        ("correlation", lambda row: f"{row['correlation']:g}"),
        ("flips", lambda row: f"{row['n_flips']:,}"),
        ("rejected", lambda row: _percent(row["rejected"])),
        ("", lambda row: "" if row["gated"] else "reported only"),
    ]
    title = f"Sign-flip test at 5 %: share rejected, in %. A report makes {REPORTED_FLIPS:,} flips."
    return f"{title}\n\n{_table(rows, columns)}"


def _refitting_table(rows: list[Json]) -> str:
    columns: Columns = [
        ("speakers", _sizes),
        ("folds", lambda row: str(row["n_folds"])),
        ("features", lambda row: str(row["n_features"])),
        ("accuracy", lambda row: _percent(row["accuracy"])),
        ("correlation", lambda row: f"{row['correlation']:.2f}"),
        ("sd over training sets", lambda row: _percent(row["training_sd"])),
        ("bootstrap-t: these models", _share("bootstrap_t", "trained", "covered")),
        ("the algorithm", _share("bootstrap_t", "algorithm", "covered")),
        ("percentile: these models", _share("percentile", "trained", "covered")),
        ("the algorithm", _share("percentile", "algorithm", "covered")),
        ("rejected", lambda row: _percent(row["rejected"])),
    ]
    note = "Refitted models: share of 95 % intervals that hold the truth, and of sign-flip tests that reject, in %."
    return f"{note}\n\n{_table(rows, columns)}"


def _table(rows: list[Json], columns: Columns) -> str:
    return table([heading for heading, _ in columns], [[cell(row) for _, cell in columns] for row in rows])


def _share(*path: str) -> Callable[[Json], str]:
    """Return a function that writes a share among the methods of a row, in percent."""
    return lambda row: _percent(reduce(getitem, path, row["methods"]))


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
    return plus(row["sizes"])
