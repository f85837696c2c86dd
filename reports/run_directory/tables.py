"""The tables of a run directory: their columns, their checks, reading and writing.

Every table is declared here once, as an Arrow schema; it is checked when it is written and when it is read.
``recordings.parquet`` repeats the columns of the recordings table of `features` (a test holds the two together).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from reports.run_directory.files import ChangedTableError, TableError, replacing

GROUP_COLUMNS = ("gender", "accent", "accent_bucket", "native_speaker", "age_band", "origin_bucket", "room")
"""Attributes of a speaker that results are disaggregated by."""

MAX_ROWS = 100_000_000
"""Rows of a table; a file of a few bytes can say that it has more than any memory holds."""

CELL_KEYS = ("model", "protocol", "repetition", "fold", "seed")


def _present(**types: pa.DataType) -> list[pa.Field]:
    """Return columns in which no value may be missing."""
    return [pa.field(name, kind, nullable=False) for name, kind in types.items()]


_TEXT, _WHOLE = pa.string(), pa.int64()
_CELL_FIELDS = _present(model=_TEXT, protocol=_TEXT, repetition=_WHOLE, fold=_WHOLE, seed=_WHOLE)

_RECORDINGS = (
    *("recording_id", "path", "speaker", "digit", "take", "gender", "gender_raw", "accent", "accent_raw"),
    *("accent_bucket", "native_speaker", "native_speaker_raw", "age", "age_raw", "age_band", "origin", "origin_raw"),
    *("origin_bucket", "room", "room_raw", "recorded_on", "sample_rate_hz", "n_samples", "content_hash"),
)
_WHOLE_NUMBERS = ("digit", "take", "age", "sample_rate_hz", "n_samples")

SCHEMAS: dict[str, pa.Schema] = {
    "recordings": pa.schema(
        pa.field(name, _WHOLE if name in _WHOLE_NUMBERS else _TEXT, nullable=name not in _RECORDINGS[:3])
        for name in _RECORDINGS
    ),
    "quarantine": pa.schema(_present(recording=_TEXT, reason=_TEXT)),
    "folds": pa.schema(  # role is one of `reports.terms.ROLES`
        _present(protocol=_TEXT, recording_id=_TEXT, repetition=_WHOLE, fold=_WHOLE, role=_TEXT)
    ),
    "predictions": pa.schema(
        [
            *_CELL_FIELDS,
            *_present(recording_id=_TEXT, speaker=_TEXT, y_true=_TEXT, y_pred=_TEXT),
            *_present(scores=pa.list_(pa.float32())),  # in the order of manifest["classes"]
            *[pa.field(name, _TEXT) for name in GROUP_COLUMNS],
        ]
    ),
    "timings": pa.schema(
        [
            *_CELL_FIELDS,  # phase extract belongs to no cell: model "features", protocol "", the numbers 0
            # extract, import, fit, select, first-call, predict-batch, predict-one; or process, how long the cell's
            # process lived, all others in it: it counts in no cost
            *_present(phase=_TEXT, n_recordings=_WHOLE, seconds=pa.float64(), peak_rss_bytes=_WHOLE),
            *_present(threads=_WHOLE, contended=pa.bool_()),
            *_present(machine=_TEXT),  # a short name; the manifest's cells.machines says more
            pa.field("load", pa.float64()),  # average of the minute before the cell began
        ]
    ),
}


def check_table(table: pd.DataFrame, name: str) -> pa.Table:
    """Return `table` as an Arrow table with the declared columns of table `name`, in their order.

    Raises
    ------
    TableError
        A column is missing or unknown, has another type, or has a missing value where none is allowed.
    """
    schema = SCHEMAS[name]
    missing = [column for column in schema.names if column not in table.columns]
    unknown = [str(column) for column in table.columns if column not in schema.names]
    if missing or unknown:
        raise TableError(
            f"table '{name}': missing columns {missing}, unknown columns {unknown}; expected {schema.names}"
        )
    for field in schema:
        if not field.nullable and table[field.name].isna().any():
            raise TableError(f"table '{name}': column '{field.name}' has missing values and must not")
    try:
        return pa.Table.from_pandas(table[schema.names], schema=schema, preserve_index=False).replace_schema_metadata()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TableError(f"table '{name}': {error}") from error


def write(table: pd.DataFrame, name: str, folder: Path) -> Path:
    """Check `table` and write it to ``folder/<name>.parquet``, whole or not at all."""
    path = folder / f"{name}.parquet"
    with replacing(path) as temporary, temporary.open("wb") as file:  # Arrow opens no name that is not UTF-8
        pq.write_table(check_table(table, name), file, compression="zstd")
    return path


def read(name: str, folder: Path, *, sha256: str | None = None) -> pd.DataFrame:
    """Read and check ``folder/<name>.parquet``, whose checksum must be `sha256` (hexadecimal) where that is known.

    Raises
    ------
    TableError
        The file is missing, unreadable, or not as declared; `ChangedTableError` where its checksum is another.
    """
    path = folder / f"{name}.parquet"
    try:
        content = path.read_bytes()
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise ChangedTableError(
                f"{path.name} changed since the run wrote it (checksum); run the benchmark again, which makes it anew"
            )
        frame = _frame(content)
    except ChangedTableError:
        raise
    except FileNotFoundError:
        raise TableError(f"{path.name} is missing in this run directory; run the benchmark again") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise TableError(f"{path.name} cannot be read ({error}); run the benchmark again") from error
    check_table(frame, name)
    return frame


def _frame(content: bytes) -> pd.DataFrame:
    """Read a file of at most `MAX_ROWS`, every text of which is text, whatever it says of pandas' index."""
    with pq.ParquetFile(pa.BufferReader(content)) as file:
        if file.metadata.num_rows > MAX_ROWS:
            raise ValueError(f"{file.metadata.num_rows:,} rows, more than {MAX_ROWS:,}")
        table = file.read().replace_schema_metadata()
    table.validate(full=True)
    frame: pd.DataFrame = table.to_pandas()
    return frame
