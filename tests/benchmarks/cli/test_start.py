"""What a command loads: help and a saved model come at once because of what is not imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from features.mfcc import MfccConfig, extract
from models.files.saved_models import save_model
from models.protocol import Examples, ModelSetup
from models.svm import Svm

RECORDED = """
import sys
from benchmarks.cli.app import app
sys.argv = ["voxfold", *sys.argv[1:]]
try:
    app()
except SystemExit as end:
    print("status", end.code or 0)
print("loaded", *sorted(name for name in sys.modules if name.count(".") < 2))
"""


def loaded_by(*arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", RECORDED, *arguments], capture_output=True, text=True, check=True)
    *_, status, loaded = done.stdout.splitlines()
    assert status == "status 0", done.stdout + done.stderr
    return set(loaded.split()[1:])


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["predict", "--help"], ["corpus", "--help"]])
def test_help_loads_no_library_of_numbers(arguments) -> None:
    heavy = {"numpy", "numba", "scipy", "pandas", "pyarrow", "sklearn", "xgboost", "keras", "tensorflow", "matplotlib"}
    assert not loaded_by(*arguments) & heavy


@pytest.fixture
def saved_svm(tmp_path: Path) -> tuple[Path, Path]:
    """A small support vector machine on the MFCCs of noise, and a recording."""
    generator = np.random.default_rng(0)
    config = MfccConfig(recipe="psf")
    clips = [(generator.standard_normal(9000) * level).astype(np.float32) for level in (0.01, 0.3) * 6]
    examples = Examples(
        x=np.stack([extract(clip, config).reshape(-1) for clip in clips]).astype(np.float32), y=np.arange(12) % 2
    )
    model = Svm(ModelSetup(n_classes=2, seed=0, threads=1))
    model.choose(examples, examples)
    card = {"name": "svm", "task": "loudness", "classes": ["soft", "loud"], "mfcc": config.as_dict()}
    save_model(model, tmp_path / "model", card=card)
    soundfile.write(tmp_path / "one.wav", clips[1], 48000)
    return tmp_path / "model", tmp_path / "one.wav"


def test_a_saved_svm_answers_without_what_only_fitting_needs(saved_svm) -> None:
    loaded = loaded_by("predict", *map(str, saved_svm))
    assert {"models.svm", "sklearn.svm"} <= loaded
    assert not loaded & {"sklearnex", "xgboost", "keras", "tensorflow", "matplotlib", "seaborn", "benchmarks.cells"}
    assert not loaded & {"numba", "soundfile", "soxr"}  # those are the second process's


def test_what_does_not_extract_loads_no_compiled_loops() -> None:
    command = "import sys, benchmarks.run, features.cache.entries, features.cache.blocks; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's device that is always full")
def test_what_could_not_be_written_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "benchmarks", "--help"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2 and b"Traceback" not in done.stderr


def test_the_exit_status_is_the_commands() -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks", "nothing"], capture_output=True, text=True)
    assert done.returncode == 2 and "No such command 'nothing'" in done.stderr
