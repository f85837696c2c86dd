"""Numbers and names as a reader sees them: the same digits everywhere, units a person would say."""

from __future__ import annotations

from collections.abc import Sequence

from reports.terms import Ends, Json

NONE = "–"
"""Printed where there is no number."""

NOT_ESTIMABLE = "not estimable"

MAX_LABEL = 20
"""Characters of a model's name that the margins of the pictures have room for."""

_SPACE = "\u00a0"

_MODELS = {
    "svm": "SVM",
    "xgboost": "XGBoost",
    "cnn": "CNN",
    "majority": "Majority class",
    "logistic": "Logistic regression",
}

_ATTRIBUTES = {
    "gender": "Gender",
    "accent": "Accent, as stated",
    "accent_bucket": "Accent",
    "native_speaker": "Native speaker of English",
    "age_band": "Age",
    "origin_bucket": "Origin",
    "room": "Room",
    "gender_x_accent_bucket": "Gender and accent",
    "day": "Day of recording",
    "sample_rate_hz": "Sampling rate",
    "duration_s": "Duration",
    "take": "Take",
}

_PROTOCOLS = {
    "official": "published folds, speakers held out",
    "grouped": "speakers held out",
    "leave-accent-out": "accent held out",
    "leave-accent-out-control": "accent included",
    "recording-random": "recordings at random",
}

_TASKS = {
    "gender": "the speaker’s gender",
    "digit": "the spoken digit",
    "accent": "the speaker’s accent",
    "native-speaker": "native speakers of English",
    "age": "the speaker’s age",
    "origin": "the speaker’s origin",
}


def model(name: str) -> str:
    """Return a model's name for a reader."""
    return _MODELS.get(name, name)


def the(name: str) -> str:
    """Return a model's name as it stands inside a sentence: ``the SVM``, ``XGBoost``."""
    return f"the {_MODELS[name]}" if name in ("svm", "cnn") else model(name)


def short_model(name: str) -> str:
    """Return a model's name for the labels of a picture: of a long one its end, which tells factories apart."""
    text = model(name)
    return text if len(text) <= MAX_LABEL else "…" + text[1 - MAX_LABEL :]


def attribute(name: str) -> str:
    """Return an attribute's name for a reader."""
    return _ATTRIBUTES.get(name, name)


def protocol(name: str) -> str:
    """Return what a protocol does, in few words."""
    return _PROTOCOLS.get(name, name)


def task(name: str) -> str:
    """Return what a task recognises, in few words."""
    return _TASKS.get(name, name)


def percent(value: float | None, unit: bool = True) -> str:
    """Return a share in percent with one decimal: 0.7519 gives ``75.2 %``."""
    if value is None:
        return NONE
    return f"{100 * value:.1f}" + (f"{_SPACE}%" if unit else "")


def points(value: float | None, unit: bool = True) -> str:
    """Return a difference of shares in signed points with one decimal: -0.012 gives ``−1.2 points``."""
    if value is None:
        return NONE
    rounded = round(100 * value, 1)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return f"{sign}{abs(rounded):.1f}" + (f"{_SPACE}points" if unit else "")


def interval(number: Ends | Json, *, of_points: bool = False) -> str:
    """Return a number's interval in percent, or in signed points: ``66.6 to 81.4``, ``−2.0 to 7.0``."""
    if not number["estimable"]:
        return NOT_ESTIMABLE
    ends = number["low"], number["high"]
    return " to ".join(_signed(end) if of_points else percent(end, False) for end in ends)


def decimal_interval(number: Ends | Json) -> str:
    """Return the interval of a number between -1 and 1 with two decimals: ``0.35 to 0.63``."""
    if not number["estimable"]:
        return NOT_ESTIMABLE
    ends = number["low"], number["high"]
    return " to ".join(NONE if end is None else f"{end:.2f}".replace("-", "−") for end in ends)


def few(n_speakers: int) -> str:
    """Say that so many speakers give no interval: ``interval not estimable (1 speaker)``."""
    return f"interval not estimable ({counted(n_speakers, 'speaker')})"


def rank(number: Ends | None) -> str:
    """Return the places that a model may have: ``1``, ``1 to 3``."""
    if number is None or number["low"] is None or number["high"] is None:
        return NONE
    low, high = int(number["low"]), int(number["high"])
    return f"{low}" if low == high else f"{low}\u00a0to\u00a0{high}"


def probability(value: float | None) -> str:
    """Return a p value with three decimals: ``0.031``, ``< 0.001``."""
    if value is None:
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def p(value: float | None) -> str:
    """Return what stands behind the letter p: ``= 0.031``, ``< 0.001``."""
    text = probability(value)
    return text if text.startswith(("<", NONE)) else f"= {text}"


def times(ratio: float) -> str:
    """Return a ratio of costs: ``1.8 times``, ``56 times``, ``1,200 times``."""
    return f"{ratio:.1f}{_SPACE}times" if ratio < 9.95 else f"{ratio:,.0f}{_SPACE}times"


def _signed(value: float | None) -> str:
    return NONE if value is None else f"{100 * value + 0.0:.1f}".replace("-0.0", "0.0").replace("-", "−")


def decimal(value: float | None) -> str:
    """Return a number between -1 and 1 with three decimals."""
    return NONE if value is None else f"{value:.3f}".replace("-", "−")


def count(value: float | None) -> str:
    """Return a whole number with thousands apart: ``30,000``."""
    return NONE if value is None else f"{int(value):,}"


def counted(value: int, noun: str) -> str:
    """Return a count and its noun: ``1 speaker``, ``60 speakers``."""
    return f"{value:,}{_SPACE}{noun}" + ("" if value == 1 else "s")


def seconds(value: float | None) -> str:
    """Return a duration in a unit a person would say: ``38 µs``, ``3.4 ms``, ``12 s``, ``2 h 10 min``."""
    if value is None:
        return NONE
    if value < 59.5:
        for scale, unit in ((1e6, "µs"), (1e3, "ms"), (1.0, "s")):
            if value * scale < 999.5 or unit == "s":
                return f"{_two_digits(value * scale)}{_SPACE}{unit}"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}{_SPACE}min" + (f" {rest}{_SPACE}s" if rest else "")
    hours, minutes = divmod(round(value / 60), 60)
    return f"{hours:,}{_SPACE}h" + (f" {minutes}{_SPACE}min" if minutes else "")


def bytes_(value: float | None) -> str:
    """Return a size in decimal units: ``2.4 MB``."""
    if value is None:
        return NONE
    scaled, unit = float(value), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if scaled < 999.5:
            break
        scaled, unit = scaled / 1000, larger
    return f"{_two_digits(scaled) if unit != 'B' else int(scaled)}{_SPACE}{unit}"


def listed(parts: Sequence[str]) -> str:
    """Join words as a sentence does: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def capital(text: str) -> str:
    """Begin `text` as a sentence begins."""
    return text[:1].upper() + text[1:]


def _two_digits(value: float) -> str:
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
