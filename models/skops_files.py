"""Reading and writing fitted scikit-learn estimators with skops: data only, no code runs when a file is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.protocol import ModelFileError

TRUSTED_TYPES: tuple[str, ...] = ()
"""Types a file may hold beyond those of scikit-learn, NumPy and Python that skops knows to be harmless."""


def dump(content: dict[str, Any], path: Path) -> None:
    """Write `content` to `path`."""
    import skops.io

    skops.io.dump(content, path)


def load(path: Path) -> dict[str, Any]:
    """Read what `dump` has written.

    Raises
    ------
    ModelFileError
        The file is no skops file, or holds a type that is not trusted.
    """
    import skops.io

    try:
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES))
        if unknown:
            raise ModelFileError(f"{path.name}: holds types that are not trusted: {', '.join(unknown[:5])}")
        content: dict[str, Any] = skops.io.load(path, trusted=list(TRUSTED_TYPES))
    except ModelFileError:
        raise
    except Exception as error:  # skops raises many kinds for files that are not its own
        raise ModelFileError(f"{path.name}: not a model file that skops can read ({_first_line(error)})") from error
    return content


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
