"""Fairlearn's group metrics, speakers weighing equally: demographic parity, equalised odds, and the worst group.

Point values (Fairlearn's bootstrap resamples rows, and rows are recordings of the same people). Given for tasks with
two classes, and only where every group has `reports.statistics.intervals.MIN_SPEAKERS` speakers of every class.
"""

from __future__ import annotations

import pandas as pd

from reports.run_directory.run import Task
from reports.statistics.estimate import Counts, number
from reports.statistics.intervals import MIN_SPEAKERS
from reports.summary.groups import IS_THE_TASK, Members
from reports.terms import NOT_STATED, Json

POINT_ONLY = "a point value; no interval is defined for it"
LOWEST = "chosen for being the lowest; its interval as a group named beforehand stands among the groups"

_DIFFERENCES = ("demographic_parity_difference", "equalized_odds_difference")


def fairness(members: Members, rows: pd.DataFrame, task: Task, levels: dict[str, Json]) -> Json:
    """Return both differences and the worst group of one attribute and model.

    `rows` are the model's predictions under the main protocol, `levels` how well it recognises each group.
    """
    known = rows[rows[members.attribute].astype(str) != NOT_STATED]
    counted = Counts(n_speakers=known["speaker"].nunique(), n_recordings=known["recording_id"].nunique())
    why = IS_THE_TASK if members.is_task else _why_not(known, members.attribute, task)
    values = [None, None] if why else _differences(known, members.attribute, task)
    differences = [number(value, **counted, why_not=why or POINT_ONLY) for value in values]
    return {**dict(zip(_DIFFERENCES, differences, strict=True)), "worst_group": _worst(members, levels)}


def _why_not(rows: pd.DataFrame, attribute: str, task: Task) -> str:
    if len(task.classes) != 2:
        return "defined for two classes only"
    cells = rows.groupby([attribute, "y_true"], observed=True)["speaker"].nunique().unstack(fill_value=0)
    cells = cells.reindex(columns=list(task.classes), fill_value=0)
    if len(cells) < 2:
        return "fewer than two groups"
    each = [(group, label, int(n)) for group, row in cells.iterrows() for label, n in row.items()]
    small = [f"{group} {label} {n}" for group, label, n in each if n < MIN_SPEAKERS]
    if not small:
        return ""
    more = f" and {len(small) - 5} more" if len(small) > 5 else ""
    return f"fewer than {MIN_SPEAKERS} speakers: {', '.join(small[:5])}{more}"


def _differences(rows: pd.DataFrame, attribute: str, task: Task) -> list[float]:
    from fairlearn import metrics as fairlearn_metrics

    positive = task.classes[1]
    truth, answer = ((rows[column] == positive).to_numpy().astype(int) for column in ("y_true", "y_pred"))
    weights = 1 / rows.groupby("speaker", observed=True)["recording_id"].transform("size").to_numpy()
    groups = rows[attribute].astype(str).to_numpy()
    return [
        float(getattr(fairlearn_metrics, name)(truth, answer, sensitive_features=groups, sample_weight=weights))
        for name in _DIFFERENCES
    ]


def _worst(members: Members, levels: dict[str, Json]) -> Json:
    estimable = {
        group: level["accuracy"]
        for group, level in levels.items()
        if group != NOT_STATED and level["accuracy"]["n_speakers"] >= MIN_SPEAKERS
    }
    if members.is_task or len(estimable) < 2:
        why = IS_THE_TASK if members.is_task else f"fewer than two groups with {MIN_SPEAKERS} speakers"
        return {**number(None, why_not=why), "group": None}
    group = min(estimable, key=lambda name: (estimable[name]["value"] or 0.0, name))
    lowest = estimable[group]
    counted = {key: lowest[key] for key in ("n_speakers", "n_recordings")}
    return {**number(lowest["value"], **counted, why_not=LOWEST), "group": group}
