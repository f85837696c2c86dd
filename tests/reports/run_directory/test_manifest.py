"""What a manifest must be: the message names the entry."""

import copy

import pytest

from reports.run_directory.files import TableError
from reports.run_directory.manifest import Manifest

GOOD = {
    "task": {"name": "gender", "classes": ["female", "male"]},
    "protocol": {"name": "grouped", "seeds": [0]},
    "models": [{"name": "svm"}],
}


def test_the_least_there_must_be():
    Manifest.check_content(copy.deepcopy(GOOD))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": None}, "task: "),
        ({"task": {"name": "gender"}}, "'classes' is missing"),
        ({"task": {"name": "x", "classes": ["a", "a"]}}, "classes: ['a'] occur twice"),
        ({"models": [{"name": "svm"}, {"name": "svm"}]}, "models: ['svm'] occur twice"),
        ({"models": [{"name": 3}]}, "models.0.name"),
        ({"cells": {"failed": [{"cell": "a"}]}}, "'error' is missing"),
        ({"settings": {"x": float("nan")}}, "nan is no number"),
        ({"settings": {"x": ["\ud800"]}}, "half a character"),
        ({"corpus": {"notes": [1]}}, "corpus.notes.0"),
        ({"mfcc": {"n_mels": 2**70}}, "more than 64 bits"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    with pytest.raises(TableError) as caught:
        Manifest.check_content(copy.deepcopy(GOOD) | change)
    assert message in str(caught.value) and "\n" not in str(caught.value)
