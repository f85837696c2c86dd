"""A support vector machine with a radial kernel on the flat MFCCs, by scikit-learn-intelex where there is one.

C = 10 and gamma = "scale" are fixed, so nothing is chosen per fold. Of C = 1, 3, 10 and 30, 10 had the highest mean
score on the validation recordings of AudioMNIST's published images: gender under the official, grouped and random
splits, digit under grouped. One fold's validation speakers are another's test speakers, so that this default, unlike
what is chosen per fold, is not independent of that corpus.

The decision is the decision function's. The scores are sigmoids of it (Platt, 1999), fitted on the decision values of
*validation speakers* under the model fitted on training speakers, one per class against the rest, made to sum to one,
and kept for the refitted model: scikit-learn's own calibration shares out recordings, so that speakers calibrate a
model that has heard them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from models.balance import balanced_accuracy, spread
from models.files import skops_file
from models.protocol import Examples, ModelFileError, ModelSetup, Prediction, Settings

_FILE = "svm.skops"
_SETTINGS = {"C": 10.0, "gamma": "scale", "class_weight": "balanced", "break_ties": True, "cache_size": 500}
# break_ties: of several classes the decision function's largest wins, not the first of those with most votes

_FITTED = ("classes_", "class_weight_", "fit_status_", "n_features_in_", "n_iter_", "shape_fit_", "support_")
_FOR_LIBSVM = ("_gamma", "_probA", "_probB", "_sparse")
_ARRAYS = ("_n_support", "support_vectors_", "intercept_", "dual_coef_", "_intercept_", "_dual_coef_")


class Svm:
    """StandardScaler and an RBF support vector machine, class-balanced.

    Parameters
    ----------
    setup
        Classes and threads.
    machine
        The class of machine to fit, ``SVC`` of scikit-learn or its like; None takes scikit-learn-intelex's where
        there is one.
    """

    view = "flat"
    save_imports = ("skops.io",)

    def __init__(self, setup: ModelSetup, machine: Any = None) -> None:
        self._machine = machine or fastest_machine()
        self._n_classes = setup.n_classes
        self._threads = setup.threads
        self._scaler: Any = None
        self._svc: Any = None
        self._slopes = np.full(setup.n_classes, np.nan)
        self._intercepts = np.full(setup.n_classes, np.nan)

    def choose(self, training: Examples, validation: Examples) -> Settings:
        """Fit on `training`; fit the sigmoids on the decision values of `validation`."""
        self.refit(training)
        decisions = self._decisions(validation.x)
        for column, label in enumerate(self._svc.classes_):
            sigmoid = _fitted_sigmoid(decisions[:, column], validation.y == label)
            self._slopes[label], self._intercepts[label] = sigmoid
        score = balanced_accuracy(validation.y, self._svc.classes_[decisions.argmax(axis=1)])
        return {"C": float(self._svc.C), "gamma": str(self._svc.gamma), "validation_balanced_accuracy": score}

    def refit(self, examples: Examples) -> None:
        """Fit the scaler and the machine on `examples`; the sigmoids stay."""
        self._scaler = StandardScaler().fit(examples.x)
        machine = SVC(**_SETTINGS) if self._machine is SVC else self._machine(**_SETTINGS, n_jobs=self._threads)
        self._svc = machine.fit(self._scaler.transform(examples.x), examples.y)

    def predict(self, x: NDArray[np.generic]) -> Prediction:
        """Answer by the decision function; scores are NaN where validation speakers lacked a class."""
        decisions = self._decisions(x)
        classes = self._svc.classes_
        with np.errstate(over="ignore"):
            sigmoids = 1 / (1 + np.exp(-(self._slopes[classes] * decisions + self._intercepts[classes])))
        shares = sigmoids / sigmoids.sum(axis=1, keepdims=True)
        y_pred = classes[decisions.argmax(axis=1)].astype(np.int64)
        return Prediction(y_pred=y_pred, scores=spread(shares, classes, self._n_classes))

    def _decisions(self, x: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return a decision value per recording and known class; the largest is the class that the machine predicts."""
        decisions: NDArray[np.float64] = self._svc.decision_function(self._scaler.transform(x))
        return np.stack([-decisions, decisions], axis=1) if decisions.ndim == 1 else decisions

    def save(self, folder: Path) -> None:
        """Write scaler, machine and sigmoids with skops, the machine as plain scikit-learn's."""
        sigmoids = {"slopes": self._slopes, "intercepts": self._intercepts}
        skops_file.dump({"scaler": self._scaler, "svc": plain_svc(self._svc), **sigmoids}, folder / _FILE)

    @classmethod
    def load(cls, folder: Path) -> Svm:
        """Read what `save` has written.

        Raises
        ------
        ModelFileError
            The file holds other types than scikit-learn's and NumPy's own, or arrays that do not fit together.
        """
        content = skops_file.load(folder / _FILE)
        try:
            scaler, slopes, intercepts = (content[name] for name in ("scaler", "slopes", "intercepts"))
            if type(scaler) is not StandardScaler:
                raise ValueError("no scaler")
            _check_array(slopes, "slopes", "f", (len(slopes),))
            _check_array(intercepts, "intercepts", "f", slopes.shape)
            machine = checked_svc(content["svc"], len(slopes))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"{_FILE}: not the parts of this kind of model ({error})") from error
        model = cls(ModelSetup(n_classes=len(slopes), seed=0, threads=1), machine=SVC)
        model._scaler, model._svc, model._slopes, model._intercepts = scaler, machine, slopes, intercepts
        return model


