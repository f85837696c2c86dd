"""Is 95 % true? Data sets with known truth, through the same functions that the report calls.

A speaker's score is beta-binomial: p_i from a beta distribution with the stratum's recall as its mean and the
within-speaker correlation rho = 1 / (a + b + 1), then `N_RECORDINGS` answers, each right with probability p_i. The
truth is the mean of the two recalls.

Two models tested on the same speakers share `SHARED` of a speaker's luck: with gamma variables S, T for both models and
U, V for each, p = (S + U) / (S + U + T + V) is beta distributed for each, and correlated.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from reports.simulation.other_intervals import recording_interval, speaker_bootstraps
from reports.statistics.intervals import FloatArray, IntArray, Interval, Stratified, mover_interval, share_intervals
from reports.statistics.sign_flips import ALPHA, sign_flips
from reports.statistics.sign_flips import N_FLIPS as REPORTED_FLIPS
from reports.terms import Json

N_RECORDINGS = 500
"""Recordings of a speaker, as in AudioMNIST."""

N_FLIPS = 9_999
"""Flips of a simulated sign-flip test; the report makes ten times as many."""

SHARED = 0.5

SIZES = ((48, 12), (12, 12), (24, 36))
CORRELATIONS = (0.05, 0.1, 0.2, 0.4)
ACCURACIES = (0.75, 0.90, 0.97)
UNEQUAL_RECALLS = ((0.88, 0.66), (0.97, 0.80))

COVERAGE_GATE = (0.92, 0.97)
SIZE_GATE = (0.03, 0.07)

EXCHANGEABLE = "exchangeable"
OPPOSITE = "gains and losses"
SKEWED = "skewed"

Intervals = dict[str, list[Interval]]
Methods = Callable[[FloatArray, IntArray, FloatArray], Intervals]

_SETS = 16  # data sets at a time: their replicates take 5 MB


def all_intervals(scores: FloatArray, strata: IntArray, weights: FloatArray) -> Intervals:
    """Return the interval of each method for each of many data sets, ``(n_sets, n_speakers)``: ours and others'."""
    samples = [Stratified(scores=row, strata=strata, weights=weights) for row in scores]
    n_recordings = np.full(len(strata), N_RECORDINGS, dtype=np.int64)
    over_speakers = speaker_bootstraps(scores, strata, weights)
    return {
        "bootstrap_t": share_intervals(scores, strata, weights),
        "mover": [mover_interval(sample) for sample in samples],
        "percentile": [percentile for percentile, _ in over_speakers],
        "bca": [bca for _, bca in over_speakers],
        "recordings": [recording_interval(sample, n_recordings) for sample in samples],
    }


def in_blocks(scores: FloatArray, sizes: tuple[int, int], methods: Methods) -> Intervals:
    """Return what `methods` gives for all of `scores`, a few data sets at a time."""
    strata, weights = strata_of(sizes)
    blocks = [methods(scores[i : i + _SETS], strata, weights) for i in range(0, len(scores), _SETS)]
    return {name: [interval for block in blocks for interval in block[name]] for name in blocks[0]}


@dataclass(frozen=True, kw_only=True)
class Design:
    """One model tested on speakers of two strata.

    Attributes
    ----------
    sizes
        Speakers of each stratum.
    recalls
        Expected score in each stratum.
    correlation
        Of two answers of the same speaker.
    """

    sizes: tuple[int, int]
    recalls: tuple[float, float]
    correlation: float

    @property
    def name(self) -> str:
        """What the design is called, and seeded by."""
        recalls = "/".join(f"{recall:g}" for recall in self.recalls)
        return f"{plus(self.sizes)} recalls {recalls} correlation {self.correlation:g}"

    @property
    def truth(self) -> float:
        """Balanced accuracy over all speakers that there could be."""
        return sum(self.recalls) / 2

    @property
    def mover_gated(self) -> bool:
        """Tell whether the check beside the headline must hold here."""
        return self.truth <= 0.90 or self.correlation <= 0.1

    def run(self, n_sets: int, seed: int) -> Json:
        """Count over `n_sets` data sets how often the interval of each method holds the truth (`covering`)."""
        scores = draw_scores(self, n_sets, generator_of(self.name, seed))
        truths = np.full(n_sets, self.truth)
        of_methods = in_blocks(scores, self.sizes, all_intervals)
        methods = {name: covering(intervals, truths) for name, intervals in of_methods.items()}
        return {**told(self, "sizes", "recalls", "correlation", "mover_gated"), "methods": methods}


