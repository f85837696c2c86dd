"""What an interval says when models are really refitted: simulated speakers, folds, and a nearest-centroid classifier.

A recording is a point x = mu_class + u_speaker + e in `n_features` dimensions, u and e normal and independent, the
variance of u being `spread` and that of e 1; the classes differ in one dimension, the others only confuse. Every fold's
speakers are held out; the classifier's two centroids are the means of the other speakers' means, and a recording is of
the nearer one's class. What it will do is then known exactly: with w the difference of the centroids and c their
midpoint, a recording of a class lies on the right side with probability Phi(w (mu - c) / (|w| sqrt(1 + spread))), and
one of a speaker u with Phi(w (mu + u - c) / |w|).

So each data set has two truths: the accuracy of *its trained models* on new speakers, which the intervals are for, and
the *algorithm's*, the mean of that over training sets, which they do not promise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from reports.simulation.designs import (
    N_FLIPS,
    N_RECORDINGS,
    SIZES,
    Intervals,
    covering,
    generator_of,
    in_blocks,
    plus,
    strata_of,
    told,
)
from reports.simulation.other_intervals import speaker_bootstraps
from reports.statistics.intervals import FloatArray, IntArray, share_intervals
from reports.statistics.sign_flips import ALPHA, sign_flips
from reports.terms import Json

_SETS = 100  # data sets at a time: 60 speakers x 100 features of them take 5 MB


def _intervals(scores: FloatArray, strata: IntArray, weights: FloatArray) -> Intervals:
    percentile = [pair[0] for pair in speaker_bootstraps(scores, strata, weights)]
    return {"bootstrap_t": share_intervals(scores, strata, weights), "percentile": percentile}


@dataclass(frozen=True, kw_only=True)
class Refitted:
    """Speakers of two classes, and an algorithm that is fitted anew for every fold of every data set.

    Attributes
    ----------
    sizes
        Speakers of each class.
    n_folds
        Folds; speaker i of a class is tested in fold i modulo n_folds.
    distance
        Between the two classes' means.
    spread
        Variance of the speakers' own means in each dimension, that of recordings of one speaker being 1.
    n_features
        Dimensions: the more, the more a trained model depends on who was in its training set.
    """

    sizes: tuple[int, int]
    n_folds: int
    distance: float
    spread: float
    n_features: int

    @property
    def name(self) -> str:
        """What the design is called, and seeded by."""
        own = f"features {self.n_features} distance {self.distance:g} spread {self.spread:g}"
        return f"refitted {plus(self.sizes)} {own}"

    def run(self, n_sets: int, seed: int) -> Json:
        """Fit and test two models of the same algorithm, on features of their own, in `n_sets` data sets.

        Returns
        -------
        counted
            The design; ``accuracy`` (the algorithm's), ``training_sd`` (standard deviation of the trained models'
            accuracy over training sets), ``correlation`` (within speakers); for each method the coverage of ``trained``
            and of ``algorithm``; ``rejected``: how often the sign-flip test finds the two models different, whose
            algorithms are equally good.
        """
        generator = generator_of(self.name, seed)
        blocks = [[fit(self, min(_SETS, n_sets - i), generator) for i in range(0, n_sets, _SETS)] for _ in "ab"]
        (scores, truths), (others, _) = (map(np.concatenate, zip(*block, strict=True)) for block in blocks)
        expected = np.full(n_sets, truths.mean())
        strata, weights = strata_of(self.sizes)
        return {
            **told(self, "sizes", "n_folds", "n_features", "distance", "spread"),
            "accuracy": float(truths.mean()),
            "training_sd": float(truths.std()),
            "correlation": _correlation(scores, strata),
            "methods": {
                name: {"trained": covering(intervals, truths), "algorithm": covering(intervals, expected)}
                for name, intervals in in_blocks(scores, self.sizes, _intervals).items()
            },
            "rejected": float((sign_flips(scores - others, strata, weights, N_FLIPS) < ALPHA).mean()),
        }


def refitted_designs() -> list[Refitted]:
    """Return the designs: speakers more and less alike, tasks harder and easier, learners steadier and less steady."""
    return [
        Refitted(sizes=sizes, n_folds=n_folds, distance=distance, spread=spread, n_features=n_features)
        for sizes, n_folds in zip(SIZES, (5, 4, 5), strict=True)
        for n_features in (20, 100)
        for distance in (2.0, 3.5)
        for spread in (0.1, 0.4)
    ]


def fit(design: Refitted, n_sets: int, generator: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return scores of the held-out speakers, and the expected balanced accuracy of the models that gave them.

    Shapes ``(n_sets, n_speakers)`` and ``(n_sets,)``; each fold's models weigh as the speakers that they tested.
    """
    classes, _ = strata_of(design.sizes)
    folds = np.concatenate([np.arange(size) % design.n_folds for size in design.sizes])
    speakers = generator.normal(scale=np.sqrt(design.spread), size=(n_sets, len(classes), design.n_features))
    speakers[:, :, 0] += design.distance * (classes - 0.5)
    heard = speakers + generator.normal(scale=N_RECORDINGS**-0.5, size=speakers.shape)
    right = np.empty((n_sets, len(classes)))
    truths = np.zeros(n_sets)
    for fold in range(design.n_folds):
        tested = folds == fold
        normal, midpoint = _centroids(heard[:, ~tested], classes[~tested])
        sides = np.where(classes == 1, 1.0, -1.0)
        margins = np.einsum("sgf,sf->sg", speakers[:, tested] - midpoint[:, np.newaxis], normal)
        right[:, tested] = ndtr(margins * sides[tested])
        recalls = _recalls(design, normal, midpoint)
        truths += sum(recalls[h] * (tested & (classes == h)).sum() / design.sizes[h] for h in range(2)) / 2
    return generator.binomial(N_RECORDINGS, right) / N_RECORDINGS, truths


def _centroids(heard: FloatArray, classes: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the unit vector from the first to the second centroid and their midpoint, ``(n_sets, n_features)``."""
    first, second = (heard[:, classes == h].mean(axis=1) for h in range(2))
    apart = second - first
    normal: FloatArray = apart / np.linalg.norm(apart, axis=1, keepdims=True)
    return normal, (first + second) / 2


def _recalls(design: Refitted, normal: FloatArray, midpoint: FloatArray) -> list[FloatArray]:
    """Return the expected score of a new speaker of each class, shape ``(n_sets,)`` each."""
    offset = (midpoint * normal).sum(axis=1)
    means = (design.distance * (h - 0.5) * normal[:, 0] - offset for h in range(2))
    scale = np.sqrt(1 + design.spread)
    return [ndtr(side * mean / scale) for side, mean in zip((-1.0, 1.0), means, strict=True)]


def _correlation(scores: FloatArray, strata: IntArray) -> float:
    """Return the mean over strata of the variance between speakers over m (1 - m): the scores' own rho, nearly."""
    parts = [scores[:, strata == h] for h in range(2)]
    return float(np.mean([part.var() / (part.mean() * (1 - part.mean())) for part in parts]))
