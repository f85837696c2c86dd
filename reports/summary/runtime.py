"""What each model costs: seconds, bytes of memory, bytes on disk. Not estimates over speakers, so without intervals."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from reports.run_directory.run import Run
from reports.statistics.estimate import plain
from reports.summary.metrics import SPLIT_KEYS
from reports.terms import MAJORITY, Json

FEATURES = "features"
"""The ``model`` of timings that belong to no cell."""


def costs_of(run: Run) -> Json:
    """Return the costs of extraction and of every model under the main protocol, in seconds and bytes.

    ``extraction`` and ``models.<model>``. Importing, fitting, choosing settings, the first call and answering many at
    once are medians over cells; answering one has median and 95th percentile over calls. Null where nothing was timed.
    """
    timings = run.timings
    extraction = timings[(timings["model"] == FEATURES) & (timings["phase"] == "extract")]
    main = timings[timings["protocol"] == run.protocol]
    return {
        "extraction": {
            "seconds": plain(extraction["seconds"].sum()) if len(extraction) else None,
            "n_recordings": int(extraction["n_recordings"].sum()),
            "seconds_per_recording": _per_recording(extraction),
            "threads": _threads(extraction),
        },
        "contended": bool(timings["contended"].any()),
        "models": {model: _model(run, model, main[main["model"] == model]) for model in run.models},
    }


def front(costs: Mapping[str, Json], models: Mapping[str, Json]) -> list[str]:
    """Return the models that no other beats in both balanced accuracy and time to answer, fastest first.

    `costs` and `models` are ``runtime.models`` and ``models`` of the summary.
    """
    known: dict[str, tuple[float, float]] = {
        name: (seconds, value)
        for name, cost in costs.items()
        if (seconds := cost["predict_batch_seconds_per_recording"]) is not None
        and (value := models[name]["balanced_accuracy"]["value"]) is not None
        and name != MAJORITY
    }

    def is_beaten(seconds: float, value: float) -> bool:
        return any(s <= seconds and v >= value and (s, v) != (seconds, value) for s, v in known.values())

    return sorted((name for name in known if not is_beaten(*known[name])), key=known.__getitem__)


def _model(run: Run, model: str, timings: pd.DataFrame) -> Json:
    phases = {str(phase): rows for phase, rows in timings.groupby("phase", sort=True)}
    empty = timings.iloc[:0]
    one, first = phases.get("predict-one", empty)["seconds"], phases.get("first-call", empty)
    median, p95 = plain(float(one.median())), plain(float(one.quantile(0.95)))
    return {
        **{f"{phase}_seconds": _median_of_cells(phases.get(phase, empty)) for phase in ("import", "select", "fit")},
        "first_call_seconds": _median_of_cells(first[first["n_recordings"] == 1]),
        "fit_seconds_all_cells": plain(phases["fit"]["seconds"].sum()) if "fit" in phases else None,
        "n_cells": len(timings[SPLIT_KEYS].drop_duplicates()),
        "predict_batch_seconds_per_recording": _median_per_recording(phases.get("predict-batch", empty)),
        "predict_one_seconds": {"median": median, "p95": p95, "n_calls": len(one)},
        "peak_rss_bytes": int(timings["peak_rss_bytes"].max()) if len(timings) else None,
        "model_bytes": _model_bytes(run, model),
        "threads": _threads(timings),
        "contended": bool(timings["contended"].any()),
    }


def _median_of_cells(rows: pd.DataFrame) -> float | None:
    return plain(rows.groupby(SPLIT_KEYS)["seconds"].sum().median())


def _median_per_recording(rows: pd.DataFrame) -> float | None:
    sums = rows[rows["n_recordings"] > 0].groupby(SPLIT_KEYS)[["seconds", "n_recordings"]].sum()
    return plain(float((sums["seconds"] / sums["n_recordings"]).median()))


def _per_recording(rows: pd.DataFrame) -> float | None:
    n_recordings = int(rows["n_recordings"].sum())
    return plain(rows["seconds"].sum() / n_recordings) if n_recordings else None


def _threads(rows: pd.DataFrame) -> list[int]:
    return sorted(int(threads) for threads in rows["threads"].unique())


def _model_bytes(run: Run, model: str) -> int | None:
    sizes = [
        choice["model_bytes"]
        for choice in run.manifest.get("cells", {}).get("choices", [])
        if (choice.get("model"), choice.get("protocol")) == (model, run.protocol) and choice.get("model_bytes")
    ]
    return int(pd.Series(sizes).median()) if sizes else None
