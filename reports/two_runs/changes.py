"""Two runs, paired by recording and averaged per speaker: every number of what changed from run A to run B; no drawing.

Differences are B minus A. Only recordings that a model has answered under the main protocol of both runs are counted,
so that both sides of a difference are the same speakers saying the same things. Every interval and test holds for new
speakers and these trained models. The result has schema ``voxfold-comparison/1`` (docs/summary.md).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from reports.run_directory.files import TableError
from reports.run_directory.run import Run, load
from reports.summary import groups, metrics
from reports.summary.gaps import Gap, between_groups
from reports.summary.groups import Members
from reports.summary.model_pairs import paired, tested
from reports.summary.summary import method_settings
from reports.terms import NOT_STATED, Json
from reports.text import wording
from reports.text.printable import printable
from reports.two_runs.answer import GapChange, ModelChange, answer
from reports.two_runs.conditions import compared_conditions
from reports.two_runs.runtime import cost_ratios

SCHEMA = "voxfold-comparison/1"


def compare(folder_a: Path, folder_b: Path) -> Json:
    """Return every number of the comparison of two run directories.

    Raises
    ------
    reports.run_directory.files.TableError
        A run cannot be read, or the two cannot be compared.
    """
    a, b = load(folder_a), load(folder_b)
    check_comparable(a, b)
    models = tuple(model for model in a.models if model in b.models)
    shared_a, shared_b = restricted(a, b, models), restricted(b, a, models)
    judged = tuple(model for model in shared_a.judged if model in shared_b.judged) or models  # one family of tests
    changes = _changes(shared_a, shared_b, judged)
    comparison: Json = {
        "schema": SCHEMA,
        "task": a.manifest["task"],
        "a": _side(a, shared_a),
        "b": _side(b, shared_b),
        "pairing": _pairing(a, b, shared_a),
        "uncertainty": method_settings(),
        "model_order": list(models),
        "judged": list(judged),
        "only_a": [model for model in a.models if model not in models],
        "only_b": [model for model in b.models if model not in models],
        "models": {model: {**_model(a, b, model), **changes[model]} for model in models},
        "gap_changes": gap_changes(shared_a, shared_b),
        "most_changed": _most_changed(shared_a, changes, judged),
        "runtime": cost_ratios(a, b, models),
        "conditions": compared_conditions(a.manifest, b.manifest),
    }
    return {**comparison, "answer": answer(comparison)}


def check_comparable(a: Run, b: Run) -> None:
    """Refuse two runs that ask other things, or that share no recording or no model.

    Raises
    ------
    reports.run_directory.files.TableError
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
        for recording, row in both[other].head(5).to_dict("index").items()
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


def _changes(a: Run, b: Run, judged: tuple[str, ...]) -> dict[str, ModelChange]:
    """Return, per model, both balanced accuracies and their difference on the same recordings, with its test."""
    tables = {model: [_speakers(run, model) for run in (a, b)] for model in a.models}
    pairs = {model: paired(of_b, of_a, a.task) for model, (of_a, of_b) in tables.items()}
    others = [model for model in pairs if model not in judged]
    tests = tested([pairs[model] for model in judged], beside=[pairs[model] for model in others])
    return {
        model: {**test, "a": pairs[model].b, "b": pairs[model].a, "per_speaker": _per_speaker(*tables[model])}
        for model, test in zip([*judged, *others], tests, strict=True)
    }


def _speakers(run: Run, model: str) -> pd.DataFrame:
    table = metrics.speaker_table(run.rows(model), run.task)
    return table.astype({"speaker": str, "stratum": str}).sort_values("speaker", ignore_index=True)


def _per_speaker(a: pd.DataFrame, b: pd.DataFrame) -> list[Json]:
    both = a.assign(a=a["score"]).merge(b.set_index("speaker")["score"].rename("b"), on="speaker")
    columns = ["speaker", "stratum", "a", "b", "change", "n_recordings"]
    rows = both.assign(change=both["b"] - both["a"]).to_dict("records")
    return [{name: row[name] for name in columns} for row in rows]


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


