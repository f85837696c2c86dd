"""Published numbers to stand beside ours: same task and protocol on AudioMNIST, other features and other models."""

from __future__ import annotations

from reports.terms import RANDOM, Json

AUDIOMNIST_KINDS = ("audiomnist", "mfc-images")

_BECKER = "Becker et al., arXiv 1807.03418"
_README = "github.com/zhihanyang2022/gender-audio-classification"
_CARD = "model card of michaelfranz/recogsx"

_PUBLISHED: dict[tuple[str, str], list[tuple[str, float, float | None, str]]] = {
    ("gender", "official"): [
        ("AlexNet, spectrograms", 0.9587, 0.0285, _BECKER),
        ("AudioNet, waveforms", 0.9174, 0.0860, _BECKER),
    ],
    ("digit", "official"): [
        ("AlexNet, spectrograms", 0.9582, 0.0149, _BECKER),
        ("AudioNet, waveforms", 0.9253, 0.0204, _BECKER),
    ],
    ("gender", RANDOM): [
        ("ResNet-34, MFCC images", 0.9893, None, _README),
        ("CNN, MFCC images", 0.956, None, _CARD),
    ],
}


def beside(manifest: Json, protocol: str) -> list[Json]:
    """Return published accuracies on the run's task under `protocol`; none for other corpora or synthetic voices."""
    corpus = manifest.get("corpus", {})
    if corpus.get("synthetic") or corpus.get("kind") not in AUDIOMNIST_KINDS:
        return []
    return [
        {"name": name, "accuracy": accuracy, "sd_over_folds": sd, "source": source}
        for name, accuracy, sd, source in _PUBLISHED.get((manifest["task"]["name"], protocol), [])
    ]