@dataclass(frozen=True, kw_only=True)
class Null:
    """Two models of the same balanced accuracy, tested on the same speakers.

    Attributes
    ----------
    kind
        `EXCHANGEABLE`: nothing tells them apart. `OPPOSITE`: the first is better by `gain` in the second stratum and
        worse by as much in the first. `SKEWED`: the first has correlation .05, so that the differences are skewed.
    sizes
        Speakers of each stratum.
    accuracy
        Expected score of both models; of the second one where they differ.
    correlation
        Of two answers of the same speaker; of the second model where they differ.
    n_flips
        Random flips of each test.
    """

    kind: str
    sizes: tuple[int, int]
    accuracy: float
    correlation: float
    n_flips: int = N_FLIPS

    @property
    def name(self) -> str:
        """What the design is called, and seeded by: the number of flips is no part of it."""
        return f"{self.kind} {plus(self.sizes)} accuracy {self.accuracy:g} correlation {self.correlation:g}"

    @property
    def gain(self) -> float:
        """What the first model gains in the second stratum, and loses in the first."""
        return (0.05 if self.accuracy <= 0.90 else 0.02) if self.kind == OPPOSITE else 0.0

    @property
    def gated(self) -> bool:
        """Tell whether the test must hold its level here."""
        return self.kind != SKEWED

    def run(self, n_sets: int, seed: int) -> Json:
        """Count over `n_sets` data sets how often the sign-flip test rejects at 5 %."""
        scores = draw_pairs(self, n_sets, generator_of(self.name, seed))
        p = sign_flips(scores[0] - scores[1], *strata_of(self.sizes), self.n_flips)
        own = told(self, "kind", "sizes", "accuracy", "correlation", "gain", "n_flips", "gated")
        return {**own, "rejected": float((p < ALPHA).mean())}


def designs() -> list[Design]:
    """Return the designs of the intervals: in unequal strata, either of them may be the one with the lower recall."""
    equal, turned = [(accuracy, accuracy) for accuracy in ACCURACIES], [(low, high) for high, low in UNEQUAL_RECALLS]
    return [
        Design(sizes=sizes, recalls=recalls, correlation=rho)
        for sizes in SIZES
        for recalls in [*equal, *UNEQUAL_RECALLS, *(turned if sizes[0] != sizes[1] else [])]
        for rho in CORRELATIONS
    ]


def nulls() -> list[Null]:
    """Return the designs of the test; one of each kind also with as many flips as the report makes."""
    every = []
    for kind in (EXCHANGEABLE, OPPOSITE, SKEWED):
        every += [
            Null(kind=kind, sizes=sizes, accuracy=accuracy, correlation=rho)
            for sizes, accuracy, rho in product(SIZES, ACCURACIES, CORRELATIONS)
            if kind != SKEWED or rho > CORRELATIONS[0]
        ]
        every.append(Null(kind=kind, sizes=SIZES[0], accuracy=0.9, correlation=0.2, n_flips=REPORTED_FLIPS))
    return every


def plus(sizes: tuple[int, int]) -> str:
    """Return the sizes of two strata as names and tables give them: ``48+12``."""
    return "+".join(map(str, sizes))


def told(design: object, *names: str) -> Json:
    """Return what stands in the tables of a design itself."""
    return {name: getattr(design, name) for name in names}


def generator_of(name: str, seed: int) -> np.random.Generator:
    """Return the random numbers of a design: its own, whichever others run beside it."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def covering(intervals: list[Interval], truths: FloatArray) -> Json:
    """Return the shares of `intervals` that hold their truth and that are none (these hold nothing); the mean width."""
    low, high = (np.array([getattr(each, end) for each in intervals]) for end in ("low", "high"))
    estimable = np.array([each.estimable for each in intervals])
    return {
        "covered": float((estimable & (low <= truths) & (truths <= high)).mean()),
        "not_estimable": float(1 - estimable.mean()),
        "width": float((high - low)[estimable].mean()) if estimable.any() else None,
    }


def strata_of(sizes: tuple[int, int]) -> tuple[IntArray, FloatArray]:
    """Return strata and weights of a balanced accuracy."""
    return np.repeat(np.arange(2, dtype=np.int64), sizes), np.full(2, 0.5)


def draw_scores(design: Design, n_sets: int, generator: np.random.Generator) -> FloatArray:
    """Return scores of `n_sets` data sets, shape ``(n_sets, n_speakers)``."""
    a, b = _beta(np.repeat(design.recalls, design.sizes), design.correlation)
    p = generator.beta(a, b, size=(n_sets, sum(design.sizes)))
    return generator.binomial(N_RECORDINGS, p) / N_RECORDINGS


def draw_pairs(null: Null, n_sets: int, generator: np.random.Generator) -> FloatArray:
    """Return scores of two models on the same speakers, shape ``(2, n_sets, n_speakers)``."""
    gain = np.repeat([-null.gain, null.gain], null.sizes)
    first = CORRELATIONS[0] if null.kind == SKEWED else null.correlation
    shapes = [_beta(null.accuracy + gain, first), _beta(null.accuracy + 0 * gain, null.correlation)]
    shape = (n_sets, sum(null.sizes))
    common = [SHARED * np.minimum(one, other) for one, other in zip(*shapes, strict=True)]
    right, wrong = (generator.gamma(each, size=shape) for each in common)
    p = np.empty((2, *shape))
    for model, (a, b) in enumerate(shapes):
        own_right, own_wrong = generator.gamma(a - common[0], size=shape), generator.gamma(b - common[1], size=shape)
        p[model] = (right + own_right) / (right + own_right + wrong + own_wrong)
    return generator.binomial(N_RECORDINGS, p) / N_RECORDINGS


def _beta(means: FloatArray, correlation: float) -> tuple[FloatArray, FloatArray]:
    size = 1 / correlation - 1
    return means * size, (1 - means) * size
