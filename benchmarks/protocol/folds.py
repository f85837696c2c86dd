"""Folds: which recording is in training, validation or test of which split; built once, given to every model.

A folds table has a row per recording and split: ``protocol, recording_id, repetition, fold, role``. Under every
protocol but ``recording-random``, whole speakers are held out. Published splits: Becker et al., arXiv 1807.03418.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import pandas as pd

from benchmarks.errors import TaskError
from benchmarks.protocol.fold_checks import check_folds
from benchmarks.protocol.published_folds import OFFICIAL_FOLDS
from benchmarks.protocol.tasks import MIN_FOLDS, LabelledRecordings, Task, class_sizes
from features.corpora.recordings import offenders
from reports.terms import CONTROL, NOT_STATED, RANDOM

DEFAULT_FOLDS = 5
VALIDATION_SHARE = 0.25
"""Share of the training accents' speakers that validate under ``leave-accent-out``."""
CONTROL_PARTS = 3

Split = dict[str, str]
"""Role by speaker, or by recording."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All splits of a run: the folds table, and the number of folds of the main protocol per repetition.

    `fold_names` say what each fold tests, where it has a name (an accent); `notes` are sentences on what a reader must
    know about how the folds came about.
    """

    folds: pd.DataFrame
    n_folds: int
    fold_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What folds are drawn from, and how; see `make_plan`."""

    labelled: LabelledRecordings
    task: Task
    n_folds: int | None = None
    repetitions: int = 1
    seed: int = 0

    def folds(self, units: pd.Series, draw: Callable[[np.random.Generator], dict[str, list[Split]]]) -> pd.DataFrame:
        """Let `draw` make the splits of every repetition, by protocol; `units`: what has a role, by recording."""
        return pd.concat(
            [
                _rows(protocol, repetition, splits, units)
                for repetition in range(self.repetitions)
                for protocol, splits in draw(np.random.default_rng([self.seed, repetition])).items()
            ],
            ignore_index=True,
        )


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A way of holding speakers out.

    Attributes
    ----------
    name
        Name on the command line and in the folds table; `reports.text.wording.protocol` says it in few words.
    build
        Makes all splits from a `Drawing`.
    sentence
        What was done, for the report; ``{n}`` is the number of folds.
    has_own_folds
        True where the number of folds is not the user's choice.
    tasks, why_not
        The tasks that it can answer, None for all, and why it cannot answer the others.
    """

    name: str
    build: Callable[[Drawing], Plan]
    sentence: str
    has_own_folds: bool = False
    tasks: tuple[str, ...] | None = None
    why_not: str = ""


def make_plan(
    labelled: LabelledRecordings,
    task: Task,
    protocol: str,
    *,
    n_folds: int | None = None,
    repetitions: int = 1,
    seed: int = 0,
    premium: bool = True,
) -> Plan:
    """Build the splits of `protocol`, checked, with one ``recording-random`` split beside them if `premium`.

    `n_folds` None takes 5 folds per repetition, or fewer where the speakers allow no more, and says so. All folds are
    drawn `repetitions` times, fixed splits (``official``) once.

    Raises
    ------
    TaskError
        The protocol is unknown, does not suit the task, or the corpus has too few speakers for it.
    """
    if protocol not in PROTOCOLS:
        raise TaskError(f"protocol '{protocol}': expected one of {', '.join(PROTOCOLS)}")
    chosen = PROTOCOLS[protocol]
    if chosen.tasks is not None and task.name not in chosen.tasks:
        raise TaskError(f"task '{task.name}' has no protocol '{protocol}': {chosen.why_not}")
    if chosen.has_own_folds and n_folds is not None:
        raise TaskError(f"protocol '{protocol}' has its own folds; leave --folds out")
    plan = chosen.build(Drawing(labelled=labelled, task=task, n_folds=n_folds, repetitions=repetitions, seed=seed))
    if premium and protocol != RANDOM:
        folds = pd.concat([plan.folds, _premium(plan.folds, labelled, seed)], ignore_index=True)
        plan = replace(plan, folds=folds)
    check_folds(plan.folds, labelled)
    return plan


