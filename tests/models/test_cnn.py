"""The convolutional network: the starting design, epoch by epoch."""

from __future__ import annotations

import numpy as np
import pytest

from models.cnn import Cnn
from models.protocol import Examples, ModelSetup

# TensorFlow's tensors do not know NumPy 2's copy argument, which Keras' own calls run into
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


def new_cnn(n_classes: int = 2) -> Cnn:
    return Cnn(ModelSetup(n_classes=n_classes, seed=5, threads=1))


@pytest.fixture
def published_size() -> Examples:
    generator = np.random.default_rng(0)
    return Examples(x=generator.integers(0, 256, (8, 98, 12, 3), dtype=np.uint8), y=np.arange(8) % 2)


# by hand: 3*3*3*32+32, 3*3*32*64+64, (24*3*64)*128+128, 128*n+n
@pytest.mark.parametrize(("n_classes", "n_parameters"), [(2, 609_602), (10, 610_634)])
def test_starting_design_has_this_many_parameters(published_size, n_classes, n_parameters) -> None:
    model = new_cnn(n_classes)
    model.n_epochs = 1
    model.refit(published_size)
    assert model._network.count_params() == n_parameters


def test_layers_are_those_of_the_starting_design(published_size) -> None:
    model = new_cnn()
    model.n_epochs = 1
    model.refit(published_size)
    layers = [(type(layer).__name__, layer.output.shape[1:]) for layer in model._network.layers]
    assert layers == [
        ("Rescaling", (98, 12, 3)),
        ("Conv2D", (98, 12, 32)),
        ("MaxPooling2D", (49, 6, 32)),
        ("Conv2D", (49, 6, 64)),
        ("MaxPooling2D", (24, 3, 64)),
        ("Flatten", (4608,)),
        ("Dense", (128,)),
        ("Dense", (2,)),
    ]


def test_earliest_best_epoch_wins_and_eight_without_improvement_stop(monkeypatch, make_examples) -> None:
    scores = [0.5, 0.8, 0.8, *[0.7] * 7, 0.99]
    left = iter(scores)
    monkeypatch.setattr("models.cnn.balanced_accuracy", lambda y_true, y_pred: next(left))
    examples = make_examples("image", [0, 1] * 8, 1)
    settings = new_cnn().choose(examples, examples)
    assert settings == {"n_epochs": 2, "validation_balanced_accuracy": 0.8}
    assert next(left) == 0.99, "stopped eight epochs after the second"
