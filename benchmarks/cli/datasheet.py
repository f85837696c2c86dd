"""The counts in DATASHEET.md: blocks of Markdown that are computed from a corpus' metadata, never typed.

A block stands between ``<!-- counts: NAME -->`` and ``<!-- end counts -->``. Buckets and age bands are those of a run,
made by the same functions. Counts are of speakers, not of recordings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from features.corpora.audiomnist_metadata import read_metadata
from features.corpora.recordings import CorpusError, cleaned_values, recordings_table
from features.corpora.virtual.speakers import ACCENTS
from reports.text.markdown import table

BLOCK = re.compile(
    r"(?P<start><!-- counts: (?P<name>[^>]*?) -->\n)(?P<body>.*?)(?P<end><!-- end counts -->)", re.DOTALL
)
MARK = re.compile(r"<!-- (?:counts:|end counts)")
GENDERS = {"female": "women", "male": "men"}
COUNTED = ("speakers", *GENDERS.values(), "ids")
MOST_IDS = 3
"""Values of at most so many speakers are listed with their ids."""


class DatasheetError(CorpusError):
    """A datasheet's blocks or the metadata are not as expected; the message is for the user."""


def speakers_table(metadata_path: Path) -> pd.DataFrame:
    """Read the speakers of AudioMNIST's metadata: one row per speaker, columns of the recordings table.

    Raises
    ------
    CorpusError
        The metadata is missing or malformed.
    """
    speakers = read_metadata(metadata_path)
    if speakers.faulty:
        raise DatasheetError(f"{metadata_path}: {speakers.notes[0]}")
    # each speaker stands as one recording, so that buckets and bands are those of a run on all of them
    rows = [{"recording_id": name, "path": name, "speaker": name, **entry} for name, entry in speakers.labels.items()]
    if not rows:
        raise DatasheetError(f"{metadata_path}: no speaker in it")
    return recordings_table(rows)


def recount(text: str, speakers: pd.DataFrame) -> str:
    """Return `text`, a datasheet, with the body of every block computed from `speakers`.

    Raises
    ------
    DatasheetError
        There is no block, a block has no end, or its name is unknown.
    """
    _check_marks(text)
    return BLOCK.sub(lambda match: match["start"] + _body(match["name"], speakers) + match["end"], text)


def differing_blocks(text: str, speakers: pd.DataFrame) -> list[str]:
    """Name the blocks of `text` that are not as `recount` would write them, in their order."""
    _check_marks(text)
    return [match["name"] for match in BLOCK.finditer(text) if match["body"] != _body(match["name"], speakers)]


def _check_marks(text: str) -> None:
    blocks = list(BLOCK.finditer(text))
    if not blocks:
        raise DatasheetError("no block '<!-- counts: NAME -->' in this file; is it the datasheet?")
    marks = len(MARK.findall(text))
    if marks != 2 * len(blocks) or any(MARK.search(match["body"]) for match in blocks):
        raise DatasheetError("a block is not closed: every '<!-- counts: NAME -->' needs its own '<!-- end counts -->'")
    unknown = [match["name"] for match in blocks if match["name"] not in BLOCKS]
    if unknown:
        raise DatasheetError(f"block '{unknown[0]}' is unknown; expected one of {', '.join(BLOCKS)}")


def _body(name: str, speakers: pd.DataFrame) -> str:
    return "\n" + "\n".join(BLOCKS[name](speakers)) + "\n\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Write a Markdown table; columns whose name is a count are right-aligned."""
    cells = [[str(cell).replace("|", chr(92) + "|") for cell in row] for row in rows]
    yield table(header, cells, numbers=("speakers", *GENDERS.values()))


def _groups(speakers: pd.DataFrame, values: pd.Series, *, by_value: bool = False) -> list[tuple[str, pd.DataFrame]]:
    """Group speakers by value, the largest group first unless `by_value`; missing values stand last."""
    groups = [(str(value), rows) for value, rows in speakers.groupby(values.to_numpy(), dropna=True)]
    groups.sort(key=lambda group: (0 if by_value else -len(group[1]), group[0]))
    missing = speakers[values.isna().to_numpy()]
    return [*groups, *([("missing", missing)] if len(missing) else [])]


def _genders(rows: pd.DataFrame) -> list[int]:
    return [int((rows["gender"] == gender).sum()) for gender in GENDERS]


def _ids(rows: pd.DataFrame, most: int = MOST_IDS) -> str:
    return ", ".join(sorted(rows["speaker"])) if len(rows) <= most else ""


def _counted(rows: pd.DataFrame) -> list[object]:
    """Count the speakers of a row; `COUNTED` names these columns."""
    return [len(rows), *_genders(rows), _ids(rows)]


