"""The folds that AudioMNIST's authors published, by numbers of speakers: Becker et al., arXiv 1807.03418."""

from __future__ import annotations

_GENDER_TEST = ((58, 59, 60, 7, 23, 38), (36, 47, 56, 2, 44, 50), (26, 12, 57, 25, 37, 45), (43, 28, 52, 48, 53, 41))
_DIGIT_SETS = {
    "A": (28, 56, 7, 19, 35, 1, 6, 16, 23, 34, 46, 53),
    "B": (36, 57, 9, 24, 37, 2, 8, 17, 29, 39, 48, 54),
    "C": (43, 58, 14, 25, 38, 3, 10, 20, 30, 40, 49, 55),
    "D": (12, 47, 59, 15, 27, 41, 4, 11, 21, 31, 44, 50),
    "E": (26, 52, 60, 18, 32, 42, 5, 13, 22, 33, 45, 51),
}
OFFICIAL_FOLDS: dict[str, tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]] = {
    "gender": tuple((_GENDER_TEST[fold], _GENDER_TEST[fold - 1]) for fold in range(4)),
    "digit": tuple((_DIGIT_SETS[test], _DIGIT_SETS[check]) for test, check in ("ED", "AE", "BA", "CB", "DC")),
}
"""Published splits: (test speakers, validation speakers) per fold; the other speakers of the split train."""
