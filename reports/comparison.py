"""Model against model, and protocol against protocol: differences of the same speakers' numbers."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from reports.metrics import balanced, speaker_table, why_no_balance
from reports.number import number, plain
from reports.run import CONTROL, RANDOM, Json, Run


def pairs(run: Run) -> list[Json]:
    """Return the difference in balanced accuracy, a minus b, of every two models that are no baselines."""
    tables = {model: speaker_table(run.rows(model), run.task) for model in run.contenders}
    return [
        {
            "a": a,
            "b": b,
            "metric": "balanced_accuracy",
            "difference": _difference(run, tables[a], tables[b])["difference"],
            "p": None,
            "p_holm": None,
        }
        for a, b in combinations(run.contenders, 2)
    ]


def ranks(run: Run) -> Json:
    """Return the rank of every model that is no baseline: null until differences are tested."""
    return {model: number(None) for model in run.contenders}


def leakage_premium(run: Run) -> Json:
    """Return, per model, what a split that shares speakers adds to its balanced accuracy; empty where not measured."""
    return {} if run.protocol == RANDOM else _against(run, RANDOM)


def accent_never_heard(run: Run) -> Json:
    """Return, per model, what having heard the test speakers' accent adds; empty where not measured."""
    return _against(run, CONTROL)


def _against(run: Run, other: str) -> Json:
    if not (run.predictions["protocol"] == other).any():
        return {}
    found: Json = {}
    for model in run.models:
        rows, main = run.rows(model, other), run.rows(model)
        difference = _difference(run, speaker_table(rows, run.task), speaker_table(main, run.task))
        found[model] = {
            **difference["difference"],
            "protocol": other,
            "score": difference["a"],
            "main_protocol": run.protocol,
            "main_score": difference["b"],
        }
    return found


def _difference(run: Run, a: pd.DataFrame, b: pd.DataFrame) -> Json:
    """Return both scores and a minus b, over the speakers that both have."""
    both = a.merge(b[["speaker", "score", "n_recordings"]], on="speaker", suffixes=("", "_b"))
    counted: Json = {
        "n_speakers": len(both),
        "n_recordings": int(both[["n_recordings", "n_recordings_b"]].min(axis=1).sum()),
    }
    values = {"a": balanced(both, run.task), "b": balanced(both, run.task, "score_b")}
    further: Json = {} if plain(values["a"]) is not None else {"why_not": why_no_balance(both, run.task)}
    n_left_out = len(set(a["speaker"]) ^ set(b["speaker"]))
    if n_left_out:
        further["note"] = f"{n_left_out} speakers have answers on one side only and are left out"
    return {
        **{side: number(value, **counted, **further) for side, value in values.items()},
        "difference": number(values["a"] - values["b"], **counted, **further),
    }
