"""Conditions on a whole run, recomputed from its tables: speakers held out, and every cell there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from reports.run import Run
from reports.tables import CELL_KEYS
from reports.terms import RANDOM
from reports.verdicts import Verdict

_SPLIT = ["protocol", "repetition", "fold"]


def speakers_held_out(run: Run, asked: str) -> Verdict:
    """Judge whether the splits of a run keep its speakers apart.

    No speaker and no byte-identical audio on two sides of a split, every recording tested at most once per
    repetition, every speaker of the main protocol's splits tested in each of them, and no answer to a recording that
    its split does not test. A ``recording-random`` split beside another main protocol shares speakers by design and
    is not looked at.
    """
    folds = run.folds[(run.folds["protocol"] == run.protocol) | (run.folds["protocol"] != RANDOM)]
    if not (folds["protocol"] == run.protocol).any():
        return Verdict(outcome="not measured", asked=asked, found="found no split", why=f"no split of '{run.protocol}'")
    known = run.recordings[["recording_id", "speaker", "content_hash"]].drop_duplicates("recording_id")
    sides = folds.merge(known, on="recording_id", how="left")
    main = sides[sides["protocol"] == run.protocol]
    found = (
        f"found {main[_SPLIT].drop_duplicates().shape[0]} splits of {main['speaker'].nunique()} speakers "
        f"({run.recordings['speaker'].nunique()} in the corpus), {main['recording_id'].nunique():,} recordings"
    )
    offences = [*_offences(sides, run), *_unlike_the_folds(sides, run)]
    if offences:
        return Verdict(outcome="failed", asked=asked, found=found, why="; ".join(offences))
    n_unknown = main.loc[main["content_hash"].isna(), "recording_id"].nunique()
    if n_unknown:
        why = f"{n_unknown:,} recordings have no content hash, so copies of them cannot be found"
        return Verdict(outcome="not measured", asked=asked, found=found, why=why)
    return Verdict(outcome="holds", asked=asked, found=found)


def complete(run: Run, asked: str) -> Verdict:
    """Judge whether every model has answered every split, as often as the run has seeds, each recording once."""
    answered = run.predictions.groupby(list(CELL_KEYS), observed=True)["recording_id"].agg(["size", "nunique"])
    counts = {key: (n_rows, n_recordings) for key, n_rows, n_recordings in answered.itertuples(name=None)}
    expected = dict(_expected(run))
    absent = [key for key, n_recordings in expected.items() if counts.get(key) != (n_recordings, n_recordings)]
    found = f"found {len(expected) - len(absent)} of {len(expected)} cells"
    if not absent:
        return Verdict(outcome="holds", asked=asked, found=found)
    errors = {entry["cell"]: entry["error"] for entry in run.manifest.get("cells", {}).get("failed", [])}
    names = ["{}-{}-r{}-f{}-s{}".format(*key) for key in absent]
    told = [f"{name} ({errors[name]})" if name in errors else name for name in names]
    return Verdict(outcome="failed", asked=asked, found=found, why=f"missing or not whole: {_offenders(told)}")


def _offences(sides: pd.DataFrame, run: Run) -> Iterator[str]:
    """Say what the folds do that they must not."""
    ids = run.recordings["recording_id"]
    yield from _told("recordings that stand twice in the corpus", ids[ids.duplicated()])
    yield from _told("recordings that the corpus does not have", sides.loc[sides["speaker"].isna(), "recording_id"])
    yield from _told("speakers on two sides of a split", _on_two_sides(sides, "speaker"))
    copies = sides["content_hash"].isin(_on_two_sides(sides, "content_hash"))
    yield from _told("byte-identical recordings on two sides of a split", sides.loc[copies, "recording_id"])
    tested = sides[sides["role"] == "test"]
    twice = tested.duplicated(["protocol", "repetition", "recording_id"])
    yield from _told("recordings tested twice in a repetition", tested.loc[twice, "recording_id"])
    main = sides[sides["protocol"] == run.protocol]
    for _, rows in main.groupby("repetition"):
        untested = set(rows["speaker"].dropna()) - set(rows.loc[rows["role"] == "test", "speaker"])
        yield from _told("speakers never tested in a repetition", sorted(untested))


def _unlike_the_folds(sides: pd.DataFrame, run: Run) -> Iterator[str]:
    """Say which answers are not to a recording that their split tests, or name another speaker for it."""
    keys = [*_SPLIT, "recording_id", "speaker"]
    answers = run.predictions.loc[run.predictions["protocol"].isin(set(sides["protocol"])), keys].drop_duplicates()
    answers = answers.astype({"protocol": str, "recording_id": str, "speaker": str})
    tested = sides.loc[sides["role"] == "test", keys].drop_duplicates()
    joined = answers.merge(tested, on=keys, how="left", indicator=True)
    strange = joined.loc[joined["_merge"] == "left_only", "recording_id"]
    yield from _told("recordings answered that their split does not test", strange)


def _on_two_sides(sides: pd.DataFrame, unit: str) -> list[str]:
    n_roles = sides.groupby([*_SPLIT, unit])["role"].nunique()
    return sorted(set(n_roles.index[n_roles > 1].get_level_values(unit)))


def _expected(run: Run) -> Iterator[tuple[tuple[str, str, int, int, int], int]]:
    """Yield the key of every cell that the run must have, and how many recordings it tests."""
    tested = run.folds[run.folds["role"] == "test"].groupby(_SPLIT)["recording_id"].nunique().reset_index(name="n")
    seeds = run.manifest["protocol"].get("seeds") or sorted(run.predictions["seed"].unique())
    for model in run.models:
        for protocol, repetition, fold, n_recordings in tested.itertuples(index=False, name=None):
            # protocols beside the main one are run with the first seed only
            for seed in seeds if protocol == run.protocol else seeds[:1]:
                yield (model, protocol, repetition, fold, seed), n_recordings


def _told(what: str, names: Iterable[object]) -> Iterator[str]:
    """Yield a clause on the offenders `names`, none where there are none."""
    unique = list(dict.fromkeys(str(name) for name in names))
    if unique:
        yield f"{what}: {_offenders(unique)}"


def _offenders(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