def gap_changes(a: Run, b: Run) -> dict[str, dict[str, GapChange]]:
    """Return ``<attribute>.<model>``: how the gap between groups changed, as a number with its band and p.

    With two groups it is the second run's gap minus the first's: the gap of the speakers' own differences. With three
    or more it is the range of the groups' mean differences, zero where all groups changed alike.
    """
    if a.main.empty:
        return {}
    others = {(each.attribute, each.model): each for each in groups.members(b)}
    return groups.by_attribute(groups.members(a), lambda each: _gap_change(each, others[each.attribute, each.model]))


def _gap_change(a: Members, b: Members) -> GapChange:
    # a group of other recordings is another group: the speaker stands elsewhere in one of the runs
    keys = ["group", "speaker", "n_recordings"]
    both = a.speakers.merge(b.speakers[[*keys, "score"]], on=keys, suffixes=("_a", "_b"))
    first, second = both["score_a"], both["score_b"]
    change = _gap(a, both, second - first)
    moved = set(a.speakers["speaker"]) - set(both["speaker"])
    note = f"{wording.counted(len(moved), 'speaker')} of another group in the two runs left out" if moved else None
    signed = change["kind"] == "difference"
    ends = [_gap(a, both, score) if signed else None for score in (first, second)]
    return {**change, "a": ends[0], "b": ends[1], "note": note}


def _gap(members: Members, both: pd.DataFrame, score: pd.Series) -> Gap:
    return between_groups(replace(members, speakers=both.assign(score=score)))


def _side(run: Run, shared: Run) -> Json:
    manifest, corpus = run.manifest, run.manifest.get("corpus") or {}
    counts = {
        name: [int(of.main[column].nunique()) for of in (run, shared)]
        for name, column in (("n_recordings", "recording_id"), ("n_speakers", "speaker"))
    }
    return {
        "name": printable(run.folder.resolve().name),
        **{key: manifest.get(key) for key in ("created", "command", "commit", "folds_hash", "machine")},
        "protocol": {key: manifest["protocol"].get(key) for key in ("name", "folds", "repetitions", "seeds", "refit")},
        "corpus": {key: corpus.get(key) for key in ("kind", "name", "hash")} | {"synthetic": _is_synthetic(run)},
        "models": list(run.models),
        "n_failed": len((manifest.get("cells") or {}).get("failed") or []),
        **{f"{name}_tested": n_tested for name, (n_tested, _) in counts.items()},
        **{f"{name}_left_out": n_tested - n_shared for name, (n_tested, n_shared) in counts.items()},
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


def _most_changed(run: Run, changes: dict[str, ModelChange], judged: tuple[str, ...]) -> list[Json]:
    """Return the speakers whose scores changed most, averaged over the models that the answer speaks of."""
    of_model = {
        model: {
            row["speaker"]: {key: row[key] for key in ("a", "b", "change")} for row in changes[model]["per_speaker"]
        }
        for model in judged
    }
    about = run.main.drop_duplicates("speaker").astype({"speaker": str}).set_index("speaker")
    means: list[Json] = []
    for speaker in sorted({speaker for rows in of_model.values() for speaker in rows}):
        models = {model: rows[speaker] for model, rows in of_model.items() if speaker in rows}
        mean = sum(row["change"] for row in models.values()) / len(models)
        told = {
            name: str(about.loc[speaker, name]) if speaker in about.index else NOT_STATED
            for name in ("gender", "accent")
        }
        means.append({"speaker": speaker, "mean": mean, "models": models, **told})
    changed = [row for row in means if any(each["change"] for each in row["models"].values())]
    return sorted(changed, key=lambda row: (-abs(row["mean"]), row["speaker"]))[:10]
