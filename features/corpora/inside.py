"""Which paths of a corpus leave its folder: by their spelling, or by links."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

REASON = "lies outside the manifest's folder; move it there, or pass --allow-outside"


def outside(paths: pd.Series, root: Path) -> pd.Series:
    """Say why a path is none of `root`'s: a reason for each that leads out of it, None for the others.

    Parameters
    ----------
    paths
        Normalised paths with forward slashes, relative to `root` unless they are absolute.
    root
        The corpus' folder; itself it may be a link.
    """
    spelled = paths.str.startswith("/") | paths.str.match(r"\.\.(?:/|$)")
    home = os.path.realpath(root)
    folders: dict[str, str] = {}
    linked = [not out and _is_linked_out(path, home, folders) for path, out in zip(paths, spelled, strict=True)]
    reasons = pd.Series(None, index=paths.index, dtype=object)
    reasons[spelled] = REASON
    reasons[linked] = f"a link, or in one, that {REASON}"
    return reasons


def _is_linked_out(path: str, home: str, folders: dict[str, str]) -> bool:
    """Say whether links lead out of `home`; where each folder really lies is found once."""
    folder, _, name = path.rpartition("/")
    if (real := folders.get(folder)) is None:
        real = folders.setdefault(folder, os.path.realpath(f"{home}/{folder}"))
    place = f"{real}/{name}"
    return not _is_in(os.path.realpath(place) if os.path.islink(place) else place, home)  # noqa: PTH114


def _is_in(place: str, home: str) -> bool:
    return place.startswith(home.rstrip("/") + "/")
