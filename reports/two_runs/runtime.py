"""What two runs cost, as ratios, and whether their times can be compared at all."""

from __future__ import annotations

import pandas as pd

from reports.run_directory.run import Run
from reports.statistics.estimate import plain
from reports.summary import runtime
from reports.terms import Json
from reports.text import wording

MEASURES = (
    *("fit_seconds", "select_seconds", "predict_one_seconds", "predict_batch_seconds_per_recording"),
    *("peak_rss_bytes", "model_bytes"),
)


def cost_ratios(a: Run, b: Run, models: tuple[str, ...]) -> Json:
    """Return what extraction and every model cost in both runs, with the ratio B / A (null where one is not measured).

    Beside them whether their times can be compared, and what differs where they cannot.
    """
    of_a, of_b = runtime.costs_of(a), runtime.costs_of(b)
    why_not = _why_not(a, b, models)
    return {
        "comparable": not why_not,
        "why_not": why_not,
        "extraction": _both(*(costs["extraction"]["seconds_per_recording"] for costs in (of_a, of_b))),
        "models": {
            model: {name: _both(*(_value(costs["models"][model][name]) for costs in (of_a, of_b))) for name in MEASURES}
            for model in models
        },
    }


def _value(measure: float | Json | None) -> float | None:
    """Return a measure; of answering one recording, the median."""
    return measure["median"] if isinstance(measure, dict) else measure


def _both(a: float | None, b: float | None) -> Json:
    return {"a": a, "b": b, "ratio": plain(b / a) if a and b is not None else None}


def _why_not(a: Run, b: Run, models: tuple[str, ...]) -> list[str]:
    reasons = [*_machines(a.manifest, b.manifest), *_software(a.manifest, b.manifest)]
    threads = [_threads(run, models) for run in (a, b)]
    if threads[0] != threads[1]:
        told = [wording.listed([str(count) for count in counts]) or "none" for counts in threads]
        reasons.append(f"other numbers of threads ({told[0]} and {told[1]})")
    sizes = [_fitted_on(run, models) for run in (a, b)]
    if sizes[0] != sizes[1]:
        told = [wording.count(size) for size in sizes]
        reasons.append(f"fits of other numbers of recordings ({told[0]} and {told[1]}, median)")
    if busy := [name for name, run in (("A", a), ("B", b)) if run.timings["contended"].any()]:
        reasons.append(f"several cells at once in {wording.listed(busy)}")
    return reasons


def _machines(a: Json, b: Json) -> list[str]:
    keys = ("processor", "cores", "system")
    one, other = ([(manifest.get("machine") or {}).get(key) for key in keys] for manifest in (a, b))
    if None in (one[0], other[0]):
        return ["a machine that is not known"]
    return [] if one == other else ["another machine"]


def _software(a: Json, b: Json) -> list[str]:
    of_a, of_b = a.get("versions") or {}, b.get("versions") or {}
    names = sorted(name for name in {*of_a, *of_b} if of_a.get(name) != of_b.get(name))
    reasons = [f"other versions of {wording.listed(names)}"] if names else []
    if (a.get("accelerated") or {}) != (b.get("accelerated") or {}):
        reasons.append("another acceleration of the libraries")
    return reasons


def _threads(run: Run, models: tuple[str, ...]) -> list[int]:
    return sorted({int(count) for count in _main(run, models)["threads"].unique()})


def _fitted_on(run: Run, models: tuple[str, ...]) -> float | None:
    timings = _main(run, models)
    fits = timings.loc[timings["phase"] == "fit", "n_recordings"]
    return plain(float(fits.median())) if len(fits) else None


def _main(run: Run, models: tuple[str, ...]) -> pd.DataFrame:
    return run.timings[(run.timings["protocol"] == run.protocol) & run.timings["model"].isin(models)]
