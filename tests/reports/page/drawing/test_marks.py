"""Where to put what would overlap."""

from __future__ import annotations

from itertools import pairwise

import pytest

from reports.page.drawing import marks


def test_equal_values_stand_side_by_side() -> None:
    assert marks.swarm([0.5, 0.5, 0.5, 0.9], 0.01, 7.0, 26.0) == [-7.0, 0.0, 7.0, 0.0]


def test_a_high_swarm_stays_in_its_row() -> None:
    offsets = marks.swarm([0.5] * 60, 0.01, 7.0, 26.0)
    assert max(offsets) == pytest.approx(26.0)
    assert min(offsets) == pytest.approx(-26.0)


def test_labels_keep_their_distance_and_order() -> None:
    places = marks.spread([0.80, 0.81, 0.50, 0.805], 0.05)
    assert places[2] == 0.50
    ordered = [places[0], places[3], places[1]]
    assert [round(b - a, 9) for a, b in pairwise(ordered)] == [0.05, 0.05]
    assert sum(ordered) / 3 == pytest.approx(0.805)
