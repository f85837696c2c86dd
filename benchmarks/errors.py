"""What a user can cause and rooms share: errors of one line, and a disk without room."""

from __future__ import annotations

import errno

_FULL = ("No space left on device", "disk is full")  # of libraries that keep no number
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


class RunError(ValueError):
    """A run cannot be made as asked, or not here; the message is for the user."""


class TaskError(ValueError):
    """A task or protocol does not fit the corpus; the message is for the user."""


class LeakError(TaskError):
    """A split shares speakers or copies between its sides; the message is for the user."""


def is_no_room(error: BaseException | None) -> bool:
    """Tell whether an error comes from a disk that is full or cannot be written to."""
    while error is not None:
        if (isinstance(error, OSError) and error.errno in _NO_ROOM) or any(full in str(error) for full in _FULL):
            return True
        error = error.__cause__ or error.__context__
    return False
