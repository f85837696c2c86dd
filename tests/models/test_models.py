"""What every model must do: the protocol, on small synthetic recordings."""

from __future__ import annotations

import numpy as np
import pytest

from models.catalogue import CATALOGUE, resolve
from models.protocol import Model, ModelSetup

TRAINABLE = [name for name in CATALOGUE if name != "majority"]
TRAINING_Y = [0] * 50 + [1] * 20

# TensorFlow's tensors do not know NumPy 2's copy argument, which Keras' own calls run into
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


def new_model(name: str, n_classes: int, seed: int = 3) -> Model:
    return resolve(name)(ModelSetup(n_classes=n_classes, seed=seed, threads=1))


@pytest.fixture(params=list(CATALOGUE))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def view(name: str) -> str:
    return CATALOGUE[name].view


def test_choose_refit_predict(name, view, make_examples) -> None:
    training, validation = make_examples(view, TRAINING_Y, 1), make_examples(view, [0, 1] * 15, 2)
    test = make_examples(view, [0, 1] * 20, 3)
    model = new_model(name, 2)
    settings = model.choose(training, validation)
    assert all(isinstance(value, int | float | str) for value in settings.values())
    for step in ("training alone", "refitted"):
        answer = model.predict(test.x)
        assert answer.y_pred.shape == (40,), step
        assert (answer.y_pred.dtype, answer.scores.dtype) == (np.int64, np.float32)
        assert answer.scores.shape == (40, 2)
        np.testing.assert_allclose(answer.scores.sum(axis=1), 1, atol=1e-5)
        if name != "majority":
            assert np.mean(answer.y_pred == test.y) > 0.85, step
            assert np.mean(answer.scores.argmax(axis=1) == test.y) > 0.8, step
        model.refit(make_examples(view, [0, 1] * 50, 4))


def test_one_recording_is_answered_as_among_many(name, view, make_examples) -> None:
    examples = make_examples(view, [0, 1] * 40, 1)
    model = new_model(name, 2)
    model.choose(examples, examples)
    many = model.predict(examples.x)
    one = model.predict(examples.x[5:6])
    assert one.y_pred[0] == many.y_pred[5]
    np.testing.assert_allclose(one.scores[0], many.scores[5], atol=1e-5)


def test_same_seed_same_predictions(name, view, make_examples) -> None:
    training, test = make_examples(view, TRAINING_Y, 1), make_examples(view, [0, 1] * 20, 2)
    scores = []
    for _ in range(2):
        model = new_model(name, 2, seed=11)
        model.choose(training, test)
        model.refit(training)
        scores.append(model.predict(test.x).scores)
    np.testing.assert_array_equal(scores[0], scores[1])


@pytest.mark.parametrize("name", ["xgboost", "cnn"])
def test_other_seed_other_model(name, view, make_examples) -> None:
    examples = make_examples(view, TRAINING_Y, 1)
    scores = []
    for seed in (1, 2):
        model = new_model(name, 2, seed=seed)
        model.choose(examples, examples)
        scores.append(model.predict(examples.x).scores)
    assert not np.array_equal(scores[0], scores[1])


@pytest.mark.parametrize("name", ["xgboost", "cnn"])
def test_refit_on_the_training_recordings_is_the_model_chosen(name, view, make_examples) -> None:
    """Refitting starts from scratch and stops where choosing found its best."""
    training, validation = make_examples(view, TRAINING_Y, 1), make_examples(view, [0, 1] * 15, 2)
    model = new_model(name, 2)
    model.choose(training, validation)
    chosen = model.predict(validation.x).scores
    model.refit(training)
    np.testing.assert_allclose(model.predict(validation.x).scores, chosen, atol=1e-6)


@pytest.mark.parametrize("name", TRAINABLE)
@pytest.mark.parametrize("absent", [0, 1, 2])
def test_class_absent_from_training(name, view, make_examples, absent: int) -> None:
    present = [label for label in range(3) if label != absent]
    training, validation = make_examples(view, present * 20, 1), make_examples(view, [0, 1, 2] * 8, 2)
    model = new_model(name, 3)
    model.choose(training, validation)
    answer = model.predict(validation.x)
    assert set(answer.y_pred) <= set(present)
    assert answer.scores.shape == (24, 3)
    assert answer.scores[:, absent].max() < 0.2
    heard = validation.y != absent
    assert np.mean(answer.y_pred[heard] == validation.y[heard]) > 0.8


def test_class_absent_from_validation_can_be_learned_by_refit(name, view, make_examples) -> None:
    training, validation = make_examples(view, [0, 1] * 20, 1), make_examples(view, [0, 1] * 10, 2)
    everything = make_examples(view, [0, 1, 2] * 20, 3)
    model = new_model(name, 3)
    model.choose(training, validation)
    model.refit(everything)
    answer = model.predict(everything.x)
    if name == "majority":
        np.testing.assert_allclose(answer.scores[0], [1 / 3] * 3, atol=1e-6)
    else:
        assert np.mean(answer.y_pred[everything.y == 2] == 2) > 0.8
