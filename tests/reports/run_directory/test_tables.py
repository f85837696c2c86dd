"""Tables that are not as declared, written by Arrow itself as another program would write them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reports.run_directory import tables
from reports.run_directory.files import TableError


def written(folder: Path, recording: pa.Array) -> Path:
    reason = pa.array(["cut short"] * len(recording))
    pq.write_table(pa.table({"recording": recording, "reason": reason}), folder / "quarantine.parquet")
    return folder


def not_utf8() -> pa.Array:
    whole = pa.array([b"good", b"caf\xe9"])
    return pa.Array.from_buffers(pa.string(), 2, whole.buffers())


def test_text_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"quarantine\.parquet cannot be read"):
        tables.read("quarantine", written(tmp_path, not_utf8()))


@pytest.mark.parametrize(
    "recording",
    [
        pa.array([{"name": "a"}, {"name": "b"}]),
        pa.array([["a"], ["b", "c"]]),
        pa.array([1, 2]),
        pa.array(["a", None]),
        pa.array([b"\x00", b"\xff"]),
    ],
    ids=["struct", "list", "integer", "missing", "binary"],
)
def test_columns_of_another_kind_are_refused(tmp_path: Path, recording: pa.Array) -> None:
    with pytest.raises(TableError, match="quarantine"):
        tables.read("quarantine", written(tmp_path, recording))


@pytest.mark.parametrize(
    "recording",
    [pa.array(["a", "b"]).dictionary_encode(), pa.array(["a", "b"], pa.large_string())],
    ids=["dictionary", "large"],
)
def test_text_stored_in_another_way_is_the_same_text(tmp_path: Path, recording: pa.Array) -> None:
    assert tables.read("quarantine", written(tmp_path, recording))["recording"].tolist() == ["a", "b"]
