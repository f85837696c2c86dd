"""Small synthetic recordings, separable but not perfectly, in every view; and models fitted on them, saved."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.catalogue import CATALOGUE, resolve
from models.files.saved_models import CARD_FILE, save_model
from models.protocol import Examples, Model, ModelSetup

CARD = {"name": "a model", "task": "gender", "classes": ["female", "male"], "mfcc": {"recipe": "psf", "clip_s": 0.995}}

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


@pytest.fixture(scope="session")
def saved_before() -> dict[tuple[str, int], tuple[Model, Path]]:
    """Models that an earlier test has fitted and saved."""
    return {}


@pytest.fixture
def save(tmp_path: Path, tmp_path_factory, make_examples, saved_before):
    def fitted_and_saved(name: str, n_classes: int = 2):
        examples = make_examples(CATALOGUE[name].view, list(range(n_classes)) * 20, 1)
        if (name, n_classes) not in saved_before:
            model = resolve(name)(ModelSetup(n_classes=n_classes, seed=0, threads=1))
            if name == "cnn":
                model.n_epochs = 2
                model.refit(examples)
            else:
                model.choose(examples, examples)
            original = tmp_path_factory.mktemp(name)
            save_model(model, original, card=CARD)
            saved_before[name, n_classes] = model, original
        model, original = saved_before[name, n_classes]
        folder = shutil.copytree(original, tmp_path / name)
        return model, folder, examples.x

    return fitted_and_saved


def forge_checksums(folder: Path, **changes: object) -> None:
    """Make the card agree with the files, as an attacker would."""
    path = folder / CARD_FILE
    card = json.loads(path.read_text())
    others = [file for file in folder.iterdir() if file.name != CARD_FILE]
    card["files"] = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in others}
    path.write_text(json.dumps(card | changes))
