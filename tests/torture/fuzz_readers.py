"""Fuzz one reader, led by the coverage of its code: ``python -m tests.torture.fuzz_readers READER SECONDS``.

Prints how many inputs were tried. A finding ends it with a traceback, a status other than 0, and the input, which is
kept in the folder that is named. Needs atheris, which there is for Linux.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["features", "PIL.JpegImagePlugin", "PIL.TiffImagePlugin", "PIL.MpoImagePlugin"]
):
    from tests.features.readers import READERS, TOKENS, prepare, seeds, tried

LONGEST_BYTES = 4_096
MOST_MB = 1_000
MOST_CPU_SECONDS = 10
MOST_SECONDS = 120  # on a busy machine a process may be kept waiting


def main() -> None:
    """Fuzz the reader that the command line names."""
    reader, seconds = sys.argv[1], int(sys.argv[2])
    if reader not in READERS:
        raise SystemExit(f"reader '{reader}': expected one of {', '.join(READERS)}")
    memory = Path("/dev/shm")  # a file is written for each input
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{reader}-", dir=memory if memory.is_dir() else None))
    for name in ("begun", "found", "work"):
        (folder / name).mkdir()
    for number, seed in enumerate(seeds(reader)):
        (folder / "begun" / str(number)).write_bytes(seed)
    quoted = ("".join(f"\\x{byte:02x}" for byte in token) for token in TOKENS)
    (folder / "tokens").write_text("".join(f'"{token}"\n' for token in quoted))
    prepare(folder / "work")
    raised: list[object] = []
    sys.unraisablehook = raised.append  # errors in libsndfile's calls of a stream

    def one(content: bytes) -> None:
        started = time.process_time()
        tried(reader, folder / "work", content)
        assert not raised, raised
        assert time.process_time() - started < MOST_CPU_SECONDS, "an input that takes too long"

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_BYTES}",
        "-len_control=0",
        f"-rss_limit_mb={MOST_MB}",
        f"-timeout={MOST_SECONDS}",
        f"-artifact_prefix={folder / 'found'}/",
        f"-dict={folder / 'tokens'}",
        "-seed=1",
        str(folder / "begun"),
    ]
    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
