"""JSON objects as they are written: an object that gives a key twice is not reduced to the last, as json does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from features.corpora.recordings import CorpusError
from features.regular_files import read_text


class Entries(list[tuple[str, Any]]):
    """The entries of a JSON object, in order, whether or not a key comes twice; objects within are of this type too."""


def read_entries(path: Path, what: str) -> Entries:
    """Read a file that holds one JSON object; `what` says of what, for the message.

    Raises
    ------
    CorpusError
        The file cannot be read, is not UTF-8, no JSON, nested too deeply, or no object.
    """
    try:
        content = json.loads(read_text(path), object_pairs_hook=Entries)
    except OSError as error:
        raise CorpusError(f"{path}: expected a JSON object {what}; cannot be opened: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # of encoding, of JSON, or of a number with thousands of digits
        raise CorpusError(f"{path}: expected a JSON object {what}; correct the file ({error})") from error
    if not isinstance(content, Entries):
        raise CorpusError(f"{path}: expected a JSON object {what}; correct the file")
    return content


def is_text(text: str) -> bool:
    """Say whether `text` can be written as UTF-8; half a surrogate pair can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
