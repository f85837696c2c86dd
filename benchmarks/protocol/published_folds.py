"""The folds that AudioMNIST's authors published, by speakers: Becker et al., arXiv 1807.03418."""

from __future__ import annotations

_GENDER_TEST = ("58 59 60 07 23 38", "36 47 56 02 44 50", "26 12 57 25 37 45", "43 28 52 48 53 41")
_DIGIT_SETS = {
    "A": "28 56 07 19 35 01 06 16 23 34 46 53",
    "B": "36 57 09 24 37 02 08 17 29 39 48 54",
    "C": "43 58 14 25 38 03 10 20 30 40 49 55",
    "D": "12 47 59 15 27 41 04 11 21 31 44 50",
    "E": "26 52 60 18 32 42 05 13 22 33 45 51",
}
OFFICIAL_FOLDS = {
    "gender": [(_GENDER_TEST[fold].split(), _GENDER_TEST[fold - 1].split()) for fold in range(4)],
    "digit": [
        (_DIGIT_SETS[test].split(), _DIGIT_SETS[check].split()) for test, check in ("ED", "AE", "BA", "CB", "DC")
    ],
}
"""Published splits: (test speakers, validation speakers) per fold; the other speakers of the split train."""
