"""The waiting times of a user: their table by hand."""

from __future__ import annotations

import numpy as np

from benchmarks.speed.studies.start_up import as_table


def test_a_further_file_costs_its_share_of_many() -> None:
    # elapsed and processor time of help, one file, 201 files, the libraries
    seconds = {"help": [0.2, 0.1], "one": [1.5, 1.25], "many": [2.5, 2.0], "libraries": [1.0, 0.9]}
    lines = as_table({name: np.array([own] * 3) for name, own in seconds.items()}).splitlines()
    assert lines[2:] == [
        "| `--help` | 0.20 s | 0.10 s | 0.5 s |",
        "| `predict`, one file | 1.50 s | 1.25 s | 2.5 s |",
        "| importing scikit-learn and skops | 1.00 s | 0.90 s |  |",
        "| a further file | 5.0 ms | 3.8 ms | 5 ms |",
    ]
