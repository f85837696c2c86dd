"""Groups of speakers: how well each is recognised, how far apart groups are, and what is confounded with what.

A speaker of whom an attribute is not known belongs to the group "not stated". Gaps are taken between groups of at least
`MIN_SPEAKERS` speakers; the others are printed, never ranked.
"""

from __future__ import annotations

import pandas as pd

from reports.metrics import speaker_table
from reports.number import number
from reports.run import INTERSECTION, NOT_STATED, Json, Run
from reports.tables import GROUP_COLUMNS

MIN_SPEAKERS = 5
"""A group with fewer speakers gets no interval and enters no gap."""

ATTRIBUTES = (*GROUP_COLUMNS, INTERSECTION)

IS_THE_TASK = "this attribute is the task"

_LAST = ("other", "elsewhere", "no")
"""Groups that a signed difference subtracts, whatever their place in the alphabet."""


def describe(run: Run) -> tuple[Json, Json]:
    """Return ``groups.<attribute>.<group>.<model>.accuracy`` and ``gaps.<attribute>.<model>``."""
    groups: Json = {attribute: {} for attribute in ATTRIBUTES}
    gaps: Json = {attribute: {} for attribute in ATTRIBUTES}
    for attribute in ATTRIBUTES:
        levels = _levels(run, attribute)
        for model in run.models:
            for group, level in levels.get(model, {}).items():
                groups[attribute].setdefault(group, {})[model] = {"accuracy": level}
            gaps[attribute][model] = _gap(run, attribute, levels.get(model, {}))
    return groups, gaps


def is_task(run: Run, attribute: str) -> bool:
    """Tell whether `attribute` is the task's own label, or the finer one that the label is made of."""
    own = {run.task.attribute, {"accent_bucket": "accent"}.get(str(run.task.attribute))}
    return attribute in own


def confounding(recordings: pd.DataFrame) -> Json:
    """Return speakers per gender and accent, accent bucket and room, each ``{rows, columns, counts}``."""
    return {
        f"gender_x_{other}": _cross(recordings, other)
        for other in ("accent_bucket", "accent", "room")
        if (recordings[other] != NOT_STATED).any()
    }


def _levels(run: Run, attribute: str) -> Json:
    """Return the accuracy of every group, ``levels[model][group]``; theta is the mean over its speakers."""
    speakers = speaker_table(run.main, run.task, ["model", attribute])
    found = speakers.groupby(["model", attribute], observed=True, sort=True).agg(
        value=("score", "mean"), n_speakers=("score", "size"), n_recordings=("n_recordings", "sum")
    )
    further: Json = {"why_not": IS_THE_TASK, "note": IS_THE_TASK} if is_task(run, attribute) else {}
    levels: Json = {}
    for (model, group), *numbers in found.itertuples(name=None):
        value, n_speakers, n_recordings = numbers
        level = number(value, n_speakers=n_speakers, n_recordings=n_recordings, **further)
        levels.setdefault(str(model), {})[str(group)] = level
    return levels


def _gap(run: Run, attribute: str, levels: Json) -> Json:
    band: Json = {"unbiased_low": None, "unbiased_high": None}
    if is_task(run, attribute) or (attribute == INTERSECTION and run.task.attribute in ("gender", "accent_bucket")):
        return number(None, why_not=IS_THE_TASK, **band)
    eligible = {
        group: level for group, level in levels.items() if group != NOT_STATED and level["n_speakers"] >= MIN_SPEAKERS
    }
    counted: Json = {key: sum(level[key] for level in eligible.values()) for key in ("n_speakers", "n_recordings")}
    if len(eligible) < 2:
        why = f"fewer than two groups with {MIN_SPEAKERS} speakers"
        return number(None, why_not=why, **counted, **band)
    if len(eligible) == 2:
        first, second = sorted(eligible, key=lambda group: (group in _LAST, group))
        value = eligible[first]["value"] - eligible[second]["value"]
        return number(value, **counted, **band, kind="difference", first=first, second=second)
    ordered = sorted(eligible, key=lambda group: (eligible[group]["value"], group))
    value = eligible[ordered[-1]]["value"] - eligible[ordered[0]]["value"]
    return number(value, **counted, **band, kind="range", first=ordered[-1], second=ordered[0])


def _cross(recordings: pd.DataFrame, other: str) -> Json:
    speakers = recordings.drop_duplicates(["speaker", "gender", other])
    counts = pd.crosstab(speakers[other], speakers["gender"])
    # most speakers first, so that what is rare stands together at the end
    order = counts.sum(axis=1).rename("n").reset_index().sort_values(["n", other], ascending=[False, True])[other]
    counts = counts.loc[order.to_list()]
    return {
        "attribute": other,
        "rows": [str(row) for row in counts.index],
        "columns": [str(column) for column in counts.columns],
        "counts": counts.to_numpy().tolist(),
    }
