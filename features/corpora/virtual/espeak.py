"""eSpeak NG, the speech synthesiser of the package espeakng-loader, called through ctypes.

Its library keeps its state for the whole process: the same word gives other samples the second time. Who wants the same
bytes again starts a fresh process, gives the same seed (by default it is the time) and says the same words in the same
order.
The functions and numbers here are those of eSpeak NG's ``speak_lib.h``, version 1.52. Nothing else of the project is
imported, so that a process that only speaks starts fast.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_UTF8 = 1
_PARAMETERS = {"rate": 1, "volume": 2, "pitch": 3, "range": 4}

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class EspeakError(RuntimeError):
    """ESpeak NG is not installed or has refused something; the message is for the user."""


class Espeak:
    """The synthesiser of this process. Making one changes the working directory to the voice data's folder.

    Parameters
    ----------
    seed
        Of the noise in breathy voices, 0 to 2**31 - 1.

    Attributes
    ----------
    sample_rate_hz
        The rate of everything it says: 22,050.
    """

    def __init__(self, seed: int) -> None:
        try:
            import espeakng_loader
        except ImportError as error:
            raise EspeakError("the package espeakng-loader is not installed") from error
        self._chunks: list[NDArray[np.int16]] = []
        self._keep = _Callback(self._collect)  # the library holds only a bare pointer to it
        try:
            self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise EspeakError(f"eSpeak NG's library cannot be loaded: {error}") from error
        # eSpeak cuts the path of its data off at 160 characters, so it gets a relative one
        os.chdir(Path(espeakng_loader.get_data_path()).parent)
        self.sample_rate_hz = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, b".", _DO_NOT_EXIT))
        if self.sample_rate_hz <= 0:
            raise EspeakError(f"eSpeak NG did not start (code {self.sample_rate_hz}); install espeakng-loader again")
        self._library.espeak_SetSynthCallback(self._keep)
        _check_code(self._library.espeak_ng_SetRandSeed(ctypes.c_long(seed)), f"seed {seed}")

    def set_voice(self, language: str, variant: str) -> None:
        """Speak as `variant` in `language` from now on.

        Raises
        ------
        EspeakError
            There is no such language, or it takes no variant.
        """
        voice = f"{language}+{variant}"
        _check_code(self._library.espeak_SetVoiceByName(voice.encode()), f"voice '{voice}'")

    def set(self, **values: int) -> None:
        """Set ``rate`` (words per minute), ``volume`` (100 is normal), ``pitch`` or ``range`` (0 to 99, normal 50)."""
        for name, value in values.items():
            _check_code(self._library.espeak_SetParameter(_PARAMETERS[name], int(value), 0), f"{name} {value}")

    def say(self, text: str) -> NDArray[np.int16]:
        """Return `text` spoken, shape ``(n_samples,)``, with the silence that eSpeak puts around it."""
        self._chunks.clear()
        utf8 = text.encode() + b"\0"
        code = self._library.espeak_Synth(utf8, ctypes.c_size_t(len(utf8)), 0, 0, 0, _UTF8, None, None)
        _check_code(code, f"text '{text}'")
        _check_code(self._library.espeak_Synchronize(), f"text '{text}'")
        if not self._chunks:
            raise EspeakError(f"eSpeak NG said nothing for '{text}'")
        return np.concatenate(self._chunks)

    def _collect(self, samples: ctypes._Pointer[ctypes.c_short], n_samples: int, _events: int | None) -> int:
        if samples and n_samples > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (n_samples,)).copy())
        return 0


def _check_code(code: int, what: str) -> None:
    if code:
        raise EspeakError(f"eSpeak NG refused {what} (code {code})")
