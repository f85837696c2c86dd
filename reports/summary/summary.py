"""All numbers of the report, computed from the tables of a run directory; no drawing.

``summary.json`` has schema ``voxfold-summary/2``; every estimated number in it has the form that
`reports.statistics.estimate` declares.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd

from reports.run_directory import borrowed_times
from reports.run_directory.audit import Audit
from reports.run_directory.files import write_text
from reports.run_directory.guards import Guards
from reports.run_directory.run import Run, load
from reports.statistics import intervals, sign_flips
from reports.summary import answer, auroc, fairness, gaps, groups, hardest, model_pairs, published, runtime, shrinkage
from reports.summary.calibration import calibration
from reports.summary.metrics import model_accuracy
from reports.terms import NOT_STATED, RANDOM, Json
from reports.text import wording
from reports.text.markdown import table
from reports.text.printable import in_markdown

SCHEMA = "voxfold-summary/2"

_COPIED = ("created", "mfcc", "folds_hash", "machine", "versions", "accelerated", "commit", "command", "settings")

WITHIN_GENDER = ("accent_bucket", "accent")
"""Attributes whose gaps are also taken among speakers of one gender."""

_RAW = ("gender", "accent", "native_speaker", "age", "origin", "room")
"""Columns of the recordings table that keep their raw value in ``<name>_raw``."""


def summarise(folder: Path, measured: borrowed_times.Borrowed | None = None) -> Json:
    """Return every number of the report on the run directory `folder`, with `measured` for its own times and memory.

    Raises
    ------
    reports.run_directory.files.TableError
        A table or the manifest is missing or not as declared.
    """
    run = load(folder)
    if measured is not None:
        run = replace(run, timings=measured.timings)
    manifest = run.manifest
    models = {model: _model(run, model) for model in run.models}
    comparisons = model_pairs.pairs(run)
    costs = runtime.costs_of(run)
    summary: Json = {
        "schema": SCHEMA,
        **{key: manifest.get(key) for key in _COPIED},
        "task": manifest["task"],
        "protocol": manifest["protocol"],
        "corpus": {**manifest.get("corpus", {}), **_counts(run)},
        "cells": manifest.get("cells", {}),
        "model_order": list(run.models),
        "uncertainty": method_settings(),
        "models": models,
        "comparisons": comparisons,
        "ranks": model_pairs.ranks(run.contenders, comparisons),
        "rank_groups": model_pairs.rank_groups(run.contenders, comparisons),
        "leader": model_pairs.leader(models, run.contenders, comparisons),
        "leakage_premium": model_pairs.leakage_premium(run),
        "accent_never_heard": model_pairs.accent_never_heard(run),
        "confounding": groups.confounding(run.tested),
        **_groups(run),
        "runtime": {**costs, "front": runtime.front(costs["models"], models)},
        "hardest": hardest.most_wrong(run),
        "cleaned": _cleaned(run.recordings),
        "quarantine": run.quarantine.sort_values(["reason", "recording"]).to_dict("records"),
        "guards": Guards.read(folder) if measured is None else measured.guards,
        "audit": Audit.read(folder),
        "timings_from": None if measured is None else measured.origin,
        "published": {
            "main": published.beside(manifest, run.protocol),
            "random": [] if run.protocol == RANDOM else published.beside(manifest, RANDOM),
        },
    }
    return {**summary, "answer": answer.answer(summary)}


def _groups(run: Run) -> Json:
    everyone = list(groups.members(run))
    levels = groups.by_attribute(everyone, lambda each: groups.levels(run, each))
    within: dict[str, dict[str, Json]] = {}
    for each in everyone:
        for gender, gap in gaps.within_gender(each).items() if each.attribute in WITHIN_GENDER else ():
            within.setdefault(gender, {}).setdefault(each.attribute, {})[each.model] = gap
    return {
        "groups": groups.by_group(levels),
        "gaps": groups.by_attribute(everyone, gaps.between_groups),
        "gaps_within_gender": within,
        "shrinkage": groups.by_attribute(everyone, lambda each: shrinkage.shrinkage(each, run.task)),
        "fairness": groups.by_attribute(
            everyone,
            lambda each: fairness.fairness(each, run.rows(each.model), run.task, levels[each.attribute][each.model]),
        ),
    }


def method_settings() -> Json:
    """Return the level, the numbers of draws and the smallest groups that every interval and test goes by."""
    return {
        "level": intervals.LEVEL,
        "n_replicates": intervals.N_REPLICATES,
        "n_permutations": gaps.N_PERMUTATIONS,
        "n_flips": sign_flips.N_FLIPS,
        "seed": intervals.SEED,
        "min_speakers": intervals.MIN_SPEAKERS,
        "min_speakers_for_tests": gaps.MIN_SPEAKERS_FOR_TESTS,
    }


def write_summary(folder: Path) -> Path:
    """Write ``summary.json`` and the short ``summary.md`` into `folder`; return the path of the first.

    Measurements that the run has borrowed (`reports.run_directory.borrowed_times`) are shown in place of its own.
    """
    summary = summarise(folder, borrowed_times.read(folder))
    path = folder / "summary.json"
    text = json.dumps(summary, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_text(path, text + "\n")
    write_text(folder / "summary.md", as_markdown(summary))
    return path


def as_markdown(summary: Json) -> str:
    """Return the short version: title, answer, one table."""
    told = summary["answer"]
    numbers = "rank|balanced accuracy|95 % interval|speakers|recordings|mean over folds ± sd|leakage premium".split("|")
    rows = [_markdown_row(summary, model) for model in summary["model_order"]]
    lines = [
        f"## {in_markdown(title(summary))}",
        "",
        *[f"**{in_markdown(warning)}**\n" for warning in told["warnings"]],
        in_markdown(" ".join(told["sentences"])),
        "",
        table(["model", *numbers], rows, numbers=numbers),
        "",
        "Balanced accuracy: speakers weigh equally. Intervals hold for new speakers and these trained models; the "
        "spread over folds is no interval. Models that share a rank are not told apart.",
    ]
    return "\n".join(lines) + "\n"


def title(summary: Json) -> str:
    """Return the title of a report: what is recognised, on which corpus, under which protocol."""
    task = wording.task(summary["task"]["name"])
    corpus = summary["corpus"].get("name") or "a corpus without a name"
    return f"Recognising {task}: {corpus}, {wording.protocol(summary['protocol']['name'])}"


def _model(run: Run, model: str) -> Json:
    entry: Json = next((entry for entry in run.manifest["models"] if entry["name"] == model), {})
    return {
        "name": model,
        "label": wording.model(model),
        "description": entry.get("description", ""),
        "view": entry.get("view"),
        "baseline": run.is_baseline(model),
        **model_accuracy(run, model),
        "auroc": auroc.area(run.rows(model), run.task),
        **calibration(run, model),
    }


def _counts(run: Run) -> Json:
    return {
        "n_recordings_corpus": len(run.recordings),
        "n_speakers_corpus": int(run.recordings["speaker"].nunique()),
        "n_recordings_tested": len(run.tested),
        "n_speakers_tested": int(run.tested["speaker"].nunique()),
        "n_quarantined": len(run.quarantine),
    }


def _cleaned(recordings: pd.DataFrame) -> list[Json]:
    """Return the values that the corpus' cleaning table has changed, with what they became."""
    changed = []
    for name in _RAW:
        pairs = recordings[["speaker"]].assign(raw=recordings[f"{name}_raw"], clean=_as_text(recordings[name]))
        pairs = pairs[pairs["raw"].notna() & (pairs["raw"] != pairs["clean"])]
        for (raw, value), rows in pairs.groupby(["raw", "clean"], sort=True):
            counted = {"n_speakers": int(rows["speaker"].nunique()), "n_recordings": len(rows)}
            changed.append({"attribute": name, "raw": str(raw), "clean": str(value), **counted})
    return changed


