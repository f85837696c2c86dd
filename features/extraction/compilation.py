"""Functions compiled by numba when their module is imported, and kept for the next process.

Compiled code is kept where numba keeps it, in ``__pycache__`` beside the source or in the user's cache folder, under a
name with a hash of the source and of this file. Where nothing can be kept, or what was kept cannot be used, it is
compiled anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

Decorator = Callable[[Callable[..., None]], Any]


def compiler(source: str) -> Callable[..., Decorator]:
    """Return what makes decorators for the functions of a source file: called with their signatures.

    A decorated function runs without the interpreter's lock.

    Parameters
    ----------
    source
        Path of the file that the functions, and all that they call, are written in.
    """
    code = Path(source).read_bytes() + Path(__file__).read_bytes()  # this file holds numba's options
    source_hash = hashlib.blake2b(code, digest_size=6).hexdigest()

    def compiled(*signatures: str) -> Decorator:
        def compile_now(function: Callable[..., None]) -> Any:
            # numba writes its index before the code: an interrupted update could have old code run under the new index
            function.__qualname__ = f"{function.__name__}_{source_hash}"
            try:
                return numba.njit(list(signatures), nogil=True, cache=True)(function)
            except Exception:  # whatever is wrong with the files; what is wrong with the function comes up again
                return numba.njit(list(signatures), nogil=True)(function)

        return compile_now

    return compiled