def folds_hash(folds: pd.DataFrame) -> str:
    """Hash a folds table, whatever the order of its rows (SHA-256, hexadecimal)."""
    columns = ["protocol", "repetition", "fold", "role", "recording_id"]
    lines = sorted("\t".join(map(str, row)) for row in folds[columns].itertuples(index=False))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _rows(protocol: str, repetition: int, splits: Sequence[Split], units: pd.Series) -> pd.DataFrame:
    """Rows of splits: a role for the recordings of every unit that has one."""
    ids = units.index.to_numpy()
    parts = []
    for fold, roles in enumerate(splits):
        role = units.map(roles).to_numpy()
        table = pd.DataFrame(
            {"protocol": protocol, "recording_id": ids, "repetition": repetition, "fold": fold, "role": role}
        )
        parts.append(table.dropna(subset="role"))
    return pd.concat(parts, ignore_index=True)


def _speaker_of(labelled: LabelledRecordings) -> pd.Series:
    return labelled.recordings.set_index("recording_id")["speaker"]


def _official(drawing: Drawing) -> Plan:
    labelled, task = drawing.labelled, drawing.task
    if drawing.repetitions > 1:
        raise TaskError("protocol 'official' is one fixed set of folds; leave --repetitions out")
    published = OFFICIAL_FOLDS[task.name]
    everyone = sorted({speaker for split in published for speakers in split for speaker in speakers})
    absent = sorted(set(everyone) - set(labelled.recordings["speaker"]))
    if absent:
        raise TaskError(
            f"protocol 'official' needs all {len(everyone)} speakers of AudioMNIST's published split for "
            f"'{task.name}'; missing here: {offenders(absent, most=60)}; use --protocol grouped"
        )
    splits = [
        dict.fromkeys(everyone, "train") | dict.fromkeys(validation, "validation") | dict.fromkeys(test, "test")
        for test, validation in published
    ]
    n_recordings = int(labelled.recordings["speaker"].isin(everyone).sum())
    note = (
        f"The published split of {len(everyone)} speakers; {n_recordings:,} of its {len(everyone) * 500:,} "
        "recordings are here."
    )
    folds = _rows("official", 0, splits, _speaker_of(labelled))
    return Plan(folds=folds, n_folds=len(splits), notes=(note,))


def _grouped(drawing: Drawing) -> Plan:
    labelled, task = drawing.labelled, drawing.task
    speakers = _speakers(labelled, task)
    sizes = class_sizes(labelled.recordings, labelled.labels)
    n_folds, notes = _fit_folds(drawing, int(sizes.min()) if task.per_speaker else len(speakers), sizes)
    folds = drawing.folds(_speaker_of(labelled), lambda rng: {"grouped": rotate(deal(speakers, n_folds, rng), n_folds)})
    return Plan(folds=folds, n_folds=n_folds, notes=notes)


def _fit_folds(drawing: Drawing, limit: int, sizes: pd.Series) -> tuple[int, tuple[str, ...]]:
    """Take the folds asked for, or as many as the smallest class allows."""
    n_folds, task = drawing.n_folds, drawing.task
    counts = ", ".join(f"{name} {count}" for name, count in sizes.items())
    if limit < MIN_FOLDS or (n_folds or MIN_FOLDS) < MIN_FOLDS:
        raise TaskError(
            f"folds: at least {MIN_FOLDS} are needed (train, validate, test), each needs a speaker; speakers: {counts}"
        )
    if n_folds is None:
        chosen = min(DEFAULT_FOLDS, limit)
        shrunk = f"{chosen} folds instead of {DEFAULT_FOLDS}: the speakers allow no more ({task.name}: {counts})."
        return chosen, (shrunk,) if chosen < DEFAULT_FOLDS else ()
    if n_folds > limit:
        raise TaskError(f"--folds {n_folds}: at most {limit} with these speakers ({task.name}: {counts})")
    return n_folds, ()


