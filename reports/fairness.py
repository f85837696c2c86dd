"""Fairlearn's group metrics, speakers weighing equally: demographic parity, equalised odds, and the worst group.

Point values (Fairlearn's bootstrap resamples rows, and rows are recordings of the same people). Given for tasks with
two classes, and only where every group has `reports.uncertainty.MIN_SPEAKERS` speakers of every class.
"""

from __future__ import annotations

import pandas as pd

from reports.groups import IS_THE_TASK, Members
from reports.number import number
from reports.run import Task
from reports.terms import NOT_STATED, Json
from reports.uncertainty import MIN_SPEAKERS

POINT_ONLY = "a point value; no interval is defined for it"
LOWEST = "chosen for being the lowest; its interval as a group named beforehand stands among the groups"


def describe(found: Members, rows: pd.DataFrame, task: Task, levels: Json) -> Json:
    """Return both differences and the worst group of one attribute and model.

    Parameters
    ----------
    found
        The speakers by group.
    rows
        The model's predictions under the main protocol.
    task
        What was recognised.
    levels
        ``<group>: {accuracy}`` of the same attribute and model.
    """
    names = ("demographic_parity_difference", "equalized_odds_difference")
    known = rows[rows[found.attribute].astype(str) != NOT_STATED]
    counted: Json = {
        "n_speakers": int(known["speaker"].nunique()),
        "n_recordings": int(known["recording_id"].nunique()),
    }
    why = IS_THE_TASK if found.is_task else _why_not(known, found.attribute, task)
    values = dict.fromkeys(names, None) if why else _differences(known, found.attribute, task, names)
    return {
        **{name: number(values[name], **counted, why_not=why or POINT_ONLY) for name in names},
        "worst_group": _worst(found, levels),
    }


def _why_not(rows: pd.DataFrame, attribute: str, task: Task) -> str:
    if len(task.classes) != 2:
        return "defined for two classes only"
    cells = rows.groupby([attribute, "y_true"], observed=True)["speaker"].nunique().unstack(fill_value=0)
    cells = cells.reindex(columns=list(task.classes), fill_value=0)
    if len(cells) < 2:
        return "fewer than two groups"
    counts = zip(cells.index, cells.to_numpy().tolist(), strict=True)
    found = [(group, label, n) for group, row in counts for label, n in zip(task.classes, row, strict=True)]
    small = [f"{group} {label} {n}" for group, label, n in found if n < MIN_SPEAKERS]
    if not small:
        return ""
    listed = small[:5]
    more = f" and {len(small) - 5} more" if len(small) > 5 else ""
    return f"fewer than {MIN_SPEAKERS} speakers: {', '.join(listed)}{more}"


def _differences(rows: pd.DataFrame, attribute: str, task: Task, names: tuple[str, ...]) -> dict[str, float]:
    from fairlearn import metrics as fairlearn_metrics

    positive = task.classes[1]
    truth, answer = ((rows[column] == positive).to_numpy().astype(int) for column in ("y_true", "y_pred"))
    weights = 1 / rows.groupby("speaker", observed=True)["recording_id"].transform("size").to_numpy()
    groups = rows[attribute].astype(str).to_numpy()
    return {
        name: float(getattr(fairlearn_metrics, name)(truth, answer, sensitive_features=groups, sample_weight=weights))
        for name in names
    }


def _worst(found: Members, levels: Json) -> Json:
    estimable = {
        group: level["accuracy"]
        for group, level in levels.items()
        if group != NOT_STATED and level["accuracy"]["n_speakers"] >= MIN_SPEAKERS
    }
    if found.is_task or len(estimable) < 2:
        why = IS_THE_TASK if found.is_task else f"fewer than two groups with {MIN_SPEAKERS} speakers"
        return number(None, why_not=why, group=None)
    group = min(estimable, key=lambda name: (estimable[name]["value"], name))
    counted = {name: estimable[group][name] for name in ("n_speakers", "n_recordings")}
    return number(estimable[group]["value"], why_not=LOWEST, **counted, group=group)
