"""What a gate can require of a whole run, judged from its tables: speakers held out, and every cell there."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from reports.gates.verdicts import Verdict, shortened
from reports.run_directory.fold_offences import SPLIT, Rule, offences, offenders_of, sides
from reports.run_directory.run import Run
from reports.run_directory.tables import CELL_KEYS
from reports.terms import RANDOM


def speakers_held_out(run: Run, asked: str) -> Verdict:
    """Judge whether the splits of a run keep its speakers apart.

    No speaker and no byte-identical audio on two sides of a split, every recording tested at most once per
    repetition, every speaker of the main protocol's splits tested in each of them, and no answer to a recording that
    its split does not test. A ``recording-random`` split beside another main protocol shares speakers by design and
    is not looked at.
    """
    folds = run.folds[(run.folds["protocol"] == run.protocol) | (run.folds["protocol"] != RANDOM)]
    if not (folds["protocol"] == run.protocol).any():
        why = f"no split of '{run.protocol}'"
        return Verdict(outcome="not measured", asked=asked, measured="found no split", why=why)
    rows = sides(folds, run.recordings)
    main = rows[rows["protocol"] == run.protocol]
    measured = (
        f"found {main[SPLIT].drop_duplicates().shape[0]} splits of {main['speaker'].nunique()} speakers "
        f"({run.recordings['speaker'].nunique()} in the corpus), {main['recording_id'].nunique():,} recordings"
    )
    broken = [
        offence
        for offence in offences(folds, run.recordings)
        if offence.rule is not Rule.UNTESTED or offence.protocol == run.protocol
    ]
    named = [(str(rule), offenders_of(broken, rule)) for rule in Rule]
    named.append(("recordings answered that their split does not test", _unlike_the_folds(rows, run)))
    if clauses := [f"{what}: {shortened(names)}" for what, names in named if names]:
        return Verdict(outcome="failed", asked=asked, measured=measured, why="; ".join(clauses))
    if n_unknown := main.loc[main["content_hash"].isna(), "recording_id"].nunique():
        why = f"{n_unknown:,} recordings have no content hash, so copies of them cannot be found"
        return Verdict(outcome="not measured", asked=asked, measured=measured, why=why)
    return Verdict(outcome="holds", asked=asked, measured=measured)


def complete(run: Run, asked: str) -> Verdict:
    """Judge whether every model has answered every split, as often as the run has seeds, each recording once."""
    answered = run.predictions.groupby(list(CELL_KEYS), observed=True)["recording_id"].agg(["size", "nunique"])
    counts = {key: (n_rows, n_recordings) for key, n_rows, n_recordings in answered.itertuples(name=None)}
    expected = dict(_expected(run))
    absent = [key for key, n_recordings in expected.items() if counts.get(key) != (n_recordings, n_recordings)]
    measured = f"found {len(expected) - len(absent)} of {len(expected)} cells"
    if not absent:
        return Verdict(outcome="holds", asked=asked, measured=measured)
    errors = {entry["cell"]: entry["error"] for entry in run.manifest.get("cells", {}).get("failed", [])}
    names = ["{}-{}-r{}-f{}-s{}".format(*key) for key in absent]
    told = [f"{name} ({errors[name]})" if name in errors else name for name in names]
    return Verdict(outcome="failed", asked=asked, measured=measured, why=f"missing or not whole: {shortened(told)}")


def _unlike_the_folds(rows: pd.DataFrame, run: Run) -> list[str]:
    """Return the answers that are not to a recording that their split tests, or name another speaker for it."""
    keys = [*SPLIT, "recording_id", "speaker"]
    answers = run.predictions.loc[run.predictions["protocol"].isin(set(rows["protocol"])), keys].drop_duplicates()
    answers = answers.astype({"protocol": str, "recording_id": str, "speaker": str})
    tested = rows.loc[rows["role"] == "test", keys].drop_duplicates()
    joined = answers.merge(tested, on=keys, how="left", indicator=True)
    return list(dict.fromkeys(joined.loc[joined["_merge"] == "left_only", "recording_id"]))


def _expected(run: Run) -> Iterator[tuple[tuple[str, str, int, int, int], int]]:
    """Yield the key of every cell that the run must have, and how many recordings it tests."""
    tested = run.folds[run.folds["role"] == "test"].groupby(SPLIT)["recording_id"].nunique().reset_index(name="n")
    seeds = run.manifest["protocol"].get("seeds") or sorted(run.predictions["seed"].unique())
    for model in run.models:
        for protocol, repetition, fold, n_recordings in tested.itertuples(index=False, name=None):
            # protocols beside the main one are run with the first seed only
            for seed in seeds if protocol == run.protocol else seeds[:1]:
                yield (model, protocol, repetition, fold, seed), n_recordings
