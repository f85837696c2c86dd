"""The starting design's convolutional network on MFC images, in Keras.

Convolution 32 (3 x 3, same, ReLU), max-pool 2, convolution 64, max-pool 2, dense 128, ReLU, dense softmax: 609,602
parameters for two classes on images of 98 x 12 x 3. Adam 1e-3, batches of 32, at most 25 epochs; the number of epochs
is chosen on validation speakers. Pixels are scaled to 0..1 inside the network: a saved model takes images as they are.

One network is built and compiled per model: `refit` puts its first weights back instead of building another. How it is
trained and asked: `models.cnn_training`. TensorFlow prints messages of its own unless the caller sets
``TF_CPP_MIN_LOG_LEVEL`` before it is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from models.balance import balanced_accuracy, balanced_weights
from models.cnn_training import KerasLoop, Loop
from models.files import keras_file
from models.protocol import Examples, ModelFileError, ModelSetup, Prediction, Settings

MAX_EPOCHS = 25
PATIENCE = 8
"""Epochs without improvement after which choosing stops."""

_FILE = "cnn.keras"


class Cnn:
    """A small image network whose number of epochs is chosen on validation speakers.

    Attributes
    ----------
    n_epochs
        Epochs that `refit` trains for; `choose` sets it.
    """

    view = "image"

    def __init__(self, setup: ModelSetup) -> None:
        self._setup = setup
        self.n_epochs = MAX_EPOCHS
        self._network: Any = None
        self._loop: Loop | None = None

    def choose(self, training: Examples, validation: Examples) -> Settings:
        """Train on `training`; keep the weights of the epoch with the best score, of equally good ones the first."""
        loop = self._start(training.x.shape[1:])
        best, weights = -1.0, self._network.get_weights()
        for epoch in self._epochs(loop, training, MAX_EPOCHS):
            score = balanced_accuracy(validation.y, loop.probabilities(validation.x).argmax(axis=1))
            if score > best:
                best, self.n_epochs, weights = score, epoch, self._network.get_weights()
            elif epoch - self.n_epochs >= PATIENCE:
                break
        self._network.set_weights(weights)
        return {"n_epochs": self.n_epochs, "validation_balanced_accuracy": best}

    def refit(self, examples: Examples) -> None:
        """Train from the first weights on `examples` for the chosen number of epochs."""
        loop = self._start(examples.x.shape[1:])
        for _ in self._epochs(loop, examples, self.n_epochs):
            pass

    def predict(self, x: NDArray[np.generic]) -> Prediction:
        """Answer the most probable class.

        Raises
        ------
        ValueError
            The model was neither fitted nor loaded.
        """
        if self._loop is None:
            raise ValueError("the network was never fitted; call choose, refit or load first")
        scores = self._loop.probabilities(x)
        return Prediction(y_pred=scores.argmax(axis=1).astype(np.int64), scores=scores)

    def save(self, folder: Path) -> None:
        """Write the network in Keras' own format, version 3."""
        # a network that was never compiled: Keras would write the optimizer's state, twice the size of the weights
        copy = _new_network(self._network.input_shape[1:], self._network.output_shape[-1])
        copy.set_weights(self._network.get_weights())
        copy.save(folder / _FILE)

    @classmethod
    def load(cls, folder: Path) -> Cnn:
        """Read the network in safe mode, after a look at its layers and at where its weights lie.

        Raises
        ------
        ModelFileError
            The file is no Keras file, or has parts that this network does not have.
        """
        image_shape, n_classes = keras_file.check_network(folder / _FILE)
        try:
            network = keras.saving.load_model(folder / _FILE, compile=False, safe_mode=True)
            shapes = (network.input_shape[1:], network.output_shape[1:])
        except Exception as error:  # Keras raises many kinds for damaged files
            raise ModelFileError(f"{_FILE}: not a model file that Keras can read") from error
        if shapes != (image_shape, (n_classes,)):
            raise ModelFileError(f"{_FILE}: a network of other shapes than its weights have")
        model = cls(ModelSetup(n_classes=n_classes, seed=0, threads=1))
        model._network, model._loop = network, new_loop(network)
        return model

    def _start(self, image_shape: tuple[int, ...]) -> Loop:
        """Build the network, or put back what it was at first."""
        if self._loop is None:
            _set_threads(self._setup.threads)
            keras.utils.set_random_seed(self._setup.seed)
            self._network = _new_network(image_shape, self._setup.n_classes)
            self._loop = new_loop(self._network)
        self._loop.restart()
        return self._loop

    def _epochs(self, loop: Loop, examples: Examples, n_epochs: int) -> Iterator[int]:
        """Train, and stop after each epoch with its number, from 1."""
        order_generator = np.random.default_rng(self._setup.seed)
        weights = balanced_weights(examples.y)
        for epoch in range(1, n_epochs + 1):
            loop.train(examples, weights, order_generator.permutation(len(examples.y)))
            yield epoch


def new_loop(network: Any) -> Loop:
    """Return the fastest loop for Keras' backend; `network` has its first weights, or those of a file."""
    if keras.backend.backend() == "tensorflow":
        from models.cnn_tensorflow import TensorFlowLoop  # other backends do without TensorFlow

        return TensorFlowLoop(network)
    return KerasLoop(network)


def _new_network(image_shape: tuple[int, ...], n_classes: int) -> Any:
    return keras.Sequential(
        [
            layers.Input(image_shape),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(n_classes, activation="softmax"),
        ]
    )


def _set_threads(threads: int) -> None:
    """Give Keras' backend its threads and, in TensorFlow, repeatable operations; a process keeps its first."""
    if keras.backend.backend() == "torch":
        import torch  # type: ignore[import-not-found,unused-ignore]

        torch.set_num_threads(threads)
    elif keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError:  # TensorFlow has begun to compute in this process and cannot change any more
            return
