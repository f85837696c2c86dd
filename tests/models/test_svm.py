"""The support vector machine: decisions against scikit-learn's own, scores from validation speakers alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from features.images import read_image, undo_viridis
from features.mfcc import MfccConfig
from models.protocol import Examples, ModelSetup
from models.svm import Svm, plain_svc

SETTINGS = {"C": 10.0, "class_weight": "balanced", "break_ties": True}


def new_svm(n_classes: int) -> Svm:
    return Svm(ModelSetup(n_classes=n_classes, seed=0, threads=1))


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("accelerated", [True, False])
def test_decisions_are_those_of_scikit_learn(n_classes, accelerated, make_examples) -> None:
    if accelerated:
        pytest.importorskip("sklearnex", reason="scikit-learn-intelex is not installed here")
    training = make_examples("flat", list(range(n_classes)) * 25 + [0] * 30, 1)
    test = make_examples("flat", list(range(n_classes)) * 50, 2)
    model = Svm(ModelSetup(n_classes=n_classes, seed=0, threads=1), machine=None if accelerated else SVC)
    model.choose(training, test)
    expected = make_pipeline(StandardScaler(), SVC(**SETTINGS)).fit(training.x, training.y).predict(test.x)
    np.testing.assert_array_equal(model.predict(test.x).y_pred, expected)


@pytest.mark.parametrize("labels", [[0, 1], [0, 2], [0, 1, 2, 3]])
def test_plain_machine_equals_accelerated_one(labels, make_examples) -> None:
    accelerated = pytest.importorskip("sklearnex.svm", reason="scikit-learn-intelex is not installed here").SVC
    training, test = make_examples("flat", labels * 30, 1), make_examples("flat", labels * 60, 2)
    fitted = accelerated(**SETTINGS).fit(training.x, training.y)
    plain = plain_svc(fitted)
    assert type(plain) is SVC
    np.testing.assert_array_equal(plain.predict(test.x), fitted.predict(test.x))
    np.testing.assert_allclose(plain.decision_function(test.x), fitted.decision_function(test.x), atol=1e-4)


def test_scores_come_from_validation_decisions_and_outlive_the_refit(make_examples) -> None:
    training, validation = make_examples("flat", [0, 1] * 40, 1), make_examples("flat", [0, 0, 1] * 30, 2)
    test = make_examples("flat", [0, 1] * 30, 3)
    model = new_svm(2)
    model.choose(training, validation)
    chosen = make_pipeline(StandardScaler(), SVC(**SETTINGS)).fit(training.x, training.y)
    sigmoid = LogisticRegression().fit(chosen.decision_function(validation.x)[:, None], validation.y)
    model.refit(test)
    refitted = make_pipeline(StandardScaler(), SVC(**SETTINGS)).fit(test.x, test.y)
    expected = sigmoid.predict_proba(refitted.decision_function(training.x)[:, None])
    np.testing.assert_allclose(model.predict(training.x).scores, expected, atol=2e-3)


def test_scores_are_nan_where_validation_lacked_a_class(make_examples) -> None:
    training, validation = make_examples("flat", [0, 1] * 40, 1), make_examples("flat", [0] * 30, 2)
    model = new_svm(2)
    model.choose(training, validation)
    answer = model.predict(training.x)
    assert np.isnan(answer.scores).all()
    np.testing.assert_array_equal(np.unique(answer.y_pred), [0, 1])


def test_published_images_are_answered_as_by_scikit_learn_alone(shared_data) -> None:
    """Both solvers stop within 1e-3 of the optimum, so that only a decision nearer to zero than that may differ."""
    pytest.importorskip("sklearnex", reason="scikit-learn-intelex is not installed here")
    paths = sorted((shared_data / "mfc_images" / "mfc_dataset").glob("*.jpg"))[::6]
    images = np.stack([read_image(path, MfccConfig(recipe="seed")) for path in paths])
    x = undo_viridis(images).reshape(len(paths), -1)
    y = np.array([path.name.startswith("male") for path in paths], dtype=np.int64)
    training, test = Examples(x=x[::2], y=y[::2]), x[1::2]
    setup = ModelSetup(n_classes=2, seed=0, threads=2)
    accelerated, plain = Svm(setup), Svm(setup, machine=SVC)
    for model in (accelerated, plain):
        model.refit(training)
    ours, expected = (model._decisions(test)[:, 1] for model in (accelerated, plain))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=2e-3)
    clear = np.abs(expected) > 2e-3
    assert np.mean(clear) > 0.99
    np.testing.assert_array_equal(accelerated.predict(test).y_pred[clear], plain.predict(test).y_pred[clear])
