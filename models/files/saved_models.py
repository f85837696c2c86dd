"""Saved models: a folder with the model in its library's own data format, and ``model.json``, which says what it is.

Never pickle: scikit-learn models by skops, XGBoost as JSON, Keras as ``.keras`` in safe mode. The checksums find
damage and mix-ups. Against crafted files: none of the formats runs code when it is read, every part must be of a known
type, and sizes and indexes are held against the file before a library believes them (``docs/reliability.md``).
"""

from __future__ import annotations

import importlib
import itertools
import json
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from features.files import sha256
from models.catalogue import CATALOGUE
from models.protocol import Model, ModelFileError, SavableModel

CARD_FILE = "model.json"
CARD_KEYS = ("name", "task", "classes", "mfcc")
"""What a card must say; ``kind``, ``view``, ``versions`` and ``files`` are added when a model is saved."""

MAX_CARD_BYTES = 1_000_000
MAX_FILES = 1_000
"""More than any model has: a folder that is somebody's home is not searched to its end."""

KINDS = frozenset(entry.kind for entry in CATALOGUE.values())
"""Classes that a file may name; any other is loaded only if the caller names it too."""

_PACKAGES = (
    "numpy",
    "scikit-learn",
    "scikit-learn-intelex",
    "skops",
    "xgboost",
    "xgboost-cpu",
    "keras",
    "tensorflow",
    "tensorflow-cpu",
)


def import_for_saving(model: Model) -> None:
    """Import what saving `model` takes and it names in ``save_imports``: a library's time is not the harness'."""
    for name in getattr(model, "save_imports", ()):
        importlib.import_module(name)


def save_model(model: Model, folder: Path, *, card: dict[str, Any]) -> None:
    """Write a fitted model and its card.

    Parameters
    ----------
    model
        Fitted; with a method ``save`` and a class method ``load``.
    folder
        Made if it does not exist; must be empty.
    card
        Plain data: ``name``, ``task``, ``classes`` in the order of the class indexes, ``mfcc`` (the configuration that
        the model's view was made with), and anything else worth keeping.

    Raises
    ------
    ModelFileError
        The model cannot be saved, `card` lacks something, or `folder` is not empty.
    """
    kind = f"{type(model).__module__}:{type(model).__qualname__}"
    _check_can_save(model, folder, card)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder)  # type: ignore[attr-defined]
    files = {path.relative_to(folder).as_posix(): sha256(path) for path in _files_below(folder)}
    full = card | {"kind": kind, "view": model.view, "versions": _versions(), "files": files}
    (folder / CARD_FILE).write_text(json.dumps(full, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load_model(folder: Path, *, plug_in: str | None = None) -> tuple[Model, dict[str, Any]]:
    """Read a model that `save_model` has written.

    Parameters
    ----------
    folder
        Where it is.
    plug_in
        ``package.module:Class`` of a model from outside the project, if it is one; a file's word imports nothing.

    Returns
    -------
    model, card
        The fitted model, and what its ``model.json`` says.

    Raises
    ------
    ModelFileError
        A file is missing, damaged, of an unknown kind, or not what its kind of model writes.
    """
    card = read_card(folder)
    kind = card["kind"]
    if kind not in KINDS and kind != plug_in:
        raise ModelFileError(
            f"{folder.name}: model of unknown kind '{kind}'; a plug-in's class must be named by the caller"
        )
    _check_files(folder, card["files"])
    module_name, _, class_name = kind.partition(":")
    try:
        cls = getattr(importlib.import_module(module_name), class_name)
        model: Model = cls.load(folder)
    except ModelFileError as error:
        raise ModelFileError(f"{folder.name}: {error}") from error
    except (ImportError, AttributeError, OSError, ValueError, LookupError, TypeError, MemoryError) as error:
        raise ModelFileError(f"{folder.name}: cannot be read as {kind} ({type(error).__name__}: {error})") from error
    return model, card


def read_card(folder: Path) -> dict[str, Any]:
    """Read the card of a saved model, ``model.json``, and nothing else.

    Raises
    ------
    ModelFileError
        There is none, or it is no model's card.
    """
    path = folder / CARD_FILE
    try:
        if path.is_symlink() or path.stat().st_size > MAX_CARD_BYTES:
            raise ValueError(f"a link, or larger than {MAX_CARD_BYTES:,} bytes")
        card = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ModelFileError(f"{folder.name}: no {CARD_FILE} here; expected the folder of a saved model") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{folder.name}: {CARD_FILE} cannot be read ({error})") from error
    expected = {"kind": str, "view": str, "files": dict, "mfcc": dict, "classes": list, "name": str, "task": str}
    wrong = [key for key, kind in expected.items() if not isinstance(card, dict) or not isinstance(card.get(key), kind)]
    if wrong:
        raise ModelFileError(f"{folder.name}: {CARD_FILE} lacks {', '.join(wrong)}; it is no model's card")
    checked: dict[str, Any] = card
    classes = checked["classes"]
    if len(classes) < 2 or not all(isinstance(label, str) for label in classes) or len(set(classes)) < len(classes):
        raise ModelFileError(f"{folder.name}: {CARD_FILE}: classes must be at least two different texts")
    return checked


def _check_can_save(model: Model, folder: Path, card: dict[str, Any]) -> None:
    if not isinstance(model, SavableModel):
        raise ModelFileError(f"model {type(model).__name__} cannot be saved: it has no methods 'save' and 'load'")
    missing = [key for key in CARD_KEYS if key not in card]
    if missing:
        raise ModelFileError(f"model card lacks {', '.join(missing)}; expected {', '.join(CARD_KEYS)}")
    if folder.exists() and any(folder.iterdir()):
        raise ModelFileError(f"folder '{folder.name}' is not empty; a model needs a folder of its own")


def _check_files(folder: Path, files: dict[str, Any]) -> None:
    """Check that the model's files, and no others, are there unchanged."""
    paths = {path.relative_to(folder).as_posix(): path for path in _files_below(folder)}
    missing = sorted(set(files) - set(paths))
    unknown = sorted(set(paths) - set(files))
    if missing or unknown:
        raise ModelFileError(f"{folder.name}: files missing {missing[:5]}, files not of this model {unknown[:5]}")
    changed = [name for name, path in paths.items() if sha256(path) != files[name]]
    if changed:
        raise ModelFileError(f"{folder.name}: {', '.join(changed[:5])} changed since it was saved (checksum)")


def _files_below(folder: Path) -> list[Path]:
    """List a model's files; links are refused, they could lead to any file of this machine."""
    paths = sorted(itertools.islice(folder.rglob("*"), MAX_FILES + 1))
    strange = [path.name for path in paths if path.is_symlink() or not (path.is_file() or path.is_dir())]
    if strange or len(paths) > MAX_FILES:
        raise ModelFileError(f"{folder.name}: holds links, devices or too many files: {', '.join(strange[:5])}")
    return [path for path in paths if path.is_file() and path != folder / CARD_FILE]


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions
