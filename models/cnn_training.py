"""How the convolutional network is trained and asked, by Keras on any backend; `models.cnn_tensorflow` is faster."""

from __future__ import annotations

from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from models.protocol import Examples

BATCH_SIZE = 32
LEARNING_RATE = 1e-3

PREDICTION_BLOCK = 64
"""Recordings that are asked together; their activations stay in the processor's cache."""


class Loop(Protocol):
    """What trains and asks one network; made once per network, so that nothing is compiled twice."""

    def restart(self) -> None:
        """Put back the network's first weights and forget the optimizer's state."""

    def train(self, examples: Examples, weights: NDArray[np.float32], order: NDArray[np.int64]) -> None:
        """Train on the rows `order` of `examples`, weighted, in batches of ``BATCH_SIZE``."""

    def probabilities(self, x: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return the network's answers, shape ``(n_recordings, n_classes)``."""


class KerasLoop:
    """Keras' own steps, on whatever backend it has."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self._first_state: list[NDArray[np.generic]] = []

    def restart(self) -> None:
        """Compile the network at first, later put back what it was."""
        network = self._network
        if not network.compiled:
            optimizer = keras.optimizers.Adam(LEARNING_RATE)
            network.compile(optimizer, loss="sparse_categorical_crossentropy")
            optimizer.build(network.trainable_variables)
        variables = [*network.variables, *network.optimizer.variables]
        if not self._first_state:
            self._first_state = [keras.ops.convert_to_numpy(variable).copy() for variable in variables]
        for variable, value in zip(variables, self._first_state, strict=True):
            variable.assign(value)

    def train(self, examples: Examples, weights: NDArray[np.float32], order: NDArray[np.int64]) -> None:
        """Call Keras once per batch."""
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            self._network.train_on_batch(examples.x[rows], examples.y[rows], sample_weight=weights[rows])

    def probabilities(self, x: NDArray[np.generic]) -> NDArray[np.float32]:
        """Call Keras once per block; its ``predict`` would set up a data pipeline at every call, 40 ms."""
        blocks = [
            self._network.predict_on_batch(x[start : start + PREDICTION_BLOCK])
            for start in range(0, len(x), PREDICTION_BLOCK)
        ]
        return np.concatenate(blocks).astype(np.float32, copy=False)
