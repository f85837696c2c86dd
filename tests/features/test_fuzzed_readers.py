"""Files that began as whole ones and were cut, mixed and overwritten: nothing but the project's own errors comes out.

The same examples at every run; `tests/torture/fuzz_readers.py` looks for new ones.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.features.readers import READERS, prepare, seeds, tried

NUMBERS = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
WORDS = [
    *(struct.pack(form, number & mask) for number in NUMBERS for form, mask in (("<I", 2**32 - 1), ("<H", 2**16 - 1))),
    *(b"data", b"fmt ", b"LIST", b"ds64", b"RF64", b"\xff\xd8", b"\xff\xc0", b"\xff\xe1"),
    *(b'"', b"\n", b"\r", b",", b";", b"\t", b"..", b"/", b"\0", b"\xff", b"\\ud800", b"NaN", b"[", b"{", b"}", b":"),
]
CHANGES = st.lists(
    st.tuples(st.sampled_from(["over", "insert", "drop", "copy", "cut"]), st.floats(0, 1), st.sampled_from(WORDS)),
    min_size=1,
    max_size=6,
)


def changed(content: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    """Apply changes, each at a share of the length; most faults lie in the first part of a file."""
    for kind, share, word in changes:
        at = int(share**2 * len(content))
        if kind == "over":
            content = content[:at] + word + content[at + len(word) :]
        elif kind == "insert":
            content = content[:at] + word + content[at:]
        elif kind == "drop":
            content = content[:at] + content[at + len(word) :]
        elif kind == "copy":
            content = content[:at] + content[at // 2 : at] + content[at:]
        else:
            content = content[: len(content) - at]
    return content


@pytest.mark.parametrize("reader", READERS)
def test_whole_files_are_read_or_refused(tmp_path: Path, reader: str) -> None:
    prepare(tmp_path)
    complaints = [tried(reader, tmp_path, seed) for seed in seeds(reader)]
    assert complaints[0] is None


@pytest.mark.parametrize("reader", READERS)
def test_changed_files_are_read_or_refused(tmp_path: Path, reader: str) -> None:
    prepare(tmp_path)
    whole = seeds(reader)

    @settings(max_examples=250, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(seed=st.sampled_from(whole), changes=CHANGES)
    def check(seed: bytes, changes: list[tuple[str, float, bytes]]) -> None:
        tried(reader, tmp_path, changed(seed, changes))

    check()
