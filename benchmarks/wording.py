"""Say in four sentences how speakers were held out and models chosen; the report prints them."""

from __future__ import annotations

from benchmarks.folds import Plan
from benchmarks.settings import RunSettings

_PROTOCOLS = {
    "official": "The published splits of AudioMNIST's authors were used: {n} folds, each with its own test and "
    "validation speakers.",
    "grouped": "All speakers were dealt to {n} folds, alike in class and accent as far as whole speakers allow; each "
    "fold is tested once, by models that never heard its speakers.",
    "leave-accent-out": "Each of {n} accents is tested once, by models that never heard that accent; a matched control "
    "tests the same speakers with models trained on equally many speakers, the accent included.",
    "recording-random": "Recordings were dealt to {n} folds at random: the same speakers are trained and tested on, so "
    "these numbers say nothing about people the models never heard.",
}
_REFITTED = "then every model was fitted again on training and validation speakers together."
_NOT_REFITTED = "and every model is the one fitted on the training speakers alone."
_PREMIUM = (
    "Beside it, each model ran on one split of the same recordings at random, with the same numbers in training, "
    "validation and test, which gives the leakage premium."
)
_NO_PREMIUM = "No random split was run beside it, so there is no leakage premium."


def protocol_sentences(settings: RunSettings, plan: Plan) -> list[str]:
    """Describe the protocol of a run in four sentences."""
    times = "once" if settings.repetitions == 1 else f"{settings.repetitions} times"
    seeds = "one training seed" if settings.seeds == 1 else f"{settings.seeds} training seeds"
    has_premium = settings.premium and settings.protocol != "recording-random"
    return [
        _PROTOCOLS[settings.protocol].format(n=plan.n_folds),
        f"The folds were drawn {times}, with {seeds}, and every model was given exactly the same folds.",
        "Settings (epochs, trees) were chosen by balanced accuracy on validation recordings, never on tested ones; "
        + (_REFITTED if settings.refit else _NOT_REFITTED),
        _PREMIUM if has_premium else _NO_PREMIUM,
    ]
