"""Groups of speakers: how well each is recognised, and what is confounded with what.

A speaker of whom an attribute is not known belongs to the group `NOT_STATED`. A group is as large as its number of
speakers: below `reports.statistics.intervals.MIN_SPEAKERS` it is printed with its counts and without an interval, and
enters no gap. An attribute that is the task's own label has recalls, and no gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.run_directory.run import Run
from reports.run_directory.tables import GROUP_COLUMNS
from reports.statistics.estimate import Estimate
from reports.summary.metrics import balanced_number, mean_number, speaker_table
from reports.terms import INTERSECTION, NOT_STATED, Json

ATTRIBUTES = (*GROUP_COLUMNS, INTERSECTION)

IS_THE_TASK = "this attribute is the task"


@dataclass(frozen=True, kw_only=True)
class Members:
    """The speakers of one model by the groups of one attribute.

    `speakers` is a table of `reports.summary.metrics.speaker_table`, a row per speaker and group, with ``group`` and
    ``gender``; `is_task` tells whether the attribute is the task's own label, or made of it.
    """

    attribute: str
    model: str
    speakers: pd.DataFrame
    is_task: bool


def members(run: Run) -> Iterator[Members]:
    """Yield the speakers of every attribute and model under the main protocol."""
    gender = run.main.groupby("speaker", observed=True)["gender"].first().astype(str)
    for attribute in ATTRIBUTES:
        table = speaker_table(run.main, run.task, ["model", attribute]).rename(columns={attribute: "group"})
        table["gender"] = gender.loc[table["speaker"]].to_numpy()
        table = table.astype({"model": str, "group": str, "speaker": str, "stratum": str})
        for model in run.models:
            speakers = table[table["model"] == model].reset_index(drop=True)
            yield Members(attribute=attribute, model=model, speakers=speakers, is_task=is_task(run, attribute))


def is_task(run: Run, attribute: str) -> bool:
    """Tell whether `attribute` is the task's own label, the finer one that the label is made of, or crossed with it."""
    own = {run.task.attribute, {"accent_bucket": "accent"}.get(str(run.task.attribute))}
    return attribute in own or (attribute == INTERSECTION and run.task.attribute in ("gender", "accent_bucket"))


def levels(run: Run, of_model: Members) -> dict[str, Json]:
    """Return how well one model recognises the speakers of one attribute, by group.

    ``accuracy`` is the mean over the group's speakers. ``balanced_accuracy`` is left out where classes do not belong to
    speakers, and where the attribute is the task.
    """
    balances = run.task.per_speaker and not of_model.is_task
    return {
        str(group): {"accuracy": _accuracy(of_model, speakers)}
        | ({"balanced_accuracy": balanced_number(speakers, run.task)} if balances else {})
        for group, speakers in of_model.speakers.groupby("group", sort=True)
    }


def _accuracy(of_model: Members, speakers: pd.DataFrame) -> Estimate:
    accuracy = mean_number(speakers, note=IS_THE_TASK if of_model.is_task else None)
    if len(speakers) == 1:
        noun = "accent" if of_model.attribute in ("accent", "accent_bucket") else "group"
        accuracy["why_not"] = f"one speaker; nothing can be said about the {noun}"
    return accuracy


def by_attribute(everyone: Iterable[Members], entry: Callable[[Members], Any]) -> dict[str, Json]:
    """Return ``<attribute>.<model>``: what `entry` gives for each of `everyone`."""
    entries: dict[str, Json] = {}
    for of_model in everyone:
        entries.setdefault(of_model.attribute, {})[of_model.model] = entry(of_model)
    return entries


def by_group(rows: dict[str, Json]) -> dict[str, Json]:
    """Turn ``<attribute>.<model>.<group>`` into ``<attribute>.<group>.<model>``, with every attribute."""
    turned: dict[str, Json] = {attribute: {} for attribute in ATTRIBUTES}
    for attribute, of_models in rows.items():
        for group in sorted({group for of_groups in of_models.values() for group in of_groups}):
            turned[attribute][group] = {m: of_groups[group] for m, of_groups in of_models.items() if group in of_groups}
    return turned


def confounding(recordings: pd.DataFrame) -> Json:
    """Return speakers per gender and accent, accent bucket and room, each ``{rows, columns, counts}``."""
    return {
        f"gender_x_{other}": _cross(recordings, other)
        for other in ("accent_bucket", "accent", "room")
        if (recordings[other] != NOT_STATED).any()
    }


def _cross(recordings: pd.DataFrame, other: str) -> Json:
    speakers = recordings.drop_duplicates(["speaker", "gender", other])
    counts = pd.crosstab(speakers[other], speakers["gender"])
    # most speakers first, so that what is rare stands together at the end; crosstab has sorted the names
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    names = {"rows": [*map(str, counts.index)], "columns": [*map(str, counts.columns)]}
    return {"attribute": other, **names, "counts": counts.to_numpy().tolist()}
