"""Models from outside the project: imported only if whoever runs the benchmark names them.

A run directory names the models that it holds results of. It may come from somebody else, so its word imports nothing:
finished results of a plug-in that is not named now stay in the report, and nothing of it is run.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from features.files import sha256
from models.catalogue import CATALOGUE, display_name

Sources = dict[str, dict[str, str]]
"""Models by the name that the user gave, each with the hash of its source if it is a plug-in."""


def look_here(models: Iterable[str]) -> None:
    """Let plug-ins be found in the working directory; without one of them nothing is imported from there."""
    if any(is_plug_in(model) for model in models):
        sys.path.append(str(Path.cwd()))


def is_plug_in(model: str) -> bool:
    """Tell whether `model` is named as ``package.module:factory``."""
    return ":" in model


def sources(models: Iterable[str]) -> Sources:
    """Hash the module of every plug-in: its results depend on it as on our own source.

    Modules are imported for it.
    """
    return {model: _source(model) for model in models}


def _source(model: str) -> dict[str, str]:
    if model in CATALOGUE:
        return {}
    source = importlib.import_module(model.partition(":")[0]).__file__
    return {"plug_in": sha256(Path(source))} if source else {}


def not_named(manifest: dict[str, Any], models: Iterable[str]) -> Sources:
    """Return the plug-ins of a former run that are not among `models`, and that no name of these stands for too."""
    taken = {display_name(model) for model in models}
    others: Sources = {}
    for argument, source in former_sources(manifest).items():
        if is_plug_in(argument) and display_name(argument) not in taken:
            others[argument] = source
            taken.add(display_name(argument))
    return others


def former_sources(manifest: dict[str, Any]) -> Sources:
    """Return the models that a former run's manifest names, whatever else it holds."""
    entries = manifest.get("models")
    models: Sources = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("argument"), str):
            source = entry.get("plug_in")
            models[entry["argument"]] = {"plug_in": source} if isinstance(source, str) else {}
    return models
