"""The file of boosted trees, checked before XGBoost reads it: its own checks do not keep it from reading elsewhere.

Checked is all that an index or a size comes from: counts, classes, features, and that every tree is one, its children
behind their parent. What the leaves say is left to the file. XGBoost must read in the bytes what Python has read there:
refused is therefore whatever the two may read differently (escapes, names given twice, other codes than ASCII, a
beginning that XGBoost takes for its binary format), and what is nested deeper than a model is, on whose end neither
counts.
"""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.protocol import ModelFileError

MAX_BYTES = 50_000_000
"""Size of a file; that of ten classes has 2 MB."""

MAX_DEPTH = 32
MAX_FEATURES = 10_000_000
MAX_CLASSES = 10_000

_NO_PARENT = 2**31 - 1
_ONE_CLASS, _MANY_CLASSES = "binary:logistic", "multi:softprob"
_WHOLE = {
    **dict.fromkeys(("left_children", "right_children", "parents", "split_indices"), (-1, _NO_PARENT)),
    **dict.fromkeys(("default_left", "split_type"), (0, 1)),
}
"""Values of a tree's nodes that are whole numbers, with the least and the largest."""

_FRACTIONS = ("base_weights", "loss_changes", "split_conditions", "sum_hessian")
_CATEGORIES = ("categories", "categories_nodes", "categories_segments", "categories_sizes")


def read_trees(path: Path) -> tuple[bytes, int]:
    """Read a file of trees and check it.

    Returns
    -------
    content, n_classes
        The bytes that were checked, and the number of classes that the trees tell apart.

    Raises
    ------
    ModelFileError
        It is not what `models.xgb` saves.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return content, _n_classes(_parsed(content))
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        why = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
        raise ModelFileError(f"{path.name}: not the trees of this kind of model ({why})") from error


def _parsed(content: bytes) -> Any:
    """Return what the JSON text `content` says to Python and to XGBoost alike."""
    if len(content) > MAX_BYTES or not content.startswith(b'{"') or b"\\" in content or not content.isascii():
        raise ValueError(f"no plain JSON of at most {MAX_BYTES:,} bytes")
    marks = re.findall(rb"[][{}]", re.sub(rb'"[^"]*"', b"", content))
    depths = itertools.accumulate(1 if mark in b"[{" else -1 for mark in marks)
    if max(depths, default=0) > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    return json.loads(content.decode("ascii"), object_pairs_hook=_unique, parse_constant=_refuse)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name is given twice")
    return values


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _n_classes(content: Any) -> int:
    learner = content["learner"]
    if learner["feature_names"] or learner["feature_types"]:
        raise ValueError("features have names or types")
    booster, objective, sizes = learner["gradient_booster"], learner["objective"], learner["learner_model_param"]
    n_features = _whole(sizes["num_feature"], 1, MAX_FEATURES)
    n_groups = max(_whole(sizes["num_class"], 0, MAX_CLASSES), 1)
    if booster["name"] != "gbtree" or objective["name"] != (_ONE_CLASS if n_groups == 1 else _MANY_CLASSES):
        raise ValueError(f"{booster['name']!r:.40} for {objective['name']!r:.40} of {n_groups} outputs")
    if n_groups > 1:
        _whole(objective["softmax_multiclass_param"]["num_class"], n_groups, n_groups)
    _whole(sizes["num_target"], 1, 1)
    _check_base(sizes["base_score"], n_groups)
    _check_model(booster["model"], n_groups, n_features)
    return max(n_groups, 2)


def _check_base(text: str, n_groups: int) -> None:
    """Check the score that all recordings start with: one number, or one per output."""
    values = [float(part) for part in text.removeprefix("[").removesuffix("]").split(",")]
    if len(values) not in (1, n_groups) or not np.isfinite(values).all():
        raise ValueError(f"base_score for {len(values)} outputs, expected {n_groups}")


def _check_model(model: Any, n_groups: int, n_features: int) -> None:
    trees = model["trees"]
    n_trees = _whole(model["gbtree_model_param"]["num_trees"], 1, 10**9)
    _whole(model["gbtree_model_param"]["num_parallel_tree"], 1, 1)
    if len(trees) != n_trees or len(_whole_numbers(model["tree_info"], 0, n_groups - 1)) != n_trees:
        raise ValueError(f"{len(trees)} trees, {n_trees} were said")
    ends = _whole_numbers(model["iteration_indptr"], 0, n_trees)
    if ends[0] != 0 or ends[-1] != n_trees or (np.diff(ends) < 0).any():
        raise ValueError("rounds that do not share out the trees")
    if any(len(part) for part in model["cats"].values()):
        raise ValueError("categories")
    for place, tree in enumerate(trees):
        try:
            _check_tree(tree, place, n_features)
        except ValueError as error:
            raise ValueError(f"tree {place}: {error}") from error


def _check_tree(tree: Any, place: int, n_features: int) -> None:
    sizes = tree["tree_param"]
    n_nodes = _whole(sizes["num_nodes"], 1, 10**9)
    if any(len(tree[name]) for name in _CATEGORIES) or tree["id"] != place:
        raise ValueError("categories, or another tree's number")
    _whole(sizes["num_deleted"], 0, 0)
    _whole(sizes["size_leaf_vector"], 0, 1)
    _whole(sizes["num_feature"], n_features, n_features)
    nodes = {name: _whole_numbers(tree[name], *interval) for name, interval in _WHOLE.items()}
    for name in (*_WHOLE, *_FRACTIONS):
        if len(tree[name]) != n_nodes or (name in _FRACTIONS and set(map(type, tree[name])) != {float}):
            raise ValueError(f"{name} are not those of {n_nodes} nodes")
    _check_nodes(nodes["left_children"], nodes["right_children"], nodes["parents"])
    features = nodes["split_indices"]
    if (features < 0).any() or (features >= n_features).any() or nodes["split_type"].any():
        raise ValueError(f"asks for more than {n_features} numbers")


def _check_nodes(left: NDArray[Any], right: NDArray[Any], parents: NDArray[Any]) -> None:
    """Check that every node has two children behind itself, or none: then every way ends at a leaf."""
    places, inner = np.arange(len(left)), left != -1
    expected = np.full(len(left), _NO_PARENT)
    for children in (left, right):
        below = (children > places) & (children < len(left))
        if not np.array_equal(inner, below) or (children[~inner] != -1).any():
            raise ValueError("children that are not behind their parent")
        expected[children[inner]] = places[inner]
    if not np.array_equal(parents, expected) or len(left) != 2 * inner.sum() + 1:
        raise ValueError("parents that are not those of their children")


def _whole(text: Any, least: int, most: int) -> int:
    """Return a whole number that is written as text, as XGBoost writes its parameters."""
    if not isinstance(text, str) or not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise ValueError(f"{text!r:.40} is no whole number")
    if not least <= int(text) <= most:
        raise ValueError(f"{text} is not between {least} and {most}")
    return int(text)


def _whole_numbers(values: Any, least: int, most: int) -> NDArray[np.int64]:
    """Return a list of whole numbers, as XGBoost writes its arrays."""
    if type(values) is not list or set(map(type, values)) != {int} or min(values) < least or max(values) > most:
        raise ValueError(f"no list of whole numbers from {least} to {most}")
    return np.array(values, dtype=np.int64)