def plain_svc(fitted: Any) -> Any:
    """Return scikit-learn's own ``SVC`` with the support vectors of `fitted`, its own or scikit-learn-intelex's."""
    parameters = fitted.get_params()
    plain = SVC(**{name: parameters[name] for name in SVC().get_params()})
    for name in (*_FITTED, *_FOR_LIBSVM):
        setattr(plain, name, getattr(fitted, name))
    plain._n_support = np.asarray(fitted.n_support_, dtype=np.int32)
    plain.support_ = np.asarray(fitted.support_, dtype=np.int32)
    plain.support_vectors_ = np.ascontiguousarray(fitted.support_vectors_, dtype=np.float64)
    plain.intercept_ = np.array(fitted.intercept_, dtype=np.float64)
    plain.dual_coef_ = np.ascontiguousarray(fitted.dual_coef_, dtype=np.float64)
    # libsvm counts votes for the other class of two, so that scikit-learn keeps both signs
    sign = -1 if len(plain.classes_) == 2 else 1
    plain._intercept_, plain._dual_coef_ = sign * plain.intercept_, sign * plain.dual_coef_
    return plain


def checked_svc(read: Any, n_classes: int) -> Any:
    """Return a new ``SVC`` with the arrays of `read`, which libsvm would believe whatever their sizes.

    Parameters
    ----------
    read
        What a file holds in the place of the machine.
    n_classes
        Of the model; the machine may know fewer.

    Raises
    ------
    ValueError, AttributeError, TypeError
        It is no machine of the kind that `plain_svc` makes.
    """
    radial = type(read) is SVC and read.kernel == "rbf" and read._sparse is False
    if not radial or not np.isfinite(float(read._gamma)):
        raise ValueError("no support vector machine with a radial kernel")
    n_known, (n_vectors, n_features) = len(read.classes_), read.support_vectors_.shape
    pairs = (n_known * (n_known - 1) // 2,)
    _check_array(read.classes_, "classes_", "iu", (n_known,))
    if n_known < 2 or (np.diff(read.classes_) <= 0).any() or read.classes_[0] < 0 or read.classes_[-1] >= n_classes:
        raise ValueError(f"classes {read.classes_.tolist()[:5]} of {n_classes}")
    _check_array(read.support_vectors_, "support_vectors_", "f", (n_vectors, n_features))
    _check_array(read.support_, "support_", "i", (n_vectors,))
    for name in ("dual_coef_", "_dual_coef_"):
        _check_array(getattr(read, name), name, "f", (n_known - 1, n_vectors))
    for name in ("intercept_", "_intercept_"):
        _check_array(getattr(read, name), name, "f", pairs)
    _check_array(read._n_support, "_n_support", "i", (n_known,))
    if (read._n_support < 0).any() or read._n_support.sum() != n_vectors:
        raise ValueError(f"{n_vectors} support vectors are not what its classes have")
    for name in ("_probA", "_probB"):  # of no use here, but libsvm is given them
        values = getattr(read, name)
        _check_array(values, name, "f", pairs if np.size(values) else (0,))
    if read.n_features_in_ != n_features:
        raise ValueError(f"{read.n_features_in_} numbers per recording, {n_features} per support vector")
    machine = SVC(**_SETTINGS)
    for name in (*_FITTED, *_FOR_LIBSVM, *_ARRAYS):
        setattr(machine, name, getattr(read, name))
    return machine


def _check_array(values: Any, name: str, kinds: str, shape: tuple[int, ...]) -> None:
    if not isinstance(values, np.ndarray) or values.dtype.kind not in kinds or values.shape != shape:
        raise ValueError(f"{name} is no array of shape {shape}")


def fastest_machine() -> Any:
    """Return the ``SVC`` of scikit-learn-intelex, or scikit-learn's own where that is not installed.

    Imported when a model is to be fitted only: a saved model is scikit-learn's, and would wait for it in vain.
    """
    try:
        from sklearnex.svm import SVC as FastSVC
    except ImportError:
        return SVC
    return FastSVC


def _fitted_sigmoid(decisions: NDArray[np.float64], is_class: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and intercept of P(class | decision value); NaN where all or no recordings are of the class."""
    if is_class.all() or not is_class.any():
        return np.nan, np.nan
    regression = LogisticRegression().fit(decisions[:, np.newaxis], is_class)
    return float(regression.coef_[0, 0]), float(regression.intercept_[0])
