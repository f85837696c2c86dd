"""Zip archives of model files, looked at before a library opens them.

skops and Keras store their members as they are, so that an archive cannot hold more bytes than its own size: what is
compressed, told to be larger, encrypted, named twice, or not named as these libraries name it, is somebody else's.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.protocol import ModelFileError

MAX_JSON_BYTES = 50_000_000
"""Size of a description inside an archive; those of the largest models of this project have 0.1 MB."""


def read_description(path: Path, member: str, others: str) -> Any:
    """Check the archive `path` and return its JSON member.

    Parameters
    ----------
    path
        A file of skops or Keras.
    member
        Name of the JSON file in it.
    others
        Regular expression of the names of all other members.

    Raises
    ------
    ModelFileError
        It is no such archive, or not one that the library has written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            why_not = _why_not(archive.infolist(), re.compile(f"{re.escape(member)}|{others}"), path.stat().st_size)
            if why_not:
                raise ModelFileError(f"{path.name}: {why_not}")
            return json.loads(archive.read(member))
    except ModelFileError:
        raise
    except Exception as error:  # damaged archives and descriptions raise many kinds, RecursionError among them
        raise ModelFileError(f"{path.name}: not a model file, or a damaged one ({type(error).__name__})") from error


def parts_of(description: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a description, however deep."""
    waiting = [description]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _why_not(members: list[zipfile.ZipInfo], known: re.Pattern[str], n_bytes: int) -> str | None:
    """Say what no library has written; None where all is as it must be."""
    names = [member.filename for member in members]
    strange = [name for name in names if not known.fullmatch(name)]
    if strange:
        return f"holds files that a model has not: {', '.join(map(repr, strange[:3]))}"
    if len(set(names)) < len(names):
        return "holds two files of one name"
    packed = [m for m in members if m.compress_type != zipfile.ZIP_STORED or m.compress_size != m.file_size]
    if packed or any(member.flag_bits & 1 for member in members):
        return "its parts are compressed or encrypted, which model files are not"
    if sum(member.file_size for member in members) > n_bytes:
        return "its parts are larger than the file itself"
    if any(member.file_size > MAX_JSON_BYTES for member in members if member.filename.endswith(".json")):
        return "its description is larger than that of any model"
    return None
