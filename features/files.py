"""Files of other people: opened only if they are files, read as text, hashed.

A named pipe would keep its reader waiting for ever, and a device need never end.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from pathlib import Path

WHOLE_BYTES = 2**20
"""Files up to this size are read at once to be hashed, which is quicker; larger ones piece by piece."""

_WITHOUT_WAITING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: str | Path) -> tuple[io.FileIO, int]:
    """Open a file for reading, unbuffered; return it and its size in bytes.

    Raises
    ------
    OSError
        There is no such file, it may not be read, or it is a folder, a named pipe or a device.
    """
    try:
        number = os.open(path, _WITHOUT_WAITING)
    except ValueError as error:  # a NUL or half a surrogate pair in the name
        raise OSError(errno.EINVAL, f"no possible file name ({error})") from error
    try:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            folder = stat.S_ISDIR(status.st_mode)
            raise OSError(errno.EINVAL, "a folder, not a file" if folder else "a named pipe or device, not a file")
        return io.FileIO(number), status.st_size
    except BaseException:
        os.close(number)
        raise


def read_text(path: Path) -> str:
    """Read a file as UTF-8, with or without a byte-order mark.

    Raises
    ------
    OSError
        As `open_regular`.
    UnicodeDecodeError
        The file is in another encoding.
    """
    file, _ = open_regular(path)
    with file:
        return file.readall().decode("utf-8-sig")


def is_text(text: str) -> bool:
    """Tell whether `text` can be written as UTF-8; half a surrogate pair can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def sha256(path: str | Path) -> str:
    """Hash a file (SHA-256, hexadecimal), in bounded memory.

    Raises
    ------
    OSError
        As `open_regular`.
    """
    file, n_bytes = open_regular(path)
    with file:
        if n_bytes <= WHOLE_BYTES:
            return hashlib.sha256(file.readall()).hexdigest()
        return hashlib.file_digest(file, "sha256").hexdigest()
