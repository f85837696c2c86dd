"""CSV and JSON files of other people, exactly as they are written.

The rows of a CSV file are text, separated by commas, semicolons or tabs, as the header line shows, in UTF-8; lines that
have more or fewer cells than the header are told apart, so that no cell slips into another column. A JSON object that
gives a key twice is not reduced to the last, as `json` does.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from features.corpora.recordings import CorpusError, offenders, printable
from features.files import open_regular, read_text

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What a CSV file says."""

    frame: (
        pd.DataFrame
    )  # the wanted columns that are there, as text, and ``line``: where a row begins (the header is 1)
    faults: list[tuple[str, str]]  # (line, reason) of the lines that are not as the header
    ignored: list[str]  # the other columns
    separator: str  # ``comma``, ``semicolon`` or ``tab``


def read_rows(path: Path, *, needed: Sequence[str], wanted: Sequence[str]) -> Rows:
    """Read a CSV file, with or without a byte-order mark.

    Parameters
    ----------
    needed, wanted
        Columns that must be there; columns to read, among them the needed ones.

    Raises
    ------
    CorpusError
        The file is missing, not UTF-8, no CSV, has a column twice or lacks a needed one.
    """
    text = _text(path)
    separator = _separator(text, needed)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        _check_header(path, header, needed)
        places = {column: header.index(column) for column in wanted if column in header}
        columns, lines, faults = _columns(reader, list(places.values()), len(header))
    except csv.Error as error:
        where = f"line {reader.line_num}: {printable(str(error))}; is a quotation mark missing or too many?"
        raise CorpusError(f"{path}: cannot be read as CSV: {where}") from error
    frame = pd.DataFrame(dict(zip(places, columns, strict=True)), dtype="str").assign(line=lines)
    ignored = [column for column in header if column not in places]
    return Rows(frame=frame, faults=faults, ignored=ignored, separator=SEPARATORS[separator])


def _text(path: Path) -> str:
    try:
        file, _ = open_regular(path)
        with file:
            content = file.readall()
    except FileNotFoundError:
        raise CorpusError(f"{path}: no such manifest; give a CSV file with the columns path and speaker") from None
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read as CSV: {error.strerror}; give a file that can be read") from error
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CorpusError(f"{path}: is UTF-16; save it as UTF-8")
    if b"\0" in content:
        raise CorpusError(f"{path}: has NUL bytes, so it is no text file; save it as CSV in UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        fault = f"line {line} is not UTF-8 (byte 0x{byte:02x}; Latin-1?)"
        raise CorpusError(f"{path}: {fault}; save the file as UTF-8") from error


def _separator(text: str, needed: Sequence[str]) -> str:
    """Return the first separator that finds the needed columns in the header line; the comma if none does."""
    header = text[: text.find("\n") + 1 or None][:65_536].strip()
    for separator in SEPARATORS:
        cells = [cell.strip().strip('"').strip() for cell in header.split(separator)]
        if set(needed) <= set(cells):
            return separator
    return ","


def _check_header(path: Path, header: list[str], needed: Sequence[str]) -> None:
    if not header:
        raise CorpusError(f"{path}: cannot be read as CSV: it is empty; it needs a line of column names")
    names = " and ".join(needed)
    if missing := [column for column in needed if column not in header]:
        raise CorpusError(
            f"{path}: needs the columns {names}; missing {missing}, found {offenders(header, most=20)}; "
            f"name them in the first line"
        )
    if double := sorted({column for column in header if header.count(column) > 1}):
        raise CorpusError(f"{path}: the columns {offenders(double)} are there more than once; keep one of each")


def _columns(reader: Any, places: list[int], width: int) -> tuple[list[list[str]], list[int], list[tuple[str, str]]]:
    """Sort the cells at `places` into columns; a value that comes often is kept once."""
    columns: list[list[str]] = [[] for _ in places]
    lines: list[int] = []
    faults: list[tuple[str, str]] = []
    seen: dict[str, str] = {}
    sorted_cells = list(zip(columns, places, strict=True))
    end = reader.line_num
    for cells in reader:
        line, end = end + 1, reader.line_num
        if not cells:
            continue
        if len(cells) != width:
            faults.append((f"line {line}", f"it has not {width} cells, as the header has; correct the line"))
            continue
        lines.append(line)
        for column, place in sorted_cells:
            column.append(seen.setdefault(cells[place], cells[place]))
    return columns, lines, faults


class Entries(list[tuple[str, Any]]):
    """The entries of a JSON object, in order, whether or not a key comes twice; objects within are of this type too."""


def read_entries(path: Path, what: str) -> Entries:
    """Read a file that holds one JSON object; `what` says of what, for the message.

    Raises
    ------
    CorpusError
        The file cannot be read, is not UTF-8, no JSON, nested too deeply, or no object.
    """
    expected = f"{path}: expected a JSON object {what}"
    try:
        content = json.loads(read_text(path), object_pairs_hook=Entries)
    except OSError as error:
        raise CorpusError(f"{expected}; cannot be opened: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # of encoding, of JSON, or of a number with thousands of digits
        raise CorpusError(f"{expected}; correct the file ({error})") from error
    if not isinstance(content, Entries):
        raise CorpusError(f"{expected}; correct the file")
    return content