def _gender(speakers: pd.DataFrame) -> Iterator[str]:
    groups = _groups(speakers, speakers["gender"])
    sizes = ", ".join(f"{len(rows)} {GENDERS.get(gender, gender)}" for gender, rows in groups)
    women = speakers[speakers["gender"] == "female"]
    yield f"{len(speakers)} speakers: {sizes}. The women are {_ids(women, len(women))}."


def _counts(column: str, header: str, bucket: str | None = None) -> Callable[[pd.DataFrame], Iterator[str]]:
    """Make the block of one attribute: speakers, women, men, and ids where they are few."""

    def block(speakers: pd.DataFrame) -> Iterator[str]:
        rows = [
            [value, *([same[bucket].fillna("missing").iloc[0]] if bucket else []), *_counted(same)]
            for value, same in _groups(speakers, speakers[column])
        ]
        return _table([header, *([f"{header} bucket"] if bucket else []), *COUNTED], rows)

    return block


def _age(speakers: pd.DataFrame) -> Iterator[str]:
    youngest = speakers.groupby("age_band")["age"].min().sort_values()
    rows = [[band, *_counted(speakers[speakers["age_band"] == band])] for band in youngest.index]
    missing = ["missing", *_counted(speakers[speakers["age"].isna()])]
    yield from _table(["age in years", *COUNTED], [*rows, missing])
    ages = speakers["age"].dropna()
    if ages.empty:
        return
    each = ", ".join(f"{age} ({count})" for age, count in ages.value_counts().sort_index().items())
    yield f"\nFrom {ages.min()} to {ages.max()}, median {ages.median():g}. Age (speakers): {each}."


def _origin(speakers: pd.DataFrame) -> Iterator[str]:
    country = speakers["origin"].str.extract(r"^[^,]*,([^,]*)", expand=False).str.strip()
    return _counts("country", "country", "origin_bucket")(speakers.assign(country=country))


def _month(speakers: pd.DataFrame) -> Iterator[str]:
    try:
        month = pd.to_datetime(speakers["recorded_on"], format="%y-%m-%d-%H-%M-%S").dt.strftime("%Y-%m")
    except ValueError as error:
        raise DatasheetError(
            f"recordingdate: expected year-month-day-hour-minute-second in two digits ({error})"
        ) from error
    rows = [[value, *_counted(rows)] for value, rows in _groups(speakers, month, by_value=True)]
    return _table(["month", *COUNTED], rows)


def _confounding(column: str, header: str) -> Callable[[pd.DataFrame], Iterator[str]]:
    """Make the block that sets an attribute against gender: counts, and shares of all women and all men."""

    def block(speakers: pd.DataFrame) -> Iterator[str]:
        totals = _genders(speakers)
        rows = [
            [value, *(_share(count, total) for count, total in zip(_genders(rows), totals, strict=True))]
            for value, rows in _groups(speakers, speakers[column])
        ]
        return _table([header, *GENDERS.values()], rows)

    return block


def _share(count: int, total: int) -> str:
    return f"{count} of {total} ({100 * count / total:.0f} %)" if total else f"{count} of 0"


def _cleaned(speakers: pd.DataFrame) -> Iterator[str]:
    changes = [
        [column.replace("_", " "), f"`{before}`", after, len(rows), _ids(rows)]
        for column, before, after, rows in cleaned_values(speakers)
    ]
    return _table(["attribute", "raw value", "read as", "speakers", "ids"], changes)


def _virtual_accents(_: pd.DataFrame) -> Iterator[str]:
    """Count the cast of the embedded corpus; it is no one's metadata."""
    rows = [
        [accent.label, f"`{accent.language}`", accent.n_women + accent.n_men, accent.n_women, accent.n_men]
        for accent in ACCENTS
    ]
    women, men = sum(accent.n_women for accent in ACCENTS), sum(accent.n_men for accent in ACCENTS)
    yield from _table(["accent", "eSpeak voice", "speakers", *GENDERS.values()], rows)
    yield f"\n{women + men} speakers: {women} with a woman's voice, {men} with a man's."


BLOCKS: dict[str, Callable[[pd.DataFrame], Iterator[str]]] = {
    "gender": _gender,
    "accent": _counts("accent", "accent", "accent_bucket"),
    "native speaker": _counts("native_speaker", "native speaker of English"),
    "age": _age,
    "origin": _origin,
    "room": _counts("room", "room"),
    "month": _month,
    "gender x accent": _confounding("accent_bucket", "accent bucket"),
    "gender x room": _confounding("room", "room"),
    "cleaned": _cleaned,
    "virtual accents": _virtual_accents,
}
"""What each block says, by its name."""
