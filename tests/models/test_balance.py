"""Balanced accuracy, balanced weights, spread scores: by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import recall_score
from sklearn.utils.class_weight import compute_sample_weight

from models.balance import balanced_accuracy, balanced_weights, spread


def test_balanced_accuracy_by_hand() -> None:
    y_true = np.array([0, 0, 0, 0, 1])
    assert balanced_accuracy(y_true, np.array([0, 0, 0, 1, 1])) == pytest.approx((3 / 4 + 1) / 2)
    assert balanced_accuracy(y_true, np.array([0, 0, 0, 0, 0])) == pytest.approx(0.5)


def test_predicted_class_that_does_not_occur_is_only_wrong() -> None:
    assert balanced_accuracy(np.array([0, 0, 2, 2]), np.array([0, 1, 2, 3])) == pytest.approx(0.5)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_balanced_accuracy_is_mean_recall_of_present_classes(pairs: list[tuple[int, int]]) -> None:
    y_true, y_pred = np.array(pairs, dtype=np.int64).T
    expected = recall_score(y_true, y_pred, labels=np.unique(y_true), average="macro", zero_division=0)
    assert balanced_accuracy(y_true, y_pred) == pytest.approx(expected, abs=1e-12)


def test_weights_equal_scikit_learns_and_leave_absent_classes_out() -> None:
    y = np.array([0, 0, 0, 2, 2, 4])
    np.testing.assert_allclose(balanced_weights(y), compute_sample_weight("balanced", y), rtol=1e-6)
    assert balanced_weights(y).dtype == np.float32


def test_spread_puts_columns_where_their_classes_are() -> None:
    wide = spread(np.array([[0.25, 0.75]]), np.array([1, 3]), 4)
    np.testing.assert_array_equal(wide, np.array([[0, 0.25, 0, 0.75]], dtype=np.float32))
