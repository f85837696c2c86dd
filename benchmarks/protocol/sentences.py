"""Say in four sentences how speakers were held out and models chosen; the report prints them."""

from __future__ import annotations

from benchmarks.protocol.folds import PROTOCOLS, Plan
from benchmarks.settings import RunSettings
from reports.terms import RANDOM

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
    has_premium = settings.premium and settings.protocol != RANDOM
    return [
        PROTOCOLS[settings.protocol].sentence.format(n=plan.n_folds),
        f"The folds were drawn {times}, with {seeds}, and every model was given exactly the same folds.",
        "Settings (epochs, trees) were chosen by balanced accuracy on validation recordings, never on tested ones; "
        + (_REFITTED if settings.refit else _NOT_REFITTED),
        _PREMIUM if has_premium else _NO_PREMIUM,
    ]
