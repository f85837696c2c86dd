"""A cell, one model on one split with one seed; and its job, all that whoever runs it needs to know.

A job reads no table of the run directory and names no folder of the machine that made it: it carries its split, and its
features by their place below a root that the executor knows. On its way it is a stream of Arrow: the split's rows, with
the rest as JSON in the stream's metadata.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from models.catalogue import display_name
from reports.run_directory import tables

NO_ROOM = 74
"""Exit status of a cell that could not be written: the disk is full, or cannot be written to (EX_IOERR)."""

DESCRIBED = ("recording_id", "speaker", *tables.GROUP_COLUMNS)
"""Columns of the recordings table that a cell's predictions repeat."""

_HEADER = b"job"
_ROWS = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in DESCRIBED),
        pa.field("tensor_row", pa.int64(), nullable=False),
        pa.field("y", pa.int64(), nullable=False),
        pa.field("role", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One model on one split with one training seed.

    Attributes
    ----------
    model
        As the user named it.
    protocol, repetition, fold
        The split.
    seed
        Of the training.
    key
        Hash of all that the cell's result depends on (SHA-256, hexadecimal).
    """

    model: str
    protocol: str
    repetition: int
    fold: int
    seed: int
    key: str = ""

    @property
    def name(self) -> str:
        """Name of the cell's folder."""
        return f"{display_name(self.model)}-{self.protocol}-r{self.repetition}-f{self.fold}-s{self.seed}"

    @property
    def keys(self) -> dict[str, str | int]:
        """The columns that name a cell in every result table."""
        return {**{name: getattr(self, name) for name in tables.CELL_KEYS}, "model": display_name(self.model)}

    @property
    def split(self) -> tuple[str, int, int]:
        """Protocol, repetition and fold."""
        return self.protocol, self.repetition, self.fold


@dataclass(frozen=True, kw_only=True)
class SplitRows:
    """The recordings of one split, sorted by their ids.

    Attributes
    ----------
    recordings
        Their columns `DESCRIBED`.
    tensor_rows
        Their rows in the tensor of the features.
    y
        Their labels, as places among the job's classes.
    role
        ``train``, ``validation`` or ``test``.
    """

    recordings: pd.DataFrame
    tensor_rows: NDArray[np.int64]
    y: NDArray[np.int64]
    role: NDArray[Any]

    def where(self, *roles: str) -> NDArray[np.int64]:
        """Positions of the recordings that have one of `roles`."""
        return np.flatnonzero(np.isin(self.role, roles))

    def take(self, places: NDArray[np.int64]) -> SplitRows:
        """Return the recordings at `places` alone."""
        return SplitRows(
            recordings=self.recordings.iloc[places].reset_index(drop=True),
            tensor_rows=self.tensor_rows[places],
            y=self.y[places],
            role=self.role[places],
        )


@dataclass(frozen=True, kw_only=True)
class CellJob:
    """All that whoever runs a cell is told.

    Attributes
    ----------
    cell
        Which cell.
    split
        Its recordings.
    features
        The entry of the feature cache, relative to the cache.
    classes
        Labels, in the order of the scores.
    threads, contended
        Threads the model may use; whether other cells run at the same time.
    refit, save
        Whether to refit on training and validation; whether to keep the model.
    versions, source
        What the run was made with (`benchmarks.provenance`); the cell must be made with the same.
    card
        What a saved model's card says of task and MFCCs.
    """

    cell: Cell
    split: SplitRows
    features: str
    classes: tuple[str, ...]
    threads: int
    contended: bool
    refit: bool
    save: bool
    versions: dict[str, str]
    source: str
    card: dict[str, Any]

    def to_bytes(self) -> bytes:
        """Write the job for `from_bytes`."""
        told = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "split"}
        split = self.split
        frame = split.recordings.assign(tensor_row=split.tensor_rows, y=split.y, role=split.role)
        rows = pa.Table.from_pandas(frame, schema=_ROWS, preserve_index=False)
        rows = rows.replace_schema_metadata({_HEADER: json.dumps({**told, "cell": dataclasses.asdict(self.cell)})})
        written = pa.BufferOutputStream()
        with pa.ipc.new_stream(written, rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
            stream.write_table(rows)
        content: bytes = written.getvalue().to_pybytes()
        return content

    @classmethod
    def from_bytes(cls, content: bytes) -> CellJob:
        """Read a job that `to_bytes` has written."""
        with pa.ipc.open_stream(content) as stream:
            rows = stream.read_all()
        told = json.loads(rows.schema.metadata[_HEADER])
        frame = rows.replace_schema_metadata().to_pandas()
        split = SplitRows(
            recordings=frame[list(DESCRIBED)],
            tensor_rows=frame["tensor_row"].to_numpy(),
            y=frame["y"].to_numpy(),
            role=frame["role"].to_numpy(dtype=object),
        )
        return cls(**{**told, "cell": Cell(**told["cell"]), "classes": tuple(told["classes"]), "split": split})
