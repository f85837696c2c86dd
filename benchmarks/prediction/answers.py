"""Ask a saved model about audio files."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.prediction.worker import Extraction, hearing
from features.extraction.recipes import MfccConfig, NarrowFilterWarning
from features.views import view
from models.files.saved_models import load_model, read_card
from models.protocol import Model, ModelFileError
from reports.text.printable import cell


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model says of one file: label, its score (a probability) and the seconds it took, or why it could not."""

    name: str
    label: str | None = None
    score: float | None = None
    seconds: float = 0.0
    error: str | None = None

    @property
    def line(self) -> str:
        """One tab-separated line: file, label, score, milliseconds; no cell is a spreadsheet's formula."""
        if self.error is not None:
            return "\t".join(map(cell, (self.name, "error", self.error)))
        told = (self.name, str(self.label), f"{self.score:.3f}", f"{self.seconds * 1000:.1f} ms")
        return "\t".join(map(cell, told))


def predict_files(folder: Path, names: Sequence[str], *, plug_in: str | None = None) -> Iterator[Answer]:
    """Load the model saved in `folder` and answer for each file; ``-`` reads one recording from standard input.

    Raises
    ------
    ModelFileError
        The folder holds no model, one whose parts do not fit together, or one trained on published images, which have
        no audio recipe to repeat.
    """
    card = read_card(folder)
    if card.get("images"):
        raise ModelFileError(f"{folder}: this model was trained on published images, it cannot hear audio files")
    config = _config(folder, card)
    with hearing(names, config) as recordings:
        model, _ = load_model(folder, plug_in=plug_in)
        _try_once(folder, model, card, config)
        for name, heard in zip(names, recordings, strict=True):
            if isinstance(heard, str):
                yield Answer(name=name, error=heard)
                continue
            started = time.perf_counter()
            prediction = model.predict(_seen(heard, model))
            code = int(prediction.y_pred[0])
            yield Answer(
                name=name,
                label=card["classes"][code],
                score=float(prediction.scores[0, code]),
                seconds=heard.seconds + time.perf_counter() - started,
            )


def _config(folder: Path, card: dict[str, Any]) -> MfccConfig:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NarrowFilterWarning)  # the run that trained the model has said it
            return MfccConfig.from_dict(card["mfcc"])
    except ValueError as error:
        raise ModelFileError(f"{folder}: its MFCCs cannot be made: {error}") from error


def _try_once(folder: Path, model: Model, card: dict[str, Any], config: MfccConfig) -> None:
    """Ask the model about silence: a model, its classes and its MFCCs that do not fit together are told here."""
    zeros = np.zeros((config.n_frames, config.n_coefficients), dtype=config.dtype)
    silence = Extraction(zeros, first_frame=0, n_sounding=config.n_frames, seconds=0.0)
    n_classes = len(card["classes"])
    try:
        answer = model.predict(_seen(silence, model))
        fits = answer.scores.shape == (1, n_classes) and 0 <= int(answer.y_pred[0]) < n_classes
    except Exception as error:  # what a library says of numbers that do not fit is its own affair
        raise ModelFileError(f"{folder}: model and MFCCs do not fit together ({error})") from error
    if not fits:
        raise ModelFileError(f"{folder}: the model does not answer one of its card's {n_classes} classes")


def _seen(heard: Extraction, model: Model) -> NDArray[Any]:
    """Return one recording as the model sees it."""
    frames = {"first_frame": np.array([heard.first_frame]), "n_sounding": np.array([heard.n_sounding])}
    return view(heard.mfcc[None], model.view, **frames)
