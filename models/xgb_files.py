"""The file of boosted trees, checked before XGBoost reads it: its own checks do not keep it from reading elsewhere.

Checked is all that an index or a size comes from: counts, classes, features, and that every tree is one, its children
behind their parent. What the leaves say is left to the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import ubjson
from models.protocol import ModelFileError

MAX_FEATURES = 10_000_000
MAX_CLASSES = 10_000

_NO_PARENT = 2**31 - 1
_ONE_CLASS, _MANY_CLASSES = "binary:logistic", "multi:softprob"
_NODE_VALUES = {
    **dict.fromkeys(("left_children", "right_children", "parents", "split_indices"), "i4"),
    **dict.fromkeys(("base_weights", "loss_changes", "split_conditions", "sum_hessian"), "f4"),
    **dict.fromkeys(("default_left", "split_type"), "u1"),
}
_CATEGORIES = ("categories", "categories_nodes", "categories_segments", "categories_sizes")


def check_trees(path: Path) -> int:
    """Check a file of trees and return its number of classes.

    Raises
    ------
    ModelFileError
        It is not what `models.xgb` saves.
    """
    try:
        return _n_classes(ubjson.loads(path.read_bytes()))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        why = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
        raise ModelFileError(f"{path.name}: not the trees of this kind of model ({why})") from error


def _n_classes(content: Any) -> int:
    learner = content["learner"]
    if learner["feature_names"] or learner["feature_types"]:
        raise ValueError("features have names or types")
    booster, objective, told = learner["gradient_booster"], learner["objective"], learner["learner_model_param"]
    n_features = _whole(told["num_feature"], 1, MAX_FEATURES)
    n_groups = max(_whole(told["num_class"], 0, MAX_CLASSES), 1)
    if booster["name"] != "gbtree" or objective["name"] != (_ONE_CLASS if n_groups == 1 else _MANY_CLASSES):
        raise ValueError(f"'{booster['name']}' for '{objective['name']}' of {n_groups} outputs")
    if n_groups > 1:
        _whole(objective["softmax_multiclass_param"]["num_class"], n_groups, n_groups)
    _whole(told["num_target"], 1, 1)
    _check_base(told["base_score"], n_groups)
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
    groups, ends = np.array(model["tree_info"]), np.array(model["iteration_indptr"])
    if len(trees) != n_trees or groups.shape != (n_trees,) or not np.isin(groups, np.arange(n_groups)).all():
        raise ValueError(f"{len(trees)} trees, {n_trees} were said")
    if ends.dtype.kind != "i" or ends[0] != 0 or ends[-1] != n_trees or (np.diff(ends) < 0).any():
        raise ValueError("rounds that do not share out the trees")
    if any(len(part) for part in model["cats"].values()):
        raise ValueError("categories")
    for place, tree in enumerate(trees):
        try:
            _check_tree(tree, place, n_features)
        except ValueError as error:
            raise ValueError(f"tree {place}: {error}") from error


def _check_tree(tree: Any, place: int, n_features: int) -> None:
    told = tree["tree_param"]
    n_nodes = _whole(told["num_nodes"], 1, 10**9)
    if any(len(tree[name]) for name in _CATEGORIES) or tree["id"] != place:
        raise ValueError("categories, or another tree's number")
    _whole(told["num_deleted"], 0, 0)
    _whole(told["size_leaf_vector"], 0, 1)
    _whole(told["num_feature"], n_features, n_features)
    for name, kind in _NODE_VALUES.items():
        values = tree[name]
        if not isinstance(values, np.ndarray) or values.dtype.str[1:] != kind or values.shape != (n_nodes,):
            raise ValueError(f"{name} are not {n_nodes} of type {kind}")
    _check_nodes(tree["left_children"], tree["right_children"], tree["parents"])
    asked = tree["split_indices"]
    if (asked < 0).any() or (asked >= n_features).any() or tree["split_type"].any():
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
