"""What a result depends on besides its settings: versions, source, commit, machine."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGES = (
    *("numpy", "scipy", "pandas", "pyarrow", "python_speech_features", "soundfile", "soxr", "scikit-learn"),
    *("scikit-learn-intelex", "xgboost", "xgboost-cpu", "keras", "tensorflow", "tensorflow-cpu", "torch", "jax"),
    "espeakng-loader",
)


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that results depend on."""
    installed = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed


@cache
def source_hash() -> str:
    """Hash of the source of ``features`` and ``models`` (SHA-256, hexadecimal)."""
    digest = hashlib.sha256()
    for room in ("features", "models"):
        for path in sorted((CHECKOUT / room).rglob("*.py")):
            digest.update(path.relative_to(CHECKOUT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def commit() -> str | None:
    """Commit of the checkout, with ``+changes`` where the tree differs from it; None outside one."""
    if not (CHECKOUT / ".git").exists():
        return None
    try:
        head = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head}+changes" if changed else head


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(CHECKOUT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def machine() -> dict[str, str | int]:
    """Describe the processor, its cores, the memory (bytes) and the system."""
    return {
        "processor": _processor(),
        "cores": psutil.cpu_count() or 0,
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.machine()}",
    }


def machine_name() -> str:
    """Name the machine in a few words: its processor and cores."""
    return "{processor}, {cores} cores".format(**machine())


def load_average() -> float:
    """Return how many processes wanted a core, on average over the last minute; NaN where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def _processor() -> str:
    """Name the processor; with family and model, since several generations share a name, and differ in speed."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name = said.get("model name") or platform.processor() or platform.machine()
    generation = [f"{word} {said[key]}" for word, key in (("family", "cpu family"), ("model", "model")) if key in said]
    return f"{name}, {' '.join(generation)}" if generation else name
