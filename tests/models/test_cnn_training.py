"""TensorFlow's loop against Keras' own steps on a copy of the same network."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from models.balance import balanced_weights
from models.cnn import _new_network, new_loop
from models.cnn_training import BATCH_SIZE, KerasLoop
from models.protocol import Examples

# TensorFlow's tensors do not know NumPy 2's copy argument, which Keras' own calls run into
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Keras has another backend here"),
]


def images(n: int, n_classes: int, seed: int) -> Examples:
    generator = np.random.default_rng(seed)
    x = generator.integers(0, 256, (n, 98, 12, 3), dtype=np.uint8)
    y = np.arange(n) % n_classes
    x[y == 1, :40] //= 2
    return Examples(x=x, y=y)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_steps_are_those_of_keras(n_classes) -> None:
    from models.cnn_tensorflow import TensorFlowLoop

    keras.utils.set_random_seed(1)
    ours, keras_own = (_new_network((98, 12, 3), n_classes) for _ in range(2))
    keras_own.set_weights(ours.get_weights())
    examples = images(3 * BATCH_SIZE + 7, n_classes, 0)  # the last batch is a short one
    weights, order = balanced_weights(examples.y) * np.float32(1.5), np.random.default_rng(2).permutation(103)
    first = ours.get_weights()
    loops = TensorFlowLoop(ours), KerasLoop(keras_own)
    for loop in loops:
        loop.restart()
        loop.train(examples, weights, order)
    # four steps of Adam move a weight by up to 4e-3
    for start, mine, expected in zip(first, ours.get_weights(), keras_own.get_weights(), strict=True):
        assert np.abs(expected - start).max() > 5e-4
        np.testing.assert_allclose(mine, expected, rtol=0, atol=2e-5)
    np.testing.assert_allclose(*(loop.probabilities(examples.x) for loop in loops), rtol=0, atol=2e-5)


def test_a_restart_repeats_the_training_bit_by_bit() -> None:
    loop = new_loop(_new_network((98, 12, 3), 2))
    examples = images(70, 2, 3)
    weights, order = balanced_weights(examples.y), np.arange(70)
    answers = []
    for _ in range(2):
        loop.restart()
        loop.train(examples, weights, order)
        answers.append(loop.probabilities(examples.x))
    np.testing.assert_array_equal(*answers)


def test_sizes_of_batches_compile_once() -> None:
    loop = new_loop(_new_network((98, 12, 3), 2))
    examples = images(130, 2, 4)
    for n in (130, 33, 1):
        loop.train(examples, balanced_weights(examples.y), np.arange(n))
        assert loop.probabilities(examples.x[:n]).shape == (n, 2)
    assert loop._epoch.experimental_get_tracing_count() == 1
    assert loop._answer.experimental_get_tracing_count() == 1
