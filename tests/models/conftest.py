"""Small synthetic recordings, separable but not perfectly, in every view."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.protocol import Examples

MakeExamples = Callable[..., Examples]


@pytest.fixture
def make_examples() -> MakeExamples:
    def make(view: str, y: list[int] | np.ndarray, seed: int) -> Examples:
        labels = np.asarray(y, dtype=np.int64)
        generator = np.random.default_rng(seed)
        if view == "image":
            x = generator.integers(0, 120, (len(labels), 12, 8, 3), dtype=np.uint8)
            x[:, :, :4] += (60 * (labels % 3))[:, np.newaxis, np.newaxis, np.newaxis].astype(np.uint8)
        else:
            x = generator.standard_normal((len(labels), 24), dtype=np.float32)
            x[np.arange(len(labels)), labels] += 3
        x.flags.writeable = False
        return Examples(x=x, y=labels)

    return make
