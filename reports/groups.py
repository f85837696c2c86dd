"""Groups of speakers: how well each is recognised, and what is confounded with what.

A speaker of whom an attribute is not known belongs to the group `NOT_STATED`. A group is as large as its number of
speakers: below `reports.uncertainty.MIN_SPEAKERS` it is printed with its counts and without an interval, and enters no
gap. An attribute that is the task's own label has recalls, and no gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from reports.metrics import balanced_number, mean_number, speaker_table
from reports.run import Run
from reports.tables import GROUP_COLUMNS
from reports.terms import INTERSECTION, NOT_STATED, Json

ATTRIBUTES = (*GROUP_COLUMNS, INTERSECTION)

IS_THE_TASK = "this attribute is the task"


@dataclass(frozen=True, kw_only=True)
class Members:
    """The speakers of one model by the groups of one attribute.

    Attributes
    ----------
    attribute, model
        Whose they are.
    speakers
        A row per speaker and group, from `reports.metrics.speaker_table`, with ``group``, ``gender`` and ``stratum``.
    is_task
        True where the attribute is the task's own label, or made of it.
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


def levels(run: Run, found: Members) -> Json:
    """Return ``<group>: {accuracy, balanced_accuracy}`` of one attribute and model.

    ``accuracy`` is the mean over the group's speakers. ``balanced_accuracy`` is left out where classes do not belong to
    speakers, and where the attribute is the task.
    """
    return {
        str(group): {
            "accuracy": _accuracy(found, str(group), speakers),
            **(
                {"balanced_accuracy": balanced_number(speakers, run.task)}
                if run.task.per_speaker and not found.is_task
                else {}
            ),
        }
        for group, speakers in found.speakers.groupby("group", sort=True)
    }


def _accuracy(found: Members, group: str, speakers: pd.DataFrame) -> Json:
    level = mean_number(speakers, **({"note": IS_THE_TASK} if found.is_task else {}))
    if len(speakers) == 1:
        noun = "accent" if found.attribute in ("accent", "accent_bucket") else "group"
        level["why_not"] = f"one speaker; nothing can be said about the {noun}"
    return level


def describe(run: Run, everyone: list[Members]) -> Json:
    """Return ``groups.<attribute>.<group>.<model>``."""
    groups: Json = {attribute: {} for attribute in ATTRIBUTES}
    for found in everyone:
        for group, level in levels(run, found).items():
            groups[found.attribute].setdefault(group, {})[found.model] = level
    return {attribute: dict(sorted(of_attribute.items())) for attribute, of_attribute in groups.items()}


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
    # most speakers first, so that what is rare stands together at the end
    order = counts.sum(axis=1).rename("n").reset_index().sort_values(["n", other], ascending=[False, True])[other]
    counts = counts.loc[order.to_list()]
    return {
        "attribute": other,
        "rows": [str(row) for row in counts.index],
        "columns": [str(column) for column in counts.columns],
        "counts": counts.to_numpy().tolist(),
    }
