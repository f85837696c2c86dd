"""What differs in the conditions of two runs, and what a difference between their numbers then means."""

from __future__ import annotations

from reports.run_directory.run import flat
from reports.terms import RANDOM, Json
from reports.text import wording

_KEPT = (
    *("protocol", "folds_hash", "corpus", "mfcc", "settings", "models", "versions", "accelerated", "commit"),
    "machine",
)


def compared_conditions(a: Json, b: Json) -> Json:
    """Return which entries of two manifests differ, and what a difference between the runs then means.

    Folds and corpora are the same only where they are known of both.
    """
    flat_a, flat_b = dict(_entries(a, b)), dict(_entries(b, a))
    names = [*flat_a, *(name for name in flat_b if name not in flat_a)]
    conditions: Json = {
        "differ": [
            {"entry": name, "a": flat_a.get(name), "b": flat_b.get(name)}
            for name in sorted(names, key=_place)
            if flat_a.get(name) != flat_b.get(name)
        ],
        "same_protocol": a["protocol"]["name"] == b["protocol"]["name"],
        "same_folds": _same(a.get("folds_hash"), b.get("folds_hash")),
        "same_corpus": _same((a.get("corpus") or {}).get("hash"), (b.get("corpus") or {}).get("hash")),
    }
    return {**conditions, "meaning": _meaning(conditions, a["protocol"]["name"], b["protocol"]["name"])}


def _same(a: object, b: object) -> bool:
    return a is not None and a == b


def _place(name: str) -> tuple[int, str]:
    first = name.partition(".")[0]
    return (_KEPT.index(first) if first in _KEPT else len(_KEPT), name)


def _entries(manifest: Json, other: Json) -> list[tuple[str, object]]:
    shared = {entry["name"] for entry in other["models"]}
    models = {entry["name"]: {**entry, "name": None} for entry in manifest["models"] if entry["name"] in shared}
    nowhere_else = ("source", "threads", "keras_backend")
    further = {key: (manifest.get("conditions") or {}).get(key) for key in nowhere_else}
    kept = {**{key: manifest.get(key) for key in _KEPT}, "models": models, **further}
    return [entry for key, value in kept.items() for entry in flat(key, value)]


def _meaning(conditions: Json, protocol_a: str, protocol_b: str) -> list[str]:
    told = []
    if not conditions["same_protocol"]:
        names = f"A “{wording.protocol(protocol_a)}”, B “{wording.protocol(protocol_b)}”"
        told.append(
            f"The protocols differ ({names}): a difference is also one of who was trained on and what was asked, and "
            "says nothing about the models alone."
        )
        if RANDOM in (protocol_a, protocol_b):
            told.append("One of the runs shares speakers between training and test, which flatters its models.")
    elif not conditions["same_folds"]:
        told.append(
            "The folds differ: the same speakers were recognised by models trained on other speakers, and part of a "
            "difference is that."
        )
    else:
        told.append("Both runs used the same folds: every speaker was recognised by models trained on the same others.")
    if not conditions["same_corpus"]:
        told.append(
            "The corpora are not known to be the same: training may have heard other recordings, and the same name may "
            "stand for other sound."
        )
    if not conditions["differ"]:
        told.append("Nothing that was written down differs between the runs.")
    return told
