"""Which models there are, by name; nothing heavy is imported until a model is asked for.

Beside the names of ``CATALOGUE``, ``package.module:factory`` names a model from outside the project.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line's help lists the models, and does without NumPy
    from models.protocol import Model, ModelSetup

    Factory = Callable[[ModelSetup], Model]


class UnknownModelError(ValueError):
    """A model's name is not known, or a plug-in cannot be imported; the message is for the user."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A model of the project.

    Attributes
    ----------
    kind
        Where it is made, ``module:factory``; the card of a saved model calls it so.
    description
        One line for the report.
    view
        The view of the MFCCs that it sees.
    baseline
        True where the model is there to be beaten, and is not ranked.
    """

    kind: str
    description: str
    view: str
    baseline: bool = False


CATALOGUE: dict[str, Entry] = {
    "svm": Entry(kind="models.svm:Svm", description="support vector machine, RBF kernel, flat MFCCs", view="flat"),
    "xgboost": Entry(kind="models.xgb:XgBoost", description="gradient-boosted trees, flat MFCCs", view="flat"),
    "cnn": Entry(kind="models.cnn:Cnn", description="convolutional network, MFC images", view="image"),
    "logistic": Entry(
        kind="models.logistic:Logistic",
        description="logistic regression, summary statistics of the MFCCs",
        view="summary",
        baseline=True,
    ),
    "majority": Entry(
        kind="models.baselines:Majority",
        description="the most frequent class of the training speakers",
        view="summary",
        baseline=True,
    ),
}


def resolve(name: str) -> Factory:
    """Return the factory of the model called `name`, a name of the catalogue or ``package.module:factory``.

    Raises
    ------
    UnknownModelError
        No such name, or a plug-in that cannot be imported or has no such factory.
    """
    if ":" in name:
        return _plug_in(name)
    if name not in CATALOGUE:
        raise UnknownModelError(
            f"unknown model '{name}'; known are {', '.join(CATALOGUE)}, or your own as package.module:factory"
        )
    factory: Factory = pkgutil.resolve_name(CATALOGUE[name].kind)
    return factory


def display_name(name: str) -> str:
    """Return a name for tables and folders: `name`, or a plug-in's factory; letters, digits, ``.``, ``_``, ``-``.

    Examples
    --------
    >>> display_name("svm"), display_name("our.nets:wide_net")
    ('svm', 'wide_net')
    """
    return re.sub(r"[^A-Za-z0-9._-]", "_", name.rpartition(":")[2]).lstrip(".") or "model"


def _plug_in(name: str) -> Factory:
    module_name, _, factory_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a plug-in's module may fail in any way while it is imported
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnknownModelError(f"model '{name}': cannot import '{module_name}' ({reason})") from error
    factory = getattr(module, factory_name, None)
    if factory is None:
        raise UnknownModelError(f"model '{name}': module '{module_name}' has no '{factory_name}'")
    if not callable(factory):
        raise UnknownModelError(f"model '{name}': '{factory_name}' cannot be called; expected a function or a class")
    plug_in: Factory = factory
    return plug_in
