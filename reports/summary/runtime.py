"""What each model costs: seconds, bytes of memory, bytes on disk. Not estimates over speakers, so without intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import pandas as pd

from reports.run_directory.run import Run
from reports.statistics.estimate import plain
from reports.summary.metrics import ModelAccuracy
from reports.terms import MAJORITY, Json

FEATURES = "features"
"""The ``model`` of timings that belong to no cell."""

_CELL = ["repetition", "fold", "seed"]


class ModelCost(TypedDict):
    """What one model costs; null where nothing was measured."""

    import_seconds: float | None
    select_seconds: float | None
    fit_seconds: float | None
    fit_seconds_all_cells: float | None
    first_call_seconds: float | None
    predict_batch_seconds_per_recording: float | None
    predict_one_seconds: Json
    peak_rss_bytes: int | None
    model_bytes: int | None
    n_cells: int
    threads: list[int]
    contended: bool


def costs_of(run: Run) -> Json:
    """Return the costs of extraction and of every model under the main protocol.

    Returns
    -------
    costs
        ``extraction`` and ``models.<model>``. Times in seconds: importing, fitting, choosing settings, the
        first call and answering many at once are medians over cells; answering one has median and 95th percentile
        over calls. Null where nothing was timed.
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


def front(costs: Mapping[str, ModelCost], models: Mapping[str, ModelAccuracy]) -> list[str]:
    """Return the models that no other beats in both balanced accuracy and time to answer, fastest first.

    Parameters
    ----------
    costs
        ``runtime.models`` of the summary.
    models
        ``models`` of the summary.
    """
    known = {
        name: (seconds, value)
        for name, cost in costs.items()
        if (seconds := cost["predict_batch_seconds_per_recording"]) is not None
        and (value := models[name]["balanced_accuracy"]["value"]) is not None
        and name != MAJORITY
    }
    return sorted(
        (
            name
            for name, (seconds, value) in known.items()
            if not any(s <= seconds and v >= value and (s, v) != (seconds, value) for s, v in known.values())
        ),
        key=lambda name: known[name],
    )


def _model(run: Run, model: str, timings: pd.DataFrame) -> ModelCost:
    phases = {str(phase): rows for phase, rows in timings.groupby("phase", sort=True)}
    empty = timings.iloc[:0]
    one = phases.get("predict-one", empty)["seconds"]
    batch = phases.get("predict-batch", empty)
    first = phases.get("first-call", empty)
    return {
        "import_seconds": _median_of_cells(phases.get("import", empty)),
        "select_seconds": _median_of_cells(phases.get("select", empty)),
        "fit_seconds": _median_of_cells(phases.get("fit", empty)),
        "first_call_seconds": _median_of_cells(first[first["n_recordings"] == 1]),
        "fit_seconds_all_cells": plain(phases["fit"]["seconds"].sum()) if "fit" in phases else None,
        "n_cells": int(timings[_CELL].drop_duplicates().shape[0]),
        "predict_batch_seconds_per_recording": _median_per_recording(batch),
        "predict_one_seconds": {
            "median": plain(float(one.median())) if len(one) else None,
            "p95": plain(float(one.quantile(0.95))) if len(one) else None,
            "n_calls": len(one),
        },
        "peak_rss_bytes": int(timings["peak_rss_bytes"].max()) if len(timings) else None,
        "model_bytes": _model_bytes(run, model),
        "threads": _threads(timings),
        "contended": bool(timings["contended"].any()),
    }


def _median_of_cells(rows: pd.DataFrame) -> float | None:
    return plain(float(rows.groupby(_CELL)["seconds"].sum().median())) if len(rows) else None


def _median_per_recording(rows: pd.DataFrame) -> float | None:
    sums = rows[rows["n_recordings"] > 0].groupby(_CELL)[["seconds", "n_recordings"]].sum()
    return plain(float((sums["seconds"] / sums["n_recordings"]).median())) if len(sums) else None


def _per_recording(rows: pd.DataFrame) -> float | None:
    n_recordings = int(rows["n_recordings"].sum())
    return plain(rows["seconds"].sum() / n_recordings) if n_recordings else None


def _threads(rows: pd.DataFrame) -> list[int]:
    return sorted(int(threads) for threads in rows["threads"].unique())


def _model_bytes(run: Run, model: str) -> int | None:
    choices = run.manifest.get("cells", {}).get("choices", [])
    sizes = [
        choice["model_bytes"]
        for choice in choices
        if choice.get("model") == model and choice.get("protocol") == run.protocol and choice.get("model_bytes")
    ]
    return int(pd.Series(sizes).median()) if sizes else None
