"""Training and asking the convolutional network in TensorFlow: an epoch is one call of one compiled graph.

The steps are those that Keras would do, batch by batch, with the same weights up to the order of float32 sums (a test
compares them). What is saved is work around the multiplications, which take about four fifths of what is left:

- batches are gathered inside the graph, and Python is entered once per epoch instead of once per batch;
- bias and ReLU come after the pooling instead of before it: adding a constant and cutting at zero keep the order of
  numbers, so the largest of four stays the largest, and there are four times fewer numbers;
- Adam is TensorFlow's fused kernel instead of a dozen passes over the weights; same formula (Kingma and Ba, 2015,
  section 2, with epsilon outside the bias correction, as in Keras).

Batches of any size run in the same graph, so a process compiles each of the two graphs once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.cnn_training import BATCH_SIZE, LEARNING_RATE, PREDICTION_BLOCK
from models.protocol import Examples

_DECAY_OF_MEAN = 0.9
_DECAY_OF_SQUARES = 0.999
_EPSILON = 1e-7
"""Keras' defaults for Adam."""


class TensorFlowLoop:
    """The network of `models.cnn`, trained by graphs of its own, asked as Keras has built it."""

    def __init__(self, network: Any) -> None:
        image_shape, n_classes = network.input_shape[1:], network.output_shape[-1]
        self._weights = [variable.value for variable in network.trainable_variables]
        self._first_weights = [weight.numpy() for weight in self._weights]
        self._means = [tf.Variable(tf.zeros_like(weight)) for weight in self._weights]
        self._squares = [tf.Variable(tf.zeros_like(weight)) for weight in self._weights]
        self._n_steps = tf.Variable(0.0)
        images = tf.TensorSpec((None, *image_shape), tf.uint8)
        labels, weights = tf.TensorSpec((None,), tf.int64), tf.TensorSpec((None,), tf.float32)
        self._epoch = tf.function(self._steps, input_signature=[images, labels, weights, labels])
        self._answer = tf.function(lambda x: network(x, training=False), input_signature=[images])
        self._n_classes = n_classes

    def restart(self) -> None:
        """Put back the first weights; a fresh optimizer has zeros everywhere."""
        for weight, first in zip(self._weights, self._first_weights, strict=True):
            weight.assign(first)
        for variable in (*self._means, *self._squares, self._n_steps):
            variable.assign(tf.zeros_like(variable))

    def train(self, examples: Examples, weights: NDArray[np.float32], order: NDArray[np.int64]) -> None:
        """Run one epoch inside TensorFlow."""
        self._epoch(*(tf.convert_to_tensor(values) for values in (examples.x, examples.y, weights, order)))

    def probabilities(self, x: NDArray[np.generic]) -> NDArray[np.float32]:
        """Run the network on blocks; a single recording takes well under a millisecond."""
        answers = np.empty((len(x), self._n_classes), dtype=np.float32)
        for start in range(0, len(x), PREDICTION_BLOCK):
            block = tf.convert_to_tensor(x[start : start + PREDICTION_BLOCK])
            answers[start : start + PREDICTION_BLOCK] = self._answer(block).numpy()
        return answers

    def _steps(self, images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, order: tf.Tensor) -> None:
        for start in tf.range(0, tf.size(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            self._step(tf.gather(images, rows), tf.gather(labels, rows), tf.gather(weights, rows))

    def _step(self, images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, _logits(self._weights, images))
            loss = tf.reduce_mean(losses * weights)
        gradients = tape.gradient(loss, self._weights)
        self._n_steps.assign_add(1.0)
        decayed = {
            "beta1_power": tf.pow(_DECAY_OF_MEAN, self._n_steps),
            "beta2_power": tf.pow(_DECAY_OF_SQUARES, self._n_steps),
        }
        rates = {"lr": LEARNING_RATE, "beta1": _DECAY_OF_MEAN, "beta2": _DECAY_OF_SQUARES, "epsilon": _EPSILON}
        for weight, mean, square, gradient in zip(self._weights, self._means, self._squares, gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle, m=mean.handle, v=square.handle, grad=gradient, **decayed, **rates
            )


def _logits(weights: list[tf.Variable], images: tf.Tensor) -> tf.Tensor:
    """Return the last layer's sums before its softmax, for images as they are."""
    filters_1, bias_1, filters_2, bias_2, dense_1, bias_3, dense_2, bias_4 = weights
    x = tf.cast(images, tf.float32) * (1 / 255)
    for filters, bias in ((filters_1, bias_1), (filters_2, bias_2)):
        pooled = tf.nn.max_pool2d(tf.nn.conv2d(x, filters, strides=1, padding="SAME"), 2, 2, "VALID")
        x = tf.nn.relu(tf.nn.bias_add(pooled, bias))
    x = tf.reshape(x, (-1, dense_1.shape[0]))
    return tf.nn.relu(x @ dense_1 + bias_3) @ dense_2 + bias_4
