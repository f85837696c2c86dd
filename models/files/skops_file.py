"""Reading and writing fitted scikit-learn estimators with skops: data only, no code runs when a file is read.

skops trusts every estimator of scikit-learn and many functions by default. A file is first held against a shorter list:
what the project's own models are made of, each by skops' own way of reading it.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from models.files.archives import parts_of, read_description
from models.protocol import ModelFileError

TRUSTED_TYPES = frozenset(
    {
        ("builtins.dict", "DictNode"),
        ("builtins.list", "ListNode"),
        ("builtins.tuple", "TupleNode"),
        ("builtins.str", "JsonNode"),  # every number, text, truth value and None
        ("builtins.str", "TypeNode"),  # the type of a dictionary's keys
        ("numpy.ndarray", "NdArrayNode"),
        ("numpy.float64", "NdArrayNode"),
        ("sklearn.linear_model._logistic.LogisticRegression", "ObjectNode"),
        ("sklearn.pipeline.Pipeline", "ObjectNode"),
        ("sklearn.preprocessing._data.StandardScaler", "ObjectNode"),
        ("sklearn.svm._classes.SVC", "ObjectNode"),
    }
)
"""All that a file may hold: type, and the name of skops' node that reads it."""

_SCHEMA = "schema.json"
_ARRAYS = r"\d+\.npy"


def dump(content: dict[str, Any], path: Path) -> None:
    """Write `content` to `path`."""
    import skops.io

    skops.io.dump(content, path)


def load(path: Path) -> dict[str, Any]:
    """Read what `dump` has written.

    Raises
    ------
    ModelFileError
        The file is no skops file, or holds a type that is not trusted.
    """
    _check_types(path)
    import skops.io

    try:
        _check_arrays(path)
        content: dict[str, Any] = skops.io.load(path, trusted=[])
    except Exception as error:  # skops raises many kinds for files that are not its own
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelFileError(f"{path.name}: not a model file that skops can read ({why})") from error
    if type(content) is not dict:
        raise ModelFileError(f"{path.name}: holds a {type(content).__name__}, not a model's parts")
    return content


def _check_types(path: Path) -> None:
    """Refuse a file with other types than `TRUSTED_TYPES`, before skops looks at it."""
    unknown = sorted(set(_types(read_description(path, _SCHEMA, _ARRAYS))) - TRUSTED_TYPES)
    if unknown:
        names = ", ".join(f"{name} ({loader})" for name, loader in unknown[:5])
        raise ModelFileError(f"{path.name}: holds types that are not trusted: {names}")


def _check_arrays(path: Path) -> None:
    """Refuse arrays that say they are larger than they are: NumPy would ask for the memory first."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename == _SCHEMA:
                continue
            with archive.open(member) as file:
                np.lib.format.read_magic(file)  # version 1 for all that is written here
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
                if dtype.hasobject or file.tell() + math.prod(shape) * dtype.itemsize != member.file_size:
                    raise ValueError(f"array {member.filename} is not as large as it says")


def _types(schema: Any) -> Iterator[tuple[str, str]]:
    """Yield the type and the loader of every node; what lacks one of them, but has another, under no known name."""
    for node in parts_of(schema):
        if {"__class__", "__module__", "__loader__"} & node.keys():
            yield f"{node.get('__module__')}.{node.get('__class__')}", str(node.get("__loader__"))