def _speakers(labelled: LabelledRecordings, task: Task) -> pd.DataFrame:
    """One row per speaker: ``label`` (gender where the label is the recording's), ``gender``, ``accent_bucket``."""
    table = labelled.recordings.assign(label=labelled.labels.to_numpy())
    speakers = table.drop_duplicates("speaker").set_index("speaker")[["label", "gender", "accent_bucket"]]
    if not task.per_speaker:
        speakers["label"] = speakers["gender"]
    return speakers.fillna(NOT_STATED).sort_index()


def deal(speakers: pd.DataFrame, n_folds: int, rng: np.random.Generator) -> dict[str, int]:
    """Deal speakers to folds, shuffled, class by class and accent by accent within a class.

    Every fold gets as many speakers of a class, of an accent within the class, and in all, as every other, give or
    take one.
    """
    shuffled = speakers.iloc[rng.permutation(len(speakers))].sort_values(["label", "accent_bucket"], kind="stable")
    start = int(rng.integers(n_folds))
    return {str(speaker): (start + place) % n_folds for place, speaker in enumerate(shuffled.index)}


def rotate(fold_of: dict[str, int], n_folds: int) -> list[Split]:
    """Make the split of each fold: it tests, the next one validates, the others train."""
    return [
        {
            unit: "test" if fold == tested else "validation" if fold == (tested + 1) % n_folds else "train"
            for unit, fold in fold_of.items()
        }
        for tested in range(n_folds)
    ]


def _leave_accent_out(drawing: Drawing) -> Plan:
    labelled = drawing.labelled
    speakers = _speakers(labelled, drawing.task)
    unknown = speakers.index[speakers["accent_bucket"] == NOT_STATED]
    speakers = speakers.drop(unknown)
    table = speakers.groupby(["accent_bucket", "label"]).size().unstack(fill_value=0)
    if len(table) < 2 or (table < 2).any(axis=None):
        raise TaskError(
            "protocol 'leave-accent-out' needs two accent buckets with at least two speakers of every class in each; "
            f"this corpus has {table.to_dict('index')}; use --protocol grouped"
        )

    def draw(rng: np.random.Generator) -> dict[str, list[Split]]:
        splits = {accent: _one_accent(speakers, accent, rng) for accent in table.index}
        controls = [_controls(speakers, accent, split, rng) for accent, split in splits.items()]
        return {"leave-accent-out": list(splits.values()), CONTROL: list(chain.from_iterable(controls))}

    names = tuple(str(accent) for accent in table.index)
    note = (
        "Each fold tests one accent and trains on the others; a matched control tests the same speakers with models "
        "trained on equally many speakers of the same gender mix, the accent included."
    )
    dropped = [f"Left out, since they state no accent: speakers {offenders(unknown, most=60)}."] if len(unknown) else []
    folds = drawing.folds(_speaker_of(labelled), draw)
    return Plan(folds=folds, n_folds=len(names), fold_names=names, notes=(note, *dropped))


def _one_accent(speakers: pd.DataFrame, accent: str, rng: np.random.Generator) -> Split:
    """Test all speakers of `accent`; of the others, a quarter of each class validates."""
    split = dict.fromkeys(speakers.index[speakers["accent_bucket"] == accent], "test")
    for _, rows in speakers[speakers["accent_bucket"] != accent].groupby("label"):
        order = rng.permutation(rows.index.to_numpy(dtype=str))
        n_validation = max(1, round(VALIDATION_SHARE * len(order)))
        split.update(dict.fromkeys(order[:n_validation].tolist(), "validation"))
        split.update(dict.fromkeys(order[n_validation:].tolist(), "train"))
    return split


def _controls(speakers: pd.DataFrame, accent: str, split: Split, rng: np.random.Generator) -> list[Split]:
    """Match `split`: test the same speakers, in parts, after training on as many with the accent."""
    tested = speakers[speakers["accent_bucket"] == accent]
    part_of = deal(tested, CONTROL_PARTS, rng)
    needed = pd.Series(split).drop(tested.index)
    controls = []
    for part in range(CONTROL_PARTS):
        control = {speaker: "test" for speaker, number in part_of.items() if number == part}
        pool = speakers.drop(list(control))
        for label, rows in pool.groupby("label"):
            roles = needed[speakers.loc[needed.index, "label"] == label].sort_values().to_list()
            drawn = _draw_both(rows, accent, len(roles), rng)
            control.update(zip(drawn, rng.permutation(np.array(roles)).tolist(), strict=True))
        controls.append(control)
    return [control for control in controls if "test" in control.values()]


