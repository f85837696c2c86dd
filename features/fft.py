"""Which library `scipy.fft` lets transform."""

from __future__ import annotations

import functools
import importlib
from typing import Any


@functools.cache
def fft_backend() -> Any:
    """Return the faster backend of `scipy.fft` that the extra ``accel`` brings, or None where it is not installed."""
    try:
        return importlib.import_module("mkl_fft.interfaces.scipy_fft")
    except ImportError:
        return None
