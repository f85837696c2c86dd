"""Every reader of users' files under a fuzzer that its code's coverage leads; see `fuzz_readers`."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.features.readers import READERS

CHECKOUT = Path(__file__).resolve().parents[2]
SECONDS = int(os.environ.get("VOXFOLD_FUZZ_SECONDS", "60"))


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="needs atheris, which there is for Linux")
@pytest.mark.parametrize("reader", READERS)
def test_nothing_but_own_errors_comes_out(reader: str) -> None:
    command = [sys.executable, "-m", "tests.torture.fuzz_readers", reader, str(SECONDS)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]
    found = re.search(r"Done (\d+) runs in \d+ second", done.stderr)
    assert found and int(found[1]) > SECONDS  # it ran: even a manifest takes less than a second
    print(f"{reader}: {found[0]}s, nothing found")