def _draw_both(pool: pd.DataFrame, accent: str, number: int, rng: np.random.Generator) -> list[str]:
    """Draw `number` speakers with the accent's share of the pool, at least one where there is one."""
    own = rng.permutation(pool.index[pool["accent_bucket"] == accent].to_numpy(dtype=str)).tolist()
    others = rng.permutation(pool.index[pool["accent_bucket"] != accent].to_numpy(dtype=str)).tolist()
    n_own = min(len(own), max(1, round(number * len(own) / len(pool))))
    n_own = max(n_own, number - len(others))
    return [*own[:n_own], *others[: number - n_own]]


def _recording_random(drawing: Drawing) -> Plan:
    labelled = drawing.labelled
    sizes = labelled.labels.groupby(labelled.labels).size()
    n_folds, notes = _fit_folds(drawing, int(sizes.min()), sizes)
    units = _units(labelled.recordings)
    first = pd.DataFrame({"unit": units, "label": labelled.labels, "accent_bucket": ""}).drop_duplicates("unit")
    dealt = first.set_index("unit")
    folds = drawing.folds(
        units.set_axis(labelled.recordings["recording_id"]),
        lambda rng: {RANDOM: rotate(deal(dealt, n_folds, rng), n_folds)},
    )
    return Plan(folds=folds, n_folds=n_folds, notes=notes)


def _units(recordings: pd.DataFrame) -> pd.Series:
    """Name what a random split must keep together: byte-identical recordings, else the recording itself."""
    return recordings["content_hash"].fillna(recordings["recording_id"])


def _premium(folds: pd.DataFrame, labelled: LabelledRecordings, seed: int) -> pd.DataFrame:
    """Shuffle the roles of the first split among its recordings of the same class: equal numbers, speakers shared."""
    first = folds[(folds["repetition"] == 0) & (folds["fold"] == 0) & (folds["protocol"] == folds["protocol"].iloc[0])]
    table = labelled.recordings.assign(label=labelled.labels.to_numpy(), unit=_units(labelled.recordings))
    table = table.merge(first[["recording_id", "role"]], on="recording_id", validate="one_to_one")
    rng = np.random.default_rng([seed, 1_000_003])
    roles = table["role"].to_numpy(dtype=object)
    for _, rows in table.groupby("label"):
        places = rows.index.to_numpy()
        roles[places] = rng.permutation(roles[places])
    table["role"] = roles
    table["role"] = table.groupby("unit")["role"].transform("first")
    return table[["recording_id", "role"]].assign(protocol=RANDOM, repetition=0, fold=0)


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="official",
            build=_official,
            sentence="The published splits of AudioMNIST's authors were used: {n} folds, each with its own test and "
            "validation speakers.",
            has_own_folds=True,
            tasks=tuple(OFFICIAL_FOLDS),
            why_not="there is no published split for it; use --protocol grouped",
        ),
        Protocol(
            name="grouped",
            build=_grouped,
            sentence="All speakers were dealt to {n} folds, alike in class and accent as far as whole speakers allow; "
            "each fold is tested once, by models that never heard its speakers.",
        ),
        Protocol(
            name="leave-accent-out",
            build=_leave_accent_out,
            sentence="Each of {n} accents is tested once, by models that never heard that accent; a matched control "
            "tests the same speakers with models trained on equally many speakers, the accent included.",
            has_own_folds=True,
            tasks=("gender", "digit"),
            why_not="only gender and digit have it, for the rest classes and accents are nearly the same speakers; "
            "use --protocol grouped",
        ),
        Protocol(
            name=RANDOM,
            build=_recording_random,
            sentence="Recordings were dealt to {n} folds at random: the same speakers are trained and tested on, so "
            "these numbers say nothing about people the models never heard.",
        ),
    )
}
"""Protocols by name, in the order in which messages name them."""
