"""A tiny corpus of tones in AudioMNIST's layout, for runs of a few seconds."""

import json

import numpy as np
import pytest
import soundfile

RATE_HZ = 8000


def write_tones(root, *, n_speakers=12, n_digits=2, n_takes=3):
    """Write speakers whose pitch tells their gender, roughly, and whose tone tells the digit."""
    rng = np.random.default_rng(7)
    metadata = {}
    for number in range(1, n_speakers + 1):
        speaker = f"{number:02d}"
        gender = "female" if number % 2 else "male"
        metadata[speaker] = {
            "accent": "German" if number % 3 else "French",
            "age": str(20 + number),
            "gender": gender,
            "native speaker": "no",
            "origin": "Europe, Germany, Berlin",
            "recordingdate": "17-06-22-11-04-28",
            "recordingroom": "Kino",
        }
        folder = root / "data" / speaker
        folder.mkdir(parents=True)
        pitch_hz = rng.normal(210 if gender == "female" else 120, 25)
        for digit in range(n_digits):
            for take in range(n_takes):
                time_s = np.arange(int(RATE_HZ * rng.uniform(0.3, 0.6))) / RATE_HZ
                voice = sum(np.sin(2 * np.pi * pitch_hz * h * time_s) / h for h in range(1, 12))
                tone = np.sin(2 * np.pi * (900 + 700 * digit) * time_s)
                sound = 3000 * voice + 2500 * tone + rng.normal(0, 300, len(time_s))
                soundfile.write(folder / f"{digit}_{speaker}_{take}.wav", sound.astype(np.int16), RATE_HZ)
    (root / "data" / "audioMNIST_meta.txt").write_text(json.dumps(metadata), encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def tones(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("tones"))
