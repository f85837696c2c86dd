"""Two runs, paired by recording and averaged per speaker: every number of what changed from run A to run B; no drawing.

Differences are B minus A. Only recordings that a model has answered under the main protocol of both runs are counted,
so that both sides of a difference are the same speakers saying the same things. Every interval and test holds for new
speakers and these trained models. The result has schema ``voxfold-comparison/1`` (docs/summary.md).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from reports import gaps, groups, metrics, two_runs_answer, two_runs_conditions, two_runs_costs, wording
from reports.comparison import holm, paired, tested
from reports.groups import Members
from reports.plain_text import printable
from reports.run import Run, load
from reports.summary import method_settings
from reports.tables import TableError
from reports.terms import MAJORITY, NOT_STATED, Json

SCHEMA = "voxfold-comparison/1"

MAX_NAMED = 5
N_MOST_CHANGED = 10

_ABOUT = ("gender", "accent")
"""What is said of the speakers that changed most."""


def compare(folder_a: Path, folder_b: Path) -> Json:
    """Return every number of the comparison of two run directories.

    Raises
    ------
    reports.tables.TableError
        A run cannot be read, or the two cannot be compared.
    """
    a, b = load(folder_a), load(folder_b)
    check_comparable(a, b)
    models = tuple(model for model in a.models if model in b.models)
    shared_a, shared_b = restricted(a, b, models), restricted(b, a, models)
    changes = _changes(shared_a, shared_b)
    sides = {"a": _side(a, shared_a), "b": _side(b, shared_b)}
    found: Json = {
        "schema": SCHEMA,
        "task": a.manifest["task"],
        **sides,
        "pairing": _pairing(a, b, shared_a),
        "uncertainty": method_settings(),
        "model_order": list(models),
        "judged": list(_judged(a, b, models)),
        "only_a": [model for model in a.models if model not in models],
        "only_b": [model for model in b.models if model not in models],
        "models": {model: {**_model(a, b, model), **changes[model]} for model in models},
        "gap_changes": gap_changes(shared_a, shared_b),
        "most_changed": _most_changed(shared_a, changes, _judged(a, b, models)),
        "runtime": two_runs_costs.describe(a, b, models),
        "conditions": two_runs_conditions.describe(a.manifest, b.manifest),
    }
    return {**found, "answer": two_runs_answer.answer(found)}


def check_comparable(a: Run, b: Run) -> None:
    """Refuse two runs that ask other things, or that share no recording or no model.

    Raises
    ------
    reports.tables.TableError
        They cannot be compared.
    """
    tasks = [f"{run.task.name} ({', '.join(run.task.classes)})" for run in (a, b)]
    if (a.task.name, a.task.classes) != (b.task.name, b.task.classes):
        raise TableError(f"the runs have other tasks or classes: A {tasks[0]}, B {tasks[1]}; nothing can be compared")
    if not set(a.models) & set(b.models):
        models = [", ".join(run.models) or "none" for run in (a, b)]
        raise TableError(f"the runs have no model in common: A has {models[0]}, B has {models[1]}")
    if _is_synthetic(a) != _is_synthetic(b):
        real, other = ("B", "A") if _is_synthetic(a) else ("A", "B")
        raise TableError(f"the voices of {other} are synthetic and those of {real} are not; no recording is in both")
    of_a, of_b = _labels(a), _labels(b)
    both = of_a.merge(of_b, left_index=True, right_index=True, suffixes=("_a", "_b"))
    if both.empty:
        raise TableError(
            f"no recording was tested in both runs: {len(of_a):,} in A, {len(of_b):,} in B, none of the same "
            "recording_id; compare runs on the same corpus"
        )
    _check_labels(both)


def _check_labels(both: pd.DataFrame) -> None:
    other = (both["speaker_a"] != both["speaker_b"]) | (both["y_true_a"] != both["y_true_b"])
    named = [
        f"'{recording}' (A: speaker {row['speaker_a']}, {row['y_true_a']}; "
        f"B: speaker {row['speaker_b']}, {row['y_true_b']})"
        for recording, row in both[other].head(MAX_NAMED).to_dict("index").items()
    ]
    if named:
        raise TableError(
            f"{int(other.sum()):,} of {len(both):,} recordings tested in both runs have another speaker or label in "
            f"the two, such as {', '.join(named)}; compare runs on the same corpus"
        )


def _is_synthetic(run: Run) -> bool:
    return bool((run.manifest.get("corpus") or {}).get("synthetic"))


def _labels(run: Run) -> pd.DataFrame:
    """Return speaker and label of every recording that any model answered under the main protocol."""
    rows = run.main.drop_duplicates("recording_id")[["recording_id", "speaker", "y_true"]].astype(str)
    return rows.set_index("recording_id").sort_index()


def restricted(run: Run, other: Run, models: tuple[str, ...]) -> Run:
    """Return `run` with `models` only, and of each the answers to recordings that it has answered in `other` too."""
    mine = run.main[run.main["model"].isin(models)]
    asked, there = _questions(mine), _questions(other.main)
    return replace(run, models=models, predictions=mine[asked.isin(there)].reset_index(drop=True))


def _questions(rows: pd.DataFrame) -> pd.Series:
    text = rows["model"].astype(str) + "\n" + rows["recording_id"].astype(str)
    return text.astype("str")


def _judged(a: Run, b: Run, models: tuple[str, ...]) -> tuple[str, ...]:
    """Return the models that the answer speaks of and whose tests are one family, as in a report on one run."""
    contenders = tuple(model for model in models if not (a.is_baseline(model) or b.is_baseline(model)))
    trained = tuple(model for model in models if model != MAJORITY)
    return contenders or trained or models


def _changes(a: Run, b: Run) -> Json:
    """Return, per model, both balanced accuracies and their difference on the same recordings, with its test."""
    tables = {model: [_speakers(run, model) for run in (a, b)] for model in a.models}
    found = {model: paired(of_b, of_a, a.task) for model, (of_a, of_b) in tables.items()}
    family = _judged(a, b, a.models)
    corrected = dict(zip(family, holm([found[model].p for model in family]), strict=True))
    n_tests = sum(p is not None for p in corrected.values())
    return {
        model: {
            "a": pair.b,
            "b": pair.a,
            **tested(pair, corrected.get(model), n_tests),
            "per_speaker": _per_speaker(*tables[model]),
        }
        for model, pair in found.items()
    }


def _speakers(run: Run, model: str) -> pd.DataFrame:
    table = metrics.speaker_table(run.rows(model), run.task)
    return table.astype({"speaker": str, "stratum": str}).sort_values("speaker", ignore_index=True)


def _per_speaker(a: pd.DataFrame, b: pd.DataFrame) -> list[Json]:
    both = a.merge(b[["speaker", "score"]], on="speaker", suffixes=("_a", "_b"))
    return [
        {
            "speaker": row["speaker"],
            "stratum": row["stratum"],
            "a": float(row["score_a"]),
            "b": float(row["score_b"]),
            "change": float(row["score_b"] - row["score_a"]),
            "n_recordings": int(row["n_recordings"]),
        }
        for row in both.to_dict("records")
    ]


def _model(a: Run, b: Run, model: str) -> Json:
    return {
        "label": wording.model(model),
        "baseline": a.is_baseline(model) or b.is_baseline(model),
        "left_out": {"a": _left_out(a.rows(model), b.rows(model)), "b": _left_out(b.rows(model), a.rows(model))},
    }


def _left_out(mine: pd.DataFrame, theirs: pd.DataFrame) -> Json:
    """Count the recordings that only `mine` answers, and the speakers of whom nothing else is left."""
    rows = mine.drop_duplicates("recording_id")[["recording_id", "speaker"]].astype(str)
    shared = rows["recording_id"].isin(theirs["recording_id"].astype(str))
    alone = set(rows["speaker"]) - set(rows.loc[shared, "speaker"])
    return {"n_recordings": int((~shared).sum()), "n_speakers": len(alone)}


def gap_changes(a: Run, b: Run) -> Json:
    """Return ``<attribute>.<model>``: how the gap between groups changed, as a number with its band and p.

    With two groups it is the second run's gap minus the first's: the gap of the speakers' own differences. With three
    or more it is the range of the groups' mean differences, zero where all groups changed alike.
    """
    if a.main.empty:
        return {}
    others = {(each.attribute, each.model): each for each in groups.members(b)}
    found: Json = {}
    for each in groups.members(a):
        of_model = found.setdefault(each.attribute, {})
        of_model[each.model] = _gap_change(each, others[each.attribute, each.model])
    return found


def _gap_change(a: Members, b: Members) -> Json:
    # a group of other recordings is another group: the speaker stands elsewhere in one of the runs
    keys = ["group", "speaker", "n_recordings"]
    both = a.speakers.merge(b.speakers[[*keys, "score"]], on=keys, suffixes=("_a", "_b"))
    change = _gap(a, both, both["score_b"] - both["score_a"])
    moved = set(a.speakers["speaker"]) - set(both["speaker"])
    note = f"{wording.counted(len(moved), 'speaker')} of another group in the two runs left out" if moved else None
    signed = change["kind"] == "difference"
    ends = {end: _gap(a, both, both[f"score_{end}"]) if signed else None for end in ("a", "b")}
    return {**change, **ends, "note": note}


def _gap(members: Members, both: pd.DataFrame, score: pd.Series) -> Json:
    return gaps.describe(replace(members, speakers=both.assign(score=score)))


def _side(run: Run, shared: Run) -> Json:
    manifest, corpus = run.manifest, run.manifest.get("corpus") or {}
    left = {"n_recordings_tested": "recording_id", "n_speakers_tested": "speaker"}
    return {
        "name": printable(run.folder.resolve().name),
        "created": manifest.get("created"),
        "command": manifest.get("command"),
        "commit": manifest.get("commit"),
        "folds_hash": manifest.get("folds_hash"),
        "machine": manifest.get("machine"),
        "protocol": {key: manifest["protocol"].get(key) for key in ("name", "folds", "repetitions", "seeds", "refit")},
        "corpus": {key: corpus.get(key) for key in ("kind", "name", "hash")} | {"synthetic": _is_synthetic(run)},
        "models": list(run.models),
        "n_failed": len((manifest.get("cells") or {}).get("failed") or []),
        **{name: int(run.main[column].nunique()) for name, column in left.items()},
        "n_recordings_left_out": int(run.main["recording_id"].nunique() - shared.main["recording_id"].nunique()),
        "n_speakers_left_out": int(run.main["speaker"].nunique() - shared.main["speaker"].nunique()),
    }


def _pairing(a: Run, b: Run, shared: Run) -> Json:
    """Count what both runs tested, and how much of it are other files under the same name."""
    recordings = shared.main["recording_id"].astype(str).unique()
    contents = [run.recordings.set_index("recording_id")["content_hash"].reindex(recordings) for run in (a, b)]
    known = contents[0].notna() & contents[1].notna()
    return {
        "n_recordings": len(recordings),
        "n_speakers": int(shared.main["speaker"].nunique()),
        "n_other_content": int((known & (contents[0] != contents[1])).sum()),
    }


def _most_changed(run: Run, changes: Json, judged: tuple[str, ...]) -> list[Json]:
    """Return the speakers whose scores changed most, averaged over the models that the answer speaks of."""
    of_model = {
        model: {
            row["speaker"]: {key: row[key] for key in ("a", "b", "change")} for row in changes[model]["per_speaker"]
        }
        for model in judged
    }
    about = run.main.drop_duplicates("speaker").astype({"speaker": str}).set_index("speaker")
    found = []
    for speaker in sorted({speaker for rows in of_model.values() for speaker in rows}):
        models = {model: rows[speaker] for model, rows in of_model.items() if speaker in rows}
        mean = sum(row["change"] for row in models.values()) / len(models)
        told = {name: str(about.loc[speaker, name]) if speaker in about.index else NOT_STATED for name in _ABOUT}
        found.append({"speaker": speaker, "mean": mean, "models": models, **told})
    changed = [row for row in found if any(each["change"] for each in row["models"].values())]
    return sorted(changed, key=lambda row: (-abs(row["mean"]), row["speaker"]))[:N_MOST_CHANGED]