def _as_text(values: pd.Series) -> pd.Series:
    """Return `values` as text; whole numbers without a decimal point, what is missing as `NOT_STATED`."""
    whole = values.astype("Int64") if values.dtype.kind == "f" else values
    return whole.astype("str").where(values.notna(), NOT_STATED)


def mean_of_folds(numbers: Json) -> str:
    """Return a model's mean balanced accuracy over folds, and its spread: ``75.2 ± 3.1``."""
    mean = numbers["mean_over_folds"]["balanced_accuracy"]
    spread = "" if mean["sd"] is None else f" ± {wording.percent(mean['sd'], False)}"
    return wording.percent(mean["value"], False) + spread


def _markdown_row(summary: Json, model: str) -> list[str]:
    numbers, premium = summary["models"][model], summary["leakage_premium"].get(model)
    accuracy = numbers["balanced_accuracy"]
    added = wording.NONE
    if premium is not None and premium["value"] is not None:
        added = f"{wording.points(premium['value'])} ({wording.interval(premium, of_points=True)})"
    return [
        in_markdown(numbers["label"]),
        wording.rank(summary["ranks"].get(model)),
        wording.percent(accuracy["value"]),
        wording.interval(accuracy),
        wording.count(accuracy["n_speakers"]),
        wording.count(accuracy["n_recordings"]),
        mean_of_folds(numbers),
        added,
    ]
