"""A cell, one model on one split with one seed; and its job, all that whoever runs it needs to know.

A job reads no table of the run directory and names no folder of the machine that made it: it carries its split, and its
features by their place below a root that the executor knows. On its way it is a stream of Arrow: the split's rows, with
the rest as JSON in the stream's metadata.
"""

from __future__ import annotations

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
        *(pa.field(name, pa.int64(), nullable=False) for name in ("tensor_row", "y")),
        pa.field("role", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One model, as the user named it, on one split (protocol, repetition, fold) with one training seed.

    `key` is a hash of all that the cell's result depends on (SHA-256, hexadecimal).
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


def places(split: pd.DataFrame, *roles: str) -> NDArray[np.int64]:
    """Return the places of the recordings of a job's split that have one of `roles`."""
    return np.flatnonzero(split["role"].isin(roles))


@dataclass(frozen=True, kw_only=True)
class CellJob:
    """All that whoever runs a cell is told.

    Attributes
    ----------
    split
        Its recordings, sorted by their ids: columns `DESCRIBED`; ``tensor_row``, the row in the tensor of the features;
        ``y``, the label as a place among `classes`; ``role``.
    features
        The entry of the feature cache, relative to the cache.
    classes
        Labels, in the order of the scores.
    contended
        Whether other cells run at the same time.
    refit, save
        Whether to refit on training and validation; whether to keep the model.
    versions, source
        What the run was made with (`benchmarks.provenance`); the cell must be made with the same.
    card
        What a saved model's card says of task and MFCCs.
    """

    cell: Cell
    split: pd.DataFrame
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
        told = {name: value for name, value in vars(self).items() if name != "split"}
        rows = pa.Table.from_pandas(self.split, schema=_ROWS, preserve_index=False)
        rows = rows.replace_schema_metadata({_HEADER: json.dumps({**told, "cell": vars(self.cell)})})
        written = pa.BufferOutputStream()
        with pa.ipc.new_stream(written, rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
            stream.write_table(rows)
        return bytes(written.getvalue())

    @classmethod
    def from_bytes(cls, content: bytes) -> CellJob:
        """Read a job that `to_bytes` has written."""
        with pa.ipc.open_stream(content) as stream:
            rows = stream.read_all()
        told = json.loads(rows.schema.metadata[_HEADER])
        told |= {"cell": Cell(**told["cell"]), "classes": tuple(told["classes"])}
        return cls(**told, split=rows.replace_schema_metadata().to_pandas())
